"""What of the ledger is in a database."""

from __future__ import annotations

from sqlalchemy import Row, func, select

from proxy.store.database import Database
from proxy.store.tables import DAYS, HOURS, REQUESTS


async def loaded_ids(database: Database) -> list[str]:
    async with database.read() as connection:
        return list((await connection.execute(select(REQUESTS.c.request_id).order_by(REQUESTS.c.request_id))).scalars())


async def loaded_rows(database: Database) -> list[Row[tuple[object, ...]]]:
    async with database.read() as connection:
        return list((await connection.execute(select(REQUESTS).order_by(REQUESTS.c.request_id))).all())


async def totals(database: Database) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Requests and nano-dollars, as the requests, the hours and the days have them."""
    async with database.read() as connection:
        requests = select(func.count(), func.coalesce(func.sum(REQUESTS.c.cost_nusd), 0))
        sums = [
            select(func.coalesce(func.sum(table.c.requests), 0), func.coalesce(func.sum(table.c.cost_nusd), 0))
            for table in (HOURS, DAYS)
        ]
        found = [(await connection.execute(statement)).one() for statement in (requests, *sums)]
    counted, hours, days = ((int(count), int(cost)) for count, cost in found)
    return counted, hours, days


async def is_balanced(database: Database, requests: int) -> bool:
    """So many requests, and the sums have each of them once."""
    counted, hours, days = await totals(database)
    return counted[0] == requests and counted == hours == days
