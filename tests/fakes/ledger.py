"""A ledger with made-up requests in it, put there by the statements that the loader uses."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.core.records import CloseRecord
from proxy.store.database import Database
from proxy.store.ledgerrows import request_row
from proxy.store.ledgersql import insert_requests


async def load(database: Database, records: Iterable[CloseRecord]) -> None:
    """Put requests and their sums into a database."""
    async with database.write() as connection:
        await insert_requests(connection, [request_row(record) for record in records])
