"""DESIGN.md section 8: budgets when a day and a month of UTC end with requests under way, and when clocks are set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.clock import DAY_S, ShiftedClock
from tests.integration.contracts.held import COST_NUSD, Held, held, key

TOKEN = "admin-token-0123456789"
BUDGET = "0.0008"  # of one request's reservation, and not of two
BOTH = f"budget_usd_day = {BUDGET}\nbudget_usd_month = {BUDGET}"
COST = "0.000026"


@asynccontextmanager
async def night(before_s: float, limits: str = BOTH) -> AsyncIterator[tuple[Held, ShiftedClock]]:
    """So many seconds before the next month begins."""
    clock = ShiftedClock()
    today = datetime.fromtimestamp(clock.wall(), UTC)
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    clock.advance(following.timestamp() - before_s - clock.wall())
    async with held(f'[auth]\nadmin_token = "{TOKEN}"\n{key(limits)}', clock) as at:
        yield at, clock


async def budgets(at: Held) -> dict[str, Any]:
    shown = await at.gateway.client.get("/admin/state", headers={"authorization": f"Bearer {TOKEN}"})
    (row,) = shown.json()["keys"]
    return {budget["budget"]: budget for budget in row["budgets"]}


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_under_way_at_the_end_of_a_month_is_charged_to_it(stream: bool) -> None:
    async with night(30.0) as (at, clock):
        first = await at.begin(stream=stream)
        before = await budgets(at)
        assert Decimal(before["day"]["reserved_usd"]) == Decimal(before["month"]["reserved_usd"]) > Decimal(BUDGET) / 2
        refused = await at.ask()
        assert refused.status == 429 and "Requests under way hold the rest" in refused.error["message"]

        clock.advance(60.0)
        fresh = await budgets(at)
        assert {(budget["spent_usd"], budget["reserved_usd"]) for budget in fresh.values()} == {("0.00", "0.00")}
        assert fresh["day"]["resets_at"] > before["day"]["resets_at"] == before["month"]["resets_at"]
        second = await at.begin(stream=stream)
        at.upstream.go.set()
        assert [(await task).status for task in (first, second)] == [200, 200]
        after = await budgets(at)
        assert {(budget["spent_usd"], budget["reserved_usd"]) for budget in after.values()} == {(COST, "0.00")}
        windows = (at.use.days.first, at.use.days.second, at.use.months.first, at.use.months.second)
        assert {(window.spent_nusd, window.reserved_nusd) for window in windows} == {(COST_NUSD, 0)}
        assert at.use.in_flight == 0


async def test_spent_budget_says_when_it_resets_until_the_last_moment() -> None:
    async with night(2.0, "budget_usd_day = 0.0001") as (at, clock):
        at.gateway.parts.state.keys.restore({"ci": (99_000, 99_000)}, clock.wall())
        with clock.slowed():
            clock.advance(1.5)
            refused = await at.ask(max_tokens=1)
    assert (refused.status, refused.retry_after_s) == (429, 1)
    assert "The budget resets at" in refused.error["message"] and "-01T00:00:00Z" in refused.error["message"]


async def test_clock_that_is_set_back_and_forward_loses_no_spend_and_no_reservation() -> None:
    async with night(30.0) as (at, clock):
        first = await at.begin(stream=True)
        for step_s in (-DAY_S, DAY_S, 400 * DAY_S, -400 * DAY_S):
            clock.advance(step_s)
            await budgets(at)
        assert (await at.ask()).status == 429
        at.upstream.go.set()
        assert (await first).status == 200
        after = await budgets(at)
        assert {(budget["spent_usd"], budget["reserved_usd"]) for budget in after.values()} == {(COST, "0.00")}
