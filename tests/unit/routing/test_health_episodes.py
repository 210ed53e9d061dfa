"""What is set aside is set aside once an episode, by whatever fails late, and ends with the first success."""

from __future__ import annotations

import pytest

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.health import Aside, Ladder, Target
from proxy.core.snapshot import BreakerPolicy
from proxy.routing.breaker import Breaker
from proxy.routing.health import Change, Memory, after_success
from tests.unit.routing.build import (
    NOW_S,
    aside,
    candidate,
    fail,
    failure,
    grant,
    half_open,
    limited,
    provider,
    remember,
    target,
)

K = FailureKind
ONE = candidate(provider("one", breaker=None))
BROKEN = candidate(provider("one", breaker=BreakerPolicy(consecutive=1)))
LATE = NOW_S - 5


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(limited(), id="unstated"),
        pytest.param(limited(60, stated=False), id="a-usual-window"),
        pytest.param(limited(3), id="stated-but-shorter"),
    ],
)
def test_a_failure_from_before_the_set_aside_changes_nothing(what: Failure) -> None:
    spot = target(Scope.CREDENTIAL_MODEL, ONE)
    change = fail(what, remember((spot, aside(K.RATE_LIMITED))), grant(ONE, LATE))
    assert (change.asides, change.ladders, change.setback.asides) == ({}, {}, ())


def test_its_longer_stated_time_still_counts_within_the_episode() -> None:
    spot = target(Scope.CREDENTIAL_MODEL, ONE)
    old = aside(K.CONNECT, 10)
    found = fail(limited(30), remember((spot, old)), grant(ONE, LATE)).asides[spot]
    assert found == Aside(K.RATE_LIMITED, old.since_s, NOW_S + 30, NOW_S + 30, stated=True)


@pytest.mark.parametrize("kind", [K.SERVER_ERROR, K.CONNECT])
def test_a_failure_from_before_the_set_aside_feeds_no_breaker_of_it(kind: FailureKind) -> None:
    spot = target(Scope.CANDIDATE, BROKEN)
    change = fail(failure(kind), remember((spot, aside())), grant(BROKEN, LATE))
    assert spot not in change.breakers and spot not in change.asides


def test_an_overload_from_before_the_set_aside_is_not_counted() -> None:
    change = fail(failure(K.OVERLOADED), remember((target(Scope.CANDIDATE, ONE), aside())), grant(ONE, LATE))
    assert change.overloads == {}


def test_a_last_resort_that_fails_changes_nothing() -> None:
    assert fail(limited(60), attempt=grant(BROKEN, last_resort=True)) == Change({})


def test_a_success_frees_all_it_proved() -> None:
    held = (target(Scope.CREDENTIAL_MODEL, ONE), target(Scope.PROVIDER, ONE))
    change = after_success(remember(*((spot, half_open()) for spot in held)), grant(ONE), NOW_S)
    assert tuple(change.freed) == held


def test_a_success_from_before_the_set_aside_does_not_end_it() -> None:
    spot = target(Scope.CANDIDATE, BROKEN)
    change = after_success(remember((spot, aside())), grant(BROKEN, LATE), NOW_S)
    assert tuple(change.freed) == () and spot not in change.breakers


def test_a_success_ends_ladders() -> None:
    spot = target(Scope.CREDENTIAL, ONE)
    change = after_success(Memory(ladders={spot: {K.AUTH: Ladder(2, NOW_S)}}), grant(ONE), NOW_S)
    assert tuple(change.freed) == (spot,)


def test_the_success_of_a_last_resort_frees_too() -> None:
    spot = target(Scope.CANDIDATE, ONE)
    change = after_success(remember((spot, aside())), grant(ONE, last_resort=True), NOW_S)
    assert tuple(change.freed) == (spot,)


def test_a_success_closes_an_open_breaker_with_an_empty_window() -> None:
    spot = target(Scope.CANDIDATE, BROKEN)
    memory = Memory({spot: half_open(breaker=True)}, breakers={spot: Breaker(good=3, bad=4, row=1, open_s=20)})
    assert after_success(memory, grant(BROKEN), NOW_S).breakers[spot] == Breaker(open_s=20, closed_s=NOW_S)


@pytest.mark.parametrize(
    "memory",
    [
        pytest.param(Memory(), id="all-is-well"),
        pytest.param(remember((Target(Scope.PROVIDER, "other"), aside())), id="another-is-set-aside"),
    ],
)
def test_a_success_counts_in_both_breakers(memory: Memory) -> None:
    counted = after_success(memory, grant(BROKEN), NOW_S).breakers
    assert {spot.scope: found.good for spot, found in counted.items()} == {Scope.CANDIDATE: 1, Scope.PROVIDER: 1}


def test_without_a_breaker_nothing_is_counted() -> None:
    assert after_success(Memory(), grant(ONE), NOW_S).breakers == {}
    assert fail(failure(K.SERVER_ERROR)).breakers == {}


def test_success_after_failure_starts_the_ladder_again() -> None:
    first = fail(limited())
    memory = Memory(dict(first.asides), dict(first.ladders))
    freed = after_success(memory, grant(ONE, NOW_S + 2), NOW_S + 3).freed
    assert set(freed) == set(first.ladders) == set(first.asides)
