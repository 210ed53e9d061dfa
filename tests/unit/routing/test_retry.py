from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.health import Aside, StateView
from proxy.core.plan import Plan
from proxy.core.snapshot import Candidate, Capabilities, Snapshot
from proxy.routing.retry import next_step
from proxy.routing.steps import AttemptPolicy, Send, Step, Stop, StopReason, Tried, Wait
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
    resent,
    set_aside,
    snapshot,
    target,
    tried,
)

K = FailureKind
A, B, C = candidate("a"), candidate("b"), candidate("c")
TWO_KEYS = candidate(provider("two", keys=2))
NEXT = planned(model(A, B, C))
KEYS = planned(model(TWO_KEYS, B))
ALONE = planned(model(A))


def step(
    of: Plan, history: Sequence[Tried] = (), state: StateView | None = None, bounds: AttemptPolicy | None = None
) -> Step:
    return next_step(history, of, state or StateView(), bounds or policy(of), NOW_S)


def where(found: Step) -> tuple[str, str | None]:
    """The provider and the credential's name of a send."""
    assert isinstance(found, Send), found
    return found.planned.candidate.provider.name, found.credential.name if found.credential else None


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


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(limited(7), id="rate-limited"),
        pytest.param(failure(K.QUOTA_EXHAUSTED, scope=Scope.CREDENTIAL_MODEL), id="quota"),
        pytest.param(failure(K.BILLING), id="billing"),
        pytest.param(failure(K.AUTH), id="auth"),
    ],
)
def test_the_next_credential_comes_before_the_next_candidate(what: Failure) -> None:
    assert where(step(KEYS, tried(KEYS, what))) == ("two", "k2")


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(limited(7, Scope.ACCOUNT), id="limited-by-account"),
        pytest.param(limited(7, Scope.CANDIDATE), id="limited-for-all"),
        pytest.param(failure(K.SERVER_ERROR), id="server-error"),
        pytest.param(failure(K.PERMISSION), id="permission"),
    ],
)
def test_no_other_credential_helps_after(what: Failure) -> None:
    assert where(step(KEYS, tried(KEYS, what))) == ("b", "k1")


def test_where_limits_are_by_account_no_other_credential_is_tried() -> None:
    of = planned(model(candidate(provider("two", keys=2, limits_by_account=True)), B))
    assert where(step(of, tried(of, limited(7)))) == ("b", "k1")


def test_a_quota_is_not_by_account_where_rate_limits_are() -> None:
    of = planned(model(candidate(provider("two", keys=2, limits_by_account=True)), B))
    history = tried(of, failure(K.QUOTA_EXHAUSTED, scope=Scope.CREDENTIAL_MODEL))
    assert where(step(of, history)) == ("two", "k2")


def test_a_pair_is_not_sent_to_twice() -> None:
    assert where(step(KEYS, tried(KEYS, (0, 1, limited(7)), (0, 2, limited(7))))) == ("b", "k1")


def test_the_last_candidates_next_credential_comes_before_an_earlier_candidates() -> None:
    of = planned(model(candidate(provider("x", keys=5)), TWO_KEYS))
    history = tried(of, (0, 1, limited(9)), (0, 2, limited(9)), (1, 1, limited(9)))
    assert where(step(of, history)) == ("two", "k2")


def test_a_provider_gets_two_sends_while_another_is_untried() -> None:
    of = planned(model(candidate(provider("x", keys=3)), B))
    two = tried(of, (0, 1, limited(9)), (0, 2, limited(9)))
    assert where(step(of, two)) == ("b", "k1")
    assert where(step(of, [*two, *tried(of, (1, 1, failure(K.SERVER_ERROR)))])) == ("x", "k3")


def test_an_untried_provider_that_cannot_be_used_holds_nobody_back() -> None:
    of = planned(model(candidate(provider("x", keys=3)), B))
    assert where(step(of, tried(of, (0, 1, limited(9)), (0, 2, limited(9))), set_aside(B))) == ("x", "k3")


def test_candidates_set_aside_since_the_plan_was_made_are_passed_by() -> None:
    assert where(step(NEXT, tried(NEXT, failure(K.SERVER_ERROR)), set_aside(B))) == ("c", "k1")


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


# A conflict, an edited resend: the same candidate on purpose.


def test_a_conflict_is_tried_once_more_and_then_the_next() -> None:
    once = tried(NEXT, failure(K.CONFLICT, 409))
    assert where(step(NEXT, once)) == ("a", "k1")
    assert where(step(NEXT, resent(once, failure(K.CONFLICT, 409)))) == ("b", "k1")


def test_a_conflict_is_repeated_with_the_same_edit() -> None:
    history = tried(ALONE, failure(K.INVALID_REQUEST, 400, edit=("seed",)))
    found = step(ALONE, resent(history, failure(K.CONFLICT, 409), ("seed",)))
    assert isinstance(found, Send) and found.edit == ("seed",) and where(found) == ("a", "k1")


@pytest.mark.parametrize("state", [pytest.param(set_aside(A), id="set-aside"), pytest.param(None, id="not-admitted")])
def test_what_cannot_be_repeated_is_failed_over(state: StateView | None) -> None:
    bounds = policy(NEXT) if state else policy(NEXT, refused=[(A.id, credential(A))])
    assert where(step(NEXT, tried(NEXT, failure(K.CONFLICT, 409)), state, bounds)) == ("b", "k1")


def test_a_half_open_candidate_is_claimed_again_for_its_repeat() -> None:
    spot = target(Scope.CANDIDATE, A)
    found = step(NEXT, tried(NEXT, failure(K.CONFLICT, 409)), StateView(asides={spot: half_open()}))
    assert isinstance(found, Send) and found.half_open == (spot,)


@pytest.mark.parametrize("kind", [K.INVALID_REQUEST, K.REJECTED])
def test_refused_fields_are_left_out_in_one_resend(kind: FailureKind) -> None:
    history = tried(NEXT, failure(kind, 400, edit=("seed", "user")))
    found = step(NEXT, history)
    assert isinstance(found, Send) and found.edit == ("seed", "user") and where(found) == ("a", "k1")
    again = step(NEXT, resent(history, failure(K.INVALID_REQUEST, 400, edit=("top_p",)), ("seed",)))
    assert again == Stop(StopReason.CLIENT_FAULT)


def test_the_next_credential_gets_the_edited_request() -> None:
    of = planned(model(TWO_KEYS))
    history = tried(of, failure(K.INVALID_REQUEST, 400, edit=("seed",)))
    found = step(of, resent(history, limited(7), ("seed",)))
    assert where(found) == ("two", "k2") and isinstance(found, Send) and found.edit == ("seed",)


def test_the_next_candidate_gets_the_whole_request() -> None:
    refused = tried(NEXT, failure(K.INVALID_REQUEST, 400, edit=("seed",)))
    found = step(NEXT, resent(refused, failure(K.SERVER_ERROR), ("seed",)))
    assert where(found) == ("b", "k1") and isinstance(found, Send) and found.edit == ()


def test_a_resend_gives_way_to_an_untried_provider_after_two_sends() -> None:
    of = planned(model(TWO_KEYS, B))
    history = tried(of, (0, 1, limited(7)), (0, 2, failure(K.INVALID_REQUEST, 400, edit=("seed",))))
    assert where(step(of, history)) == ("b", "k1")


def test_a_resend_that_cannot_be_made_leaves_the_clients_fault() -> None:
    only = planned(model(A))
    history = tried(only, failure(K.INVALID_REQUEST, 400, edit=("seed",)))
    assert step(only, history, set_aside(A)) == Stop(StopReason.CLIENT_FAULT)


# An unrecognised refusal, a request too long: only some candidates may still be asked.


def test_an_unrecognised_refusal_is_put_to_one_of_another_kind() -> None:
    other = candidate(provider("other", kind="mistral"))
    of = planned(model(A, B, other))
    history = tried(of, failure(K.REJECTED, 400))
    assert where(step(of, history)) == ("other", "k1")
    assert step(of, [*history, *tried(of, (2, 1, failure(K.REJECTED, 422)))]) == Stop(StopReason.CLIENT_FAULT)


def test_with_no_other_kind_an_unrecognised_refusal_is_the_clients_fault() -> None:
    assert step(NEXT, tried(NEXT, failure(K.REJECTED, 400))) == Stop(StopReason.CLIENT_FAULT)


def window(of: str, tokens: int | None, upstream: str = "up") -> Candidate:
    return candidate(of, upstream, capabilities=Capabilities(context_window_tokens=tokens))


@pytest.mark.parametrize(
    ("second", "goes_on"),
    [
        pytest.param(window("b", 9), True, id="larger"),
        pytest.param(window("b", 8), False, id="no-larger"),
        pytest.param(window("b", None), False, id="unknown-same-model"),
        pytest.param(window("b", None, "big"), True, id="unknown-other-model"),
    ],
)
def test_a_request_too_long_goes_only_where_it_may_fit(second: Candidate, goes_on: bool) -> None:
    of = planned(model(window("a", 8), second))
    found = step(of, tried(of, failure(K.CONTEXT_TOO_LONG, 400)))
    assert where(found) == ("b", "k1") if goes_on else found == Stop(StopReason.CLIENT_FAULT)


def test_an_unknown_window_that_was_too_small_counts_by_the_models_name() -> None:
    of = planned(model(window("a", None), window("b", 9_999)))
    assert step(of, tried(of, failure(K.CONTEXT_TOO_LONG, 400))) == Stop(StopReason.CLIENT_FAULT)


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


def test_with_cooldowns_off_an_earlier_delay_is_taken_as_passed() -> None:
    history = tried(NEXT, limited(1.5), failure(K.SERVER_ERROR), failure(K.SERVER_ERROR))
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


# The configuration in force now.


def changed(*candidates: Candidate) -> AttemptPolicy:
    return policy(NEXT, snapshot(model(*candidates)))


@pytest.mark.parametrize(
    "bounds",
    [
        pytest.param(changed(candidate("a"), candidate("c")), id="candidate-removed"),
        pytest.param(
            changed(candidate("a"), candidate(provider("b", enabled=False)), candidate("c")), id="provider-disabled"
        ),
        pytest.param(
            policy(NEXT, snapshot(model(candidate("a"), candidate("b"), candidate("c")), providers={"c": C.provider})),
            id="provider-removed",
        ),
        pytest.param(
            changed(candidate("a"), candidate(replace(B.provider, credentials=())), candidate("c")),
            id="credential-removed",
        ),
        pytest.param(policy(NEXT, refused=[(B.id, credential(B))]), id="not-admitted"),
    ],
)
def test_what_the_configuration_no_longer_has_is_not_sent_to(bounds: AttemptPolicy) -> None:
    assert where(step(NEXT, tried(NEXT, failure(K.SERVER_ERROR)), None, bounds)) == ("c", "k1")


def test_what_an_operator_disabled_meanwhile_is_not_sent_to() -> None:
    state = StateView(disabled={"b"})
    assert where(step(NEXT, tried(NEXT, failure(K.SERVER_ERROR)), state)) == ("c", "k1")


def test_a_reload_that_changes_nothing_changes_no_attempt() -> None:
    bounds = changed(candidate("a"), candidate("b"), candidate("c"))
    assert where(step(NEXT, tried(NEXT, failure(K.SERVER_ERROR)), None, bounds)) == ("b", "k1")


def test_a_model_removed_meanwhile_gets_no_further_attempt() -> None:
    bounds = policy(NEXT, snapshot(model(A, B, C, name="other")))
    assert step(NEXT, (), None, bounds) == Stop(StopReason.EXHAUSTED)


def test_an_ad_hoc_model_needs_its_provider_alone() -> None:
    of = planned(model(A, name="a/up", configured=False))
    bounds = policy(of, Snapshot(providers={"a": A.provider}))
    assert where(step(of, (), None, bounds)) == ("a", "k1")


def test_a_provider_without_credentials_is_sent_to_without_one() -> None:
    of = planned(model(candidate(provider("local", keys=0)), B))
    assert where(step(of)) == ("local", None)
    assert where(step(of, tried(of, failure(K.AUTH)))) == ("b", "k1")
