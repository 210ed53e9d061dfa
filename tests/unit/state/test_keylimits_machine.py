"""A state machine: whatever requests of a key do in whatever order, its limits hold and its books balance."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.core.ports import KeyAsk, KeyGrant, LimitReached
from proxy.core.snapshot import ClientKey, KeyLimits
from proxy.routing.budget import NEVER, Books, BudgetMark, Window, day_of, find, month_of
from proxy.routing.keylimits import KeyUse, Taken
from proxy.state.keylimits import KeyLimitsState
from tests.unit.state.drive import done

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]  # to choose thousands of steps costs more than to take them

MIDNIGHT_S = 1_796_083_200.0  # 2026-12-01T00:00:00Z: a day and a month begin
LIMITS = st.builds(
    KeyLimits,
    rpm=st.sampled_from([None, 1, 4, 20]),
    tpm=st.sampled_from([None, 50, 400]),
    parallel=st.sampled_from([None, 1, 3]),
    day_nusd=st.sampled_from([None, 0, 300, 1_000]),
    month_nusd=st.sampled_from([None, 500, 3_000]),
)
PAUSES = st.one_of(st.floats(0.0, 2.0), st.floats(2.0, 90.0), st.sampled_from([3_600.0, 40_000.0, 100_000.0]))
NUSD = st.integers(0, 400)
MINUTE_S = 60.0


class KeyLimitsMachine(RuleBasedStateMachine):
    """One key whose limits change now and then, over a change of day and month."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[BudgetMark] = []
        self.state = KeyLimitsState(self.marks.append)
        self.limits = KeyLimits()
        self.now_s = 1_000.0
        self.wall_s = MIDNIGHT_S - 2.0
        self.running: list[Taken] = []
        self.ended: list[Taken] = []
        self.booked: defaultdict[tuple[str, int], int] = defaultdict(int)  # what settled requests cost, as the ledger
        self.dearer: defaultdict[tuple[str, int], int] = defaultdict(int)  # what they cost beyond their reservation
        self.highest: defaultdict[tuple[str, int], int] = defaultdict(int)  # budgets under which something was admitted

    @initialize(limits=LIMITS, day=st.integers(0, 500), more=st.integers(0, 500))
    def begin(self, limits: KeyLimits, day: int, more: int) -> None:
        self.state.expect_restore()
        refused = self._ask(KeyLimits(day_nusd=1_000), 1, 1)
        assert refused == LimitReached("budget_unknown", 0, 0, 5.0)
        self.state.restore({"k": (day, day + more)}, self.wall_s)
        for period, nusd in zip(self._periods(self.wall_s), (day, day + more), strict=True):
            self.booked[period] = self.dearer[period] = nusd
        self.limits = limits

    @rule(limits=LIMITS)
    def limits_change(self, limits: KeyLimits) -> None:
        self.limits = limits

    @rule(pause_s=PAUSES)
    def time_passes(self, pause_s: float) -> None:
        self.now_s += pause_s
        self.wall_s += pause_s

    @rule(tokens=st.integers(0, 200), nusd=NUSD, times=st.integers(1, 30), late_s=st.sampled_from([0.0, 0.0, 5.0]))
    def ask(self, tokens: int, nusd: int, times: int, late_s: float) -> None:
        for _ in range(times):
            before = copy.deepcopy(self._use())
            outcome = self._ask(self.limits, tokens, nusd, self.wall_s - late_s)
            if isinstance(outcome, LimitReached):
                self._check_refusal(outcome, before, nusd, late_s)
                return
            self._note(outcome, before)

    def _note(self, grant: Taken, before: KeyUse) -> None:
        limits = self.limits
        assert limits.parallel is None or before.in_flight < limits.parallel
        assert set(_charged(grant)) == set(self._periods(grant.ask.wall_s))
        self.running.append(grant)
        for period, allowed in self._budgets(grant.ask.wall_s):
            window = self._window(period)
            used = window.spent_nusd + window.reserved_nusd
            self.highest[period] = max(self.highest[period], used if allowed is None else allowed)
            assert allowed is None or used <= allowed, "admitted beyond the budget"

    def _check_refusal(self, reached: LimitReached, before: KeyUse, nusd: int, late_s: float) -> None:
        after = self._use()
        assert after.in_flight == before.in_flight == len(self.running)
        if before.limits is after.limits:  # else what is owed was taken over to another pace
            assert (after.rpm_paid_at_s, after.tpm_paid_at_s) == (before.rpm_paid_at_s, before.tpm_paid_at_s)
        assert _money(after.days) <= _money(before.days) and _money(after.months) <= _money(before.months)
        assert reached.resets_s > 0 and reached.used >= 0
        if reached.limit == "parallel":
            assert len(self.running) >= reached.allowed
        elif reached.limit.startswith("budget"):
            periods = dict(self._budgets(self.wall_s - late_s))
            (period,) = [period for period in periods if reached.limit.endswith(period[0])]
            assert reached.allowed == periods[period]
            assert reached.used == self._reserved(period) + self.booked[period]
            assert reached.used + max(nusd, 1) > reached.allowed, "refused what the budget allows"

    @precondition(lambda self: self.running)
    @rule(chosen=st.integers(0, 99), share=st.integers(0, 100), tokens=st.integers(0, 300))
    def settle(self, chosen: int, share: int, tokens: int) -> None:
        self._settle(chosen, lambda nusd: nusd * share // 100, tokens)

    @precondition(lambda self: self.running)
    @rule(chosen=st.integers(0, 99), more=st.integers(1, 300))
    def settle_for_more_than_was_reserved(self, chosen: int, more: int) -> None:
        self._settle(chosen, lambda nusd: nusd + more, 10)

    @precondition(lambda self: self.ended)
    @rule(chosen=st.integers(0, 99), nusd=NUSD)
    def settle_again(self, chosen: int, nusd: int) -> None:
        before = copy.deepcopy(self._use())
        self.state.settle(self.ended[chosen % len(self.ended)], 5, nusd, self.now_s)
        assert self._use() == before

    @invariant()
    def books_balance(self) -> None:
        use = self._use()
        assert use.in_flight == len(self.running)
        for name, books in (("day", use.days), ("month", use.months)):
            for window in _windows(books):
                period = (name, window.period)
                assert window.spent_nusd == self.booked[period]
                assert window.reserved_nusd == self._reserved(period)

    @invariant()
    def spend_passes_no_budget_by_more_than_settling_dearer_than_reserved(self) -> None:
        for period, allowed in self.highest.items():
            assert self.booked[period] + self._reserved(period) <= allowed + self.dearer[period]

    @invariant()
    def each_mark_is_told_once(self) -> None:
        told = Counter((mark.budget, mark.period, mark.percent) for mark in self.marks)
        assert set(told.values()) <= {1}

    def teardown(self) -> None:
        while self.running:
            self._settle(0, lambda nusd: nusd, 10)
        self.books_balance()
        use = self._use()
        assert use.in_flight == 0 and not any(
            window.reserved_nusd for window in (*_windows(use.days), *_windows(use.months))
        )

    def _ask(self, limits: KeyLimits, tokens: int, nusd: int, wall_s: float | None = None) -> Taken | LimitReached:
        started_s = self.wall_s if wall_s is None else wall_s
        return done(self.state.reserve(KeyAsk(ClientKey("k", limits=limits), tokens, nusd, self.now_s, started_s)))

    def _settle(self, chosen: int, cost_of: Callable[[int], int], tokens: int) -> None:
        grant = self.running.pop(chosen % len(self.running))
        use = self._use()
        cost = cost_of(grant.ask.nusd)
        for period, books in zip(_charged(grant), (use.days, use.months), strict=True):
            kept = {window.period for window in _windows(books)}
            if period[1] in kept or period[1] > max(kept, default=0):  # of what is older nobody asks
                self.booked[period] += cost
                self.dearer[period] += max(0, cost - grant.ask.nusd)
        self.state.settle(grant, tokens, cost, self.now_s)
        self.ended.append(grant)

    def _use(self) -> KeyUse:
        return self.state.uses.get("k", KeyUse())

    def _window(self, period: tuple[str, int]) -> Window:
        use = self._use()
        return find(use.days if period[0] == "day" else use.months, period[1]) or Window()

    def _reserved(self, period: tuple[str, int]) -> int:
        held = [grant for grant in self.running if period in _charged(grant)]
        return sum(grant.ask.nusd for grant in held)

    def _periods(self, wall_s: float) -> tuple[tuple[str, int], tuple[str, int]]:
        day = day_of(wall_s)
        return ("day", day), ("month", month_of(day))

    def _budgets(self, wall_s: float) -> list[tuple[tuple[str, int], int | None]]:
        return list(zip(self._periods(wall_s), (self.limits.day_nusd, self.limits.month_nusd), strict=True))


def _charged(grant: Taken) -> tuple[tuple[str, int], tuple[str, int]]:
    return ("day", grant.today.period), ("month", grant.this_month.period)


def _windows(books: Books) -> list[Window]:
    return [window for window in (books.first, books.second) if window.period != NEVER]


def _money(books: Books) -> set[tuple[int, int, int]]:
    """Without windows in which nothing happened: asking for one begins it, and the oldest may go."""
    rows = [(window.period, window.spent_nusd, window.reserved_nusd) for window in _windows(books)]
    return {row for row in rows if any(row[1:])}


@given(
    st.sampled_from([1, 3, 10, 600]),
    st.lists(st.tuples(st.floats(0.0, 100.0), st.integers(1, 40), st.sampled_from([1.0, 0.5, 2.0])), max_size=30),
)
def test_no_minute_has_more_requests_than_the_limit_and_its_burst(
    rpm: int, steps: list[tuple[float, int, float]]
) -> None:
    """The limit changes too: the largest so far bounds."""
    state = KeyLimitsState(lambda mark: None)
    now_s, largest = 1_000.0, 0
    admitted_s: list[float] = []
    for pause_s, times, factor in steps:
        now_s += pause_s
        limits = KeyLimits(rpm=max(1, int(rpm * factor)))
        largest = max(largest, limits.rpm or 0)
        for _ in range(times):
            before = len(admitted_s)
            outcome = done(state.reserve(KeyAsk(ClientKey("k", limits=limits), 0, 0, now_s, MIDNIGHT_S)))
            if isinstance(outcome, KeyGrant):
                admitted_s.append(now_s)
                state.settle(outcome, 0, 0, now_s)
            else:
                assert outcome.limit == "rpm" and len(admitted_s) == before
        latest = [at_s for at_s in admitted_s if at_s > now_s - MINUTE_S]
        assert len(latest) <= 2 * largest


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.integers(1, 30)), min_size=1, max_size=30))
def test_a_limit_admits_at_once_what_it_says_is_left(steps: list[tuple[float, int]]) -> None:
    state, key = KeyLimitsState(lambda mark: None), ClientKey("k", limits=KeyLimits(rpm=20))
    now_s = 1_000.0
    for pause_s, times in steps:
        now_s += pause_s
        budget = state.key_budget(key, now_s)
        left = 20 if budget is None or budget.requests is None else budget.requests[1]
        outcomes = [done(state.reserve(KeyAsk(key, 0, 0, now_s, MIDNIGHT_S))) for _ in range(times)]
        assert sum(isinstance(outcome, KeyGrant) for outcome in outcomes) == min(times, left)


TestKeyLimits = KeyLimitsMachine.TestCase
TestKeyLimits.settings = settings(stateful_step_count=40)
