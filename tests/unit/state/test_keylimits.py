"""What client keys have used is kept by name, until it no longer matters."""

from __future__ import annotations

import copy
from itertools import count

import pytest

from proxy.core.ports import KeyAsk, KeyBudget, KeyGrant, LimitReached
from proxy.core.snapshot import ClientKey, KeyLimits
from proxy.routing.budget import BudgetMark, Window, day_of, month_of
from proxy.routing.keylimits import KeyUse, Taken
from proxy.state.keylimits import KeyLimitsState
from tests.unit.state.drive import done

NOW_S = 1_000.0
WALL_S = 1_795_176_000.0  # 2026-11-20T12:00:00Z
DAY = day_of(WALL_S)
MONTH = month_of(DAY)


class Desk:
    """A state with what it told."""

    def __init__(self, *, cap: int = 100) -> None:
        self.marks: list[BudgetMark] = []
        self.state = KeyLimitsState(self.marks.append, cap)

    def ask(
        self, limits: KeyLimits, nusd: int = 0, *, name: str = "k", now_s: float = NOW_S, wall_s: float = WALL_S
    ) -> KeyGrant | LimitReached:
        return done(self.state.reserve(KeyAsk(ClientKey(name, limits=limits), 10, nusd, now_s, wall_s)))

    def grant(self, limits: KeyLimits, nusd: int = 0, *, name: str = "k", now_s: float = NOW_S) -> KeyGrant:
        grant = self.ask(limits, nusd, name=name, now_s=now_s)
        assert isinstance(grant, KeyGrant)
        return grant

    def spend(self, limits: KeyLimits, nusd: int) -> None:
        self.state.settle(self.grant(limits, nusd), 10, nusd, NOW_S)

    def use(self, name: str = "k") -> KeyUse:
        return self.state.uses[name]


def test_a_grant_names_the_periods_that_were_charged() -> None:
    desk = Desk()
    grant = desk.grant(KeyLimits(day_nusd=100), 60)
    assert isinstance(grant, Taken)
    assert (grant.today, grant.this_month) == (Window(DAY, 0, 60), Window(MONTH, 0, 60))


def test_nothing_is_taken_where_anything_refuses() -> None:
    desk = Desk()
    limits = KeyLimits(rpm=60, tpm=1_000, parallel=1, day_nusd=100)
    desk.grant(limits, 10)
    before = copy.deepcopy(desk.use())
    refused = desk.ask(limits, 10)
    assert isinstance(refused, LimitReached) and refused.limit == "parallel"
    assert desk.use() == before


def test_a_second_settling_counts_nothing() -> None:
    desk = Desk()
    grant = desk.grant(KeyLimits(parallel=5, day_nusd=100), 60)
    desk.state.settle(grant, 10, 20, NOW_S)
    before = copy.deepcopy(desk.use())
    desk.state.settle(grant, 10, 20, NOW_S)
    assert desk.use() == before
    assert (before.in_flight, before.days.first) == (0, Window(DAY, 20, 0))


def test_a_changed_limit_and_a_new_object_of_the_key_find_what_was_spent() -> None:
    desk = Desk()
    desk.spend(KeyLimits(day_nusd=100), 90)
    refused = desk.ask(KeyLimits(day_nusd=95), 10)
    assert isinstance(refused, LimitReached) and (refused.allowed, refused.used) == (95, 90)
    assert isinstance(desk.ask(KeyLimits(day_nusd=200), 10), KeyGrant)


def test_what_a_key_without_limits_spends_counts_once_it_gets_a_budget() -> None:
    desk = Desk()
    desk.state.count(ClientKey("k"), 70, NOW_S, WALL_S)
    assert isinstance(desk.ask(KeyLimits(day_nusd=100), 40), LimitReached)
    assert isinstance(desk.ask(KeyLimits(month_nusd=100), 30), KeyGrant)


def test_what_a_key_without_a_budget_spends_counts_once_it_gets_one() -> None:
    desk = Desk()
    desk.state.settle(desk.grant(KeyLimits(rpm=5)), 10, 70, NOW_S)
    assert isinstance(desk.ask(KeyLimits(day_nusd=100), 40), LimitReached)


def test_keys_with_a_budget_wait_until_their_spend_is_known() -> None:
    desk = Desk()
    desk.state.expect_restore()
    assert desk.ask(KeyLimits(day_nusd=100)) == LimitReached("budget_unknown", 0, 0, 5.0)
    assert desk.ask(KeyLimits(month_nusd=100)) == LimitReached("budget_unknown", 0, 0, 5.0)
    assert isinstance(desk.ask(KeyLimits(rpm=5)), KeyGrant)
    desk.state.restore({"k": (30, 60)}, WALL_S)
    assert isinstance(desk.ask(KeyLimits(day_nusd=100), 70), KeyGrant)


def test_where_nothing_is_kept_nothing_was_spent() -> None:
    assert isinstance(Desk().ask(KeyLimits(day_nusd=100), 100), KeyGrant)


def test_a_restart_does_not_reset_the_spend() -> None:
    desk = Desk()
    desk.state.expect_restore()
    desk.state.restore({"k": (90, 900), "other": (5, 5)}, WALL_S)
    day, month = desk.ask(KeyLimits(day_nusd=100), 11), desk.ask(KeyLimits(month_nusd=1_000), 101)
    assert isinstance(day, LimitReached) and day.used == 90
    assert isinstance(month, LimitReached) and month.used == 900
    assert isinstance(desk.ask(KeyLimits(day_nusd=100), 11, wall_s=WALL_S + 86_400), KeyGrant)


def test_restoring_again_keeps_what_is_in_reserve() -> None:
    desk = Desk()
    grant = desk.grant(KeyLimits(day_nusd=100), 40)
    desk.state.restore({"k": (50, 50)}, WALL_S)
    assert isinstance(desk.ask(KeyLimits(day_nusd=100), 11), LimitReached)
    desk.state.settle(grant, 10, 5, NOW_S)
    assert desk.use().days.first.spent_nusd == 55


def test_what_settles_while_the_spend_is_read_is_added_to_it() -> None:
    desk = Desk()
    desk.state.settle(desk.grant(KeyLimits(rpm=5)), 10, 20, NOW_S)
    before = desk.state.spent(WALL_S)
    desk.state.settle(desk.grant(KeyLimits(rpm=5)), 10, 7, NOW_S)
    desk.state.restore({"k": (50, 500)}, WALL_S, before)  # the 20 are in it, the 7 are not
    assert desk.state.spent(WALL_S) == {"k": (57, 507)}


def test_restoring_never_takes_away_what_was_counted() -> None:
    desk = Desk()
    desk.state.settle(desk.grant(KeyLimits(rpm=5)), 10, 20, NOW_S)
    desk.state.restore({"k": (5, 30)}, WALL_S, desk.state.spent(WALL_S))
    assert desk.state.spent(WALL_S) == {"k": (20, 30)}


def test_what_is_left_is_told_for_the_limits_that_the_key_has() -> None:
    desk = Desk()
    desk.grant(KeyLimits(rpm=60, tpm=1_000))
    left = desk.state.key_budget(ClientKey("k", limits=KeyLimits(rpm=60, tpm=1_000)), NOW_S)
    assert left is not None
    assert left.requests == pytest.approx((60, 59, 1.0))
    assert left.tokens == pytest.approx((1_000, 990, 0.6))
    later = desk.state.key_budget(ClientKey("k", limits=KeyLimits(rpm=60, tpm=1_000)), NOW_S + 0.8)
    assert later is not None and later.tokens == (1_000, 1_000, 0.0)
    assert desk.state.key_budget(ClientKey("k", limits=KeyLimits(rpm=60, tpm=1_000)), NOW_S + 1.0) is None
    assert desk.state.key_budget(ClientKey("k"), NOW_S) == KeyBudget(None, None)
    assert desk.state.key_budget(ClientKey("new", limits=KeyLimits(rpm=5)), NOW_S) is None


def test_every_mark_is_told_once_a_period() -> None:
    desk = Desk()
    limits = KeyLimits(day_nusd=100, month_nusd=1_000)
    for _ in range(10):
        desk.spend(limits, 10)
    assert [(mark.budget, mark.percent) for mark in desk.marks] == [("day", 50), ("day", 80), ("day", 100)]
    assert desk.marks[0] == BudgetMark("k", "day", DAY, 50, 50, 100)


def test_a_budget_that_begins_to_refuse_near_its_end_is_told_as_used_up_once() -> None:
    desk = Desk()
    limits = KeyLimits(day_nusd=100)
    desk.spend(limits, 95)
    for _ in range(3):
        assert isinstance(desk.ask(limits, 10), LimitReached)
    assert [mark.percent for mark in desk.marks] == [50, 80, 100]


def test_a_budget_that_begins_to_refuse_in_the_last_second_of_its_day_is_told_as_used_up() -> None:
    desk = Desk()
    limits = KeyLimits(day_nusd=100)
    desk.spend(limits, 95)
    assert isinstance(desk.ask(limits, 10, wall_s=WALL_S + 43_199.5), LimitReached)
    assert [mark.percent for mark in desk.marks] == [50, 80, 100]


def test_marks_are_those_of_the_budget_that_the_key_has_now() -> None:
    desk = Desk()
    begun = desk.grant(KeyLimits(day_nusd=100), 90)
    desk.spend(KeyLimits(day_nusd=1_000), 10)
    desk.state.settle(begun, 10, 90, NOW_S)
    assert desk.marks == []
    desk.spend(KeyLimits(day_nusd=1_000), 400)
    assert [(mark.percent, mark.allowed_nusd) for mark in desk.marks] == [(50, 1_000)]


def test_a_refusal_for_what_others_hold_in_reserve_does_not_say_that_a_budget_is_used_up() -> None:
    desk = Desk()
    limits = KeyLimits(day_nusd=100)
    desk.spend(limits, 85)
    desk.grant(limits, 10)
    refused = desk.ask(limits, 10)
    assert isinstance(refused, LimitReached) and refused.resets_s == 1.0
    assert [mark.percent for mark in desk.marks] == [50, 80]


def test_a_refusal_of_what_is_dearer_than_the_whole_budget_does_not_say_that_it_is_used_up() -> None:
    desk = Desk()
    limits = KeyLimits(day_nusd=100)
    desk.spend(limits, 85)
    assert isinstance(desk.ask(limits, 101), LimitReached)
    assert [mark.percent for mark in desk.marks] == [50, 80]
    assert isinstance(desk.ask(limits, 16), LimitReached)
    assert [mark.percent for mark in desk.marks] == [50, 80, 100]


def test_a_mark_that_was_passed_before_a_restart_is_told_at_the_first_refusal_of_any_kind() -> None:
    desk = Desk()
    desk.state.restore({"k": (60, 60)}, WALL_S)
    assert isinstance(desk.ask(KeyLimits(day_nusd=100), 101), LimitReached)
    assert [mark.percent for mark in desk.marks] == [50]


def test_a_refusal_of_another_limit_says_nothing_of_the_budget() -> None:
    desk = Desk()
    desk.spend(KeyLimits(day_nusd=100), 95)
    desk.grant(KeyLimits(parallel=1, day_nusd=100))
    assert isinstance(desk.ask(KeyLimits(parallel=1, day_nusd=100)), LimitReached)
    assert [mark.percent for mark in desk.marks] == [50, 80]


def test_beyond_the_cap_those_go_that_owe_nothing_and_were_not_used_for_longest() -> None:
    desk = Desk(cap=4)
    for name in ("a", "b", "c", "d"):
        desk.state.settle(desk.grant(KeyLimits(rpm=60), name=name), 1, 0, NOW_S)
    desk.grant(KeyLimits(rpm=60), name="a", now_s=NOW_S + 1)
    desk.grant(KeyLimits(rpm=60), name="e", now_s=NOW_S + 1.5)
    assert set(desk.state.uses) == {"a", "e"}


def test_what_must_be_remembered_never_goes() -> None:
    desk = Desk(cap=2)
    desk.grant(KeyLimits(parallel=1), name="under way")
    desk.state.count(ClientKey("spent"), 5, NOW_S, WALL_S)
    for number in range(50):
        desk.state.settle(desk.grant(KeyLimits(rpm=6_000), name=f"n{number}", now_s=NOW_S + number), 1, 0, NOW_S)
    assert {"under way", "spent"} <= set(desk.state.uses)
    assert len(desk.state.uses) < 12


def test_names_that_come_once_do_not_pile_up() -> None:
    desk = Desk(cap=50)
    clock = count(int(NOW_S), 60)
    for number in range(1_000):
        grant = desk.grant(KeyLimits(rpm=60), name=f"n{number}", now_s=next(clock))
        desk.state.settle(grant, 1, 0, NOW_S)
        assert len(desk.state.uses) <= 51


def test_of_two_hundred_requests_at_once_on_a_budget_for_fifty_no_more_spend_than_it_has() -> None:
    desk = Desk()
    limits = KeyLimits(day_nusd=50 * 100)
    grants: list[KeyGrant] = []
    waiting = 200
    while waiting:  # the refused ask again as others end, each for less than was reserved
        came = [desk.ask(limits, 100) for _ in range(waiting)]
        grants += [grant for grant in came if isinstance(grant, KeyGrant)]
        refused = [reached for reached in came if isinstance(reached, LimitReached)]
        assert len(grants) <= 50
        if not grants:
            assert all(reached.resets_s == 43_200.0 for reached in refused)
            break
        assert all(reached.resets_s == 1.0 for reached in refused)
        waiting = len(refused)
        for grant in grants:
            desk.state.settle(grant, 10, 60, NOW_S)
        grants.clear()
    window = desk.use().days.first
    assert (window.spent_nusd, window.reserved_nusd) == (82 * 60, 0)
    assert 5_000 - window.spent_nusd < 100
