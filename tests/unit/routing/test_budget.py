from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proxy.routing.budget import (
    DAY,
    MONTH,
    NEVER,
    Books,
    Window,
    counts,
    find,
    marks_passed,
    period_end_s,
    period_of,
    window_of,
)

D = 20_000


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("name", "at", "ends"),
    [
        pytest.param(DAY, "2026-11-20T00:00:00", "2026-11-21T00:00:00", id="a-day-from-its-first-second"),
        pytest.param(DAY, "2026-11-20T23:59:59.999", "2026-11-21T00:00:00", id="to-its-last"),
        pytest.param(MONTH, "2026-11-30T23:59:59.999", "2026-12-01T00:00:00", id="a-month"),
        pytest.param(MONTH, "2026-12-31T12:00:00", "2027-01-01T00:00:00", id="the-last-month"),
        pytest.param(MONTH, "2028-02-29T12:00:00", "2028-03-01T00:00:00", id="a-leap-month"),
        pytest.param(MONTH, "1970-01-01T00:00:00", "1970-02-01T00:00:00", id="the-first-month"),
    ],
)
def test_a_period_ends_where_the_next_begins(name: str, at: str, ends: str) -> None:
    period, end_s = period_of(name, unix(at)), unix(ends)
    assert period_end_s(name, period) == end_s
    assert period_of(name, end_s) == period + 1


def spent(books: Books) -> dict[int, int]:
    return {window.period: window.spent_nusd for window in (books.first, books.second) if window.period != NEVER}


def test_looking_for_a_window_begins_none() -> None:
    books = Books()
    assert find(books, D) is None
    assert spent(books) == {}


def test_the_period_before_is_kept_beside_the_present_one() -> None:
    books = Books()
    before, present = window_of(books, D), window_of(books, D + 1)
    assert (find(books, D), find(books, D + 1)) == (before, present)
    assert window_of(books, D) is find(books, D) is before


def test_only_two_periods_are_kept() -> None:
    books = Books()
    for period in (D, D + 1, D + 2):
        window_of(books, period)
    assert (books.first, books.second) == (Window(D + 2), Window(D + 1))


def test_a_straggler_of_the_day_before_does_not_drop_the_present() -> None:
    books = Books()
    for period in (D + 1, D, D + 2):
        window_of(books, period).spent_nusd += period
    assert spent(books) == {D + 2: D + 2, D + 1: D + 1}


def test_a_clock_that_was_far_ahead_for_a_moment_loses_nothing_of_today() -> None:
    books = Books()
    for period in (D, D + 10_000, D):
        window_of(books, period).spent_nusd += 5
    assert spent(books) == {D: 10, D + 10_000: 5}


@pytest.mark.parametrize(
    ("spent", "told", "allowed", "refuses", "marks"),
    [
        pytest.param(49, 0, 100, False, (), id="below"),
        pytest.param(50, 0, 100, False, (50,), id="half"),
        pytest.param(50, 50, 100, False, (), id="half-again"),
        pytest.param(95, 50, 100, False, (80,), id="the-next"),
        pytest.param(250, 0, 100, False, (50, 80, 100), id="several-at-once"),
        pytest.param(250, 100, 100, False, (), id="all-told"),
        pytest.param(97, 80, 100, True, (100,), id="refuses-near-the-end"),
        pytest.param(79, 50, 100, True, (), id="refuses-a-large-request-early"),
        pytest.param(120, 80, 100, True, (100,), id="refuses-beyond"),
        pytest.param(10, 0, None, False, (), id="no-budget"),
        pytest.param(10, 0, 0, True, (), id="a-budget-of-nothing"),
    ],
)
def test_marks_are_told_once_when_they_are_passed(
    spent: int, told: int, allowed: int | None, refuses: bool, marks: tuple[int, ...]
) -> None:
    assert marks_passed(Window(D, spent, 0, told), allowed, refuses=refuses) == marks


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        pytest.param(Window(D, 1), True, id="spent-now"),
        pytest.param(Window(D), False, id="nothing"),
        pytest.param(Window(D - 1, 1), False, id="spent-before"),
        pytest.param(Window(D - 1, 0, 1), True, id="still-in-reserve"),
    ],
)
@pytest.mark.parametrize("place", ["first", "second"])
def test_a_window_counts_while_its_money_matters(window: Window, expected: bool, place: str) -> None:
    books = Books(window) if place == "first" else Books(Window(), window)
    assert counts(books, D) is expected
