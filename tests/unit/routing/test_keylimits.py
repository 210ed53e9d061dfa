"""What a key's limits admit, and what they say when they do not."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.ports import KeyAsk, LimitReached
from proxy.core.snapshot import ClientKey, KeyLimits
from proxy.routing.budget import Books, BudgetMark, Window, day_of, month_of, window_of
from proxy.routing.keylimits import (
    BUSY_S,
    KeyUse,
    Taken,
    is_idle,
    marks_passed,
    requests_left,
    settle,
    take,
    tokens_left,
)

NOW_S = 1_000.0
WALL_S = 1_795_176_000.0  # 2026-11-20T12:00:00Z
DAY = day_of(WALL_S)
MONTH = month_of(DAY)
HALF_A_DAY_S = 43_200.0


def ask(limits: KeyLimits, tokens: int = 10, nusd: int = 0, now_s: float = NOW_S, wall_s: float = WALL_S) -> KeyAsk:
    return KeyAsk(ClientKey("k", limits=limits), tokens, nusd, now_s, wall_s)


def admitted(use: KeyUse, asked: KeyAsk) -> KeyUse:
    assert isinstance(take(use, asked), Taken)
    return use


def refused(use: KeyUse, asked: KeyAsk) -> LimitReached:
    before = (use.in_flight, held(use.days), held(use.months))
    reached = take(use, asked)
    assert isinstance(reached, LimitReached)
    assert (use.in_flight, held(use.days), held(use.months)) == before, "something was taken"
    return reached


def held(books: Books) -> int:
    return sum(window.spent_nusd + window.reserved_nusd for window in (books.first, books.second))


def used(asked: KeyAsk, times: int = 1) -> KeyUse:
    use = KeyUse()
    for _ in range(times):
        admitted(use, asked)
    return use


def settled(use: KeyUse, asked: KeyAsk, tokens: int = 0, nusd: int = 0) -> KeyUse:
    settle(Taken(asked, use, window_of(use.days, DAY), window_of(use.months, MONTH)), tokens, nusd, NOW_S)
    return use


def spent(nusd: int) -> Books:
    return Books(Window(DAY, nusd))


def test_a_minutes_worth_of_requests_may_come_at_once_and_the_next_waits_its_turn() -> None:
    limits = KeyLimits(rpm=60)
    reached = refused(used(ask(limits), 60), ask(limits))
    assert (reached.limit, reached.allowed, reached.used) == ("rpm", 60, 60)
    assert reached.resets_s == pytest.approx(1.0, abs=0.01)


def test_requests_come_free_at_the_pace_of_the_limit() -> None:
    limits = KeyLimits(rpm=60)
    use = used(ask(limits), 60)
    use = admitted(use, ask(limits, now_s=NOW_S + 1.0))
    refused(use, ask(limits, now_s=NOW_S + 1.5))


def test_a_request_larger_than_the_token_limit_is_admitted_into_debt_that_is_paid_off_first() -> None:
    limits = KeyLimits(tpm=1_000)
    use = used(ask(limits, tokens=5_000))
    reached = refused(use, ask(limits))
    assert (reached.limit, reached.allowed, reached.used) == ("tpm", 1_000, 5_000)
    assert reached.resets_s == pytest.approx(240.0, abs=0.1)
    admitted(use, ask(limits, now_s=NOW_S + reached.resets_s))


def test_settling_gives_tokens_back_that_were_not_used() -> None:
    limits = KeyLimits(tpm=1_000)
    asked = ask(limits, tokens=1_000)
    use = used(asked)
    refused(use, asked)
    assert tokens_left(settled(use, asked, 100), limits, NOW_S) == pytest.approx((1_000, 900, 6.0))


def test_settling_takes_tokens_that_were_used_beyond_the_estimate() -> None:
    limits = KeyLimits(tpm=1_000)
    asked = ask(limits, tokens=10)
    use = settled(used(asked), asked, 2_000)
    assert refused(use, asked).used == 2_000


def test_tokens_are_not_given_back_where_none_were_taken() -> None:
    free, limited = ask(KeyLimits(rpm=5), tokens=900), ask(KeyLimits(tpm=1_000), tokens=1_000)
    use = admitted(used(free), limited)
    assert tokens_left(settled(use, free), limited.key.limits, NOW_S) == (1_000, 0, 60.0)


def test_only_so_many_requests_at_once() -> None:
    limits = KeyLimits(parallel=2)
    use = used(ask(limits), 2)
    assert refused(use, ask(limits)) == LimitReached("parallel", 2, 2, BUSY_S)
    admitted(settled(use, ask(limits)), ask(limits))


@pytest.mark.parametrize(
    ("limits", "name", "resets_s"),
    [
        pytest.param(KeyLimits(day_nusd=100), "budget_usd_day", HALF_A_DAY_S, id="day"),
        pytest.param(KeyLimits(month_nusd=100), "budget_usd_month", 10 * 86_400 + HALF_A_DAY_S, id="month"),
    ],
)
def test_a_spent_budget_refuses_until_its_period_ends(limits: KeyLimits, name: str, resets_s: float) -> None:
    asked = ask(limits, nusd=60)
    use = settled(used(asked), asked, nusd=60)
    assert refused(use, asked) == LimitReached(name, 100, 60, resets_s)
    admitted(use, ask(limits, nusd=40))


def test_money_in_reserve_refuses_for_a_moment_only() -> None:
    asked = ask(KeyLimits(day_nusd=100), nusd=60)
    use = used(asked)
    assert refused(use, asked) == LimitReached("budget_usd_day", 100, 60, BUSY_S, is_held=True)
    admitted(settled(use, asked, nusd=1), asked)


def test_a_request_dearer_than_the_whole_budget_is_refused_at_once() -> None:
    assert refused(KeyUse(), ask(KeyLimits(day_nusd=100), nusd=101)).used == 0


@pytest.mark.parametrize(
    ("allowed", "before", "is_admitted"),
    [
        pytest.param(100, 99, True, id="something-left"),
        pytest.param(100, 100, False, id="nothing-left"),
        pytest.param(0, 0, True, id="a-budget-for-what-is-free"),
    ],
)
def test_a_request_that_costs_nothing_needs_a_budget_that_is_not_used_up(
    allowed: int, before: int, is_admitted: bool
) -> None:
    use = KeyUse(days=Books(Window(DAY, before)))
    assert isinstance(take(use, ask(KeyLimits(day_nusd=allowed))), Taken) is is_admitted


def test_just_before_midnight_a_client_is_still_told_to_wait_a_moment() -> None:
    asked = ask(KeyLimits(day_nusd=100), nusd=60, wall_s=WALL_S + HALF_A_DAY_S - 0.01)
    assert refused(KeyUse(days=spent(60)), asked).resets_s == BUSY_S


@pytest.mark.parametrize("left_s", [HALF_A_DAY_S, 0.01])
def test_only_what_is_in_reserve_is_said_to_be_held_however_near_midnight_is(left_s: float) -> None:
    asked = ask(KeyLimits(day_nusd=100), nusd=60, wall_s=WALL_S + HALF_A_DAY_S - left_s)
    assert not refused(KeyUse(days=spent(60)), asked).is_held
    assert refused(used(asked), asked).is_held


@pytest.mark.parametrize(
    ("spare", "named"),
    [
        pytest.param({}, "budget_usd_month", id="month-first"),
        pytest.param({"month_nusd": None}, "budget_usd_day", id="then-day"),
        pytest.param({"month_nusd": None, "day_nusd": None}, "rpm", id="then-a-minute-of-requests"),
        pytest.param({"month_nusd": None, "day_nusd": None, "rpm": None}, "tpm", id="then-seconds-of-tokens"),
        pytest.param({"month_nusd": None, "day_nusd": None, "tpm": None, "rpm": None}, "parallel", id="then-parallel"),
        pytest.param({"month_nusd": None, "day_nusd": None, "tpm": 1}, "tpm", id="more-tokens-than-requests-owed"),
    ],
)
def test_of_several_limits_the_one_that_lasts_longest_is_named(spare: dict[str, Any], named: str) -> None:
    values: dict[str, Any] = {"rpm": 1, "tpm": 10, "parallel": 1, "day_nusd": 10, "month_nusd": 10}
    asked = ask(KeyLimits(**(values | spare)), nusd=10)
    use = used(asked)
    use.days.first.spent_nusd = use.months.first.spent_nusd = 10
    assert refused(use, asked).limit == named


def test_a_day_that_is_spent_lasts_longer_than_a_month_that_is_only_reserved() -> None:
    use = KeyUse(days=spent(10), months=Books(Window(MONTH, 10, 2)))
    reached = refused(use, ask(KeyLimits(day_nusd=10, month_nusd=12), nusd=1))
    assert (reached.limit, reached.resets_s) == ("budget_usd_day", HALF_A_DAY_S)


def test_a_pace_lasts_longer_than_money_that_is_only_reserved() -> None:
    asked = ask(KeyLimits(rpm=1, day_nusd=10), nusd=10)
    reached = refused(used(asked), asked)
    assert reached.limit == "rpm"
    assert reached.resets_s == pytest.approx(60.0, abs=0.01)


def test_a_changed_limit_counts_what_was_used_before_at_its_own_pace() -> None:
    use = used(ask(KeyLimits(rpm=60)), 60)
    assert requests_left(use, KeyLimits(rpm=600), NOW_S) == pytest.approx((600, 540, 6.0))
    assert refused(use, ask(KeyLimits(rpm=6))).used == 60
    assert requests_left(admitted(use, ask(KeyLimits(rpm=600))), KeyLimits(rpm=600), NOW_S) == pytest.approx(
        (600, 539, 6.1)
    )


def test_a_changed_token_limit_counts_what_was_used_before_too() -> None:
    use = used(ask(KeyLimits(tpm=100), tokens=300))
    assert refused(use, ask(KeyLimits(tpm=200))).used == 300
    assert tokens_left(use, KeyLimits(tpm=600), NOW_S) == pytest.approx((600, 300, 30.0))


def test_a_limit_that_was_taken_away_and_came_back_finds_nothing_used() -> None:
    use = used(ask(KeyLimits(rpm=60, tpm=100), tokens=90), 1)
    admitted(use, ask(KeyLimits(parallel=5)))
    assert requests_left(use, KeyLimits(rpm=60), NOW_S) == (60, 60, 0.0)
    assert tokens_left(use, KeyLimits(tpm=100), NOW_S) == (100, 100, 0.0)


def test_a_limit_that_is_new_finds_nothing_used() -> None:
    use = used(ask(KeyLimits(rpm=60)), 60)
    assert tokens_left(use, KeyLimits(tpm=1_000), NOW_S) == (1_000, 1_000, 0.0)


def test_what_is_left_of_a_limit_never_goes_below_nothing() -> None:
    limits = KeyLimits(tpm=1_000)
    assert tokens_left(used(ask(limits, tokens=5_000)), limits, NOW_S) == pytest.approx((1_000, 0, 300.0))
    assert requests_left(KeyUse(), limits, NOW_S) is None


def test_a_new_day_begins_with_the_whole_budget_and_the_same_month() -> None:
    asked = ask(KeyLimits(day_nusd=100, month_nusd=150), nusd=100)
    use = settled(used(asked), asked, nusd=100)
    tomorrow = ask(asked.key.limits, nusd=60, wall_s=WALL_S + 86_400)
    assert refused(use, tomorrow).limit == "budget_usd_month"
    admitted(use, ask(asked.key.limits, nusd=50, wall_s=WALL_S + 86_400))


def test_a_request_settles_in_the_periods_that_it_began_in() -> None:
    limits = KeyLimits(day_nusd=100, month_nusd=100)
    use = KeyUse()
    taken = take(use, ask(limits, nusd=60))
    assert isinstance(taken, Taken)
    admitted(use, ask(limits, nusd=70, wall_s=WALL_S + 11 * 86_400))
    settle(taken, 0, 50, NOW_S)
    assert (use.days.first, use.days.second) == (Window(DAY + 11, 0, 70), Window(DAY, 50, 0))
    assert (use.months.first, use.months.second) == (Window(MONTH + 1, 0, 70), Window(MONTH, 50, 0))


def test_a_request_from_before_midnight_that_comes_late_is_charged_to_its_own_day() -> None:
    limits = KeyLimits(day_nusd=100)
    use = used(ask(limits, nusd=60))
    admitted(use, ask(limits, nusd=70, wall_s=WALL_S + 86_400))
    assert refused(use, ask(limits, nusd=50)).used == 60
    assert refused(use, ask(limits, nusd=50, wall_s=WALL_S + 86_400)).used == 70


def test_what_settles_when_nobody_asks_for_its_day_any_more_changes_nothing() -> None:
    limits = KeyLimits(day_nusd=100)
    use = KeyUse()
    taken = take(use, ask(limits, nusd=10))
    assert isinstance(taken, Taken)
    for days in (1, 2):
        admitted(use, ask(limits, nusd=10, wall_s=WALL_S + days * 86_400))
    settle(taken, 0, 70, NOW_S)
    assert (use.days.first, use.days.second) == (Window(DAY + 2, 0, 10), Window(DAY + 1, 0, 10))


def test_marks_name_key_budget_period_and_amounts() -> None:
    limits = KeyLimits(day_nusd=100, month_nusd=120)
    use = KeyUse(days=Books(Window(DAY, 85, 0, 50)), months=Books(Window(MONTH, 60)), limits=limits)
    assert marks_passed(use, "k", DAY, MONTH) == [
        BudgetMark("k", "day", DAY, 80, 85, 100),
        BudgetMark("k", "month", MONTH, 50, 60, 120),
    ]
    assert marks_passed(use, "k", DAY, MONTH) == []
    assert [mark.budget for mark in marks_passed(use, "k", DAY, MONTH, "budget_usd_day")] == ["day"]
    assert marks_passed(use, "k", DAY + 5, MONTH + 5) == []


def test_a_key_without_a_budget_passes_no_mark() -> None:
    use = KeyUse(days=spent(1_000), limits=KeyLimits(rpm=5))
    assert marks_passed(use, "k", DAY, MONTH) == []


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        pytest.param(KeyUse(), True, id="never-used"),
        pytest.param(KeyUse(rpm_paid_at_s=NOW_S + 1, rpm=1), False, id="requests-owed"),
        pytest.param(KeyUse(tpm_paid_at_s=NOW_S + 1, tpm=1), False, id="tokens-owed"),
        pytest.param(KeyUse(rpm_paid_at_s=NOW_S, rpm=1), True, id="paid-off"),
        pytest.param(KeyUse(in_flight=1), False, id="in-flight"),
        pytest.param(KeyUse(days=spent(1)), False, id="spent-today"),
        pytest.param(KeyUse(months=Books(Window(MONTH, 1))), False, id="spent-this-month"),
        pytest.param(
            KeyUse(days=Books(Window(DAY - 1, 1)), months=Books(Window(MONTH - 1, 1))), True, id="spent-long-ago"
        ),
    ],
)
def test_what_can_be_forgotten_is_what_changes_nothing(use: KeyUse, expected: bool) -> None:
    assert is_idle(use, NOW_S, DAY, MONTH) is expected
