"""Two thousand requests while the gateway is killed twenty times and its database stopped five times.

Some are streams, some leave in mid-answer, some fail over, some fail. Afterwards every answer that a client received
whole is in the ledger exactly once, every request that reached an upstream has a record, none twice; and what the
ledger says it cost is what the upstream says it served. The seed that is printed with a failure repeats the requests
and the order of what happens, though not the microsecond at which it does.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row

from proxy.simulator.journal import Entry
from proxy.store.database import Database
from tests.fakes.databases import Databases
from tests.fakes.loaded import is_balanced
from tests.fakes.postgres import PostgresServer
from tests.fakes.process import GatewayProcess, gateway_process
from tests.fakes.served import arrivals_by_mark, bill, mark, remembering
from tests.fakes.serving import serve
from tests.fakes.wireclient import CHAT, WireClient
from tests.integration.acceptance.scene import (
    PAID_KEY,
    SECRETS,
    TARIFFS,
    TEAM_KEY,
    Books,
    Told,
    all_loaded,
    books,
    configuration,
    credentials,
    ledger,
    listen,
    nusd,
)

SEED = 20_261_120
CLIENTS = 16
THINKS_S = 0.15  # at most: runs are to be long enough for some of it to be loaded
LONGEST_S = 8.0  # of an answer, on a busy machine
EMBEDDINGS = "/v1/embeddings"
KEYS = f'{{ name = "team", key = "{TEAM_KEY}" }}, {{ name = "paid", key = "{PAID_KEY}", budget_usd_month = 900 }}'
UNRECORDED = 503  # to the key with a budget, while what it spent is not known
WEIGHTS = {
    "plain": 6,
    "slow": 4,
    "cached": 3,
    "reasoning": 2,
    "midway": 1,
    "untold": 1,
    "moving": 6,
    "vectors": 3,
    "broken": 1,
    "failing": 1,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a client is going to do.

    Attributes:
        leaves_after: Chunks of a stream after which it leaves; None = it stays.
        leaves_after_s: The same by time, for an answer that comes whole.
    """

    mark: str
    model: str
    stream: bool
    key: str
    leaves_after: int | None = None
    leaves_after_s: float = LONGEST_S

    @property
    def is_leaving(self) -> bool:
        return self.leaves_after is not None or self.leaves_after_s < LONGEST_S

    @property
    def path(self) -> str:
        return EMBEDDINGS if self.model == "vectors" else CHAT

    @property
    def body(self) -> dict[str, object]:
        text = f"This is {self.mark}: please say something, whatever it may be."
        if self.model == "vectors":
            return {"model": self.model, "input": [text, "and this too"]}
        return {"model": self.model, "messages": [{"role": "user", "content": text}], "stream": self.stream}


def plans(count: int, rng: random.Random) -> list[Plan]:
    """Decide what each of so many clients does."""
    models = rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
    return [_plan(number, rng, model) for number, model in enumerate(models)]


def _plan(number: int, rng: random.Random, model: str) -> Plan:
    stream = model != "vectors" and rng.random() < 0.5
    key = PAID_KEY if rng.random() < 0.3 else TEAM_KEY
    if rng.random() > 0.15:
        return Plan(mark(number), model, stream, key)
    if stream:
        return Plan(mark(number), model, stream, key, leaves_after=rng.randrange(8))
    return Plan(mark(number), model, stream, key, leaves_after_s=rng.uniform(0.0, 0.03))


@dataclass(slots=True)
class Chaos:
    """One run of it.

    Attributes:
        todo: Who has not asked yet.
        told: What each client that was connected got.
        issued: How many were connected so far.
    """

    rng: random.Random
    todo: deque[Plan]
    told: dict[Plan, Told] = field(default_factory=dict)
    issued: int = 0

    async def reaches(self, count: int) -> None:
        """Wait until so many clients were connected."""
        while self.issued < count and self.todo:
            await asyncio.sleep(0.002)

    async def ask_all(self, gateway: GatewayProcess) -> None:
        """Let clients ask until nobody is left or the gateway is gone."""
        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(self._ask_on(gateway))

    async def kill(self, gateway: GatewayProcess, at: int) -> None:
        """Kill the gateway at a moment soon after so many clients were connected."""
        await self.reaches(at)
        await asyncio.sleep(self.rng.uniform(0, 0.03))
        gateway.process.kill()

    async def _ask_on(self, gateway: GatewayProcess) -> None:
        while self.todo and gateway.process.poll() is None:
            plan = self.todo.popleft()
            await asyncio.sleep(self.rng.uniform(0, THINKS_S))
            try:
                self.told[plan] = await self._ask(gateway.url, plan)
            except ConnectionError:  # it was killed meanwhile: the next one will hear of this
                self.todo.append(plan)

    async def _ask(self, url: str, plan: Plan) -> Told:
        async with WireClient(url) as client:
            self.issued += 1
            client.send(plan.body, {**credentials(plan.key), "x-fairlead-tags": plan.mark}, path=plan.path)
            try:
                async with asyncio.timeout(plan.leaves_after_s):
                    return await listen(client, plan.leaves_after)
            except TimeoutError:
                assert plan.is_leaving, f"no answer within {LONGEST_S} s: {plan}"
                return Told()


@dataclass(frozen=True, slots=True)
class Found:
    """Everything afterwards, to be laid side by side."""

    told: dict[Plan, Told]
    arrivals: dict[str, list[Entry]]
    rows: list[Row[Any]]
    paid: Books

    @property
    def marks(self) -> list[str]:
        """Of each record."""
        return [json.loads(row.tags)[0] for row in self.rows]

    @property
    def by_mark(self) -> dict[str, Row[Any]]:
        return dict(zip(self.marks, self.rows, strict=True))

    def check_records(self) -> None:
        """Hold that every request has its one record, and that the record says what its client saw."""
        assert [each for each, times in Counter(self.marks).items() if times > 1] == []
        by_mark = self.by_mark
        assert self.arrivals.keys() - by_mark.keys() == set(), "these reached an upstream and have no record"
        for plan, told in self.told.items():
            if not told.is_whole:
                continue
            if told.status == UNRECORDED:
                assert told.error["code"] == "budget_unknown" and plan.key == PAID_KEY, plan
                assert plan.mark not in by_mark, plan
                continue
            row = by_mark[plan.mark]
            assert (row.request_id, row.end) == (told.request_id, told.end), plan
            assert told.cost_usd is None or nusd(told.cost_usd) == row.cost_nusd, plan
        for name, row in by_mark.items():
            sent = [each[0] for each in json.loads(row.attempts)]
            arrived = [entry.arrival.provider for entry in self.arrivals.get(name, [])]
            if row.end in ("ok", "truncated", "failed"):
                assert sent == arrived, row

    def check_money(self) -> None:
        """Hold that what the ledger knows exactly is what the upstreams served; report the rest."""
        served_usd, charged_nusd, rest_nusd = Decimal(0), 0, 0
        for name, row in self.by_mark.items():
            if row.end != "ok" or row.estimated:
                rest_nusd += row.cost_nusd or 0
                continue
            candidate = row.provider, row.upstream_model
            (entry,) = [e for e in self.arrivals[name] if (e.arrival.provider, e.model) == candidate]
            usd = TARIFFS[candidate].usd(entry.usage)
            assert nusd(usd) == row.cost_nusd, (row, entry.usage)
            served_usd, charged_nusd = served_usd + usd, charged_nusd + row.cost_nusd
        assert nusd(served_usd) == charged_nusd > 0
        spent_nusd = sum(row.cost_nusd or 0 for row in self.rows if row.key == "paid")
        assert self.paid == Books(spent_nusd, 0), "the budget counts what the ledger does"
        everything_usd = sum((bill(e, TARIFFS) for entries in self.arrivals.values() for e in entries), Decimal(0))
        print(f"served and known exactly: {served_usd} USD, the same in the ledger")
        print(f"the rest: {everything_usd - served_usd} USD at the upstreams, {rest_nusd} nano-dollars in the ledger")


@dataclass(frozen=True, slots=True)
class Storm:
    """How much of everything. `outages` are of the database."""

    requests: int
    kills: int
    outages: int


async def blow(storm: Storm, url: str, folder: Path, server: PostgresServer | None) -> Found:
    """Let all of it happen."""
    rng = random.Random(SEED)
    chaos = Chaos(rng, deque(plans(storm.requests, rng)))
    kills = sorted(rng.sample(range(10, storm.requests - 50), storm.kills))
    simulator = remembering(f"seed = {SEED}")
    async with serve(simulator) as simulator_url, asyncio.TaskGroup() as group:
        (folder / "fairlead.toml").write_text(configuration(simulator_url, url, KEYS))
        if server is not None:
            group.create_task(_stop_and_start(server, chaos, outages(storm, rng)))
        for at in kills:
            async with gateway_process(folder, environ=SECRETS) as gateway, asyncio.TaskGroup() as clients:
                clients.create_task(chaos.kill(gateway, at))
                clients.create_task(chaos.ask_all(gateway))
            assert "Traceback" not in gateway.err, gateway.err
        async with gateway_process(folder, environ=SECRETS) as gateway:
            await chaos.ask_all(gateway)
            await all_loaded(gateway)
            paid = await books(gateway, "paid")
            assert await gateway.stop() == 0
            assert "Traceback" not in gateway.err, gateway.err
    return Found(chaos.told, arrivals_by_mark(simulator), await ledger(url, folder), paid)


def outages(storm: Storm, rng: random.Random) -> list[tuple[int, int]]:
    """Decide at which request the database stops, and at which it starts again."""
    span = storm.requests // max(1, storm.outages)
    stops = [span * number + rng.randrange(20, span // 3) for number in range(storm.outages)]
    return [(stop, stop + rng.randrange(span // 8, span // 2)) for stop in stops]


async def _stop_and_start(server: PostgresServer, chaos: Chaos, when: Sequence[tuple[int, int]]) -> None:
    for stop, start in when:
        await chaos.reaches(stop)
        await asyncio.to_thread(server.stop)
        await chaos.reaches(start)
        await asyncio.to_thread(server.start)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("kind", "storm"),
    [
        pytest.param("postgres", Storm(2000, 20, 5), id="postgres"),
        pytest.param("sqlite", Storm(600, 6, 0), id="sqlite"),
    ],
)
async def test_kills_and_outages_lose_no_request_count_none_twice_and_cost_what_was_served(
    kind: str, storm: Storm, databases: Databases, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    print(f"seed {SEED}")
    server = request.getfixturevalue("stoppable_postgres") if kind == "postgres" else None
    url = await databases.make(kind, tmp_path, migrated=False)
    found = await blow(storm, url, tmp_path, server)
    ends = Counter(row.end for row in found.rows)
    print(f"{len(found.told)} asked, {sum(told.is_whole for told in found.told.values())} heard all; records: {ends}")
    found.check_records()
    found.check_money()
    assert ends.keys() == {"ok", "truncated", "client_gone", "failed", "interrupted"}
    assert ends["ok"] > storm.requests // 2
    database = Database(url, tmp_path)
    assert await is_balanced(database, len(found.rows))
    await database.aclose()
    await databases.drop(url)
