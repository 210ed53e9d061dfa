from __future__ import annotations

from collections.abc import Mapping

import pytest

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.health import Aside, Ladder, Target
from proxy.core.snapshot import BreakerPolicy, Candidate
from proxy.routing.breaker import Breaker
from proxy.routing.health import Memory
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
HOUR_S, DAY_S = 3_600.0, 86_400.0


@pytest.mark.parametrize(
    ("what", "scope", "opens_s", "until_s", "stated"),
    [
        pytest.param(limited(7), Scope.CREDENTIAL_MODEL, 7, 7, True, id="rate-limited-until-the-stated-time"),
        pytest.param(limited(7, Scope.CREDENTIAL), Scope.CREDENTIAL, 7, 7, True, id="rate-limited-credential"),
        pytest.param(limited(7, Scope.ACCOUNT), Scope.ACCOUNT, 7, 7, True, id="rate-limited-account"),
        pytest.param(limited(9_999), Scope.CREDENTIAL_MODEL, HOUR_S, HOUR_S, True, id="rate-limited-an-hour-at-most"),
        pytest.param(limited(60, stated=False), Scope.CREDENTIAL_MODEL, 60, 60, False, id="rate-limited-usual-window"),
        pytest.param(limited(), Scope.CREDENTIAL_MODEL, 1, 1, False, id="rate-limited-unstated"),
        pytest.param(
            failure(K.QUOTA_EXHAUSTED, scope=Scope.CREDENTIAL_MODEL, delay_s=DAY_S, stated=True),
            Scope.CREDENTIAL_MODEL,
            600,
            DAY_S,
            True,
            id="quota-is-probed-each-ten-minutes",
        ),
        pytest.param(
            failure(K.QUOTA_EXHAUSTED, scope=Scope.CREDENTIAL_MODEL, delay_s=300, stated=True),
            Scope.CREDENTIAL_MODEL,
            300,
            300,
            True,
            id="a-short-quota-is-waited-for",
        ),
        pytest.param(
            failure(K.QUOTA_EXHAUSTED, scope=Scope.CREDENTIAL_MODEL, delay_s=90 * DAY_S, stated=True),
            Scope.CREDENTIAL_MODEL,
            600,
            31 * DAY_S,
            True,
            id="quota-31-days-at-most",
        ),
        pytest.param(
            failure(K.QUOTA_EXHAUSTED, scope=Scope.CREDENTIAL),
            Scope.CREDENTIAL,
            600,
            HOUR_S,
            False,
            id="quota-without-any-time",
        ),
        pytest.param(failure(K.BILLING), Scope.CREDENTIAL, HOUR_S, HOUR_S, False, id="billing-is-probed-hourly"),
        pytest.param(
            failure(K.BILLING, delay_s=DAY_S, stated=True), Scope.CREDENTIAL, HOUR_S, DAY_S, True, id="billing-stated"
        ),
        pytest.param(failure(K.AUTH), Scope.CREDENTIAL, 30, 30, False, id="auth"),
        pytest.param(failure(K.AUTH, delay_s=5, stated=True), Scope.CREDENTIAL, 30, 30, False, id="auth-heeds-no-time"),
        pytest.param(failure(K.PERMISSION), Scope.CREDENTIAL_MODEL, 600, 600, False, id="permission"),
        pytest.param(failure(K.MODEL_MISSING), Scope.CANDIDATE, HOUR_S, HOUR_S, False, id="model-missing"),
        pytest.param(failure(K.BLOCKED), Scope.PROVIDER, 600, 600, False, id="blocked"),
        pytest.param(
            failure(K.OVERLOADED, delay_s=5, stated=True), Scope.CANDIDATE, 15, 15, True, id="overloaded-at-least-15-s"
        ),
        pytest.param(
            failure(K.OVERLOADED, delay_s=40, stated=True), Scope.CANDIDATE, 40, 40, True, id="overloaded-as-stated"
        ),
        pytest.param(
            failure(K.OVERLOADED, delay_s=900, stated=True), Scope.CANDIDATE, 60, 60, True, id="overloaded-at-most-60-s"
        ),
        *(
            pytest.param(failure(kind, scope=Scope.PROVIDER), Scope.CANDIDATE, 10, 10, False, id=str(kind))
            for kind in (
                K.CONNECT,
                K.TIMEOUT_CONNECT,
                K.TIMEOUT_HEADERS,
                K.TIMEOUT_FIRST_OUTPUT,
                K.TIMEOUT_IDLE,
                K.TIMEOUT_RESPONSE,
            )
        ),
    ],
)
def test_each_kind_sets_aside_its_target_for_its_time(
    what: Failure, scope: Scope, opens_s: float, until_s: float, stated: bool
) -> None:
    change = fail(what)
    assert change.asides == {
        target(scope, ONE): Aside(what.kind, NOW_S, NOW_S + opens_s, NOW_S + until_s, stated=stated)
    }
    assert change.setback.asides == (target(scope, ONE),)


@pytest.mark.parametrize(
    "kind",
    [
        K.SERVER_ERROR,
        K.PROTOCOL,
        K.TRUNCATED,
        K.OVERLOADED,
        K.CONFLICT,
        K.CONTEXT_TOO_LONG,
        K.INVALID_REQUEST,
        K.REJECTED,
        K.CONTENT_POLICY,
        K.CLIENT_GONE,
    ],
)
def test_the_other_kinds_set_nothing_aside_at_once(kind: FailureKind) -> None:
    assert fail(failure(kind)).asides == {}


def test_where_limits_are_by_account_every_credential_is_set_aside() -> None:
    by_account = candidate(provider("one", limits_by_account=True, breaker=None))
    assert list(fail(limited(7), attempt=grant(by_account)).asides) == [target(Scope.ACCOUNT, by_account)]


@pytest.mark.parametrize(
    ("what", "longest_s"),
    [
        pytest.param(limited(20), 21.0, id="five-percent-of-a-stated-time"),
        pytest.param(limited(1_000), 1_002.0, id="two-seconds-at-most"),
        pytest.param(limited(), 1.1, id="ten-percent-of-an-unstated-one"),
        pytest.param(failure(K.AUTH), 30.0, id="none-elsewhere"),
    ],
)
def test_jitter_is_added_never_taken_off(what: Failure, longest_s: float) -> None:
    (found,) = fail(what, share=1.0).asides.values()
    assert found.until_s == pytest.approx(NOW_S + longest_s)


def climb(what: Failure, times: int, apart_s: float = 0.0) -> list[float]:
    """Fail again each time the set-aside has ended, plus `apart_s`; return its lengths."""
    ladders: Mapping[Target, Mapping[FailureKind, Ladder]] = {}
    now_s, lengths = NOW_S, []
    for _ in range(times):
        change = fail(what, Memory(ladders=ladders), now_s=now_s)
        (found,) = change.asides.values()
        lengths.append(found.until_s - now_s)
        ladders, now_s = change.ladders, found.until_s + apart_s
    return lengths


@pytest.mark.parametrize(
    ("what", "apart_s", "expected"),
    [
        pytest.param(limited(), 0.0, [1, 2, 4, 8, 16, 32, 60, 60], id="rate-limited"),
        pytest.param(failure(K.AUTH), 0.0, [30, 300, 600, 1200, 2400, 3600, 3600], id="auth"),
        pytest.param(failure(K.AUTH), 600.0, [30, 300, 600], id="auth-again-within-ten-minutes"),
        pytest.param(failure(K.AUTH), 601.0, [30, 30], id="auth-much-later"),
        pytest.param(failure(K.PERMISSION), 0.0, [600], id="permission"),
    ],
)
def test_a_ladder_climbs_while_there_is_no_success(what: Failure, apart_s: float, expected: list[float]) -> None:
    assert climb(what, len(expected), apart_s) == expected


def test_a_kind_with_one_step_keeps_no_ladder() -> None:
    assert fail(failure(K.PERMISSION)).ladders == {}


def test_a_stated_time_moves_no_ladder() -> None:
    assert fail(limited(7)).ladders == {}


def test_a_targets_ladders_are_apart() -> None:
    spot = target(Scope.CREDENTIAL, ONE)
    memory = Memory(ladders={spot: {K.RATE_LIMITED: Ladder(3, NOW_S)}})
    change = fail(failure(K.AUTH), memory)
    assert change.ladders == {spot: {K.RATE_LIMITED: Ladder(3, NOW_S), K.AUTH: Ladder(0, NOW_S + 30)}}


def overload(times_s: list[float], claimed: tuple[Target, ...] = ()) -> list[dict[Target, Aside]]:
    overloads: Mapping[Target, tuple[float, ...]] = {}
    found = []
    for now_s in times_s:
        attempt = grant(ONE, now_s, claimed)
        change = fail(failure(K.OVERLOADED), Memory(overloads=overloads), attempt, now_s=now_s)
        overloads = change.overloads
        found.append(dict(change.asides))
    return found


def test_the_third_overload_in_half_a_minute_sets_the_candidate_aside() -> None:
    none, still_none, third = overload([NOW_S, NOW_S + 10, NOW_S + 29])
    assert (none, still_none, list(third)) == ({}, {}, [target(Scope.CANDIDATE, ONE)])
    assert third[target(Scope.CANDIDATE, ONE)].until_s == NOW_S + 29 + 15


def test_three_overloads_in_a_longer_time_do_not() -> None:
    assert overload([NOW_S, NOW_S + 15, NOW_S + 30]) == [{}, {}, {}]


def test_after_being_set_aside_overloads_are_counted_anew() -> None:
    assert [bool(each) for each in overload([NOW_S, NOW_S + 1, NOW_S + 2, NOW_S + 3])] == [False, False, True, False]


def test_one_overload_of_a_probe_is_enough() -> None:
    assert overload([NOW_S], (target(Scope.CANDIDATE, ONE),)) != [{}]


@pytest.mark.parametrize(
    ("kind", "scopes"),
    [
        *(
            pytest.param(kind, {Scope.CANDIDATE, Scope.PROVIDER}, id=f"{kind}-of-the-provider-too")
            for kind in (K.CONNECT, K.TIMEOUT_CONNECT)
        ),
        *(
            pytest.param(kind, {Scope.CANDIDATE}, id=f"{kind}-of-the-candidate")
            for kind in (
                K.TIMEOUT_HEADERS,
                K.TIMEOUT_FIRST_OUTPUT,
                K.TIMEOUT_IDLE,
                K.TIMEOUT_RESPONSE,
                K.SERVER_ERROR,
                K.PROTOCOL,
                K.TRUNCATED,
            )
        ),
        *(
            pytest.param(kind, set(), id=f"{kind}-of-none")
            for kind in (K.RATE_LIMITED, K.OVERLOADED, K.AUTH, K.CONFLICT, K.REJECTED, K.CLIENT_GONE)
        ),
    ],
)
def test_each_kind_feeds_its_breakers(kind: FailureKind, scopes: set[Scope]) -> None:
    change = fail(failure(kind), attempt=grant(BROKEN))
    opened = {spot.scope for spot, found in change.asides.items() if found.breaker}
    assert ({spot.scope for spot in change.breakers}, opened) == (scopes, scopes)
    assert change.setback.breaker_opened is bool(scopes)


def test_one_refused_connection_counts_in_both_breakers_and_opens_none() -> None:
    patient = candidate(provider("one"))
    change = fail(failure(K.CONNECT), attempt=grant(patient))
    assert [found.row for found in change.breakers.values()] == [1, 1] and not change.setback.breaker_opened


def test_an_open_breaker_and_a_timeout_make_one_set_aside() -> None:
    slow = candidate(provider("one", breaker=BreakerPolicy(consecutive=1, open_s=25)))
    change = fail(failure(K.TIMEOUT_HEADERS), attempt=grant(slow))
    assert change.asides[target(Scope.CANDIDATE, slow)] == Aside(
        K.TIMEOUT_HEADERS, NOW_S, NOW_S + 25, NOW_S + 25, breaker=True
    )


def test_a_failed_probe_opens_the_breaker_for_twice_as_long() -> None:
    spot = target(Scope.CANDIDATE, BROKEN)
    memory = Memory({spot: half_open(K.SERVER_ERROR, breaker=True)}, breakers={spot: Breaker(open_s=10)})
    found = fail(failure(K.SERVER_ERROR), memory, grant(BROKEN)).asides[spot]
    assert (found.opens_at_s, found.breaker) == (NOW_S + 20, True)


@pytest.mark.parametrize(
    ("old", "new", "until_s", "kind", "stated"),
    [
        pytest.param(
            aside(K.AUTH, 100),
            limited(7, Scope.CREDENTIAL),
            NOW_S + 100,
            K.AUTH,
            False,
            id="a-shorter-time-is-lost",
        ),
        pytest.param(
            aside(K.AUTH, 5), limited(7, Scope.CREDENTIAL), NOW_S + 7, K.RATE_LIMITED, True, id="a-longer-one-does"
        ),
    ],
)
def test_among_failures_a_cooldown_is_never_shortened(
    old: Aside, new: Failure, until_s: float, kind: FailureKind, stated: bool
) -> None:
    spot = target(Scope.CREDENTIAL, ONE)
    found = fail(new, remember((spot, old))).asides[spot]
    assert (found.until_s, found.opens_at_s, found.kind, found.stated) == (until_s, until_s, kind, stated)


def test_a_probe_of_a_long_quota_that_is_refused_keeps_its_end() -> None:
    spot = target(Scope.CREDENTIAL_MODEL, ONE)
    old = half_open(K.QUOTA_EXHAUSTED, until_s=NOW_S + DAY_S, stated=True, claimed_s=NOW_S)
    found = fail(limited(5), remember((spot, old)), grant(ONE, NOW_S, (spot,))).asides[spot]
    assert found == Aside(K.QUOTA_EXHAUSTED, NOW_S, NOW_S + 5, NOW_S + DAY_S, stated=True, claimed_s=None)


def test_another_requests_claim_outlives_a_failure() -> None:
    spot = target(Scope.CREDENTIAL_MODEL, ONE)
    old = half_open(K.CONNECT, claimed_s=NOW_S - 1)
    found = fail(limited(5), remember((spot, old)), grant(ONE, NOW_S - 31, (spot,))).asides[spot]
    assert found.claimed_s == NOW_S - 1


def test_a_candidate_without_credentials_is_set_aside_like_any() -> None:
    keyless: Candidate = candidate(provider("local", keys=0))
    (spot,) = fail(failure(K.AUTH), attempt=grant(keyless)).asides
    assert spot == Target(Scope.CREDENTIAL, "local")
