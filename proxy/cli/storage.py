"""The database as a command sees it: that of the configuration, whether or not a server runs on it.

SQLAlchemy is imported by what opens it, never here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.cli.configuration import load
from proxy.cli.refusal import Refusal

if TYPE_CHECKING:
    from proxy.core.snapshot import Snapshot
    from proxy.store.database import Database

AWAY = "check that it runs and that database.url is right, then try again"


def shown(snapshot: Snapshot) -> str:
    """Name the database without a password: two commands that read other files, or none, may mean two of them."""
    from proxy.store.databaseurl import read_url

    assert snapshot.database_url is not None
    return read_url(snapshot.database_url.reveal(), Path(snapshot.server.data_dir)).shown


@asynccontextmanager
async def opened(config: Path | None) -> AsyncIterator[Database]:
    """Open the database for the length of a command, once its tables are those of this program.

    Raises:
        ConfigError: The configuration cannot be used, or the tables are others.
        Refusal: The database is away, now or later.
    """
    from proxy.store.migrate import require

    async with connected(load(config)) as database:
        await require(database)
        yield database


@asynccontextmanager
async def connected(snapshot: Snapshot) -> AsyncIterator[Database]:
    """Open the database whatever is in it.

    Raises:
        ConfigError: The folder for its file cannot be written.
        Refusal: The database is away, now or later.
    """
    from proxy.settings.data_dir import open_data_dir
    from proxy.store.database import Database, DatabaseAway

    assert snapshot.database_url is not None
    folder = open_data_dir(snapshot) or Path(snapshot.server.data_dir)
    database = Database(snapshot.database_url.reveal(), folder)
    try:
        yield database
    except DatabaseAway as away:
        raise Refusal(f"{away}; {AWAY}") from away
    finally:
        await database.aclose()
