"""A stream counts in the breakers once, at its end, whatever has happened beside it."""

from __future__ import annotations

import pytest

from proxy.core.failure import FailureKind, Scope
from proxy.core.ports import Grant
from proxy.core.snapshot import Candidate
from proxy.state.memory import MemoryState
from tests.unit.routing.build import NOW_S, candidate, failure, provider, target
from tests.unit.state.drive import begin, broken, done, fail, fresh

K = FailureKind
A, B = candidate("a"), candidate("b")


NOTED = pytest.mark.parametrize(
    "noted", [pytest.param(None, id="nobody"), pytest.param(B, id="b"), pytest.param(A, id="a")]
)


def begun(state: MemoryState, of: Candidate, now_s: float) -> Grant:
    """A stream that has said something and goes on."""
    attempt = begin(state, of, now_s)
    state.succeeded(attempt, now_s, 0.1, goes_on=True)
    return attempt


@NOTED
def test_three_streams_that_break_off_one_after_another_open_the_breaker(noted: Candidate | None) -> None:
    state = broken(noted, failure(K.AUTH, 401), NOW_S - 60) if noted else fresh()
    for number in range(3):
        now_s = NOW_S + number * 100
        assert target(Scope.CANDIDATE, A) not in state.view.asides
        done(state.failed(begun(state, A, now_s), failure(K.TRUNCATED), now_s))
    assert state.view.asides[target(Scope.CANDIDATE, A)].breaker


@NOTED
def test_a_stream_that_came_whole_ends_the_row(noted: Candidate | None) -> None:
    state = broken(noted, failure(K.AUTH, 401), NOW_S - 60) if noted else fresh()
    for number in range(5):
        now_s = NOW_S + number * 100
        attempt = begun(state, A, now_s)
        if number == 2:
            state.finished(attempt, now_s)
        else:
            done(state.failed(attempt, failure(K.TRUNCATED), now_s))
    assert target(Scope.CANDIDATE, A) not in state.view.asides


def test_a_stream_that_began_before_its_breaker_opened_says_nothing_of_it() -> None:
    state = fresh()
    early = begun(state, A, NOW_S - 1)
    for _ in range(3):
        fail(state, A, failure(K.SERVER_ERROR, 500), NOW_S)
    state.finished(early, NOW_S + 1)
    assert state.view.asides[target(Scope.CANDIDATE, A)].breaker
    probe = begin(state, A, NOW_S + 11)
    assert done(state.failed(probe, failure(K.SERVER_ERROR, 500), NOW_S + 11)).breaker_opened


def test_a_stream_counts_for_its_provider_when_its_candidate_alone_was_set_aside() -> None:
    state, of = fresh(), provider("a")
    first, second = candidate(of, "x"), candidate(of, "y")
    long = begun(state, first, NOW_S)
    for now_s in (NOW_S + 1, NOW_S + 40):
        fail(state, first, failure(K.CONNECT), now_s)
    state.finished(long, NOW_S + 41)
    fail(state, second, failure(K.CONNECT), NOW_S + 42)
    assert target(Scope.PROVIDER, first) not in state.view.asides


def test_a_stream_counts_nowhere_without_breakers() -> None:
    state, of = fresh(), candidate(provider("a", breaker=None))
    long = begun(state, of, NOW_S)
    fail(state, of, failure(K.CONNECT), NOW_S + 1)
    state.finished(long, NOW_S + 2)
    assert list(state.view.asides) == [target(Scope.CANDIDATE, of)]
