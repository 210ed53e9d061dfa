"""Fixtures: a real database for each test, once as a SQLite file and once on a real PostgreSQL.

    from tests.fakes.databases import *   # in a conftest, with the names in `__all__`

    async def test_something(database: Database) -> None: ...

`database` has all tables and no rows. The server is one for a pytest session (an xdist worker has its own): that of
`FAIRLEAD_TEST_POSTGRES_URL`, whose user must be allowed to create databases, else one that is started here. Every test
gets a database of its own, copied from one that was migrated once.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from proxy.store.database import Database
from proxy.store.migrate import upgrade
from tests.fakes.postgres import PostgresServer, postgres_server
from tests.fakes.tools import require_module

__all__ = ["database", "database_url", "databases", "empty_database_url", "postgres", "stoppable_postgres"]

KINDS = ("sqlite", "postgres")
TEMPLATE = "template"


@dataclass(slots=True)
class Postgres:
    """A server and the databases that the tests made on it.

    Attributes:
        url: Of a database that is there, to make others from.
        server: None = somebody else's, which is not ours to stop.
    """

    url: str
    server: PostgresServer | None = None
    made: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def at(self, name: str) -> str:
        """The URL of another database of the same server."""
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    async def make(self, template: str | None = None) -> str:
        """Make a database, empty or a copy of another that was made here, and return its name."""
        name = f"fairlead_test_{os.getpid()}_{next(self._numbers)}"
        copied = f" TEMPLATE {template}" if template else ""
        await self._execute(f"CREATE DATABASE {name}{copied}")
        self.made.append(name)
        return name

    async def drop(self, name: str) -> None:
        await self._execute(f"DROP DATABASE {name} WITH (FORCE)")
        self.made.remove(name)

    async def _execute(self, statement: str) -> None:
        connection = await require_module("asyncpg").connect(self.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@dataclass(slots=True)
class Databases:
    """Makes databases of both kinds; the first of each kind is migrated and all others are its copies."""

    folder: Path
    request: pytest.FixtureRequest
    templates: dict[str, str] = field(default_factory=dict)

    @property
    def postgres(self) -> Postgres:
        """Only asked for where it is needed: a test of SQLite alone starts no server."""
        found = self.request.getfixturevalue("postgres")
        assert isinstance(found, Postgres)
        return found

    async def make(self, kind: str, folder: Path, *, migrated: bool) -> str:
        """Make a database and return its URL."""
        if migrated and kind not in self.templates:
            url = await self.make(kind, self.folder, migrated=False)
            template = Database(url, self.folder)
            try:
                await upgrade(template)
            finally:
                await template.aclose()
            self.templates[kind] = url
        if kind == "sqlite":
            if migrated:
                shutil.copy(self.folder / "fairlead.db", folder / "fairlead.db")
            return f"sqlite:///{folder}/fairlead.db"
        name = urlsplit(self.templates[kind]).path.strip("/") if migrated else None
        return self.postgres.at(await self.postgres.make(name))

    async def drop(self, url: str) -> None:
        if not url.startswith("sqlite"):
            await self.postgres.drop(urlsplit(url).path.strip("/"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server."""
    require_module("asyncpg")
    url = os.environ.get("FAIRLEAD_TEST_POSTGRES_URL")
    if url:
        found = Postgres(url)
        yield found
        for name in list(found.made):
            asyncio.run(found.drop(name))
        return
    with postgres_server() as server:
        yield Postgres(server.url("postgres"), server)


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Databases:
    """Makes databases."""
    return Databases(tmp_path_factory.mktemp(TEMPLATE), request)


@pytest.fixture
def stoppable_postgres(postgres: Postgres) -> Iterator[PostgresServer]:
    """The server, to be stopped and started within a test; afterwards it runs again, whatever the test did."""
    if postgres.server is None:
        pytest.skip("stops PostgreSQL, and that of FAIRLEAD_TEST_POSTGRES_URL is not ours to stop")
    yield postgres.server
    if not postgres.server.is_running:
        postgres.server.start()


@pytest.fixture(params=KINDS)
async def empty_database_url(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: Path
) -> AsyncIterator[str]:
    """A database without tables; SQLite's file, in `tmp_path`, is not there yet."""
    url = await databases.make(request.param, tmp_path, migrated=False)
    yield url
    await databases.drop(url)


@pytest.fixture(params=KINDS)
async def database_url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> AsyncIterator[str]:
    """A database with all tables and no rows; SQLite's file is in `tmp_path`."""
    url = await databases.make(request.param, tmp_path, migrated=True)
    yield url
    await databases.drop(url)


@pytest.fixture
async def database(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """The same, open. Its data folder is `tmp_path`."""
    opened = Database(database_url, tmp_path)
    yield opened
    await opened.aclose()
