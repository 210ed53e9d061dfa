"""DESIGN.md section 8: budgets when a day and a month of UTC end with requests under way, and when clocks are set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.clock import ShiftedClock
from tests.fakes.gateway import RunningGateway
from tests.fakes.heard import Heard
from tests.fakes.rawserver import Peer, chunk
from tests.fakes.rawstreams import DONE, FINISH, HEAD, event
from tests.fakes.rawstreams import said as spoken
from tests.integration.contracts.scene import ask, model, providers, said, scene

KEY = "client-key-0123456789"
AUTH = {"authorization": f"Bearer {KEY}"}
TOKEN = "admin-token-0123456789"
PRICE = '[prices."a/up"]\ninput_usd_per_mtok = 2\noutput_usd_per_mtok = 10\n'
USAGE = event({}, usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})
COST = "0.000026"  # of three tokens and two
MAX_TOKENS = 50
BUDGET = "0.0008"  # of one request's reservation, and not of two
DAY_S = 86_400.0


@dataclass(slots=True)
class Upstream:
    """Holds the end of each answer back until it is let go."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            is_stream = b'"stream":true' in request.body or b'"stream": true' in request.body
            if is_stream:
                await peer.send(HEAD + chunk(*spoken("Hi")))
            self.arrived.set()
            await self.go.wait()
            await peer.send(chunk(FINISH, USAGE, DONE) + b"0\r\n\r\n" if is_stream else said())


@dataclass(slots=True)
class Night:
    gateway: RunningGateway
    clock: ShiftedClock
    upstream: Upstream

    async def ask(self, *, stream: bool = False) -> Heard:
        return await ask(self.gateway, headers=AUTH, max_tokens=MAX_TOKENS, stream=stream)

    async def begin(self, *, stream: bool) -> asyncio.Task[Heard]:
        self.upstream.arrived.clear()
        task = asyncio.create_task(self.ask(stream=stream))
        await asyncio.wait_for(self.upstream.arrived.wait(), 5)
        return task

    async def budgets(self) -> dict[str, Any]:
        shown = await self.gateway.client.get("/admin/state", headers={"authorization": f"Bearer {TOKEN}"})
        (row,) = shown.json()["keys"]
        return {budget["budget"]: budget for budget in row["budgets"]}


@asynccontextmanager
async def night(
    before_s: float, budgets: str = f"budget_usd_day = {BUDGET}\nbudget_usd_month = {BUDGET}"
) -> AsyncIterator[Night]:
    """So many seconds before the next month begins."""
    clock, upstream = ShiftedClock(), Upstream()
    today = datetime.fromtimestamp(clock.wall(), UTC)
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    clock.advance(following.timestamp() - before_s - clock.wall())
    toml = f'[auth]\nadmin_token = "{TOKEN}"\n[[auth.keys]]\nname = "ci"\nkey = "{KEY}"\n{budgets}\n'
    async with scene(toml + PRICE + providers("a") + model("a"), clock=clock, a=upstream) as gateway:
        yield Night(gateway, clock, upstream)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_under_way_at_the_end_of_a_month_is_charged_to_it(stream: bool) -> None:
    async with night(30.0) as at:
        first = await at.begin(stream=stream)
        held = await at.budgets()
        assert (held["day"]["spent_usd"], held["month"]["spent_usd"]) == ("0.00", "0.00")
        assert Decimal(held["day"]["reserved_usd"]) > Decimal(BUDGET) / 2
        refused = await at.ask()
        assert refused.status == 429 and "Requests under way hold the rest" in refused.error["message"]

        at.clock.advance(60.0)
        fresh = await at.budgets()
        assert {(b["spent_usd"], b["reserved_usd"]) for b in fresh.values()} == {("0.00", "0.00")}
        assert fresh["day"]["resets_at"] > held["day"]["resets_at"] == held["month"]["resets_at"]
        second = await at.begin(stream=stream)
        at.upstream.go.set()
        assert [(await task).status for task in (first, second)] == [200, 200]
        after = await at.budgets()
        assert {(b["spent_usd"], b["reserved_usd"]) for b in after.values()} == {(COST, "0.00")}
        (use,) = at.gateway.parts.state.keys.uses.values()
        windows = (use.days.first, use.days.second, use.months.first, use.months.second)
        assert {(window.spent_nusd, window.reserved_nusd) for window in windows} == {(26_000, 0)}
        assert use.in_flight == 0


async def test_budget_that_is_spent_says_when_it_resets_until_the_last_moment() -> None:
    async with night(2.0, "budget_usd_day = 0.0001\n") as at:
        at.upstream.go.set()
        at.gateway.parts.state.keys.restore({"ci": (99_000, 99_000)}, at.clock.wall())
        with at.clock.slowed():
            at.clock.advance(1.5)
            heard = await ask(at.gateway, headers=AUTH, max_tokens=1)
        assert (heard.status, heard.retry_after_s) == (429, 1)
        assert "Requests under way" not in heard.error["message"], heard.error["message"]
        assert "The budget resets at" in heard.error["message"]
        assert "01T00:00:00Z" in heard.error["message"]


async def test_clock_that_is_set_back_and_forward_loses_no_spend_and_no_reservation() -> None:
    async with night(30.0) as at:
        first = await at.begin(stream=True)
        for step_s in (-DAY_S, DAY_S, 400 * DAY_S, -400 * DAY_S):
            at.clock.advance(step_s)
        assert (await at.ask()).status == 429
        at.upstream.go.set()
        assert (await first).status == 200
        after = await at.budgets()
        assert {(b["spent_usd"], b["reserved_usd"]) for b in after.values()} == {(COST, "0.00")}
