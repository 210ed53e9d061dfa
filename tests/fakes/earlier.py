"""A ledger as revision 0001 left it: its tables, and rows by statements that name the columns it knew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.core.records import CloseRecord
from proxy.store.database import Database
from proxy.store.ledgerrows import Row, day_sums, hour_sums, request_row, sum_rows
from proxy.store.migrate import OURS, Revisions, migrating, run
from proxy.store.tables import DAYS, HOURS, REQUESTS

EARLIER = Revisions(OURS.names[:1], OURS.folder)
COLUMNS = {"requests": 26, "hours": 16, "days": 16}  # the first of today's
TABLES = {"requests": REQUESTS, "hours": HOURS, "days": DAYS}


async def make_earlier(database: Database, records: Iterable[CloseRecord]) -> None:
    """Fill an empty database."""
    async with migrating(database) as connection:
        await connection.run_sync(run, "upgrade", EARLIER.head)
    await write_earlier(database, records)


async def write_earlier(database: Database, records: Iterable[CloseRecord]) -> None:
    """Put requests and their sums into a database; sums that are there are not added to."""
    rows = [request_row(record) for record in records]
    hours = hour_sums(rows)
    async with database.write() as connection:
        await _insert(connection, "requests", rows)
        await _insert(connection, "hours", sum_rows(hours))
        await _insert(connection, "days", sum_rows(day_sums(hours)))


async def _insert(connection: AsyncConnection, table: str, rows: Sequence[Row]) -> None:
    types = {column.name: column.type.python_type for column in list(TABLES[table].columns)[: COLUMNS[table]]}
    names, values = (", ".join(form.format(name) for name in types) for form in ('"{}"', ":{}"))
    for row in rows:
        given = zip(types.items(), row, strict=False)
        typed = {name: bool(value) if kind is bool else value for (name, kind), value in given}
        await connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), typed)
