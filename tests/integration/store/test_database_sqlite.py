"""What holds for SQLite alone: its file, its locks, its threads."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import anyio
import pytest
from sqlalchemy import insert, text, update

from proxy.store.database import CONNECTIONS, LEAN_PRAGMAS, Database, DatabaseAway
from proxy.store.tables import VERSIONS
from tests.fakes.upstream_calls import settles
from tests.integration.store.asking import ONE, database_threads, on_sqlite, read_value, value, write_one


@on_sqlite
async def test_every_connection_is_set_up(database: Database) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")

    async def pragmas() -> list[object]:
        async with database.read() as connection:
            await asyncio.sleep(0.01)  # so that each has a connection of its own
            return [(await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in names]

    found = await asyncio.gather(*(pragmas() for _ in range(CONNECTIONS)))
    assert found == [["wal", 1, 1, 5000]] * CONNECTIONS


async def test_gateway_keeps_few_pages_in_each_connection(tmp_path: Path) -> None:
    database = Database("sqlite:///f.db", tmp_path, pragmas=LEAN_PRAGMAS)
    async with database.read() as connection:
        found = [(await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in ("journal_mode", "cache_size")]
    assert found == ["wal", -512]
    await database.aclose()


async def test_its_files_are_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    database = Database("sqlite:///new/f.db", tmp_path)
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE t (a INTEGER)"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert modes == {"f.db": 0o600, "f.db-wal": 0o600, "f.db-shm": 0o600}
    await database.aclose()


@on_sqlite
async def test_a_lock_that_another_process_holds_is_waited_for(database: Database) -> None:
    assert database.target.path is not None
    other = sqlite3.connect(database.target.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(write_one(database))
    await asyncio.sleep(0.1)
    assert await read_value(database) is None  # readers go on meanwhile
    other.execute("COMMIT")
    await task
    other.close()
    assert await read_value(database) == 1


async def test_a_new_file_that_another_process_is_about_to_write_is_waited_for(tmp_path: Path) -> None:
    """SQLite itself refuses to turn it to a log then, and asks nobody how long to wait."""
    database = Database("sqlite:///new.db", tmp_path)
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.2, other.execute, "COMMIT")
    async with database.read() as connection:
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
    other.close()
    await database.aclose()


@on_sqlite
async def test_a_lock_that_is_held_too_long_is_the_database_away(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url, tmp_path, connect_s=0.1)
    assert database.target.path is not None
    other = sqlite3.connect(database.target.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseAway, match=r"fairlead\.db: database is locked"):
        await write_one(database)
    other.close()
    await write_one(database)
    await database.aclose()


@on_sqlite
async def test_processes_that_read_and_then_write_do_not_undo_each_other(database: Database, tmp_path: Path) -> None:
    other = Database("sqlite:///fairlead.db", tmp_path)
    await write_one(database)

    async def raise_by_one(process: Database) -> None:
        async with process.write() as connection:
            found = await value(connection)
            assert found is not None
            await connection.execute(update(VERSIONS).values(value=found + 1))

    await asyncio.gather(*(raise_by_one(process) for process in (database, other) * 10))
    assert await read_value(database) == 21
    await other.aclose()


@on_sqlite
async def test_writers_that_wait_for_their_turn_leave_connections_to_readers(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url, tmp_path, connect_s=0.2)
    await write_one(database)
    async with database.write():
        waiting = [asyncio.create_task(write_more(database, number)) for number in range(CONNECTIONS * 2)]
        await asyncio.sleep(0.5)  # longer than a lock is waited for
        assert await read_value(database) == 1
        assert not any(task.done() for task in waiting)
    await asyncio.gather(*waiting)
    await database.aclose()


async def write_more(database: Database, number: int) -> None:
    async with database.write() as connection:
        await connection.execute(insert(VERSIONS).values(name=str(number), value=1))


@on_sqlite
async def test_a_full_disk_is_the_database_away(database: Database) -> None:
    filler = insert(VERSIONS), [{"name": f"{number:032}", "value": 1} for number in range(5000)]
    with pytest.raises(DatabaseAway, match="database or disk is full"):
        async with database.write() as connection:
            await connection.execute(text("PRAGMA max_page_count = 30"))
            await connection.execute(*filler)
    assert await read_value(database) is None


@on_sqlite
async def test_what_is_no_database_is_told(database: Database, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is text, and no database at all\n" * 100)
    wrong = Database("sqlite:///text.db", tmp_path)
    with pytest.raises(DatabaseAway, match=r"text\.db: file is not a database"):
        await read_value(wrong)
    await wrong.aclose()


@on_sqlite
async def test_a_folder_that_is_not_there_is_told(database: Database, tmp_path: Path) -> None:
    wrong = Database("sqlite:///no/folder.db", tmp_path)
    with pytest.raises(DatabaseAway, match="No such file or directory"):
        await read_value(wrong)
    await wrong.aclose()


@on_sqlite
async def test_no_thread_stays_after_a_cancelled_write(database: Database) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), database.write() as connection:
            await connection.execute(insert(VERSIONS).values(ONE))
            await asyncio.Event().wait()
    await database.aclose()
    assert await settles(lambda: not database_threads(), 1)


async def write_on(database: Database) -> None:
    while True:
        async with database.write() as connection:
            await connection.execute(text("DELETE FROM versions"))
            await connection.execute(insert(VERSIONS), [{"name": str(row), "value": row} for row in range(500)])


@on_sqlite
async def test_shutdown_in_the_middle_of_a_transaction_lets_it_end_and_leaves_no_lock(database: Database) -> None:
    tasks = asyncio.all_tasks()
    for moment in range(50):
        async with anyio.create_task_group() as group:
            group.start_soon(write_on, database)
            await asyncio.sleep(moment / 5000)
            group.cancel_scope.cancel()
        assert asyncio.all_tasks() == tasks
        async with asyncio.timeout(1):
            await write_more(database, 1000 + moment)
        async with database.write() as connection:
            rows = (await connection.execute(text("SELECT count(*) FROM versions"))).scalar_one()
        assert rows in (1, 501), "whole, or not at all"
        async with database.write() as connection:
            await connection.execute(text("DELETE FROM versions"))
