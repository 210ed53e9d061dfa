"""What holds for PostgreSQL alone: a server that is away, silent, slow or refuses, and a pool between."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from proxy.store.database import CLOSE_S, CONNECTIONS, Database, DatabaseAway
from proxy.store.tables import VERSIONS
from tests.fakes.databases import Postgres
from tests.fakes.postgres import PostgresServer
from tests.integration.store.asking import (
    ONE,
    PASSWORD,
    RAISED,
    on_postgres,
    read_value,
    value,
    with_parameter,
    write_one,
)


@on_postgres
async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises((DatabaseAway, DBAPIError), match="read-only transaction"):
        async with database.read() as connection:
            await connection.execute(insert(VERSIONS).values(ONE))


@on_postgres
async def test_a_statement_that_takes_too_long_is_the_database_away(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url, tmp_path, statement_s=0.2)
    began_s = time.monotonic()
    with pytest.raises(DatabaseAway):
        async with database.read() as connection:
            await connection.execute(text("SELECT pg_sleep(10)"))
    assert time.monotonic() - began_s < 3
    assert await read_value(database) is None
    await database.aclose()


@on_postgres
async def test_a_server_that_goes_away_in_a_transaction_is_found_again(
    database: Database, stoppable_postgres: PostgresServer
) -> None:
    await write_one(database)
    with pytest.raises(DatabaseAway):
        async with database.write() as connection:
            await connection.execute(RAISED)
            await asyncio.to_thread(stoppable_postgres.stop)
            await connection.execute(RAISED)
    with pytest.raises(DatabaseAway, match=r"PostgreSQL at /tmp/\S+: "):
        await write_one(database)
    await asyncio.to_thread(stoppable_postgres.start)
    assert await read_value(database) == 1


@on_postgres
async def test_a_restart_while_nobody_asks_is_not_noticed(
    database: Database, stoppable_postgres: PostgresServer
) -> None:
    await asyncio.gather(*(read_value(database) for _ in range(CONNECTIONS)))
    await asyncio.to_thread(stoppable_postgres.stop)
    await asyncio.to_thread(stoppable_postgres.start)
    await asyncio.gather(*(read_value(database) for _ in range(CONNECTIONS)))


@on_postgres
async def test_a_server_that_goes_silent_is_the_database_away(
    database_url: str, tmp_path: Path, stoppable_postgres: PostgresServer
) -> None:
    database = Database(database_url, tmp_path, connect_s=0.3, statement_s=0.3)
    await read_value(database)
    stoppable_postgres.pause()
    began_s = time.monotonic()
    try:
        with pytest.raises(DatabaseAway):
            await read_value(database)
        assert time.monotonic() - began_s < 5
    finally:
        stoppable_postgres.resume()
    assert await read_value(database) is None
    await database.aclose()


@on_postgres
async def test_connections_to_a_server_that_went_silent_are_left(
    database_url: str, tmp_path: Path, stoppable_postgres: PostgresServer
) -> None:
    database = Database(database_url, tmp_path)
    await asyncio.gather(*(read_value(database) for _ in range(CONNECTIONS)))
    stoppable_postgres.pause()
    began_s = time.monotonic()
    try:
        await database.aclose()
        assert time.monotonic() - began_s < CLOSE_S + 2
    finally:
        stoppable_postgres.resume()


@on_postgres
async def test_a_database_that_is_not_there_is_told_without_the_password(
    postgres: Postgres, tmp_path: Path, database: Database
) -> None:
    wrong = Database(with_parameter(postgres.at("no_such_one"), f"password={PASSWORD}"), tmp_path)
    with pytest.raises(DatabaseAway, match='database "no_such_one" does not exist') as caught:
        await read_value(wrong)
    assert PASSWORD not in f"{caught.value}{caught.value.__cause__}{wrong.target}{wrong.engine!r}{wrong.engine.url}"
    await wrong.aclose()


@on_postgres
async def test_what_is_not_permitted_is_the_database_away(database: Database) -> None:
    with pytest.raises(DatabaseAway, match="permission denied"):
        async with database.write() as connection:
            await connection.execute(text("SET LOCAL ROLE pg_monitor"))
            await connection.execute(insert(VERSIONS).values(ONE))


@on_postgres
@pytest.mark.parametrize("name", [pytest.param("a\0b", id="null-character"), pytest.param("k" * 33, id="too-long")])
async def test_a_text_that_does_not_fit_is_a_fault_of_the_program(database: Database, name: str) -> None:
    with pytest.raises(DBAPIError):
        async with database.write() as connection:
            await connection.execute(insert(VERSIONS).values(name=name, value=1))


@on_postgres
async def test_behind_pgbouncer_nothing_is_kept_prepared(database_url: str, tmp_path: Path) -> None:
    database = Database(with_parameter(database_url, "pgbouncer=true"), tmp_path)
    await write_one(database)
    async with database.read() as connection:
        for _ in range(3):
            assert await value(connection) == 1
        prepared = (await connection.execute(text("SELECT name FROM pg_prepared_statements"))).scalars().all()
    assert [name for name in prepared if name] == []
    await database.aclose()


async def test_a_server_that_refuses_is_the_database_away(tmp_path: Path) -> None:
    database = Database(f"postgresql://u:{PASSWORD}@127.0.0.1:9/f", tmp_path)
    with pytest.raises(DatabaseAway, match=r"PostgreSQL at 127\.0\.0\.1:9/f: .*Connect call failed") as caught:
        await read_value(database)
    assert PASSWORD not in str(caught.value)
    await database.aclose()
