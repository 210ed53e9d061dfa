from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.routing.limits import charge, free_at_s

NOW_S = 1_000.0


def admitted(per_minute: int, times_s: list[float]) -> list[bool]:
    paid_at_s, verdicts = 0.0, []
    for now_s in times_s:
        verdicts.append(free_at_s(paid_at_s, per_minute) <= now_s)
        if verdicts[-1]:
            paid_at_s = charge(paid_at_s, now_s, 1, per_minute)
    return verdicts


def test_a_minutes_worth_may_come_at_once() -> None:
    assert admitted(3, [NOW_S] * 4) == [True, True, True, False]


def test_one_more_is_admitted_when_it_has_been_paid_off() -> None:
    assert admitted(3, [NOW_S] * 3 + [NOW_S + 19, NOW_S + 20, NOW_S + 21]) == [True] * 3 + [False, True, False]


@given(st.integers(1, 500), st.lists(st.floats(0, 300), min_size=1, max_size=200))
def test_no_minute_admits_more_than_twice_the_limit(per_minute: int, times_s: list[float]) -> None:
    times_s.sort()
    taken = [at_s for at_s, verdict in zip(times_s, admitted(per_minute, times_s), strict=True) if verdict]
    assert all(sum(at_s <= other < at_s + 60 for other in taken) <= 2 * per_minute for at_s in taken)


def test_a_large_request_goes_into_debt_that_is_paid_off_first() -> None:
    paid_at_s = charge(0.0, NOW_S, 3_000, 1_000)
    assert 119 < free_at_s(paid_at_s, 1_000) - NOW_S < 121


def test_what_was_taken_too_much_is_given_back() -> None:
    paid_at_s = charge(charge(0.0, NOW_S, 3_000, 1_000), NOW_S + 1, -2_990, 1_000)
    assert free_at_s(paid_at_s, 1_000) < NOW_S + 1
