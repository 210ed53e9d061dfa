"""A budget holds under a crowd, through crashes and restarts, and while the database is away.

Two hundred requests at once on a key with a budget for fifty: what is admitted is what fits into the budget with all
that is in reserve. The upstream holds its answers back until everybody was admitted or refused, so that the numbers are
exact: nothing here depends on who was faster.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row

from proxy.core.usage import Usage
from proxy.simulator.app import Simulator
from tests.fakes.clock import ShiftedClock
from tests.fakes.databases import Databases
from tests.fakes.postgres import PostgresServer
from tests.fakes.process import GatewayProcess, gateway_process
from tests.fakes.served import mark, remembering
from tests.fakes.serving import serve
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import WireClient
from tests.integration.acceptance.scene import (
    PAID_KEY,
    SECRETS,
    TARIFFS,
    TEAM_KEY,
    Told,
    all_loaded,
    books,
    configuration,
    credentials,
    ledger,
    listen,
    nusd,
)

CROWD, ROOM = 200, 50
OUTPUT_TOKENS = 40
HOLD_S = 31.0
SETTLED_S = 15.0
BRIEF = "tell"
WORDY = " ".join("abcdefghij" * 20)  # twice as many tokens as its bytes let expect
TARIFF = TARIFFS["beta", "sim-delay-30-tokens-40"]


def body(number: int, text: str, model: str) -> bytes:
    asked = {"role": "user", "content": f"{mark(number)} {text}"}
    return json.dumps({"model": model, "max_tokens": OUTPUT_TOKENS, "messages": [asked]}).encode()


def reserved_nusd(text: str) -> int:
    """What a request takes from the budget: four bytes of it are a token, and all the output that it allows."""
    return nusd(TARIFF.usd(Usage(len(body(0, text, "held")) // 4, OUTPUT_TOKENS)))


def begun_nusd(text: str) -> int:
    """What a request counts whose gateway died: its prompt was sent, at least."""
    return nusd(TARIFF.usd(Usage(len(body(0, text, "held")) // 4)))


def resets_at() -> str:
    """When a month's budget begins anew."""
    today = datetime.now(UTC)
    year, month = (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)
    return f"{year}-{month:02}-01T00:00:00Z"


@dataclass(slots=True)
class Place:
    """Where it happens: a folder with a configuration, the upstream, and who asks next.

    Attributes:
        budget_nusd: Of the paid key, for a month.
    """

    folder: Path
    database_url: str
    simulator: Simulator
    clock: ShiftedClock
    budget_nusd: int
    numbers: count[int] = field(default_factory=count)

    async def ask(
        self, gateway: GatewayProcess, text: str = BRIEF, *, model: str = "held", key: str = PAID_KEY
    ) -> Told:
        """Ask for an answer of the length that a reservation counts with."""
        async with WireClient(gateway.url) as client:
            client.send(body(next(self.numbers), text, model), credentials(key))
            return await listen(client)

    async def crowd(self, gateway: GatewayProcess, text: str, admitted: int) -> list[asyncio.Task[Told]]:
        """Ask two hundred times at once and wait until so many are at the upstream and all others are refused."""
        asking = [asyncio.create_task(self.ask(gateway, text)) for _ in range(CROWD)]

        def is_sorted() -> bool:
            return self.waiting() == admitted and sum(task.done() for task in asking) == CROWD - admitted

        assert await settles(is_sorted, SETTLED_S), (self.waiting(), sum(task.done() for task in asking))
        for task in asking:
            if task.done():
                check_refused(task.result())
        return asking

    def waiting(self) -> int:
        """How many requests the upstream has and did not answer yet."""
        return sum(entry.ended_at_s is None for entry in self.simulator.journal.entries)

    def answer(self) -> None:
        """Let the upstream answer everybody."""
        self.clock.advance(HOLD_S)

    async def records(self) -> list[Row[Any]]:
        return await ledger(self.database_url, self.folder)


@asynccontextmanager
async def place(folder: Path, database_url: str, budget_nusd: int) -> AsyncIterator[Place]:
    clock = ShiftedClock()
    simulator = remembering(clock=clock)
    budget = f"{Decimal(budget_nusd) / 10**9:.9f}"
    paid = f'{{ name = "paid", key = "{PAID_KEY}", budget_usd_month = {budget} }}'
    keys = f'{{ name = "team", key = "{TEAM_KEY}" }}, {paid}'
    async with serve(simulator) as url:
        (folder / "fairlead.toml").write_text(configuration(url, database_url, keys))
        yield Place(folder, database_url, simulator, clock, budget_nusd)


def check_refused(told: Told) -> None:
    """Hold that this is the refusal of a budget."""
    assert told.status == 429, told
    assert (told.error["type"], told.error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert "(budget_usd_month)" in told.error["message"]


async def spend_to_the_end(on: Place, gateway: GatewayProcess) -> int:
    """Ask one after the other until the budget refuses for good; return how many were answered."""
    for answered in range(CROWD):
        told = await on.ask(gateway, model="quick")
        if told.status != 200:
            check_refused(told)
            assert f"The budget resets at {resets_at()}" in told.error["message"]
            return answered
    raise AssertionError("it never ends")


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_two_hundred_at_once_on_a_budget_for_fifty_through_a_crash_and_a_restart(
    database_url: str, tmp_path: Path
) -> None:
    reserved, begun = reserved_nusd(BRIEF), begun_nusd(BRIEF)
    async with place(tmp_path, database_url, ROOM * reserved + reserved // 2) as on:
        async with gateway_process(tmp_path, environ=SECRETS) as gateway:
            killed = await on.crowd(gateway, BRIEF, admitted=ROOM)
            held = await books(gateway, "paid")
            assert (held.spent_nusd, held.reserved_nusd) == (0, ROOM * reserved)
            gateway.send(signal.SIGKILL)
            assert not any(told.is_whole for told in await asyncio.gather(*killed) if told.status != 429)
            assert await settles(lambda: on.waiting() == 0, SETTLED_S)

        async with gateway_process(tmp_path, environ=SECRETS) as gateway:
            after_crash = await books(gateway, "paid")
            assert (after_crash.spent_nusd, after_crash.reserved_nusd) == (ROOM * begun, 0)
            fits = (on.budget_nusd - ROOM * begun) // reserved
            assert 0 < fits < ROOM
            asked = await on.crowd(gateway, BRIEF, admitted=fits)
            on.answer()
            answered = [told for told in await asyncio.gather(*asked) if told.status == 200]
            assert len(answered) == fits
            cost = nusd(answered[0].cost_usd or Decimal(0))
            assert 0 < cost < reserved, "a part of each reservation comes back"
            assert {told.cost_usd for told in answered} == {answered[0].cost_usd}
            spent = await books(gateway, "paid")
            assert (spent.spent_nusd, spent.reserved_nusd) == (ROOM * begun + fits * cost, 0)
            await all_loaded(gateway)
            assert sum(row.cost_nusd for row in await on.records()) == spent.spent_nusd
            assert await gateway.stop() == 0

        async with gateway_process(tmp_path, environ=SECRETS) as gateway:
            assert await books(gateway, "paid") == spent
            left = await spend_to_the_end(on, gateway)
            assert left == (on.budget_nusd - spent.spent_nusd - reserved) // cost + 1
            final = await books(gateway, "paid")
            assert await gateway.stop() == 0

        rows = await on.records()
        assert len(rows) == ROOM + fits + left
        assert sum(row.cost_nusd for row in rows) == final.spent_nusd == spent.spent_nusd + left * cost
        assert on.budget_nusd - reserved < final.spent_nusd <= on.budget_nusd
        whole = {entry.arrival.number for entry in on.simulator.journal.entries if entry.progress.status == 200}
        assert len(whole) == fits + left


async def test_answers_dearer_than_was_reserved_pass_the_budget_by_what_was_in_flight_and_no_more(
    tmp_path: Path,
) -> None:
    reserved = reserved_nusd(WORDY)
    url = f"sqlite:///{tmp_path}/fairlead.db"
    async with place(tmp_path, url, ROOM * reserved) as on, gateway_process(tmp_path, environ=SECRETS) as gateway:
        asked = await on.crowd(gateway, WORDY, admitted=ROOM)
        on.answer()
        answered = [told for told in await asyncio.gather(*asked) if told.status == 200]
        assert len(answered) == ROOM
        spent = await books(gateway, "paid")
        assert spent.spent_nusd == sum(nusd(told.cost_usd or Decimal(0)) for told in answered)
        assert on.budget_nusd < spent.spent_nusd <= on.budget_nusd + ROOM * reserved
        assert await spend_to_the_end(on, gateway) == 0
        assert (await on.ask(gateway, model="quick", key=TEAM_KEY)).status == 200, "the budget is the key's own"
        assert await gateway.stop() == 0
        assert sum(row.cost_nusd for row in await on.records() if row.key == "paid") == spent.spent_nusd


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_key_with_a_budget_waits_until_what_it_spent_is_known_and_others_are_served(
    databases: Databases, stoppable_postgres: PostgresServer, tmp_path: Path
) -> None:
    url = await databases.make("postgres", tmp_path, migrated=False)
    reserved = reserved_nusd(BRIEF)
    async with place(tmp_path, url, 3 * reserved) as on:
        async with gateway_process(tmp_path, environ=SECRETS) as gateway:
            assert (await on.ask(gateway, model="quick")).status == 200
            before = await books(gateway, "paid")
            assert await gateway.stop() == 0

        await asyncio.to_thread(stoppable_postgres.stop)
        async with gateway_process(tmp_path, environ=SECRETS) as gateway:
            unknown = await on.ask(gateway, model="quick")
            assert (unknown.status, unknown.error["code"], unknown.retry_after) == (503, "budget_unknown", "5")
            assert (await on.ask(gateway, model="quick", key=TEAM_KEY)).status == 200
            await asyncio.to_thread(stoppable_postgres.start)
            async with asyncio.timeout(SETTLED_S):
                while (told := await on.ask(gateway, model="quick")).status == 503:
                    await asyncio.sleep(0.1)
            assert told.status == 200
            spent = await books(gateway, "paid")
            assert spent.spent_nusd == before.spent_nusd * 2 > 0
            await asyncio.to_thread(stoppable_postgres.stop)
            assert (await on.ask(gateway, model="quick")).status == 200, "it knows, and an outage changes nothing"
            await asyncio.to_thread(stoppable_postgres.start)
            await all_loaded(gateway)
            assert await gateway.stop() == 0
        rows = await on.records()
        assert sorted((row.key, row.end) for row in rows) == [("paid", "ok")] * 3 + [("team", "ok")]
        assert sum(row.cost_nusd for row in rows if row.key == "paid") == before.spent_nusd * 3
    await databases.drop(url)
