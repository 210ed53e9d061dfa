"""What client keys have spent in the UTC day and month that are open: the database's sums and what is on its way there.

Each request counts once, whether it is in the database, in the spool or, for a moment, in both. A request that has not
ended counts with the estimate made when it began.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from anyio.lowlevel import checkpoint
from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.core.records import CloseRecord, OpenRecord
from proxy.store.database import Database
from proxy.store.ledgersql import missing_ids
from proxy.store.spoolfile import CLOSE, OPEN, Scan
from proxy.store.spoolfolder import Position
from proxy.store.spoolreader import SpoolReader
from proxy.store.spoolrecord import read_close, read_open
from proxy.store.tables import DAYS

DAY_S = 86_400


class Spent(NamedTuple):
    """Nano-dollars."""

    day_nusd: int
    month_nusd: int


class Place(NamedTuple):
    """Files of the spool up to a position. `is_foreign`: a living process writes and deletes them."""

    path: Path
    end: Position
    is_foreign: bool


class _Cost(NamedTuple):
    request_id: str
    key: str
    day_d: int
    nusd: int


def open_windows(wall_s: float) -> tuple[int, int]:
    """Name the day and the first day of the month, in days since 1970 in UTC."""
    today = datetime.fromtimestamp(wall_s, UTC).date()
    day_d = int(wall_s // DAY_S)
    return day_d, day_d - today.day + 1


async def read_spend(database: Database, places: Sequence[Place], wall_s: float) -> dict[str, Spent]:
    """Add it up, by the name of the key; a key that spent nothing is left out.

    Raises:
        DatabaseAway: The database cannot be reached.
        OSError: A file cannot be read.
    """
    day_d, month_d = open_windows(wall_s)
    # What a living process loads meanwhile is in the database's view of that moment, or was read before.
    foreign = [cost for place in places if place.is_foreign async for piece in _costs(place) for cost in piece]
    async with database.read() as connection:
        spent = await _loaded(connection, day_d, month_d)
        await _add(connection, spent, foreign, (day_d, month_d))
        for place in places:
            if not place.is_foreign:
                async for piece in _costs(place):
                    await _add(connection, spent, piece, (day_d, month_d))
    return {key: amount for key, amount in spent.items() if amount.month_nusd}


async def _loaded(connection: AsyncConnection, day_d: int, month_d: int) -> dict[str, Spent]:
    cost = DAYS.c.cost_nusd
    today = func.sum(case((DAYS.c.day_d == day_d, cost), else_=0))
    found = await connection.execute(
        select(DAYS.c.key, today, func.sum(cost)).where(DAYS.c.day_d >= month_d).group_by(DAYS.c.key)
    )
    return {key: Spent(int(day_nusd), int(month_nusd)) for key, day_nusd, month_nusd in found if key}


async def _add(
    connection: AsyncConnection, spent: dict[str, Spent], costs: Sequence[_Cost], windows: tuple[int, int]
) -> None:
    """Add what is not in the database."""
    day_d, month_d = windows
    due = {cost.request_id: cost for cost in costs if cost.key and cost.nusd and cost.day_d >= month_d}
    for request_id in await missing_ids(connection, list(due)):
        cost = due[request_id]
        day_nusd, month_nusd = spent.get(cost.key, Spent(0, 0))
        spent[cost.key] = Spent(day_nusd + (cost.nusd if cost.day_d == day_d else 0), month_nusd + cost.nusd)


async def _costs(place: Place) -> AsyncIterator[list[_Cost]]:
    """Read what requests cost, the ended ones first."""
    reader = SpoolReader(place.path, Position(0, 0))
    unended: dict[str, OpenRecord] = {}
    while (found := _read_on(reader, place.end)) is not None:
        opened = [read_open(payload) for kind, payload in found.records if kind == OPEN]
        closed = [read_close(payload) for kind, payload in found.records if kind == CLOSE]
        unended.update({record.request_id: record for record in opened if record is not None})
        ended = [record for record in closed if record is not None]
        for record in ended:
            unended.pop(record.request_id, None)
        yield [_cost(record, record.cost_nusd) for record in ended]
        await checkpoint()
    yield [_cost(record, record.estimated_nusd) for record in unended.values()]


def _read_on(reader: SpoolReader, end: Position) -> Scan | None:
    """Read the next records; a file that a living process deletes meanwhile is one that it has loaded."""
    while True:
        try:
            return reader.read(end)
        except FileNotFoundError:
            reader.at = Position(reader.at.number + 1, 0)


def _cost(record: OpenRecord | CloseRecord, nusd: int | None) -> _Cost:
    return _Cost(record.request_id, record.key, int(record.started_at_s // DAY_S), nusd or 0)
