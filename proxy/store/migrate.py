"""From whatever a database holds to the tables that this program knows, or to the reason why not.

Looking is one query. Alembic is imported only where there is something to do, and what it does is one transaction
under a lock: of many processes that start at once, one migrates and the rest find it done. Never touches a database
whose tables are somebody else's, or newer than the program.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Column, MetaData, String, Table, inspect, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy import __version__
from proxy.core.errors import ConfigError
from proxy.core.snapshot import Problem
from proxy.store.database import CONNECT_S, Database, make_engine, transaction
from proxy.store.migrations import REVISIONS, VERSION_TABLE

LOCK_S = 60.0  # how long one process waits for another that migrates

_VERSION = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
_LOCK = zlib.crc32(VERSION_TABLE.encode())  # the advisory lock's number: any, but always the same
# Making a table anew must not take along the rows that refer to the old one; `foreign_key_check` looks afterwards.
_PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = OFF")


class State(StrEnum):
    """What a database is to this program."""

    EMPTY = "empty"
    BEHIND = "behind"
    CURRENT = "current"
    NEWER = "newer"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Schema:
    """A database's state and the revision that its tables are at; None = it has none."""

    state: State
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Revisions:
    """What a program knows: the names, oldest first, and the folder with what to do for each."""

    names: tuple[str, ...]
    folder: Path

    @property
    def head(self) -> str:
        return self.names[-1]

    def judge(self, revision: str | None) -> Schema:
        """Say what a database at a revision is to the program."""
        if revision is None:
            return Schema(State.EMPTY)
        if revision not in self.names:
            return Schema(State.NEWER, revision)
        return Schema(State.CURRENT if revision == self.head else State.BEHIND, revision)


OURS = Revisions(REVISIONS, Path(__file__).with_name("migrations"))


async def current(database: Database, known: Revisions = OURS) -> Schema:
    """Look at what a database holds, changing nothing: a file that is not there is not made.

    Raises:
        DatabaseAway: It cannot be reached.
    """
    if database.target.path is not None and not database.target.path.exists():
        return Schema(State.EMPTY)
    try:
        async with database.read() as connection:
            return known.judge((await connection.execute(select(_VERSION.c.version_num))).scalar())
    except DBAPIError:  # there is no such table, and the transaction is lost
        async with database.read() as connection:
            return await connection.run_sync(_inspect, known)


async def require(database: Database, known: Revisions = OURS) -> None:
    """Go on only where the tables are the ones that this program knows.

    Raises:
        ConfigError: They are not; it says which command helps.
        DatabaseAway: The database cannot be reached.
    """
    schema = await current(database, known)
    _refuse(database, schema, known)
    if schema.state is not State.CURRENT:
        found = "no tables" if schema.revision is None else f"tables of revision {schema.revision}"
        raise _error(database, found, known, "run fairlead db upgrade, or start fairlead serve, which does it too")


async def upgrade(database: Database, known: Revisions = OURS, *, lock_s: float = LOCK_S) -> Schema:
    """Bring a database to the newest revision; return what it was before.

    Raises:
        ConfigError: It is foreign or newer; it says what to do.
        DatabaseAway: It cannot be reached, or another process held the lock for too long.
    """
    before = await current(database, known)
    _refuse(database, before, known)
    if before.state is State.CURRENT:
        return before
    async with migrating(database, lock_s=lock_s) as connection:
        # Another process may have been first.
        before = await connection.run_sync(_inspect, known)
        _refuse(database, before, known)
        if before.state is not State.CURRENT:
            await connection.run_sync(run, "upgrade", known.head, known.folder)
    return before


@asynccontextmanager
async def migrating(database: Database, *, lock_s: float = LOCK_S) -> AsyncIterator[AsyncConnection]:
    """One transaction under the lock that everybody takes who changes tables."""
    connect_s = lock_s if database.is_sqlite else CONNECT_S
    # No limit for a statement: a large table takes as long as it takes.
    engine = make_engine(database.target, connect_s=connect_s, statement_s=None, pragmas=_PRAGMAS)
    try:
        # On SQLite, BEGIN IMMEDIATE is the lock.
        async with transaction(engine.execution_options(sqlite_begin="IMMEDIATE"), database.target) as connection:
            if not database.is_sqlite:
                await connection.execute(text(f"SET LOCAL lock_timeout = '{lock_s * 1000:.0f}ms'"))
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            yield connection
    finally:
        await engine.dispose()


def run(connection: Connection, command: str, revision: str, folder: Path = OURS.folder) -> None:
    """Let Alembic do "upgrade" or "downgrade" in the transaction of a connection."""
    from alembic import command as commands
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    getattr(commands, command)(config, revision)
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RuntimeError(f"after the {command} to {revision}, rows refer to rows that are not there")


def _inspect(connection: Connection, known: Revisions) -> Schema:
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE in tables:
        return known.judge(connection.execute(select(_VERSION.c.version_num)).scalar())
    return Schema(State.FOREIGN if tables else State.EMPTY)


def _refuse(database: Database, schema: Schema, known: Revisions) -> None:
    if schema.state is State.NEWER:
        found = f"tables of revision {schema.revision}, which is newer than Fairlead {__version__}"
        fix = "install a newer Fairlead (pip install --upgrade fairlead), or restore the backup made before the upgrade"
        raise _error(database, found, known, fix)
    if schema.state is State.FOREIGN:
        fix = "name an empty database in database.url: Fairlead does not touch this one"
        raise _error(database, "tables of another program", known, fix)


def _error(database: Database, found: str, known: Revisions, fix: str) -> ConfigError:
    return ConfigError([Problem(database.target.shown, found, f"tables of revision {known.head}", fix)])
