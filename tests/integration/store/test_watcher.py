"""A running server's keys follow the database, and outlast it."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import event

from proxy.core.clientkey import Minted, mint
from proxy.core.secret import Secret
from proxy.core.snapshot import Auth, ClientKey, StoredKey
from proxy.edge.key_lookup import Refusal, find, with_stored
from proxy.store.database import Database, DatabaseAway
from proxy.store.keys import KeyStore
from proxy.store.watcher import POLL_S, KeyWatcher
from tests.fakes.postgres import PostgresServer
from tests.fakes.upstream_calls import settles

RING = Secret("planted-secret-0123456789")
FAST_S = 0.02
WITHIN_S = 2.0


class Server:
    """What a running server has of it: who may call."""

    def __init__(self, database: Database, poll_s: float = FAST_S) -> None:
        self.watcher = KeyWatcher(KeyStore(database), self.publish, poll_s)
        self.configured = Auth("none", mode_is_implied=True)
        self.auth = self.configured
        self.published = 0

    def publish(self, stored: Mapping[str, StoredKey]) -> None:
        self.published += 1
        self.auth = with_stored(self.configured, stored, RING, was_closed=self.watcher.ever or self.auth.mode == "keys")

    def find(self, minted: Minted) -> ClientKey | Refusal:
        return find(self.auth, minted.text.reveal().encode(), time.time())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.watcher.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def new() -> Minted:
    return mint(os.urandom(32), RING)


def now_us() -> int:
    return time.time_ns() // 1000


async def test_keys_follow_the_database_within_two_seconds(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    """At the usual pace, changed by another process's connection: made, rotated, revoked."""
    server, operator = Server(database, POLL_S), Database(database_url, tmp_path)
    keys, first, second = KeyStore(operator), new(), new()
    await server.watcher.load_once()
    assert server.auth.mode == "none"
    async with server.running():
        await keys.create(ClientKey("ci"), first, now_us())
        assert await settles(lambda: isinstance(server.find(first), ClientKey), WITHIN_S)
        assert server.auth.mode == "keys"
        await keys.rotate("ci", second, now_us(), now_us())
        assert await settles(lambda: isinstance(server.find(second), ClientKey), WITHIN_S)
        assert server.find(first) is Refusal.EXPIRED
        await keys.revoke("ci", now_us())
        assert await settles(lambda: server.find(second) is Refusal.REVOKED, WITHIN_S)
    assert server.auth.mode == "keys"
    assert server.published == 4
    await operator.aclose()


async def test_keys_are_there_from_the_start(database: Database) -> None:
    minted = new()
    await KeyStore(database).create(ClientKey("ci"), minted, now_us())
    server = Server(database)
    await server.watcher.load_once()
    assert isinstance(server.find(minted), ClientKey)
    assert (server.auth.mode, server.watcher.ever) == ("keys", True)


async def test_nothing_is_published_while_nothing_changes_and_a_look_is_one_statement(database: Database) -> None:
    server = Server(database)
    await server.watcher.load_once()
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    async with server.running():
        await settles(lambda: len(statements) >= 6)
    looks = [statement for statement in statements if not statement.startswith("BEGIN")]
    assert len(looks) >= 3
    assert all("versions" in statement for statement in looks)
    assert server.published == 1


async def test_a_gateway_that_asked_for_keys_is_not_opened_by_a_restart_without_them(database: Database) -> None:
    await KeyStore(database).note_configured()
    server = Server(database)
    await server.watcher.load_once()
    assert server.auth.mode == "keys"


async def test_a_publish_that_failed_is_tried_again(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    minted, taken = new(), list[Mapping[str, StoredKey]]()

    def publish(stored: Mapping[str, StoredKey]) -> None:
        taken.append(stored)
        if len(taken) < 3:
            raise LookupError(minted.hmac)

    watcher = KeyWatcher(KeyStore(database), publish, FAST_S)
    await KeyStore(database).create(ClientKey("ci"), minted, now_us())
    task = asyncio.create_task(watcher.run())
    with caplog.at_level(logging.INFO):
        assert await settles(lambda: "client keys can be read again" in caplog.messages)
    task.cancel()
    assert len(taken) == 3
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    assert "LookupError" in caplog.text
    assert minted.hmac not in caplog.text


async def test_an_outage_at_the_start_keeps_the_gateway_closed_until_the_keys_are_known(tmp_path: Path) -> None:
    database = Database("sqlite:///fairlead.db", tmp_path / "not-there")
    server = Server(database)
    with pytest.raises(DatabaseAway):
        await server.watcher.load_once()
    assert server.published == 0
    assert server.watcher.ever
    assert with_stored(server.configured, {}, RING, was_closed=server.watcher.ever).mode == "keys"
    await database.aclose()


async def test_keys_outlast_an_outage_which_is_told_once(
    databases: object, stoppable_postgres: PostgresServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from tests.fakes.databases import Databases

    assert isinstance(databases, Databases)
    url = await databases.make("postgres", tmp_path, migrated=True)
    database, minted, next_one = Database(url, tmp_path), new(), new()
    await KeyStore(database).create(ClientKey("ci"), minted, now_us())
    server = Server(database)
    await server.watcher.load_once()
    with caplog.at_level(logging.INFO):
        async with server.running():
            stoppable_postgres.stop()
            assert await settles(lambda: "client keys cannot be read" in caplog.text)
            await asyncio.sleep(10 * FAST_S)
            assert isinstance(server.find(minted), ClientKey)
            stoppable_postgres.start()
            await KeyStore(database).create(ClientKey("next"), next_one, now_us())
            assert await settles(lambda: isinstance(server.find(next_one), ClientKey))
    assert [record.levelname for record in caplog.records if record.name == "fairlead.keys"].count("ERROR") == 1
    assert "client keys can be read again" in caplog.messages
    assert minted.text.reveal() not in caplog.text
    await database.aclose()
    await databases.drop(url)
