"""Client keys in the database: made, rotated, revoked and listed by an operator, loaded whole by a running server.

Every change raises the version of the keys in its own transaction, which is what servers look at; and it does so first,
so that changes wait for each other and names stay unique on PostgreSQL too. Never sees the text of a key, and never
forgets the name of one: the ledger knows it by that.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import anyio
import msgspec
from sqlalchemy import ColumnElement, Row, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.core.clientkey import Minted
from proxy.core.snapshot import ClientKey, KeyLimits, StoredKey
from proxy.store.database import Database
from proxy.store.tables import KEY_SECRETS, KEYS, VERSIONS

VERSION = "keys"
# A secret that ended is kept so long, so that the log of a server can tell it from one that never was.
ENDED_KEPT_US = 30 * 86_400 * 1_000_000

_LOG = logging.getLogger("fairlead.keys")

Record = Row[*tuple[Any, ...]]


class NameTaken(Exception):
    """A key has this name, or had it: what it spent stays on record under its name."""


class UnknownKey(Exception):
    """No key has this name.

    Attributes:
        names: Those that there are.
    """

    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__(name)
        self.names = names


class KeyEnded(Exception):
    """The key was revoked or has expired. The argument says which."""


class Loaded(NamedTuple):
    """Every stored key, by its HMAC.

    Attributes:
        version: Rises with every change; above 0 once there was any key.
    """

    version: int
    stored: Mapping[str, StoredKey]


@dataclass(frozen=True, slots=True)
class SecretRow:
    """One secret of a key, for an operator to recognise. `ends_us`: of its own, by a rotation."""

    hint: str
    created_us: int
    ends_us: int | None


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as an operator sees it. `secrets`: the newest first. `is_broken`: its settings cannot be read."""

    key: ClientKey
    created_us: int
    revoked_us: int | None
    secrets: tuple[SecretRow, ...]
    is_broken: bool = False


class KeyStore:
    """The keys of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._upsert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def create(self, key: ClientKey, minted: Minted, now_us: int) -> None:
        """Store a new key.

        Raises:
            NameTaken: Its name is or was another's.
        """
        async with self._database.write() as connection:
            await self._raise_version(connection)
            if await connection.scalar(select(KEYS.c.name).where(KEYS.c.name == key.name)) is not None:
                raise NameTaken(key.name)
            row = {"name": key.name, "created_us": now_us, "expires_us": _us(key.expires_at_s), "owner": key.owner}
            await connection.execute(KEYS.insert().values(**row, settings=_encode(key)))
            await _add_secret(connection, key.name, minted, now_us)

    async def rotate(self, name: str, minted: Minted, now_us: int, ends_us: int) -> None:
        """Give a key another secret; those that it has end at `ends_us`, or when they would anyway.

        Raises:
            UnknownKey, KeyEnded
        """
        async with self._database.write() as connection:
            await self._raise_version(connection)
            row = await _find(connection, name)
            if row.revoked_us is not None:
                raise KeyEnded("was revoked")
            if row.expires_us is not None and row.expires_us <= now_us:
                raise KeyEnded("has expired")
            of_key, ends = KEY_SECRETS.c.key == name, KEY_SECRETS.c.ends_us
            await connection.execute(delete(KEY_SECRETS).where(of_key, ends <= now_us - ENDED_KEPT_US))
            later: ColumnElement[bool] = or_(ends.is_(None), ends > ends_us)
            await connection.execute(update(KEY_SECRETS).where(of_key, later).values(ends_us=ends_us))
            await _add_secret(connection, name, minted, now_us)

    async def revoke(self, name: str, now_us: int) -> bool:
        """End a key for good; False = it was revoked before.

        Raises:
            UnknownKey
        """
        async with self._database.write() as connection:
            await self._raise_version(connection)
            row = await _find(connection, name)
            if row.revoked_us is None:
                await connection.execute(update(KEYS).where(KEYS.c.name == name).values(revoked_us=now_us))
            return row.revoked_us is None

    async def note_configured(self) -> None:
        """Remember that there was a key, of whatever kind: a gateway that asked for keys does not open by itself."""
        if await self.version() == 0:
            async with self._database.write() as connection:
                await self._raise_version(connection)

    async def listed(self) -> list[KeyRow]:
        """Return every key by name, revoked and expired ones included."""
        secrets: dict[str, list[SecretRow]] = {}
        newest = (KEY_SECRETS.c.created_us.desc(), KEY_SECRETS.c.ends_us.is_(None).desc())
        columns = (KEY_SECRETS.c.key, KEY_SECRETS.c.hint, KEY_SECRETS.c.created_us, KEY_SECRETS.c.ends_us)
        async with self._database.read() as connection:
            for name, *rest in await connection.execute(select(*columns).order_by(*newest)):
                secrets.setdefault(name, []).append(SecretRow(*rest))
            rows = (await connection.execute(select(KEYS).order_by(KEYS.c.name))).all()
        return [_listed(row, tuple(secrets.get(row.name, ()))) for row in rows]

    async def version(self) -> int:
        """Return the number that every change raises: one small statement."""
        async with self._database.read() as connection:
            return await _version(connection)

    async def load(self) -> Loaded:
        """Return every key as requests look it up, revoked and ended ones included."""
        columns = (KEY_SECRETS.c.hmac, KEY_SECRETS.c.key, KEY_SECRETS.c.ends_us)
        async with self._database.read() as connection:
            version = await _version(connection)
            rows = (await connection.execute(select(KEYS))).all()
            secrets = (await connection.execute(select(*columns))).all()
        # 15 microseconds a key: with thousands of them, longer than a stream's next chunk may wait.
        return Loaded(version, await anyio.to_thread.run_sync(_built, rows, secrets))

    async def _raise_version(self, connection: AsyncConnection) -> None:
        first = self._upsert(VERSIONS).values(name=VERSION, value=1)
        raised = {"value": VERSIONS.c.value + 1}
        await connection.execute(first.on_conflict_do_update(index_elements=[VERSIONS.c.name], set_=raised))


async def _version(connection: AsyncConnection) -> int:
    value = await connection.scalar(select(VERSIONS.c.value).where(VERSIONS.c.name == VERSION))
    return 0 if value is None else int(value)


async def _add_secret(connection: AsyncConnection, name: str, minted: Minted, now_us: int) -> None:
    row = {"hmac": minted.hmac, "key": name, "hint": minted.hint, "created_us": now_us}
    await connection.execute(KEY_SECRETS.insert().values(**row))


async def _find(connection: AsyncConnection, name: str) -> Record:
    row = (await connection.execute(select(KEYS).where(KEYS.c.name == name))).one_or_none()
    if row is None:
        raise UnknownKey(name, list(await connection.scalars(select(KEYS.c.name).order_by(KEYS.c.name))))
    return row


class _Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `keys.settings` holds; what a newer version added is passed over."""

    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None
    day_nusd: int | None = None
    month_nusd: int | None = None
    allow_unpriced: bool = False


def _encode(key: ClientKey) -> str:
    limits = {name: getattr(key.limits, name) for name in KeyLimits.__dataclass_fields__}
    return msgspec.json.encode(_Settings(key.models, key.providers, key.tags, **limits)).decode()


def _client_key(row: Record) -> ClientKey | None:
    """Read a row; None where its settings cannot be read."""
    try:
        settings = msgspec.json.decode(row.settings, type=_Settings)
    except (msgspec.DecodeError, UnicodeError):
        _LOG.error("the settings of client key %r cannot be read: it is refused; make another", row.name)
        return None
    return ClientKey(
        name=row.name,
        models=settings.models,
        providers=settings.providers,
        expires_at_s=_seconds(row.expires_us),
        owner=row.owner,
        tags=settings.tags,
        limits=KeyLimits(**{name: getattr(settings, name) for name in KeyLimits.__dataclass_fields__}),
    )


def _built(rows: Sequence[Record], secrets: Sequence[Row[str, str, int | None]]) -> Mapping[str, StoredKey]:
    keys = {row.name: (_client_key(row), row) for row in rows}
    return MappingProxyType({hmac: _stored(*keys[name], ends) for hmac, name, ends in secrets})


def _stored(key: ClientKey | None, row: Record, ends_us: int | None) -> StoredKey:
    """A key that cannot be read counts as revoked: it must open nothing, and still keep the gateway closed."""
    ends = min((end for end in (ends_us, row.expires_us) if end is not None), default=None)
    is_revoked = key is None or row.revoked_us is not None
    return StoredKey(key or ClientKey(row.name), _seconds(ends), is_revoked)


def _listed(row: Record, secrets: tuple[SecretRow, ...]) -> KeyRow:
    key = _client_key(row)
    shown = key or ClientKey(row.name, owner=row.owner, expires_at_s=_seconds(row.expires_us))
    return KeyRow(shown, row.created_us, row.revoked_us, secrets, key is None)


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / 1_000_000
