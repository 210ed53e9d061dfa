"""Two gateways on one database and one folder: each request is in the ledger once, and what one is told both know."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from proxy.simulator.app import Simulator
from tests.fakes.process import GatewayProcess, gateway_process, run_command
from tests.fakes.served import arrivals_by_mark, mark, remembering
from tests.fakes.serving import serve
from tests.fakes.wireclient import WireClient
from tests.integration.acceptance.scene import (
    PAID_KEY,
    SECRETS,
    TEAM_KEY,
    Books,
    Told,
    all_loaded,
    books,
    configuration,
    credentials,
    ledger,
    listen,
)

ASKED, KILLED_AT = 200, 120
ADOPTED_WITHIN_S = 15.0
KNOWN_WITHIN_S = 3.0  # two seconds, and the time of the question itself
BUDGET = "0.03"
DEAREST = Decimal("0.000622")  # what a request reserves
ALERT = '"level":"ERROR","logger":"fairlead.alerts"'  # a budget that is used up
KEYS = (
    f'{{ name = "paid", key = "{PAID_KEY}", budget_usd_month = 1000 }}, '
    f'{{ name = "team", key = "{TEAM_KEY}", budget_usd_month = {BUDGET} }}'
)


@dataclass(slots=True)
class Pair:
    """Two gateways in folders of their own, with one `data_dir`."""

    folder: Path
    database_url: str
    simulator: Simulator
    gateways: list[GatewayProcess] = field(default_factory=list)
    numbers: count[int] = field(default_factory=count)

    @property
    def environ(self) -> dict[str, str]:
        return {**SECRETS, "FAIRLEAD_DATA_DIR": str(self.folder / "shared")}

    async def ask(self, gateway: GatewayProcess, model: str = "plain", key: str = PAID_KEY) -> Told:
        name = mark(next(self.numbers))
        asked = [{"role": "user", "content": name}]
        async with WireClient(gateway.url) as client:
            body = {"model": model, "stream": True, "max_tokens": 40, "messages": asked}
            client.send(body, {**credentials(key), "x-fairlead-tags": name})
            return await listen(client)

    async def command(self, *words: str) -> str:
        done = await run_command(self.folder / "0", *words, environ=self.environ)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    async def both_answer(self, key: str, status: int) -> None:
        """Wait until a key is known for what it is."""
        began_s = time.monotonic()
        for gateway in self.gateways:
            while (told := await self.ask(gateway, "quick", key)).status != status:
                assert time.monotonic() - began_s < KNOWN_WITHIN_S, told
                await asyncio.sleep(0.05)


@asynccontextmanager
async def pair(folder: Path, database_url: str) -> AsyncIterator[Pair]:
    """Start both at once."""
    simulator = remembering()
    async with serve(simulator) as url, AsyncExitStack() as stack:
        on = Pair(folder, database_url, simulator)
        starting = []
        for number in range(2):
            own = folder / str(number)
            own.mkdir()
            (own / "fairlead.toml").write_text(configuration(url, database_url, KEYS))
            starting.append(stack.enter_async_context(gateway_process(own, environ=on.environ)))
        on.gateways = await asyncio.gather(*starting)
        yield on
        for gateway in on.gateways:
            if gateway.process.poll() is None:
                assert await gateway.stop() == 0
            assert "Traceback" not in gateway.err and '"level":"ERROR"' not in gateway.err.replace(ALERT, ""), (
                gateway.err
            )


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_what_one_leaves_that_is_killed_the_other_loads_and_all_is_there_once(
    empty_database_url: str, tmp_path: Path
) -> None:
    async with pair(tmp_path, empty_database_url) as on:
        first, second = on.gateways
        asking = []
        for number in range(ASKED):
            asking.append(asyncio.create_task(on.ask(on.gateways[number % 2], "plain" if number % 3 else "slow")))
            await asyncio.sleep(0.003)
            if number == KILLED_AT:
                first.send(signal.SIGKILL)
                await first.ended()
        told = [found for found in await asyncio.gather(*asking, return_exceptions=True) if isinstance(found, Told)]
        arrived = arrivals_by_mark(on.simulator).keys()
        async with asyncio.timeout(ADOPTED_WITHIN_S):
            while len(rows := await ledger(empty_database_url, tmp_path)) < len(arrived):
                await asyncio.sleep(0.2)
        await all_loaded(second)
        async with gateway_process(tmp_path / "0", environ=on.environ) as again:
            spent_nusd = sum(row.cost_nusd for row in rows)
            assert await books(again, "paid") == Books(spent_nusd, 0), "it knows what both have spent"
            assert await again.stop() == 0
        rows = await ledger(empty_database_url, tmp_path)
        assert sorted(json.loads(row.tags)[0] for row in rows) == sorted(arrived)
        ends = {row.request_id: row.end for row in rows}
        assert {ends[found.request_id] for found in told if found.is_whole} == {"ok"}
        assert "interrupted" in ends.values()
        total = json.loads(await on.command("usage", "--json"))["total"]
        assert (total["requests"], Decimal(total["cost_usd"]) * 10**9) == (len(rows), spent_nusd)


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_keys_and_alerts_are_those_of_the_database(empty_database_url: str, tmp_path: Path) -> None:
    async with pair(tmp_path, empty_database_url) as on:
        key = await on.command("keys", "create", "bob", "--budget-usd-day", "1")
        await on.both_answer(key, 200)
        other = await on.command("keys", "rotate", "bob", "--grace", "2s")
        await on.both_answer(other, 200)
        await on.both_answer(key, 401)
        await on.command("keys", "revoke", "bob")
        await on.both_answer(other, 401)

        async def spend(gateway: GatewayProcess) -> None:
            while (await on.ask(gateway, "quick", TEAM_KEY)).status == 200:
                pass
            spent = await books(gateway, "team")
            assert Decimal(BUDGET) - DEAREST < Decimal(spent.spent_nusd) / 10**9 <= Decimal(BUDGET), "each counts apart"

        await asyncio.gather(*map(spend, on.gateways))
    told = [json.loads(line) for gateway in on.gateways for line in gateway.err.splitlines() if "budget_alert" in line]
    assert sorted(line["fairlead.percent"] for line in told) == [50, 80, 100]
