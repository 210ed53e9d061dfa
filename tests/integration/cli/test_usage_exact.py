"""Every total of `fairlead usage`, on both databases, is what a bookkeeper works out by hand in fractions.

Made-up usage, prices and multipliers go the way of every request: account, spool, loader, database, report. A gateway
that is killed in the middle, with requests under way, is part of it. The seed is the test's own parameter.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from proxy.store.database import Database
from proxy.store.loader import Loader
from proxy.store.spool import SpoolOptions
from tests.fakes.clock import StillClock
from tests.fakes.databases import database_url, databases, postgres
from tests.fakes.spools import make_spool
from tests.integration.cli.conftest import Fairlead
from tests.integration.cli.madeup import SUMS, Traffic

__all__ = ["database_url", "databases", "postgres"]

REQUESTS = 400
RARELY_RECENT = SpoolOptions(reserve_bytes=4096, file_bytes=20_000, recent=30)  # so that most is read from files
PERIOD = ("--since", "2026-11-20", "--until", "2026-11-28")


async def load(traffic: Traffic, url: str, data_dir: Path) -> None:
    """Serve in two processes, of which the first is killed before it has loaded all that it recorded."""
    database = Database(url, data_dir)
    try:
        first = make_spool(data_dir, RARELY_RECENT)
        traffic.bench.engine.sink = first
        loader = Loader(database, first, StillClock())
        traffic.serve(REQUESTS // 4)
        assert await loader.load()
        traffic.serve(REQUESTS // 4, interrupted=0.2)
        first.folder.release()
        second = make_spool(data_dir)
        traffic.bench.engine.sink = second
        loader = Loader(database, second, StillClock())
        traffic.serve(REQUESTS // 2)
        assert await loader.drain(20)
        second.stop()
    finally:
        await database.aclose()


def numbers(row: dict[str, str]) -> list[int]:
    """The figures of a row in JSON or CSV, money in nano-dollars."""
    nusd = Decimal(row["cost_usd"]).scaleb(9)
    assert nusd == int(nusd)
    return [*(int(row[name]) for name in SUMS[:-1]), int(nusd)]


def of_requests(lines: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    for line in map(json.loads, lines.splitlines()):
        cost = line["cost_usd"]
        nusd = None if cost is None else Decimal(cost).scaleb(9)
        yield line["request_id"], (line["end"], line["usage"], line["estimated"], nusd)


@pytest.mark.parametrize("seed", range(3))
async def test_every_total_is_what_a_bookkeeper_works_out(
    seed: int, database_url: str, tmp_path: Path, fairlead: Fairlead
) -> None:
    traffic = Traffic(seed)
    await load(traffic, database_url, tmp_path)
    (tmp_path / "fairlead.toml").write_text(
        f'[server]\ndata_dir = "{tmp_path}"\n[database]\nurl = "{database_url}"\n[providers.a]\nkind = "ollama"\n'
    )

    async def usage(*words: str) -> str:
        ended = await asyncio.to_thread(fairlead, "usage", *words)
        assert ended.code == 0, ended.err
        return ended.out

    for by in (("provider", "upstream_model"), ("key", "day"), ("tag", "model"), ("day",)):
        report = json.loads(await usage("--json", "--by", ",".join(by), *PERIOD))
        assert {tuple(row[name] for name in by): numbers(row) for row in report["rows"]} == traffic.by(*by)
        assert numbers(report["total"]) == traffic.total
        assert report["waiting"] == 0
    rows = csv.DictReader(io.StringIO(await usage("--csv", "--by", "model,key", *PERIOD), newline=""))
    assert {(row["model"], row["key"] or None): numbers(row) for row in rows} == traffic.by("model", "key")
    lines = dict(of_requests(await usage("--requests", "--json")))
    assert lines == {each.request_id: each.line for each in traffic.booked}
