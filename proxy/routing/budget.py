"""The money of one budget in its periods: what was spent, what is in reserve, and which marks were passed.

Periods are days and months of UTC, numbered from 1970. A request is charged to the period of its start until its end,
however late that is, as the ledger files it. Reads no clock; times are Unix time. Windows are changed in place, since
each request of a key changes two of them twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from math import floor

from msgspec import Struct

DAY, MONTH = "day", "month"
MARKS = (50, 80, 100)  # percent of a budget that an operator is told of
CLOSED_FROM = 80  # percent from which on a refusal says that the budget is as good as used up

_NEXT = dict(zip((0, *MARKS), (*MARKS, 1_000_000), strict=True))
NEVER = -1  # a period that never comes

DAY_S = 86_400


@dataclass(slots=True)
class Window:
    """One period.

    Attributes:
        spent_nusd: What settled requests cost.
        reserved_nusd: What requests under way may cost at most.
        told: The highest of `MARKS` that was reported.
    """

    period: int = NEVER
    spent_nusd: int = 0
    reserved_nusd: int = 0
    told: int = 0


@dataclass(slots=True)
class Books:
    """The two periods of one budget that matter: a request may settle after midnight, or come a little late."""

    first: Window = field(default_factory=Window)
    second: Window = field(default_factory=Window)


class BudgetMark(Struct, frozen=True):
    """A key has spent so many percent of a budget, or nearly and was refused. `budget` is "day" or "month"."""

    key: str
    budget: str
    period: int
    percent: int
    spent_nusd: int
    allowed_nusd: int


def day_of(wall_s: float) -> int:
    return floor(wall_s // DAY_S)


@lru_cache(maxsize=8)  # nearly always about today
def month_of(day: int) -> int:
    date = datetime.fromtimestamp(day * DAY_S, UTC)
    return (date.year - 1970) * 12 + date.month - 1


def period_of(budget: str, wall_s: float) -> int:
    day = day_of(wall_s)
    return day if budget == DAY else month_of(day)


def period_end_s(budget: str, period: int) -> float:
    """Return the moment at which a budget begins anew."""
    if budget == DAY:
        return float((period + 1) * DAY_S)
    years, month = divmod(period + 1, 12)
    return datetime(1970 + years, month + 1, 1, tzinfo=UTC).timestamp()


def find(books: Books, period: int) -> Window | None:
    """Return the window of this period, if it is kept."""
    if books.first.period == period:
        return books.first
    return books.second if books.second.period == period else None


def window_of(books: Books, period: int) -> Window:
    """Return the window of this period; begin it where there is none, in place of the earlier one."""
    first = books.first
    if first.period == period:  # nearly always
        return first
    if books.second.period == period:
        return books.second
    books.second = max(first, books.second, key=_period)
    books.first = Window(period)
    return books.first


def marks_passed(window: Window, allowed_nusd: int | None, *, refuses: bool) -> tuple[int, ...]:
    """Return which of `MARKS` are passed and not told yet.

    Args:
        allowed_nusd: The budget. Where there is none, or one of nothing, nobody is told.
        refuses: A request was just refused. A budget that is nearly spent seldom comes to its very end, since the next
            request may cost more than is left; that it refuses is what the operator must know.
    """
    if not allowed_nusd or not (refuses or is_due(window, allowed_nusd)):
        return ()
    percent = window.spent_nusd * 100 // allowed_nusd
    if refuses and percent >= CLOSED_FROM:
        percent = max(percent, MARKS[-1])
    return tuple([mark for mark in MARKS if window.told < mark <= percent])


def is_due(window: Window, allowed_nusd: int) -> bool:
    """Say whether spending has passed a mark that was not told yet."""
    return window.spent_nusd * 100 >= allowed_nusd * _NEXT[window.told]


def counts(books: Books, period: int) -> bool:
    """Say whether anything here still matters in this period."""
    windows = (books.first, books.second)
    return any(w.reserved_nusd > 0 or (w.spent_nusd > 0 and w.period == period) for w in windows)


def _period(window: Window) -> int:
    return window.period
