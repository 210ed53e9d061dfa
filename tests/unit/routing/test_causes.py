from __future__ import annotations

from collections.abc import Sequence

import pytest

from proxy.core.call import Needs
from proxy.core.capabilities import Capabilities
from proxy.core.errors import Cause, final_error
from proxy.core.failure import FailureKind, Scope
from proxy.core.health import StateView
from proxy.core.plan import Plan, Send
from proxy.core.snapshot import Limits
from proxy.routing.retry import asked_alone, causes, next_step
from proxy.routing.steps import Tried
from tests.unit.routing.build import (
    NOW_S,
    aside,
    call,
    candidate,
    failure,
    half_open,
    limited,
    model,
    planned,
    policy,
    provider,
    set_aside,
    target,
    tried,
)

K = FailureKind
A, B = candidate("a"), candidate("b")
BOTH = planned(model(A, B))


def found(of: Plan, history: Sequence[Tried] = (), state: StateView | None = None) -> list[Cause]:
    return causes(of, history, state or StateView(), NOW_S)


def held(kind: FailureKind, for_s: float, scope: Scope = Scope.CREDENTIAL_MODEL, key: int = 1) -> StateView:
    return StateView(asides={target(scope, A, key): aside(kind, for_s, stated=True)})


def test_a_tried_candidate_gives_its_failure_and_its_recovery() -> None:
    assert found(BOTH, tried(BOTH, limited(7)), held(K.RATE_LIMITED, 7)) == [Cause(K.RATE_LIMITED, recovers_in_s=7.0)]


def test_with_cooldowns_off_its_recovery_is_what_it_said() -> None:
    assert found(BOTH, tried(BOTH, limited(7))) == [Cause(K.RATE_LIMITED, recovers_in_s=7.0)]


def test_a_limit_that_was_over_while_another_was_asked_is_over() -> None:
    """A said it would take two seconds, or nothing; B was asked for a minute and said a minute and a half."""
    for said_s in (2, None):
        first, second = tried(BOTH, limited(said_s), limited(90))
        history = [first._replace(began_s=NOW_S - 61), second._replace(began_s=NOW_S - 60)]
        state = StateView(asides={target(Scope.CREDENTIAL_MODEL, B): aside(K.RATE_LIMITED, 90, stated=True)})
        error = final_error([each.failure for each in history], found(BOTH, history, state), sent=2)
        assert (error.status, error.retry_after_s) == (429, 1.0)


def test_a_candidate_that_was_not_reached_gives_no_cause() -> None:
    assert len(found(BOTH, tried(BOTH, failure(K.SERVER_ERROR)))) == 1


def test_a_free_candidate_that_no_attempt_was_left_for_could_serve_at_once() -> None:
    causes_ = causes(BOTH, tried(BOTH, limited(7)), held(K.RATE_LIMITED, 7), NOW_S, cut_short=True)
    assert causes_[1:] == [Cause(None, recovers_in_s=0.0, limit=True)]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        pytest.param(K.RATE_LIMITED, 429, "rate_limit_exceeded", id="limited"),
        pytest.param(K.AUTH, 502, "upstream_error", id="refused"),
    ],
)
def test_a_credential_that_no_attempt_was_left_for_could_serve_at_once(
    kind: FailureKind, status: int, code: str
) -> None:
    three = candidate(provider("a", keys=3))
    of = planned(model(three))
    state = StateView(asides={target(Scope.CREDENTIAL, three, key): aside(kind, 90) for key in (1, 2)})
    refusal = failure(kind, scope=Scope.CREDENTIAL, delay_s=90, stated=True)
    history = tried(of, (0, 1, refusal), (0, 2, refusal))
    causes_ = causes(of, history, state, NOW_S, cut_short=True)
    error = final_error([each.failure for each in history], causes_, sent=2)
    assert (error.status, error.code, error.retry_after_s) == (status, code, 1.0 if status == 429 else None)


def test_no_other_credential_serves_where_the_limit_is_of_them_all() -> None:
    two = candidate(provider("a", keys=2, limits_by_account=True))
    of = planned(model(two))
    assert causes(of, tried(of, limited(7, Scope.ACCOUNT)), StateView(), NOW_S, cut_short=True) == [
        Cause(K.RATE_LIMITED, recovers_in_s=7.0)
    ]


def test_a_planned_candidate_that_is_set_aside_by_now_gives_its_cause() -> None:
    assert found(BOTH, (), set_aside(B)) == [Cause(K.CONNECT, recovers_in_s=10.0)]


@pytest.mark.parametrize(
    ("of", "state", "recovers_in_s"),
    [
        pytest.param(planned(model(A)), StateView(limit_free_s={"a": NOW_S + 4}), 4.0, id="rate"),
        pytest.param(
            planned(model(candidate(provider("a", limits=Limits(parallel=1))))),
            StateView(provider_in_flight={"a": 1}),
            1.0,
            id="parallel",
        ),
    ],
)
def test_a_planned_candidate_at_its_limit_by_now_gives_the_limit(
    of: Plan, state: StateView, recovers_in_s: float
) -> None:
    assert found(of, (), state) == [Cause(None, recovers_in_s=recovers_in_s, limit=True)]


def test_a_planned_candidate_under_its_limit_gives_none() -> None:
    of = planned(model(candidate(provider("a", limits=Limits(parallel=1)))))
    assert found(of) == []


def test_omitted_candidates_that_could_have_served_give_theirs() -> None:
    state = StateView(
        asides={
            target(Scope.CANDIDATE, A): aside(K.SERVER_ERROR, 5),
            target(Scope.CANDIDATE, B): half_open(claimed_s=NOW_S - 1),
        },
        limit_free_s={"c": NOW_S + 9},
    )
    of = planned(model(A, B, candidate("c"), candidate(provider("d", enabled=False))), state)
    assert found(of, (), state) == [
        Cause(K.SERVER_ERROR, recovers_in_s=5.0),
        Cause(K.CONNECT, recovers_in_s=1.0),
        Cause(None, recovers_in_s=9.0, limit=True),
    ]


def test_a_recovery_that_has_passed_is_now() -> None:
    state = set_aside(A)
    (cause,) = causes(planned(model(A), state), (), state, NOW_S + 60)
    assert cause.recovers_in_s == 0.0


def test_a_last_resort_that_failed_gives_what_it_met() -> None:
    state = set_aside(A)
    of = planned(model(A), state)
    send = next_step((), of, state, policy(of), NOW_S)
    assert isinstance(send, Send)
    assert found(of, [Tried(send, failure(K.TIMEOUT_HEADERS), NOW_S)], state) == [
        Cause(K.TIMEOUT_HEADERS, recovers_in_s=10.0)
    ]


def test_of_several_credentials_the_one_that_recovers_first_gives_the_cause() -> None:
    two = candidate(provider("a", keys=2))
    of = planned(model(two))
    state = StateView(
        asides={
            target(Scope.CREDENTIAL_MODEL, two, 1): aside(K.RATE_LIMITED, 7, stated=True),
            target(Scope.CREDENTIAL, two, 2): aside(K.AUTH, 30),
        }
    )
    history = tried(of, (0, 1, limited(7)), (0, 2, failure(K.AUTH, 401)))
    (cause,) = found(of, history, state)
    assert (cause.kind, cause.recovers_in_s) == (K.RATE_LIMITED, 7.0)
    assert final_error([each.failure for each in history], [cause], sent=2).status == 429


def test_a_request_too_long_for_every_window_gives_that() -> None:
    small = candidate("a", capabilities=Capabilities(context_window_tokens=10))
    of = planned(model(small), None, call(needs=Needs(input_tokens=99)))
    assert found(of) == [Cause(K.CONTEXT_TOO_LONG)]
    assert final_error([], found(of), sent=0).code == "context_length_exceeded"


def test_who_wanted_one_alone_is_told_of_no_other_that_was_not_asked() -> None:
    state = StateView(asides={target(Scope.CANDIDATE, B): aside(K.CONNECT, 9)})
    for before in (state, None):  # left out of the plan, or set aside since
        of = planned(model(A, B), before)
        history = tried(of, limited(7))
        assert len(causes(of, history, state, NOW_S)) == 2
        assert causes(asked_alone(of, history), history, state, NOW_S) == [Cause(K.RATE_LIMITED, recovers_in_s=7.0)]
    of = planned(model(A, B), set_aside(A, B))
    assert asked_alone(of, ()) is of, "nobody was asked"


def too_long_for_b(of: Plan, *, a: FailureKind = K.RATE_LIMITED) -> list[Tried]:
    return tried(of, failure(a, 429), failure(K.CONTEXT_TOO_LONG, 400))


def test_who_has_no_larger_window_is_too_small_as_well_whatever_it_said() -> None:
    history = too_long_for_b(BOTH)
    assert found(BOTH, history, held(K.RATE_LIMITED, 7)) == [Cause(K.CONTEXT_TOO_LONG), Cause(K.CONTEXT_TOO_LONG)]
    assert final_error([each.failure for each in history], found(BOTH, history), sent=2).status == 400


def test_who_has_no_larger_window_is_too_small_as_well_where_it_was_left_out() -> None:
    state = held(K.RATE_LIMITED, 7)
    of = planned(model(A, B), state)
    history = tried(of, failure(K.CONTEXT_TOO_LONG, 400))
    assert found(of, history, state) == [Cause(K.CONTEXT_TOO_LONG), Cause(K.CONTEXT_TOO_LONG)]


def test_who_may_have_a_larger_window_keeps_its_own_cause() -> None:
    other = candidate("a", "big")
    of = planned(model(other, B))
    history = too_long_for_b(of, a=K.SERVER_ERROR)
    assert found(of, history) == [Cause(K.SERVER_ERROR), Cause(K.CONTEXT_TOO_LONG)]
    assert final_error([each.failure for each in history], found(of, history), sent=2).code == "upstream_error"
