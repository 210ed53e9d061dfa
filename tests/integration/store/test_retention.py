"""Old requests go, a few at a time; the sums that reports read stay."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from proxy.store.database import Database
from proxy.store.loader import Loader
from proxy.store.retention import EVERY_S, PAUSE_S, ROWS, Retention
from proxy.store.spoolmemory import SpoolMemory
from tests.fakes.clock import StillClock
from tests.fakes.loaded import loaded_ids, totals
from tests.fakes.records import COST_NUSD, STARTED_S, closed, request_id
from tests.integration.store.asking import on_sqlite

DAY_S = 86_400.0
OLD = 2 * ROWS + 10


async def fill(database: Database) -> None:
    """`OLD` requests that are ten days old, and three of now."""
    spool = SpoolMemory()
    for number in range(OLD):
        spool.close(closed(number, started_s=STARTED_S - 10 * DAY_S))
    for number in range(3):
        spool.close(closed(number))
    assert await Loader(database, spool, StillClock()).load()


async def test_old_requests_go_in_small_steps_and_their_sums_stay(database: Database) -> None:
    await fill(database)
    clock = StillClock(STARTED_S)
    assert await Retention(database, lambda: 9, clock).sweep() == OLD
    assert clock.slept_s == [PAUSE_S] * 3
    assert await loaded_ids(database) == [request_id(number) for number in range(3)]
    everything = (OLD + 3, (OLD + 3) * COST_NUSD)
    assert await totals(database) == ((3, 3 * COST_NUSD), everything, everything)


@pytest.mark.parametrize("days", [None, 11])
async def test_what_is_to_be_kept_is_kept(database: Database, days: int | None) -> None:
    await fill(database)
    assert await Retention(database, lambda: days, StillClock(STARTED_S)).sweep() == 0
    assert len(await loaded_ids(database)) == OLD + 3


async def test_the_setting_in_force_counts_at_each_sweep(database: Database) -> None:
    await fill(database)
    setting: list[int | None] = [None]
    kept = Retention(database, lambda: setting[0], StillClock(STARTED_S))
    assert await kept.sweep() == 0
    setting[0] = 9
    assert await kept.sweep() == OLD


@on_sqlite
async def test_the_task_goes_on_whatever_happens(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(database_url, tmp_path, connect_s=0.01)
    await fill(database)
    other = sqlite3.connect(tmp_path / "fairlead.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    class Turns(StillClock):
        """Between two sweeps: first the file is locked, then the table is missing, then all is well."""

        async def sleep(self, delay_s: float) -> None:
            await super().sleep(delay_s)
            turn = self.slept_s.count(EVERY_S)
            if delay_s != EVERY_S:
                return
            if turn == 1:
                other.execute("ROLLBACK")
                other.execute("ALTER TABLE requests RENAME TO elsewhere")
            if turn == 2:
                other.execute("ALTER TABLE elsewhere RENAME TO requests")
            if turn == 3:
                await asyncio.Event().wait()

    task = asyncio.create_task(Retention(database, lambda: 9, Turns(STARTED_S)).run())
    while await _count(database) != 3:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    messages = [record.message for record in caplog.records if record.name == "fairlead.ledger"]
    assert [message.partition(":")[0] for message in messages] == [
        "old requests cannot be deleted for now",
        "old requests cannot be deleted",
    ]
    other.close()
    await database.aclose()


async def _count(database: Database) -> int:
    async with database.read() as connection:
        found = await connection.execute(text("SELECT count(*) FROM sqlite_master WHERE name = 'requests'"))
        return len(await loaded_ids(database)) if found.scalar() else -1


async def test_two_processes_that_sweep_at_once_delete_each_request_once(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await fill(database)
    other = Database(database_url, tmp_path)
    swept = await asyncio.gather(*(Retention(at, lambda: 9, StillClock(STARTED_S)).sweep() for at in (database, other)))
    await other.aclose()
    assert sum(swept) == OLD
    assert await loaded_ids(database) == [request_id(number) for number in range(3)]
