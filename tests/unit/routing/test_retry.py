from __future__ import annotations

import pytest

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.health import Aside, StateView
from proxy.core.plan import Send
from proxy.core.snapshot import Snapshot
from proxy.routing.steps import Stop, StopReason, Tried, Wait
from tests.unit.routing.build import (
    NOW_S,
    aside,
    candidate,
    credential,
    failure,
    half_open,
    limited,
    model,
    planned,
    policy,
    provider,
    set_aside,
    step,
    target,
    tried,
    where,
)

K = FailureKind
A, B, C = candidate("a"), candidate("b"), candidate("c")
TWO_KEYS = candidate(provider("two", keys=2))
NEXT = planned(model(A, B, C))
KEYS = planned(model(TWO_KEYS, B))
ALONE = planned(model(A))


def test_the_first_send_goes_to_the_plans_first() -> None:
    assert step(NEXT) == Send(NEXT.candidates[0], A.provider.credentials[0])


def test_a_half_open_candidate_is_claimed_by_its_send() -> None:
    spot = target(Scope.CANDIDATE, A)
    state = StateView(asides={spot: half_open()})
    found = step(planned(model(A), state), (), state)
    assert isinstance(found, Send) and found.half_open == (spot,)


@pytest.mark.parametrize(
    "what",
    [
        *(
            pytest.param(failure(kind), id=str(kind))
            for kind in FailureKind
            if kind
            not in {K.INVALID_REQUEST, K.REJECTED, K.CONTENT_POLICY, K.CONFLICT, K.CONTEXT_TOO_LONG, K.TRUNCATED}
            and kind is not K.CLIENT_GONE
        )
    ],
)
def test_the_next_candidate_is_tried_after(what: Failure) -> None:
    assert where(step(NEXT, tried(NEXT, what))) == ("b", "k1")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        pytest.param(failure(K.INVALID_REQUEST, 400), StopReason.CLIENT_FAULT, id="invalid-request"),
        pytest.param(failure(K.CONTENT_POLICY, 400), StopReason.CLIENT_FAULT, id="content-policy"),
        pytest.param(failure(K.CLIENT_GONE), StopReason.CLIENT_GONE, id="client-gone"),
        pytest.param(failure(K.TRUNCATED), StopReason.EXHAUSTED, id="truncated-after-commit"),
    ],
)
def test_it_stops_after(what: Failure, reason: StopReason) -> None:
    assert step(NEXT, tried(NEXT, what)) == Stop(reason)


def test_content_policy_may_be_allowed_to_fail_over() -> None:
    bounds = policy(NEXT, content_policy_failover=True)
    assert where(step(NEXT, tried(NEXT, failure(K.CONTENT_POLICY, 400)), None, bounds)) == ("b", "k1")


def test_all_tried_is_the_end() -> None:
    history = tried(NEXT, *[failure(K.SERVER_ERROR)] * 3)
    assert step(NEXT, history) == Stop(StopReason.EXHAUSTED)


def test_nothing_planned_is_the_end() -> None:
    assert step(planned(model())) == Stop(StopReason.EXHAUSTED)


def test_the_budget_counts_every_send() -> None:
    bounds = policy(NEXT, max_attempts=1)
    assert step(NEXT, tried(NEXT, failure(K.CONNECT)), None, bounds) == Stop(StopReason.BUDGET)


@pytest.mark.parametrize(
    ("left_s", "is_sent"), [pytest.param(0.99, False, id="under-a-second"), pytest.param(1.0, True, id="a-second")]
)
def test_no_attempt_starts_with_under_a_second_left(left_s: float, is_sent: bool) -> None:
    found = step(NEXT, (), None, policy(NEXT, deadline_at_s=NOW_S + left_s))
    assert isinstance(found, Send) if is_sent else found == Stop(StopReason.DEADLINE)


@pytest.mark.parametrize(
    ("what", "goes_on"),
    [
        pytest.param(failure(K.CONNECT, request_sent=False), True, id="not-sent"),
        pytest.param(failure(K.RATE_LIMITED, 429), True, id="refused-with-a-4xx"),
        pytest.param(failure(K.OVERLOADED, 529), True, id="no-capacity-is-a-refusal"),
        pytest.param(failure(K.SERVER_ERROR, 500), False, id="may-have-begun"),
        pytest.param(failure(K.TIMEOUT_RESPONSE), False, id="no-answer"),
        pytest.param(failure(K.PROTOCOL, 200), False, id="answered-nonsense"),
    ],
)
def test_what_must_not_run_twice_goes_on_only_if_it_was_not_begun(what: Failure, goes_on: bool) -> None:
    found = step(NEXT, tried(NEXT, what), None, policy(NEXT, repeatable=False))
    assert isinstance(found, Send) if goes_on else found == Stop(StopReason.NOT_REPEATABLE)


def test_without_failover_another_credential_is_still_tried() -> None:
    bounds = policy(KEYS, failover=False)
    assert where(step(KEYS, tried(KEYS, failure(K.AUTH)), None, bounds)) == ("two", "k2")


def test_without_failover_no_other_candidate_is() -> None:
    bounds = policy(NEXT, failover=False)
    assert step(NEXT, tried(NEXT, failure(K.CONNECT)), None, bounds) == Stop(StopReason.NO_FAILOVER)


def test_without_failover_and_without_another_candidate_it_is_just_the_end() -> None:
    only = planned(model(A))
    found = step(only, tried(only, failure(K.CONNECT)), None, policy(only, failover=False))
    assert found == Stop(StopReason.EXHAUSTED)


# Waiting.


def after(delay_s: float) -> StateView:
    """The view after a stated rate limit of the first candidate's credential."""
    held = aside(K.RATE_LIMITED, delay_s, stated=True)
    return StateView(asides={target(Scope.CREDENTIAL_MODEL, A): held})


def test_a_short_stated_delay_is_waited_for_when_nothing_else_is_left() -> None:
    found = step(ALONE, tried(ALONE, limited(1.5)), after(1.55))
    spot = target(Scope.CREDENTIAL_MODEL, A)
    assert isinstance(found, Wait) and found.delay_s == pytest.approx(1.55)
    assert found.then.half_open == (spot,) and where(found.then) == ("a", "k1")


def test_it_is_not_waited_for_while_another_candidate_is_left() -> None:
    assert where(step(NEXT, tried(NEXT, limited(1.5)), after(1.55))) == ("b", "k1")


def test_an_earlier_candidates_short_delay_is_waited_for_in_the_end() -> None:
    history = tried(NEXT, limited(2), failure(K.SERVER_ERROR), failure(K.SERVER_ERROR))
    found = step(NEXT, history, after(1.2))
    assert isinstance(found, Wait) and where(found.then) == ("a", "k1")


def test_a_delay_that_has_passed_meanwhile_is_not_waited_for() -> None:
    history = tried(NEXT, limited(2), failure(K.SERVER_ERROR), failure(K.SERVER_ERROR))
    spot = target(Scope.CREDENTIAL_MODEL, A)
    found = step(NEXT, history, StateView(asides={spot: half_open(K.RATE_LIMITED, stated=True)}))
    assert where(found) == ("a", "k1") and isinstance(found, Send) and found.half_open == (spot,)


def test_the_shortest_wait_is_chosen() -> None:
    of = planned(model(A, B))
    held = {
        target(Scope.CREDENTIAL_MODEL, A): aside(K.RATE_LIMITED, 2, stated=True),
        target(Scope.CREDENTIAL_MODEL, B): aside(K.RATE_LIMITED, 0.5, stated=True),
    }
    found = step(of, tried(of, limited(2), limited(0.5)), StateView(asides=held))
    assert isinstance(found, Wait) and where(found.then) == ("b", "k1")


@pytest.mark.parametrize(
    ("what", "state"),
    [
        pytest.param(limited(2.1), after(2.1), id="too-long"),
        pytest.param(limited(1, stated=False), after(1), id="not-stated"),
        pytest.param(limited(), after(1), id="unknown"),
        pytest.param(failure(K.OVERLOADED, delay_s=1, stated=True), set_aside(A), id="another-kind"),
        pytest.param(limited(1), after(60), id="set-aside-for-longer-meanwhile"),
    ],
)
def test_it_is_not_waited_for(what: Failure, state: StateView) -> None:
    assert step(ALONE, tried(ALONE, what), state) == Stop(StopReason.EXHAUSTED)


def test_a_wait_that_leaves_no_time_for_the_attempt_is_not_begun() -> None:
    bounds = policy(ALONE, deadline_at_s=NOW_S + 2)
    assert step(ALONE, tried(ALONE, limited(1.5)), after(1.5), bounds) == Stop(StopReason.EXHAUSTED)


def test_with_cooldowns_off_the_stated_delay_itself_is_waited_for() -> None:
    found = step(ALONE, tried(ALONE, limited(1.5)))
    assert isinstance(found, Wait) and found.delay_s == 1.5


def test_with_cooldowns_off_an_earlier_delay_counts_from_when_it_was_stated() -> None:
    history = tried(NEXT, limited(1.5), failure(K.SERVER_ERROR), failure(K.SERVER_ERROR))
    found = step(NEXT, history)
    assert isinstance(found, Wait) and where(found.then) == ("a", "k1")
    assert found.delay_s == pytest.approx(0.5), "the next attempt began a second ago"


def test_with_cooldowns_off_an_earlier_delay_that_has_passed_is_not_waited_for() -> None:
    history = tried(NEXT, limited(0.9), failure(K.SERVER_ERROR), failure(K.SERVER_ERROR))
    assert where(step(NEXT, history)) == ("a", "k1")


def test_what_is_ruled_out_is_not_waited_for() -> None:
    of = planned(model(A, B))
    history = tried(of, limited(1.5), failure(K.REJECTED, 400))
    assert step(of, history, after(1.5)) == Stop(StopReason.CLIENT_FAULT)


def test_what_was_not_admitted_is_not_waited_for() -> None:
    bounds = policy(ALONE, refused=[(A.id, credential(A))])
    assert step(ALONE, tried(ALONE, limited(1.5)), after(1.5), bounds) == Stop(StopReason.EXHAUSTED)


# The last resort.

DOWN = set_aside(A, B)
RESORT = planned(model(A, B), DOWN)


def test_with_all_set_aside_the_last_resort_is_tried_once() -> None:
    found = step(RESORT, (), DOWN)
    assert where(found) == ("a", "k1") and isinstance(found, Send) and found.last_resort
    history = [Tried(found, limited(1), NOW_S)]
    assert step(RESORT, history, DOWN) == Stop(StopReason.EXHAUSTED)


@pytest.mark.parametrize(
    "what",
    [failure(K.CONFLICT, 409), failure(K.INVALID_REQUEST, 400, edit=("seed",))],
    ids=["conflict", "refused-fields"],
)
def test_a_last_resort_is_never_repeated(what: Failure) -> None:
    found = step(RESORT, (), DOWN)
    assert isinstance(found, Send)
    assert isinstance(step(RESORT, [Tried(found, what, NOW_S)], DOWN), Stop)


def test_a_last_resort_that_has_recovered_is_sent_to_normally() -> None:
    found = step(RESORT, (), set_aside(B))
    assert where(found) == ("a", "k1") and isinstance(found, Send) and not found.last_resort


def test_a_last_resort_that_a_stated_time_holds_by_now_is_spared() -> None:
    stated: Aside = aside(K.RATE_LIMITED, stated=True)
    held = {**DOWN.asides, target(Scope.CREDENTIAL, A): stated}
    assert step(RESORT, (), StateView(asides=held)) == Stop(StopReason.EXHAUSTED)


def test_a_last_resort_that_was_not_admitted_is_not_asked_again() -> None:
    bounds = policy(RESORT, refused=[(A.id, credential(A))])
    assert step(RESORT, (), DOWN, bounds) == Stop(StopReason.EXHAUSTED)


def test_after_a_send_there_is_no_last_resort() -> None:
    of = planned(model(A, C), set_aside(A))
    assert of.last_resort is not None
    assert step(of, tried(of, failure(K.SERVER_ERROR)), set_aside(A)) == Stop(StopReason.EXHAUSTED)


def test_a_last_resort_that_left_the_configuration_is_not_tried() -> None:
    bounds = policy(RESORT, Snapshot())
    assert step(RESORT, (), DOWN, bounds) == Stop(StopReason.EXHAUSTED)


def test_what_could_not_be_sent_is_no_send() -> None:
    history = tried(NEXT, failure(K.UNSUPPORTED, request_sent=False))
    found = step(NEXT, history, bounds=policy(NEXT, max_attempts=1))
    assert where(found) == ("b", "k1")
