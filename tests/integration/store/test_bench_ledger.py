"""The database that the ledger's benchmark fills is the one that the loader would have made."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import select

from bench.ledger_rows import Month, fill, records
from proxy.store.database import Database
from proxy.store.ledgerrows import day_sums, hour_sums, request_row, sum_rows
from proxy.store.migrate import upgrade
from proxy.store.tables import DAYS, HOURS, REQUESTS

MONTH = Month(rows=6000, since_h=480_000, days=3, keys=5, models=3)


async def test_filled_tables_hold_what_the_loader_would_load(tmp_path: Path) -> None:
    database = Database("sqlite:///fairlead.db", tmp_path)
    try:
        await upgrade(database)
        await asyncio.to_thread(fill, tmp_path / "fairlead.db", MONTH)
        async with database.read() as connection:
            found = [(await connection.execute(select(table))).all() for table in (REQUESTS, HOURS, DAYS)]
    finally:
        await database.aclose()
    rows = [request_row(record) for record in records(MONTH)]
    hours = hour_sums(rows)
    assert found == [rows, sum_rows(hours), sum_rows(day_sums(hours))]
