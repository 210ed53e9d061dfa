"""How much the spool of this machine holds that is not in the database yet, for reports that would be short of it.

Reads beside the process that writes, takes no lock and changes nothing. A spool too large to read in a moment is not
counted: that the database has been away for long is all that can be said then.
"""

from __future__ import annotations

from pathlib import Path

from anyio.lowlevel import checkpoint
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.store.database import Database
from proxy.store.ledgersql import missing_ids
from proxy.store.spoolfile import CLOSE
from proxy.store.spoolfolder import FOLDER, Position, end_of, numbers, size
from proxy.store.spoolreader import SpoolReader
from proxy.store.spoolrecord import read_close

LARGEST_BYTES = 64 * 1024 * 1024  # about 130,000 requests, of which most are loaded where the database is not away


async def count_waiting(database: Database, data_dir: Path) -> int | None:
    """Count the requests that ended and are not in the database; None where there are too many to look at.

    Raises:
        DatabaseAway: The database cannot be reached.
    """
    folders = [path for path in sorted((data_dir / FOLDER).glob("*")) if numbers(path)]
    if sum(size(path, number) for path in folders for number in numbers(path)) > LARGEST_BYTES:
        return None
    async with database.read() as connection:
        return sum([await _count(connection, path) for path in folders])


async def _count(connection: AsyncConnection, path: Path) -> int:
    reader, end, count = SpoolReader(path, Position(0, 0)), end_of(path), 0
    try:
        while (found := reader.read(end)) is not None:
            records = (read_close(payload) for kind, payload in found.records if kind == CLOSE)
            ids = {record.request_id for record in records if record is not None}
            count += len(await missing_ids(connection, list(ids)))
            await checkpoint()
    except FileNotFoundError:  # deleted meanwhile: all of it was loaded
        return count
    return count
