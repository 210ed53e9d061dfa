"""How a database comes to the tables of this program, and when it is left alone."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, select, text

from proxy.core.errors import ConfigError
from proxy.store.database import Database, DatabaseAway
from proxy.store.migrate import OURS, Revisions, Schema, State, current, migrating, require, run, upgrade
from proxy.store.migrations import VERSION_TABLE
from proxy.store.tables import KEY_SECRETS, KEYS, METADATA
from tests.fakes.process import environment
from tests.integration.store.asking import on_postgres, on_sqlite, read_value, with_parameter, write_one
from tests.integration.store.revisions import FAILING, NEXT, next_revisions

Ask = Callable[[Database], Awaitable[object]]

KEY = {"name": "ci", "created_us": 1, "owner": "a team", "settings": "{}"}
SECRET = {"hmac": "00" * 32, "key": "ci", "hint": "fl_1", "created_us": 1}
STARTING = """
import asyncio, json, sys
from pathlib import Path
from proxy.store.database import Database
from proxy.store.migrate import upgrade

async def main():
    database = Database(sys.argv[1], Path.cwd())
    before = await upgrade(database)
    await database.aclose()
    print(json.dumps([before.state, "alembic" in sys.modules]))

asyncio.run(main())
"""


@pytest.fixture
async def empty(empty_database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(empty_database_url, tmp_path)
    yield opened
    await opened.aclose()


def in_words(index: Mapping[str, Any]) -> dict[str, Any]:
    """An index with the condition of its rows as SQL, which is told as an object that equals no other."""
    options = {name: str(option) for name, option in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def shape(connection: Connection) -> dict[str, Any]:
    """Everything that a database says of its tables but the one for the version."""
    inspector = inspect(connection)
    names = sorted(set(inspector.get_table_names()) - {VERSION_TABLE})
    return {
        name: {
            "columns": [{**column, "type": repr(column["type"])} for column in inspector.get_columns(name)],
            "primary key": inspector.get_pk_constraint(name),
            "foreign keys": inspector.get_foreign_keys(name),
            "indexes": sorted(map(in_words, inspector.get_indexes(name)), key=lambda index: str(index["name"])),
            "unique": inspector.get_unique_constraints(name),
            "checks": inspector.get_check_constraints(name),
        }
        for name in names
    }


async def shape_of(database: Database) -> dict[str, Any]:
    async with database.read() as connection:
        return await connection.run_sync(shape)


async def move(database: Database, command: str, revision: str, known: Revisions = OURS) -> None:
    async with migrating(database) as connection:
        await connection.run_sync(run, command, revision, known.folder)


async def execute(database: Database, *statements: str) -> None:
    async with database.write() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def start(folder: Path, url: str, programs: int) -> list[tuple[str, bool]]:
    """Migrate in so many processes at once; return what each found and whether it imported Alembic."""
    command = [sys.executable, "-c", STARTING, url]
    pipe, environ = subprocess.PIPE, environment(folder)
    started = [
        subprocess.Popen(command, cwd=folder, env=environ, stdout=pipe, stderr=pipe, text=True) for _ in range(programs)
    ]
    printed = [await asyncio.to_thread(process.communicate) for process in started]
    assert [process.returncode for process in started] == [0] * programs, printed
    return [tuple(json.loads(out)) for out, _ in printed]


def test_every_revision_is_named_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(OURS.folder))
    found = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == OURS.names


async def test_the_migrations_make_exactly_the_tables_of_the_program(empty: Database) -> None:
    async with empty.write() as connection:
        await connection.run_sync(METADATA.create_all)
    made = await shape_of(empty)
    assert set(made) == set(METADATA.tables)
    async with empty.write() as connection:
        await connection.run_sync(METADATA.drop_all)
    await upgrade(empty)
    assert await shape_of(empty) == made


async def test_down_and_up_again_is_the_same(database: Database) -> None:
    before = await shape_of(database)
    await move(database, "downgrade", "base")
    assert await shape_of(database) == {}
    assert await upgrade(database) == Schema(State.EMPTY)
    assert await shape_of(database) == before


async def test_up_down_and_up_again_keep_the_rows_that_both_know(database: Database, tmp_path: Path) -> None:
    known = next_revisions(tmp_path)
    before = await shape_of(database)
    async with database.write() as connection:
        await connection.execute(insert(KEYS).values(KEY))
        await connection.execute(insert(KEY_SECRETS).values(SECRET))

    async def kept() -> tuple[object, ...]:
        await database.aclose()  # as a program does that ends before its database is migrated
        async with database.read() as connection:
            key = (await connection.execute(select(KEYS))).mappings().one()
            secret = (await connection.execute(select(KEY_SECRETS))).mappings().one()
        return key, secret

    rows = await kept()
    assert await upgrade(database, known) == Schema(State.BEHIND, OURS.head)
    assert await kept() == rows
    assert "notes" in await shape_of(database)
    await move(database, "downgrade", OURS.head, known)
    assert await kept() == rows
    assert await shape_of(database) == before
    await upgrade(database, known)
    assert await kept() == rows


@on_postgres
async def test_a_program_that_runs_on_while_a_table_changes_fails_once_at_most(
    database: Database, tmp_path: Path
) -> None:
    async def ask() -> None:
        async with database.read() as connection:
            await connection.execute(select(KEYS))

    await ask()
    await upgrade(database, next_revisions(tmp_path))
    with pytest.raises(DatabaseAway, match="cached statement plan is invalid"):
        await ask()
    await ask()


async def test_a_migration_that_fails_changes_nothing(database: Database, tmp_path: Path) -> None:
    before = await shape_of(database)
    with pytest.raises(LookupError, match="half way"):
        await upgrade(database, next_revisions(tmp_path, FAILING))
    assert await shape_of(database) == before
    assert await current(database) == Schema(State.CURRENT, OURS.head)


async def test_looking_at_an_empty_database_makes_nothing(empty: Database, tmp_path: Path) -> None:
    assert await current(empty) == Schema(State.EMPTY)
    assert not empty.is_sqlite or not list(tmp_path.glob("*.db"))
    with pytest.raises(ConfigError, match=r"no tables; expected tables of revision \d+; run fairlead db upgrade"):
        await require(empty)


async def test_tables_that_are_behind_are_told_with_the_command_to_run(database: Database, tmp_path: Path) -> None:
    known = next_revisions(tmp_path)
    assert await current(database, known) == Schema(State.BEHIND, OURS.head)
    with pytest.raises(ConfigError, match=rf": tables of revision {OURS.head}; .*; run fairlead db upgrade"):
        await require(database, known)


async def test_tables_that_are_up_to_date_are_left_alone(database: Database) -> None:
    assert await upgrade(database) == await current(database) == Schema(State.CURRENT, OURS.head)
    await require(database)


@pytest.mark.parametrize("ask", [pytest.param(upgrade, id="upgrade"), pytest.param(require, id="require")])
async def test_a_newer_database_is_refused(database: Database, ask: Ask) -> None:
    await execute(database, f"UPDATE {VERSION_TABLE} SET version_num = '{NEXT}'")
    before = await shape_of(database)
    with pytest.raises(ConfigError, match=f"revision {NEXT}, which is newer than Fairlead .*; install a newer"):
        await ask(database)
    assert await shape_of(database) == before
    assert await current(database) == Schema(State.NEWER, NEXT)


@pytest.mark.parametrize("ask", [pytest.param(upgrade, id="upgrade"), pytest.param(require, id="require")])
async def test_a_database_of_another_program_is_refused(empty: Database, ask: Ask) -> None:
    await execute(empty, "CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    with pytest.raises(ConfigError, match=r": tables of another program; .* does not touch this one"):
        await ask(empty)
    assert set(await shape_of(empty)) == {"orders"}


@pytest.mark.parametrize("race", range(3))
async def test_of_many_that_start_at_once_one_migrates(empty_database_url: str, tmp_path: Path, race: int) -> None:
    programs = [Database(empty_database_url, tmp_path) for _ in range(10)]
    found = await asyncio.gather(*(upgrade(program) for program in programs))
    assert sorted(schema.state for schema in found) == [State.CURRENT] * 9 + [State.EMPTY]
    for program in programs:
        await program.aclose()


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_of_many_processes_that_start_at_once_one_migrates(empty_database_url: str, tmp_path: Path) -> None:
    found = await start(tmp_path, empty_database_url, 10)
    assert sorted(found) == [(State.CURRENT, False)] * 9 + [(State.EMPTY, True)]


async def test_alembic_is_imported_only_where_there_is_something_to_do(database_url: str, tmp_path: Path) -> None:
    assert await start(tmp_path, database_url, 1) == [(State.CURRENT, False)]


async def test_one_that_takes_too_long_is_not_waited_for_longer(empty: Database) -> None:
    async with migrating(empty):
        with pytest.raises(DatabaseAway, match="lock"):
            await upgrade(empty, lock_s=0.1)
    assert await upgrade(empty) == Schema(State.EMPTY)


@on_sqlite
async def test_rows_that_a_migration_leaves_without_what_they_refer_to_undo_it(
    database: Database, tmp_path: Path
) -> None:
    async with database.write() as connection:
        await connection.execute(insert(KEYS).values(KEY))
        await connection.execute(insert(KEY_SECRETS).values(SECRET))
    step = 'def upgrade() -> None:\n    op.execute("DELETE FROM keys")\n'
    with pytest.raises(RuntimeError, match="rows refer to rows that are not there"):
        await upgrade(database, next_revisions(tmp_path, step))
    async with database.read() as connection:
        assert (await connection.execute(select(KEYS.c.name))).scalars().all() == ["ci"]


@on_postgres
async def test_the_tables_lie_in_the_schema_that_the_url_names(database: Database, database_url: str) -> None:
    await execute(database, "CREATE SCHEMA gateway")
    there = Database(with_parameter(database_url, "search_path=gateway"), Path())
    assert await upgrade(there) == Schema(State.EMPTY)
    assert await current(there) == Schema(State.CURRENT, OURS.head)
    assert set(await shape_of(there)) == set(METADATA.tables)
    await there.aclose()


@on_postgres
async def test_a_role_that_may_change_rows_alone_can_use_what_another_migrated(
    database: Database, database_url: str
) -> None:
    role = f"fairlead_rows_{os.getpid()}"
    granted = f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    await execute(database, f"CREATE ROLE {role}", granted)
    limited = Database(with_parameter(database_url, f"role={role}"), Path())
    try:
        assert await upgrade(limited) == Schema(State.CURRENT, OURS.head)
        await write_one(limited)
        assert await read_value(limited) == 1
        with pytest.raises(DatabaseAway, match="permission denied"):
            await execute(limited, "CREATE TABLE more (id INTEGER)")
    finally:
        await limited.aclose()
        await execute(database, f"DROP OWNED BY {role}", f"DROP ROLE {role}")
