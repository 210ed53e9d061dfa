"""Client keys in both databases: made, rotated, revoked, listed and loaded; every change is seen by its version."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from proxy.core.clientkey import Minted, mint
from proxy.core.secret import Secret
from proxy.core.snapshot import NO_LIMITS, ClientKey, KeyLimits
from proxy.store.database import Database
from proxy.store.keys import ENDED_KEPT_US, KeyEnded, KeyRow, KeyStore, NameTaken, SecretRow, UnknownKey
from proxy.store.migrate import upgrade
from proxy.store.tables import KEY_SECRETS, KEYS

RING = Secret("planted-secret-0123456789")
NOW_US = 1_800_000_000_000_000
HOUR_US = 3_600_000_000
CI = ClientKey("ci")
FULL = ClientKey(
    name="größer & 'quoted'",
    models=("gpt-4o*", "qwen"),
    providers=("azure-*",),
    expires_at_s=1_900_000_000.5,
    owner="team a",
    tags=("a", "b"),
    limits=KeyLimits(60, 10_000_000_000, 100_000, 1, 10**18, True),
)


@pytest.fixture
def keys(database: Database) -> KeyStore:
    return KeyStore(database)


def new() -> Minted:
    return mint(os.urandom(32), RING)


async def created(keys: KeyStore, key: ClientKey = CI) -> Minted:
    minted = new()
    await keys.create(key, minted, NOW_US)
    return minted


def fields(key: ClientKey) -> dict[str, object]:
    """Of a value that compares by identity."""
    return {name: getattr(key, name) for name in ClientKey.__dataclass_fields__}


@pytest.mark.parametrize("key", [CI, FULL], ids=["bare", "full"])
async def test_a_key_comes_back_as_it_was_made(keys: KeyStore, key: ClientKey) -> None:
    minted = await created(keys, key)
    loaded = await keys.load()
    assert list(loaded.stored) == [minted.hmac]
    stored = loaded.stored[minted.hmac]
    assert fields(stored.key) == fields(key)
    assert (stored.ends_at_s, stored.revoked) == (key.expires_at_s, False)


async def test_a_key_without_limits_has_the_one_value_that_says_so(keys: KeyStore) -> None:
    minted = await created(keys)
    assert (await keys.load()).stored[minted.hmac].key.limits is NO_LIMITS


async def test_nothing_is_loaded_before_the_first_key(keys: KeyStore) -> None:
    assert await keys.load() == (0, {})
    assert await keys.version() == 0
    assert await keys.listed() == []


async def test_every_change_raises_the_version_and_looking_does_not(keys: KeyStore) -> None:
    await created(keys)
    versions = [await keys.version()]
    await keys.rotate("ci", new(), NOW_US, NOW_US)
    versions.append(await keys.version())
    await keys.revoke("ci", NOW_US)
    versions.append(await keys.version())
    await keys.listed()
    versions.append((await keys.load()).version)
    assert versions == [1, 2, 3, 3]


async def test_a_change_that_is_refused_changes_nothing(keys: KeyStore) -> None:
    minted = await created(keys)
    for refused in (
        keys.create(replace(CI, owner="another"), new(), NOW_US),
        keys.rotate("nobody", new(), NOW_US, NOW_US),
    ):
        with pytest.raises((NameTaken, UnknownKey)):
            await refused
    loaded = await keys.load()
    assert (loaded.version, list(loaded.stored)) == (1, [minted.hmac])
    assert loaded.stored[minted.hmac].key.owner == ""


async def test_a_name_is_taken_once_even_if_many_want_it_at_once(database_url: str, tmp_path: Path) -> None:
    opened = [Database(database_url, tmp_path) for _ in range(4)]
    made = await asyncio.gather(
        *(KeyStore(database).create(CI, new(), NOW_US) for database in opened for _ in range(4)), return_exceptions=True
    )
    keys = KeyStore(opened[0])
    assert [type(result) for result in made].count(NameTaken) == 15
    assert made.count(None) == 1
    assert (await keys.version(), len((await keys.load()).stored)) == (1, 1)
    await asyncio.gather(*(database.aclose() for database in opened))


async def test_keys_made_at_once_are_all_made(database_url: str, tmp_path: Path) -> None:
    opened = [Database(database_url, tmp_path) for _ in range(3)]
    await asyncio.gather(
        *(KeyStore(opened[n % 3]).create(ClientKey(f"key-{n}"), new(), NOW_US) for n in range(12)),
    )
    loaded = await KeyStore(opened[0]).load()
    assert (loaded.version, len(loaded.stored)) == (12, 12)
    await asyncio.gather(*(database.aclose() for database in opened))


async def test_a_name_that_was_revoked_is_not_used_again(keys: KeyStore) -> None:
    await created(keys)
    await keys.revoke("ci", NOW_US)
    with pytest.raises(NameTaken):
        await created(keys)


async def test_a_revoked_key_stays_so_that_the_log_can_tell(keys: KeyStore) -> None:
    minted = await created(keys)
    assert await keys.revoke("ci", NOW_US + 1)
    assert not await keys.revoke("ci", NOW_US + 2)
    assert (await keys.load()).stored[minted.hmac].revoked
    assert (await keys.listed())[0].revoked_us == NOW_US + 1


async def test_revoking_ends_every_secret_of_a_key_and_of_no_other(keys: KeyStore) -> None:
    first, other = await created(keys), await created(keys, FULL)
    second = new()
    await keys.rotate("ci", second, NOW_US, NOW_US + HOUR_US)
    await keys.revoke("ci", NOW_US)
    stored = (await keys.load()).stored
    assert [stored[minted.hmac].revoked for minted in (first, second, other)] == [True, True, False]


async def test_rotation_gives_the_old_secret_an_end_and_the_key_stays_one(keys: KeyStore) -> None:
    old, young = await created(keys, replace(FULL, expires_at_s=None)), new()
    await keys.rotate(FULL.name, young, NOW_US, NOW_US + HOUR_US)
    stored = (await keys.load()).stored
    assert stored[old.hmac].ends_at_s == (NOW_US + HOUR_US) / 1_000_000
    assert stored[young.hmac].ends_at_s is None
    assert stored[old.hmac].key is stored[young.hmac].key


async def test_a_secret_ends_with_its_key_at_the_latest(keys: KeyStore) -> None:
    expires_us = NOW_US + HOUR_US
    old, young = await created(keys, replace(CI, expires_at_s=expires_us / 1_000_000)), new()
    await keys.rotate("ci", young, NOW_US, NOW_US + 2 * HOUR_US)
    stored = (await keys.load()).stored
    assert [stored[minted.hmac].ends_at_s for minted in (old, young)] == [expires_us / 1_000_000] * 2


async def test_a_second_rotation_never_lengthens_a_grace(keys: KeyStore) -> None:
    first, second, third = await created(keys), new(), new()
    await keys.rotate("ci", second, NOW_US, NOW_US + HOUR_US)
    await keys.rotate("ci", third, NOW_US, NOW_US + 2 * HOUR_US)
    stored = (await keys.load()).stored
    ends_h = [(stored[minted.hmac].ends_at_s or 0) - NOW_US / 1_000_000 for minted in (first, second)]
    assert ends_h == [3600.0, 7200.0]
    await keys.rotate("ci", new(), NOW_US, NOW_US)
    stored = (await keys.load()).stored
    assert {stored[minted.hmac].ends_at_s for minted in (first, second, third)} == {NOW_US / 1_000_000}


async def test_secrets_that_ended_long_ago_are_forgotten_at_a_rotation(keys: KeyStore) -> None:
    long_ago, lately = await created(keys), new()
    await keys.rotate("ci", lately, NOW_US, NOW_US)
    later_us = NOW_US + ENDED_KEPT_US
    await keys.rotate("ci", new(), later_us - 1, later_us - 1)
    assert long_ago.hmac in (await keys.load()).stored
    await keys.rotate("ci", new(), later_us, later_us)
    stored = (await keys.load()).stored
    assert long_ago.hmac not in stored
    assert (lately.hmac in stored, len(stored)) == (True, 3)


@pytest.mark.parametrize("name", ["nobody", "", "CI", "ci ", "c%", "'; drop table keys; --"])
async def test_a_name_that_nobody_has_is_told_with_those_that_there_are(keys: KeyStore, name: str) -> None:
    await created(keys)
    await created(keys, FULL)
    for change in (keys.revoke(name, NOW_US), keys.rotate(name, new(), NOW_US, NOW_US)):
        with pytest.raises(UnknownKey) as caught:
            await change
        assert caught.value.names == ["ci", FULL.name]


async def test_a_key_that_has_ended_is_not_rotated(keys: KeyStore) -> None:
    await created(keys)
    await created(keys, FULL)
    await keys.revoke("ci", NOW_US)
    with pytest.raises(KeyEnded, match="was revoked"):
        await keys.rotate("ci", new(), NOW_US, NOW_US)
    with pytest.raises(KeyEnded, match="has expired"):
        await keys.rotate(FULL.name, new(), 1_900_000_000_500_000, NOW_US)


async def test_the_list_shows_what_there_is_and_no_hash(keys: KeyStore) -> None:
    old, young, other = await created(keys), new(), await created(keys, FULL)
    await keys.rotate("ci", young, NOW_US + 1, NOW_US + HOUR_US)
    ci, full = await keys.listed()
    secrets = (SecretRow(young.hint, NOW_US + 1, None), SecretRow(old.hint, NOW_US, NOW_US + HOUR_US))
    assert ci == KeyRow(ci.key, NOW_US, None, secrets)
    assert fields(ci.key) == fields(CI)
    assert fields(full.key) == fields(FULL)
    assert full.secrets == (SecretRow(other.hint, NOW_US, None),)
    shown = repr([ci, full])
    assert not any(secret in shown for minted in (old, young, other) for secret in (minted.hmac, minted.text.reveal()))


async def test_secrets_made_in_one_moment_are_listed_with_the_valid_one_first(keys: KeyStore) -> None:
    await created(keys)
    young = new()
    await keys.rotate("ci", young, NOW_US, NOW_US)
    assert (await keys.listed())[0].secrets[0].hint == young.hint


@pytest.mark.parametrize("settings", ["", "{", "[]", '{"rpm": "many"}', '{"models": 1}'])
async def test_a_key_whose_settings_cannot_be_read_opens_nothing_and_hides_no_other(
    keys: KeyStore, database: Database, settings: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = await created(keys), await created(keys, FULL)
    async with database.write() as connection:
        await connection.execute(update(KEYS).where(KEYS.c.name == "ci").values(settings=settings))
    stored = (await keys.load()).stored
    assert (stored[broken.hmac].revoked, stored[sound.hmac].revoked) == (True, False)
    assert caplog.messages == ["the settings of client key 'ci' cannot be read: it is refused; make another"]
    assert [row.is_broken for row in await keys.listed()] == [True, False]


async def test_settings_of_a_newer_version_are_passed_over(keys: KeyStore, database: Database) -> None:
    minted = await created(keys)
    async with database.write() as connection:
        await connection.execute(update(KEYS).values(settings='{"rpm": 5, "future": {"a": [1]}}'))
    assert (await keys.load()).stored[minted.hmac].key.limits == KeyLimits(rpm=5)


async def test_that_there_was_a_key_is_remembered_once(keys: KeyStore) -> None:
    await keys.note_configured()
    await keys.note_configured()
    assert await keys.load() == (1, {})
    await created(keys)
    await keys.note_configured()
    assert await keys.version() == 2


async def test_the_database_holds_no_key_and_no_secret(keys: KeyStore, database: Database) -> None:
    minted = await created(keys, FULL)
    async with database.read() as connection:
        rows = [*(await connection.execute(select(KEYS))), *(await connection.execute(select(KEY_SECRETS)))]
    text = repr(rows)
    assert minted.hmac in text
    assert minted.text.reveal() not in text
    assert RING.reveal() not in text


async def test_a_process_that_comes_and_goes_takes_nothing_along(tmp_path: Path) -> None:
    """SQLite's file stays locked as long as this process has it open, however many connections it opens meanwhile."""
    database = Database("sqlite:///fairlead.db", tmp_path)
    await upgrade(database)
    keys = KeyStore(database)
    await keys.create(ClientKey("a"), new(), NOW_US)
    async with database.read() as one, database.read() as other:
        assert [await connection.scalar(select(KEYS.c.name)) for connection in (one, other)] == ["a", "a"]
    assert await names_seen_by_another_process(tmp_path) == ["a"]
    await keys.create(ClientKey("b"), new(), NOW_US)
    assert await names_seen_by_another_process(tmp_path) == ["a", "b"]
    await database.aclose()


async def names_seen_by_another_process(folder: Path) -> list[str]:
    script = (
        "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1])\n"
        "print(*[row[0] for row in connection.execute('SELECT name FROM keys ORDER BY name')]); connection.close()"
    )
    command = [sys.executable, "-c", script, str(folder / "fairlead.db")]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=15, check=True)
    return ended.stdout.split()
