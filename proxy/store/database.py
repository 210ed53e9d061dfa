"""The one way to the database: transactions on SQLite or PostgreSQL, with every failure of the server named the same.

What the database does not do because it is away, full, locked or too slow becomes `DatabaseAway`; what it refuses
because a statement is wrong stays what it is: a fault of this program. Never shows a password or a value of a row.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import anyio
from anyio.lowlevel import checkpoint_if_cancelled
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor, ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from proxy.store.databaseurl import Target, read_url

CONNECT_S = 5.0
STATEMENT_S = 30.0
CLOSE_S = 3.0  # for all connections together, when the database is no longer wanted
CONNECTIONS = 5

# Of what a server reports, the faults of a statement or its values; anything else is the server's own trouble.
_SQLITE_FAULTS = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_RANGE,
    }
)
_POSTGRES_FAULTS = ("0A", "21", "22", "23", "42", "54")  # classes of SQLSTATE
# In these classes, yet nothing that a statement can mend: what is not permitted, and what a pool between mixed up.
_POSTGRES_AWAY = frozenset({"42501", "42P05"})
PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON")
# A gateway goes on writing at the end of its tables, and has no use for the 2 MB of pages that SQLite keeps in each
# connection. Reports, which read months, are another process's.
LEAN_PRAGMAS = (*PRAGMAS, "cache_size = -512")
_SWITCHES = 20  # each that fails is one that another connection made, or tried to


class DatabaseAway(Exception):
    """The database did not do what it was asked, and may later. A commit that ends so may have been made."""


class Database:
    """A small pool of connections. Nothing is connected before the first transaction.

    Raises:
        BadUrl: The URL leads to no database.
    """

    def __init__(
        self,
        url: str,
        data_dir: Path,
        *,
        connect_s: float = CONNECT_S,
        statement_s: float = STATEMENT_S,
        pragmas: tuple[str, ...] = PRAGMAS,
    ) -> None:
        self.target = read_url(url, data_dir)
        self.engine = make_engine(self.target, connect_s=connect_s, statement_s=statement_s, pragmas=pragmas)
        # SQLite has one writer: the rest of this process waits here, in turn, rather than by polling the file's lock.
        self._turn: AbstractAsyncContextManager[object] = asyncio.Lock() if self.is_sqlite else nullcontext()
        writing = {"sqlite_begin": "IMMEDIATE"} if self.is_sqlite else {}
        # One view of all tables for the whole transaction, which is what SQLite gives anyway.
        reading = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._writing = self.engine.execution_options(**writing)
        self._reading = self.engine.execution_options(**reading)

    @property
    def is_sqlite(self) -> bool:
        return self.target.path is not None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that may write: committed at the end, rolled back on any exception.

        Raises:
            DatabaseAway: The database cannot be reached or did not answer.
        """
        async with self._turn, self._uncut(self._writing) as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that sees all tables as they were at its first statement.

        Raises:
            DatabaseAway: The database cannot be reached or did not answer.
        """
        async with self._uncut(self._reading) as connection:
            yield connection

    @asynccontextmanager
    async def _uncut(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        """Let a transaction on SQLite end before its task is cancelled, as at a shutdown: it is a matter of moments.

        The driver's thread goes on with a statement that nobody waits for, and keeps its lock: whoever came next found
        the database locked, and to close the connection could take for ever. A server's connection is just dropped.
        """
        await checkpoint_if_cancelled()
        with anyio.CancelScope(shield=self.is_sqlite):
            async with transaction(engine, self.target) as connection:
                yield connection

    async def aclose(self) -> None:
        """Close every connection, and with SQLite's the thread of each; leave one whose server does not answer."""
        with anyio.move_on_after(CLOSE_S):
            await self.engine.dispose()


def make_engine(
    target: Target, *, connect_s: float, statement_s: float | None, pragmas: tuple[str, ...] = PRAGMAS
) -> AsyncEngine:
    """Make a pool of connections.

    Args:
        connect_s: Longest time for a connection, and on SQLite for a lock.
        statement_s: Longest time for a statement of PostgreSQL; None = no limit.
        pragmas: Of every connection to SQLite.
    """
    if target.path is not None:
        url = URL.create("sqlite+aiosqlite", database=str(target.path))
        # The driver's own transactions are off: `_begin` says when one begins, and of which kind.
        arguments: dict[str, Any] = {"timeout": connect_s, "isolation_level": None}
    else:
        url = URL.create("postgresql+asyncpg")
        arguments = {"dsn": target.dsn, "timeout": connect_s, "command_timeout": statement_s}
        if target.is_pooled:
            # Then asyncpg prepares each statement without a name, in the transaction that runs it.
            arguments |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
    engine = create_async_engine(
        url,
        connect_args=arguments,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=connect_s,
        pool_use_lifo=True,
        pool_pre_ping=target.path is None,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "handle_error", _Mapping(target))
    if target.path is not None:
        _set_up_sqlite(engine, target.path, pragmas)
    return engine


@asynccontextmanager
async def transaction(engine: AsyncEngine, target: Target) -> AsyncIterator[AsyncConnection]:
    """One transaction on a connection of the pool."""
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(engine.connect())
            await stack.enter_async_context(connection.begin())
        except (SQLAlchemyError, OSError, TimeoutError) as exc:
            # Whatever it is that keeps a connection from being made is nothing that a statement did.
            raise DatabaseAway(_described(target, exc)) from exc
        yield connection


class _Mapping:
    """Called with every error of a statement: what it is seen as outside."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def __call__(self, context: ExceptionContext) -> Exception | None:
        error = context.original_exception
        if context.is_pre_ping:
            return None  # the pool makes a new connection in its place
        if context.sqlalchemy_exception is not None:
            is_away = _is_away(error)
        else:
            is_away = isinstance(error, OSError | TimeoutError)  # asyncpg gave up waiting
        return DatabaseAway(_described(self._target, error)) if is_away else None


def _is_away(error: BaseException) -> bool:
    """Tell the trouble of a server from a statement that is wrong."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF not in _SQLITE_FAULTS
    state = getattr(error, "sqlstate", None) or ""  # none: it is the driver that says so
    return state in _POSTGRES_AWAY or not state.startswith(_POSTGRES_FAULTS)


def _described(target: Target, error: BaseException) -> str:
    original = error.orig if isinstance(error, DBAPIError) else error
    text = str(original).partition("\n")[0] or type(original).__name__
    return f"{target.shown}: {text}"


def _set_up_sqlite(engine: AsyncEngine, path: Path, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine.sync_engine, "do_connect")
    def _make(*_: object) -> None:
        # SQLite gives its own files the file's mode: it holds hashes of keys and who spent what. A file that is there
        # is not opened: closing it would drop this process's locks on it, and what others then write would be lost.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine.sync_engine, "connect")
    def _set(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            _set_pragma(cursor, pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('sqlite_begin', 'DEFERRED')}")


def _set_pragma(cursor: DBAPICursor, pragma: str) -> None:
    """Of those that turn a new file to a log at once SQLite refuses all but one without waiting: so wait, and again."""
    for _ in range(_SWITCHES):
        try:
            cursor.execute(f"PRAGMA {pragma}")
            return
        except sqlite3.OperationalError as exc:
            if getattr(exc, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        cursor.execute("BEGIN IMMEDIATE")  # this waits, for as long as a lock may take
        cursor.execute("ROLLBACK")
    cursor.execute(f"PRAGMA {pragma}")
