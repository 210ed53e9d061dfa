"""While the database is away everything waits in the spool; afterwards all of it is loaded, once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from sqlalchemy import text

from proxy.store.database import Database
from proxy.store.loader import LONGEST_PAUSE_S, Loader
from proxy.store.spool import Spool, SpoolOptions
from proxy.store.spoolfolder import file_path
from tests.fakes.clock import StillClock
from tests.fakes.loaded import is_balanced, loaded_ids
from tests.fakes.postgres import PostgresServer
from tests.fakes.records import closed, opened, request_id
from tests.fakes.spools import SMALL, make_spool
from tests.fakes.upstream_calls import settles
from tests.integration.store.asking import on_postgres, on_sqlite

MANY = SpoolOptions(reserve_bytes=4096, file_bytes=30_000, recent=50)


class QuickClock(StillClock):
    """Sleeps a millisecond for whatever it is asked to."""

    async def sleep(self, delay_s: float) -> None:
        self.slept_s.append(delay_s)
        await asyncio.sleep(0.001)


@asynccontextmanager
async def loading(loader: Loader) -> AsyncIterator[None]:
    task = asyncio.create_task(loader.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


def serve(spool: Spool, first: int, last: int) -> None:
    for number in range(first, last):
        spool.open(opened(number))
        spool.close(closed(number))


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records if record.name == "fairlead.ledger"]


async def until(done: Callable[[], bool]) -> None:
    assert await settles(done, 15.0)


@on_postgres
async def test_database_that_is_stopped_and_started_five_times_gets_every_request_once(
    database: Database, stoppable_postgres: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool, number = make_spool(tmp_path, MANY), 0
    loader = Loader(database, spool, QuickClock())
    async with loading(loader):
        for _ in range(5):
            serve(spool, number, number + 300)
            await until(lambda: loader.backlog < 300)
            serve(spool, number + 300, number + 500)
            await asyncio.to_thread(stoppable_postgres.stop)
            serve(spool, number + 500, number + 600)
            number += 600
            await asyncio.sleep(0.02)
            assert loader.backlog >= 100
            await asyncio.to_thread(stoppable_postgres.start)
            await until(lambda: loader.backlog == 0)
    assert await is_balanced(database, number)
    assert loader.dropped == 0
    assert {"ERROR", "WARNING"} == set(levels(caplog)) and levels(caplog).count("ERROR") <= 5


@on_sqlite
async def test_file_that_another_process_writes_to_is_waited_for(
    database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(database_url, tmp_path, connect_s=0.01)
    spool, clock = make_spool(tmp_path), QuickClock()
    loader = Loader(database, spool, clock)
    other = sqlite3.connect(tmp_path / "fairlead.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    serve(spool, 0, 10)
    async with loading(loader):
        await until(lambda: LONGEST_PAUSE_S in clock.slept_s)
        assert loader.backlog == 10 and await loaded_ids(database) == []
        other.execute("ROLLBACK")
        await until(lambda: loader.backlog == 0)
        await until(lambda: clock.slept_s[-1] == 0.5)
    other.close()
    assert await is_balanced(database, 10)
    pauses = list(dict.fromkeys(clock.slept_s))
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_PAUSE_S]  # less and less often
    assert levels(caplog) == ["ERROR", "WARNING"]  # once when it went, once when it came back
    await database.aclose()


async def test_tables_that_are_missing_keep_everything_waiting(
    empty_database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(empty_database_url, tmp_path)
    spool = make_spool(tmp_path)
    loader = Loader(database, spool, StillClock())
    serve(spool, 0, 3)
    assert not await loader.load() and not await loader.load()
    assert loader.backlog == 3 and levels(caplog) == ["ERROR"]
    await database.aclose()


async def test_rows_that_are_refused_for_a_reason_of_the_table_wait_until_it_is_mended(
    database: Database, tmp_path: Path
) -> None:
    spool = make_spool(tmp_path)
    loader = Loader(database, spool, StillClock())
    serve(spool, 0, 3)
    async with database.write() as connection:
        await connection.execute(text("ALTER TABLE days RENAME TO elsewhere"))
    assert not await loader.load() and loader.backlog == 3
    assert await loaded_ids(database) == []  # a request without its sums is no request
    async with database.write() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO days"))
    serve(spool, 3, 5)
    assert await loader.load() and await is_balanced(database, 5)


async def test_a_stop_while_the_database_is_away_leaves_all_to_the_next_start(
    database: Database, tmp_path: Path
) -> None:
    away = Database(f"sqlite:///{tmp_path}/gone/fairlead.db", tmp_path)
    spool = make_spool(tmp_path)
    serve(spool, 0, 5)
    assert not await Loader(away, spool, QuickClock()).drain(0.05)
    spool.stop()
    await away.aclose()
    again = make_spool(tmp_path)
    assert await Loader(database, again, StillClock()).load()
    assert await loaded_ids(database) == [request_id(number) for number in range(5)]


async def test_files_that_cannot_be_read_do_not_keep_others_from_being_loaded(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = make_spool(tmp_path)
    serve(before, 0, 3)
    before.folder.release()
    path = file_path(before.folder.path, 1)
    aside = path.rename(tmp_path / "aside")
    path.mkdir()
    (path / "in-the-way").touch()
    spool = make_spool(tmp_path)
    serve(spool, 3, 6)
    loader = Loader(database, spool, StillClock())
    assert not await loader.load()
    assert levels(caplog) == ["ERROR"] and await is_balanced(database, 3)
    (path / "in-the-way").unlink()
    path.rmdir()
    aside.rename(path)
    assert await loader.load() and await is_balanced(database, 6)


async def test_loading_that_is_cancelled_goes_on_where_it_was(database: Database, tmp_path: Path) -> None:
    spool = make_spool(tmp_path, SMALL)
    loader = Loader(database, spool, StillClock())
    serve(spool, 0, 3000)
    for turns in range(40):
        async with anyio.create_task_group() as group:  # as the gateway ends what runs beside its server
            group.start_soon(loader.load)
            for _ in range(turns):
                await asyncio.sleep(0)
            group.cancel_scope.cancel()
    assert await loader.load()
    assert loader.backlog == 0 and await is_balanced(database, 3000)
