"""What a client key has used of its limits, which limit forbids its next request, and what a request takes of them.

Requests and tokens a minute go by the cell rate algorithm of `routing.limits`, requests at once by a count, budgets by
`routing.budget`. The caller keeps a `KeyUse` for each key and brings both clocks; it is changed in place, since making
it anew for each request costs several times as much.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, floor
from operator import attrgetter

from proxy.core.ports import KeyAsk, KeyGrant, LimitReached
from proxy.core.snapshot import NO_LIMITS, KeyLimits
from proxy.routing import budget
from proxy.routing.budget import DAY, DAY_S, MONTH, Books, BudgetMark, Window, day_of, is_due, month_of, window_of
from proxy.routing.limits import BURST_S, ROUNDING_S, at_pace, charge, free_at_s

RPM, TPM, PARALLEL = "rpm", "tpm", "parallel"
DAY_BUDGET, MONTH_BUDGET = "budget_usd_day", "budget_usd_month"
BUDGETS = {DAY_BUDGET: DAY, MONTH_BUDGET: MONTH}
BUSY_S = 1.0  # when a place or a reservation comes free is not known; in a second it is worth asking again


@dataclass(slots=True)
class KeyUse:
    """What one key has used.

    Attributes:
        rpm_paid_at_s, tpm_paid_at_s: See `routing.limits`; monotonic.
        rpm, tpm: The limits at whose pace these two are counted.
        limits: Those of the latest request.
        today, this_month: The windows of the day from `from_s` to `until_s` (Unix time), that of the latest request.
    """

    rpm_paid_at_s: float = 0.0
    tpm_paid_at_s: float = 0.0
    rpm: int = 0
    tpm: int = 0
    in_flight: int = 0
    days: Books = field(default_factory=Books)
    months: Books = field(default_factory=Books)
    limits: KeyLimits = NO_LIMITS
    today: Window = field(default_factory=Window)
    this_month: Window = field(default_factory=Window)
    from_s: float = 0.0
    until_s: float = 0.0


class Taken(KeyGrant, eq=False):
    """A grant that knows what was charged: its day and month stay those of its start, however late it settles."""

    use: KeyUse
    today: Window
    this_month: Window
    settled: bool = False


def take(use: KeyUse, ask: KeyAsk) -> Taken | LimitReached:
    """Take a place, a request, the tokens and the money, all of it; or nothing, and say which limit forbids it.

    Of several limits that do it names the one that lasts longest: who comes back then is not refused by another. How
    many tokens a request takes is only guessed: it is admitted while one is left and may take the limit into debt, so
    that no request is too large for ever. Money must be there, all of it.
    """
    limits, now_s, nusd = ask.key.limits, ask.now_s, ask.nusd
    if use.limits is not limits:
        _adapt(use, limits, now_s)
    if not use.from_s <= ask.wall_s < use.until_s:  # seldom
        _turn_to(use, ask.wall_s)
    today, this_month = use.today, use.this_month
    rpm_at_s, tpm_at_s = use.rpm_paid_at_s, use.tpm_paid_at_s
    in_day, in_month = today.spent_nusd + today.reserved_nusd, this_month.spent_nusd + this_month.reserved_nusd
    day_nusd, month_nusd, parallel = limits.day_nusd, limits.month_nusd, limits.parallel
    if (
        (month_nusd is not None and in_month + (nusd or in_month > 0) > month_nusd)  # see `_used_up`
        or (day_nusd is not None and in_day + (nusd or in_day > 0) > day_nusd)
        or ((tpm_at_s > now_s or rpm_at_s > now_s) and _is_ahead(use, now_s))
        or (parallel is not None and use.in_flight >= parallel)
    ):
        return _longest_reached(use, ask)
    use.in_flight += 1
    if use.rpm:
        use.rpm_paid_at_s = (rpm_at_s if rpm_at_s > now_s else now_s) + BURST_S / use.rpm
    if use.tpm:
        use.tpm_paid_at_s = charge(tpm_at_s, now_s, ask.tokens, use.tpm)
    today.reserved_nusd += nusd
    this_month.reserved_nusd += nusd
    return Taken(ask, use, today, this_month)


def settle(taken: Taken, tokens: int, nusd: int, now_s: float) -> bool:
    """Give the place back, put what was spent in the reservation's place, and correct the tokens.

    Returns:
        Spending has passed a mark: `marks_passed` says which.
    """
    ask, use, today, this_month = taken.ask, taken.use, taken.today, taken.this_month
    limits, reserved_nusd = ask.key.limits, ask.nusd
    use.in_flight -= 1
    if use.tpm and limits.tpm:
        use.tpm_paid_at_s = charge(use.tpm_paid_at_s, now_s, tokens - ask.tokens, use.tpm)
    # Where it has no budget too: it may be given one later.
    today.reserved_nusd -= reserved_nusd
    today.spent_nusd += nusd
    this_month.reserved_nusd -= reserved_nusd
    this_month.spent_nusd += nusd
    day_nusd, month_nusd = use.limits.day_nusd, use.limits.month_nusd  # the budgets may have changed meanwhile
    return bool((day_nusd and is_due(today, day_nusd)) or (month_nusd and is_due(this_month, month_nusd)))


def marks_passed(use: KeyUse, key: str, day: int, month: int, refused: str = "") -> list[BudgetMark]:
    """List what an operator must be told of a key's budgets, and remember that it was.

    Args:
        key: Its name.
        refused: The limit that just refused a request, if it was one of `BUDGETS`.
    """
    marks: list[BudgetMark] = []
    for name, books, period in ((DAY_BUDGET, use.days, day), (MONTH_BUDGET, use.months, month)):
        allowed_nusd = use.limits.day_nusd if name is DAY_BUDGET else use.limits.month_nusd
        window = budget.find(books, period) if allowed_nusd else None
        if allowed_nusd is None or window is None:
            continue
        for percent in budget.marks_passed(window, allowed_nusd, refuses=refused == name):
            window.told = percent
            marks.append(BudgetMark(key, BUDGETS[name], period, percent, window.spent_nusd, allowed_nusd))
    return marks


def is_idle(use: KeyUse, now_s: float, day: int, month: int) -> bool:
    """Say whether forgetting all of it changes nothing from now on."""
    is_paid = use.rpm_paid_at_s <= now_s and use.tpm_paid_at_s <= now_s
    return is_paid and not use.in_flight and not budget.counts(use.days, day) and not budget.counts(use.months, month)


def requests_left(use: KeyUse, limits: KeyLimits, now_s: float) -> tuple[int, int, float] | None:
    """Return the limit of requests a minute, how many are left, and the seconds until all of them are."""
    return _left(use.rpm_paid_at_s, now_s, use.rpm, limits.rpm)


def tokens_left(use: KeyUse, limits: KeyLimits, now_s: float) -> tuple[int, int, float] | None:
    """Return the limit of tokens a minute, how many are left, and the seconds until all of them are."""
    return _left(use.tpm_paid_at_s, now_s, use.tpm, limits.tpm)


def _left(paid_at_s: float, now_s: float, was: int, per_minute: int | None) -> tuple[int, int, float] | None:
    if not per_minute:
        return None
    if paid_at_s <= now_s:
        return per_minute, per_minute, 0.0
    owed_s = (paid_at_s if was == per_minute else at_pace(paid_at_s, now_s, was, per_minute)) - now_s
    free = floor((BURST_S - owed_s + ROUNDING_S) * per_minute / BURST_S)
    return per_minute, 0 if free < 0 else free if free < per_minute else per_minute, owed_s


def _turn_to(use: KeyUse, wall_s: float) -> None:
    """Charge the day and the month of this moment from now on."""
    day = day_of(wall_s)
    use.today, use.this_month = window_of(use.days, day), window_of(use.months, month_of(day))
    use.from_s, use.until_s = float(day * DAY_S), float((day + 1) * DAY_S)


def _adapt(use: KeyUse, limits: KeyLimits, now_s: float) -> None:
    """Take what is owed over to limits that changed. A limit that is taken away leaves nothing owed."""
    rpm, tpm = limits.rpm or 0, limits.tpm or 0
    use.rpm_paid_at_s = at_pace(use.rpm_paid_at_s, now_s, use.rpm, rpm) if rpm else 0.0
    use.tpm_paid_at_s = at_pace(use.tpm_paid_at_s, now_s, use.tpm, tpm) if tpm else 0.0
    use.rpm, use.tpm, use.limits = rpm, tpm, limits


def _is_ahead(use: KeyUse, now_s: float) -> bool:
    """Say whether a pace forbids a request."""
    if use.tpm and free_at_s(use.tpm_paid_at_s, use.tpm) > now_s:
        return True
    return use.rpm > 0 and free_at_s(use.rpm_paid_at_s, use.rpm) > now_s


def _longest_reached(use: KeyUse, ask: KeyAsk) -> LimitReached:
    """Name the limit that lasts longest of those that forbid a request; there is one."""
    limits, reached = ask.key.limits, []
    budgets = ((MONTH_BUDGET, limits.month_nusd, use.this_month), (DAY_BUDGET, limits.day_nusd, use.today))
    for name, allowed_nusd, window in budgets:
        if allowed_nusd is not None and _used_up(window, ask.nusd, allowed_nusd):
            reached.append(_money_reached(name, allowed_nusd, window, ask))
    for name, per_minute, paid_at_s in ((TPM, use.tpm, use.tpm_paid_at_s), (RPM, use.rpm, use.rpm_paid_at_s)):
        if per_minute and free_at_s(paid_at_s, per_minute) > ask.now_s:
            reached.append(_rate_reached(name, per_minute, paid_at_s, ask.now_s))
    if limits.parallel is not None and use.in_flight >= limits.parallel:
        reached.append(LimitReached(PARALLEL, limits.parallel, use.in_flight, BUSY_S))
    return max(reached, key=attrgetter("resets_s"))


def _rate_reached(limit: str, per_minute: int, paid_at_s: float, now_s: float) -> LimitReached:
    used = ceil((paid_at_s - now_s - ROUNDING_S) * per_minute / BURST_S)
    return LimitReached(limit, per_minute, used, free_at_s(paid_at_s, per_minute) - now_s)


def _used_up(window: Window, nusd: int, allowed_nusd: int) -> bool:
    """A used-up budget refuses requests that cost nothing too; one of nothing leaves them be."""
    used_nusd = window.spent_nusd + window.reserved_nusd
    return used_nusd + (nusd or used_nusd > 0) > allowed_nusd


def _money_reached(limit: str, allowed_nusd: int, window: Window, ask: KeyAsk) -> LimitReached:
    is_only_reserved = window.spent_nusd + max(ask.nusd, 1) <= allowed_nusd
    ends_in_s = budget.period_end_s(BUDGETS[limit], window.period) - ask.wall_s
    resets_s = BUSY_S if is_only_reserved else max(BUSY_S, ends_in_s)
    return LimitReached(limit, allowed_nusd, window.spent_nusd + window.reserved_nusd, resets_s, is_only_reserved)
