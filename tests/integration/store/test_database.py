"""Transactions on both databases: what they keep, what they see, and what an error of theirs is called."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from proxy.store.database import CONNECTIONS, Database, DatabaseAway
from proxy.store.tables import KEY_SECRETS, VERSIONS
from tests.fakes.upstream_calls import settles
from tests.integration.store.asking import ONE, PASSWORD, RAISED, database_threads, read_value, value, write_one


async def test_what_is_written_is_read(database: Database) -> None:
    await write_one(database)
    assert await read_value(database) == 1


async def test_an_exception_takes_everything_back(database: Database) -> None:
    with pytest.raises(LookupError):
        async with database.write() as connection:
            await connection.execute(insert(VERSIONS).values(ONE))
            raise LookupError
    assert await read_value(database) is None


async def test_a_cancelled_write_is_taken_back_and_the_next_goes_on(database: Database) -> None:
    began = asyncio.Event()

    async def write_for_ever() -> None:
        async with database.write() as connection:
            await connection.execute(insert(VERSIONS).values(ONE))
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_for_ever())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await read_value(database) is None
    await write_one(database)
    assert await read_value(database) == 1


async def test_a_statement_cancelled_half_way_costs_one_connection(database: Database) -> None:
    slow = {
        True: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n",
        False: "SELECT pg_sleep(1)",
    }
    for _ in range(CONNECTIONS + 1):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03), database.read() as connection:
                await connection.execute(text(slow[database.is_sqlite]))
    await write_one(database)
    assert await read_value(database) == 1


async def test_a_read_sees_all_tables_as_they_were_at_its_start(database: Database) -> None:
    await write_one(database)
    async with database.read() as connection:
        assert await value(connection) == 1
        async with database.write() as writer:
            await writer.execute(RAISED)
        assert await value(connection) == 1
    assert await read_value(database) == 2


async def test_many_writers_take_turns(database: Database) -> None:
    await write_one(database)

    async def read_then_write() -> None:
        async with database.write() as connection:
            await connection.execute(RAISED)

    await asyncio.gather(*(read_then_write() for _ in range(50)))
    assert await read_value(database) == 51


async def test_rows_refer_to_rows_that_are_there(database: Database) -> None:
    secret = {"hmac": "00", "key": "nobody", "hint": "fl_1", "created_us": 1}
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await connection.execute(insert(KEY_SECRETS).values(secret))


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("SELECT * FROM no_such_table", id="no-table"),
        pytest.param("SELEKT 1", id="syntax"),
        pytest.param("INSERT INTO versions (name, value) VALUES ('keys', 1), ('keys', 2)", id="twice-the-same"),
        pytest.param("INSERT INTO versions (name) VALUES ('keys')", id="missing-value"),
    ],
)
async def test_a_wrong_statement_is_a_fault_of_the_program(database: Database, statement: str) -> None:
    with pytest.raises(DBAPIError):
        async with database.write() as connection:
            await connection.execute(text(statement))


async def test_a_value_that_does_not_fit_is_a_fault_of_the_program(database: Database) -> None:
    with pytest.raises((DBAPIError, OverflowError)):
        async with database.write() as connection:
            await connection.execute(insert(VERSIONS).values(name="keys", value=2**63))


async def test_an_error_does_not_show_what_the_rows_hold(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught:
        async with database.write() as connection:
            await connection.execute(insert(VERSIONS), [{"name": PASSWORD, "value": 1}] * 2)
    assert PASSWORD not in str(caught.value)


async def test_more_transactions_at_once_than_connections_wait_and_then_give_up(
    database_url: str, tmp_path: Path
) -> None:
    database = Database(database_url, tmp_path, connect_s=0.2)
    held = [database.read() for _ in range(CONNECTIONS)]
    for transaction in held:
        await transaction.__aenter__()
    with pytest.raises(DatabaseAway):
        await read_value(database)
    for transaction in reversed(held):
        await transaction.__aexit__(None, None, None)
    assert await read_value(database) is None
    await database.aclose()


async def test_closing_leaves_nothing_open(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url, tmp_path)
    await asyncio.gather(*(read_value(database) for _ in range(CONNECTIONS)))
    if database.is_sqlite:
        assert len(database_threads()) == CONNECTIONS
        await database.aclose()
        assert await settles(lambda: not database_threads(), 1)
        return
    other = Database(database_url, tmp_path)
    counted = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    async with other.read() as connection:
        assert (await connection.execute(counted)).scalar() == CONNECTIONS + 1
    await database.aclose()
    async with other.read() as connection:
        assert (await connection.execute(counted)).scalar() == 1
    await other.aclose()
