"""The smallest row that a test of transactions can write, raise and read."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.store.database import Database
from proxy.store.tables import VERSIONS

PASSWORD = "planted-secret-0123456789"
ONE = {"name": "keys", "value": 1}
RAISED = update(VERSIONS).values(value=VERSIONS.c.value + 1)

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


def with_parameter(url: str, parameter: str) -> str:
    """Add a parameter such as "name=value" to a PostgreSQL URL."""
    return f"{url}{'&' if '?' in url else '?'}{parameter}"


async def value(connection: AsyncConnection) -> int | None:
    found: int | None = (await connection.execute(select(VERSIONS.c.value))).scalar()
    return found


async def read_value(database: Database) -> int | None:
    async with database.read() as connection:
        return await value(connection)


async def write_one(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(insert(VERSIONS).values(ONE))


def database_threads() -> list[threading.Thread]:
    """The threads of SQLite's connections."""
    return [thread for thread in threading.enumerate() if "_connection_worker_thread" in thread.name]
