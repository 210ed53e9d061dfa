"""The statements that put rows of the ledger into the database, by the driver's own parameters.

SQLAlchemy's path for many rows costs more than the insert itself, and every request is a row. SQLite gets blocks of
rows in one statement: each step gives up the interpreter's lock, and a busy event loop would win it each time.
PostgreSQL gets one JSON text, which costs this process a fifth of what encoding each value does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.store.ledgerrows import Row, Sums, day_sums, hour_sums, sum_rows
from proxy.store.tables import DAYS, HOURS, REQUESTS

BLOCK = 32  # rows in one statement of SQLite; more is no faster
_ASKED = 500  # ids asked for in one statement
_KEYS = 6  # of the sums: the columns they are kept by
_CASTS = ((Boolean, "boolean"), (BigInteger, "bigint"), (Integer, "integer"))

_json = msgspec.json.Encoder().encode


class Partly(Exception):
    """Some of the rows are in the database already."""


async def insert_requests(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Insert requests that are not there yet, and add them to the sums of their hour and day.

    Raises:
        Partly: Some are there already, and the transaction is to be rolled back: `missing_rows` says which are not.
    """
    if await _insert(connection, _REQUESTS, rows) != len(rows):
        raise Partly
    hours = hour_sums(rows)
    await _add(connection, _HOURS, hours)
    await _add(connection, _DAYS, day_sums(hours))


async def missing_rows(connection: AsyncConnection, rows: Iterable[Row]) -> list[Row]:
    """Leave out requests that are in the database, and the second of two with the same id."""
    once: dict[str, Row] = {}
    for row in rows:
        once.setdefault(row[0], row)
    return [once[request_id] for request_id in await missing_ids(connection, list(once))]


async def missing_ids(connection: AsyncConnection, request_ids: Sequence[str]) -> list[str]:
    """Leave out the ids of requests that are in the database."""
    there: set[str] = set()
    for at in range(0, len(request_ids), _ASKED):
        asked = REQUESTS.c.request_id.in_(request_ids[at : at + _ASKED])
        there.update((await connection.execute(select(REQUESTS.c.request_id).where(asked))).scalars())
    return [request_id for request_id in request_ids if request_id not in there]


def widths() -> list[int | None]:
    """The most bytes that each column of table `requests` is cut to; None where it is not.

    What a key spent is found by its name, which is bounded where it is given: that stays whole.
    """
    return [None if column is REQUESTS.c.key else getattr(column.type, "length", None) for column in REQUESTS.columns]


class _Statement:
    """One insert: as text for a row, for a block of rows, and for rows in a JSON text."""

    def __init__(self, table: Table, on_conflict: str) -> None:
        columns = list(table.columns)
        into = f"INSERT INTO {table.name} ({_quoted([column.name for column in columns])})"
        row = f"({', '.join('?' * len(columns))})"
        values = ", ".join(_value(number, column) for number, column in enumerate(columns))
        self.row = f"{into} VALUES {row} {on_conflict}"
        self.block = f"{into} VALUES {', '.join([row] * BLOCK)} {on_conflict}"
        self.json = f"{into} SELECT {values} FROM jsonb_array_elements($1::jsonb) line {on_conflict}"  # noqa: S608 - ours


def _value(number: int, column: Column[object]) -> str:
    """Take a column's value from a JSON array."""
    cast = next((f"::{name}" for kind, name in _CASTS if isinstance(column.type, kind)), "")
    return f"(line ->> {number}){cast}"


def _adding(table: Table) -> str:
    names = [column.name for column in table.columns]
    sums = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in names[_KEYS:])
    return f"ON CONFLICT ({_quoted(names[:_KEYS])}) DO UPDATE SET {sums}"


def _quoted(names: Sequence[str]) -> str:
    return ", ".join([f'"{name}"' for name in names])  # "end" is a word of SQL


_REQUESTS = _Statement(REQUESTS, "ON CONFLICT DO NOTHING")
_HOURS = _Statement(HOURS, _adding(HOURS))
_DAYS = _Statement(DAYS, _adding(DAYS))


async def _add(connection: AsyncConnection, statement: _Statement, sums: Sums) -> None:
    await _insert(connection, statement, sum_rows(sums))


async def _insert(connection: AsyncConnection, statement: _Statement, rows: Sequence[Row]) -> int:
    """Insert rows; return how many of them were."""
    if connection.dialect.name != "sqlite":
        return (await connection.exec_driver_sql(statement.json, (_json(rows).decode(),))).rowcount
    whole = len(rows) - len(rows) % BLOCK
    blocks = [tuple(chain.from_iterable(rows[at : at + BLOCK])) for at in range(0, whole, BLOCK)]
    inserted = 0
    if blocks:
        inserted += (await connection.exec_driver_sql(statement.block, blocks)).rowcount
    if whole < len(rows):
        inserted += (await connection.exec_driver_sql(statement.row, list(rows[whole:]))).rowcount
    return inserted
