"""What client keys have used of their limits, in the memory of one process: requests, tokens, places and money.

What is admitted, and what a key has used, `routing.keylimits` decides; this keeps it by the key's name, so that a
changed limit or a rotated secret finds what was used before. It reads no clock, does no I/O and never waits. Where a
ledger knows what was spent before the process began, keys with a budget are refused until `restore` has said it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import islice
from types import MappingProxyType

from proxy.core.ports import KeyAsk, KeyBudget, KeyGrant, LimitReached
from proxy.core.snapshot import ClientKey
from proxy.routing.budget import BudgetMark, Window, day_of, month_of, window_of
from proxy.routing.keylimits import (
    BUDGETS,
    KeyUse,
    Taken,
    is_idle,
    marks_passed,
    requests_left,
    settle,
    take,
    tokens_left,
)

CAP = 10_000
UNKNOWN = "budget_unknown"
UNKNOWN_S = 5.0
_LOOKED_AT = 8  # entries, when one is to go

NOTHING: Mapping[str, tuple[int, int]] = MappingProxyType({})

OnMark = Callable[[BudgetMark], None]


class KeyLimitsState:
    """The key part of `core.ports.SharedState`. No call waits.

    Beyond `cap` keys those go that were not used for longest, have nothing in flight, owe nothing and spent nothing in
    the current periods. What has to be remembered never goes: the keys that were ever made bound it.

    Attributes:
        uses: By the key's name.
        is_restored: What was spent is known, as it is where nothing is kept.
    """

    def __init__(self, on_mark: OnMark, cap: int = CAP) -> None:
        """Take who is told, once a period, that a key passed a mark of its budget: from `reserve` and `settle`."""
        self.uses: OrderedDict[str, KeyUse] = OrderedDict()
        self.is_restored = True
        self._on_mark = on_mark
        self._cap = cap
        self._roomy = cap // 2  # up to here nothing is about to go, so order does not matter

    async def reserve(self, ask: KeyAsk) -> Taken | LimitReached:
        """Take all that the ask wants of its key's limits, or nothing. A key with `NO_LIMITS` need not ask."""
        key = ask.key
        if not self.is_restored and key.limits.has_budget:
            return LimitReached(UNKNOWN, 0, 0, UNKNOWN_S)
        use = self.uses.get(key.name)
        if use is None or len(self.uses) > self._roomy:
            use = self._use(key.name, ask.now_s, ask.wall_s)
        outcome = take(use, ask)
        if isinstance(outcome, LimitReached) and outcome.limit in BUDGETS:
            # Neither what others hold for a moment nor what is dearer than the whole budget says that it is used up.
            is_used_up = not outcome.is_held and ask.nusd <= outcome.allowed
            self._tell(key.name, use, use.today, use.this_month, outcome.limit if is_used_up else "")
        return outcome

    def settle(self, grant: KeyGrant, tokens: int, nusd: int, now_s: float) -> None:
        """Give back what was not used. A second call does nothing."""
        assert isinstance(grant, Taken)  # as `reserve` returns it
        if grant.settled:
            return
        grant.settled = True
        if settle(grant, tokens, nusd, now_s):
            self._tell(grant.ask.key.name, grant.use, grant.today, grant.this_month)

    def count(self, key: ClientKey, nusd: int, now_s: float, wall_s: float) -> None:
        """Note what a request without a reservation cost, for the budget that its key may be given later."""
        day = day_of(wall_s)
        use = self._use(key.name, now_s, wall_s)
        window_of(use.days, day).spent_nusd += nusd
        window_of(use.months, month_of(day)).spent_nusd += nusd

    def key_budget(self, key: ClientKey, now_s: float) -> KeyBudget | None:
        """Say what is left of a key's requests and tokens; None = all of them."""
        use, limits = self.uses.get(key.name), key.limits
        if use is None or (use.rpm_paid_at_s <= now_s and use.tpm_paid_at_s <= now_s):
            return None
        return KeyBudget(requests_left(use, limits, now_s), tokens_left(use, limits, now_s))

    def expect_restore(self) -> None:
        """Admit no key with a budget until `restore` has said what was spent."""
        self.is_restored = False

    def spent(self, wall_s: float) -> dict[str, tuple[int, int]]:
        """Return what was counted here, as `restore` takes it."""
        day = day_of(wall_s)
        month = month_of(day)
        return {
            name: (window_of(use.days, day).spent_nusd, window_of(use.months, month).spent_nusd)
            for name, use in self.uses.items()
        }

    def restore(
        self, spend: Mapping[str, tuple[int, int]], wall_s: float, before: Mapping[str, tuple[int, int]] = NOTHING
    ) -> None:
        """Add what keys had spent before, and from now on admit those with a budget. What is in reserve stays.

        Args:
            spend: Nano-dollars in the current day and month of UTC by the key's name, of all that was closed so far;
                who is not named keeps what was counted.
            wall_s: When that was true: it names the day and the month.
            before: What was counted here when reading `spend` began and is part of it.
        """
        day = day_of(wall_s)
        month = month_of(day)
        for name, (day_nusd, month_nusd) in spend.items():
            use = self.uses.setdefault(name, KeyUse())
            known_day, known_month = before.get(name, (0, 0))
            of_day, of_month = window_of(use.days, day), window_of(use.months, month)
            # Never less than was counted: a ledger in memory does not know yet what it has not loaded.
            of_day.spent_nusd += max(0, day_nusd - known_day)
            of_month.spent_nusd += max(0, month_nusd - known_month)
        self.is_restored = True

    def _use(self, name: str, now_s: float, wall_s: float) -> KeyUse:
        use = self.uses.get(name)
        if use is None:
            if len(self.uses) >= self._cap:
                self._make_room(now_s, day_of(wall_s))
            use = self.uses[name] = KeyUse()
        elif len(self.uses) > self._roomy:
            self.uses.move_to_end(name)
        return use

    def _make_room(self, now_s: float, day: int) -> None:
        month = month_of(day)
        for name in list(islice(self.uses, _LOOKED_AT)):
            if is_idle(self.uses[name], now_s, day, month):
                del self.uses[name]
            else:
                self.uses.move_to_end(name)

    def _tell(self, key: str, use: KeyUse, day: Window, month: Window, refused: str = "") -> None:
        for mark in marks_passed(use, key, day.period, month.period, refused):
            self._on_mark(mark)
