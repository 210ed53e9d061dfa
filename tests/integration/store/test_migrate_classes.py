"""Revision 0002 on a ledger of revision 0001, up, down and up again: no row is lost, and sound is added up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from proxy.core.errors import ConfigError
from proxy.core.usage import Usage
from proxy.store.database import Database
from proxy.store.migrate import OURS, Revisions, Schema, State, current, migrating, require, run, upgrade
from proxy.store.period import Period
from proxy.store.report import Dimension, Question, read_report
from proxy.store.requests import Search, read_page
from tests.fakes.earlier import COLUMNS, EARLIER, TABLES, make_earlier, write_earlier
from tests.fakes.ledger import load
from tests.fakes.records import STARTED_S, closed

Ask = Callable[[Database, Revisions], Awaitable[object]]

HOUR_H = int(STARTED_S // 3600)
PERIOD = Period(HOUR_H // 24 * 24, HOUR_H // 24 * 24 + 72, "UTC", ((0, 0),))
SOUND = Usage(100, 20, 10, 5, False, 4, 3, 7, 9, searches=6)
RECORDS = [
    closed(1),
    closed(2, usage=SOUND, key='o"dd', tags=("a", "naïve")),
    closed(3, usage=SOUND, key='o"dd', tags=("a", "naïve"), started_s=STARTED_S + 1),
    closed(4, usage=SOUND, started_s=STARTED_S + 3600),
    closed(5, usage=SOUND, started_s=STARTED_S + 86_400),
    closed(6, usage=None, cost_nusd=None),
]


@pytest.fixture
async def old(empty_database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """A ledger of revision 0001 with requests in it."""
    opened = Database(empty_database_url, tmp_path)
    await make_earlier(opened, RECORDS)
    yield opened
    await opened.aclose()


async def rows_of(database: Database, table: str, columns: int) -> list[tuple[Any, ...]]:
    """The first so many columns of every row, in the order of the table's key."""
    await database.aclose()  # as a program does that ends before its database is migrated
    names = ", ".join(f'"{column.name}"' for column in list(TABLES[table].columns)[:columns])
    order = ", ".join(f'"{column.name}"' for column in TABLES[table].primary_key)
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(text(f"SELECT {names} FROM {table} ORDER BY {order}"))]


async def kept(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that revision 0001 has a column for."""
    return {table: await rows_of(database, table, columns) for table, columns in COLUMNS.items()}


async def move(database: Database, command: str, revision: str) -> None:
    async with migrating(database) as connection:
        await connection.run_sync(run, command, revision)


async def test_up_down_and_up_again_keep_every_row(old: Database) -> None:
    before = await kept(old)
    assert [len(before[table]) for table in COLUMNS] == [6, 4, 3]
    assert await upgrade(old) == Schema(State.BEHIND, "0001")
    assert await kept(old) == before
    await move(old, "downgrade", "0001")
    assert await kept(old) == before
    assert await current(old, EARLIER) == Schema(State.CURRENT, "0001")
    await upgrade(old)
    assert await kept(old) == before


async def test_what_nobody_wrote_down_is_not_known_of_a_request_and_nothing_in_a_sum(old: Database) -> None:
    await upgrade(old)
    requests = (await read_page(old, Search(newest_first=False))).requests
    found = [(each.tokens.cache_write_1h, each.tokens.searches) for each in requests if each.tokens is not None]
    assert found == [(None, None)] * 5 and len(requests) == 6
    total = (await read_report(old, Question(PERIOD))).total
    assert (total.requests, total.cache_write_tokens, total.cache_write_1h_tokens, total.searches) == (6, 16, 0, 0)


@pytest.mark.parametrize("by", [pytest.param((), id="days"), pytest.param((Dimension.KEY,), id="by-key")])
@pytest.mark.parametrize("until_h", [pytest.param(72, id="days"), pytest.param(71, id="hours-at-the-end")])
async def test_sound_is_added_up_from_the_requests(old: Database, by: tuple[Dimension, ...], until_h: int) -> None:
    await upgrade(old)
    period = Period(PERIOD.since_h, PERIOD.since_h + until_h, "UTC", PERIOD.offsets)
    report = await read_report(old, Question(period, by))
    assert (report.total.audio_input_tokens, report.total.audio_output_tokens) == (28, 36)
    if by:
        assert {row.by[0]: row.sums.audio_input_tokens for row in report.rows} == {"ci": 14, 'o"dd': 14}


async def test_sums_of_what_is_deleted_already_stay_without_its_sound(old: Database) -> None:
    async with old.write() as connection:
        await connection.execute(text("DELETE FROM requests"))
    await upgrade(old)
    total = (await read_report(old, Question(PERIOD))).total
    assert (total.requests, total.prompt_tokens, total.audio_input_tokens) == (6, 500, 0)


async def test_what_comes_afterwards_is_added_to_the_old_sums(old: Database) -> None:
    await upgrade(old)
    await load(old, [closed(7, usage=SOUND)])
    hours = await rows_of(old, "hours", 20)
    (row,) = [row for row in hours if row[0] == HOUR_H and row[4] == "ci"]
    assert row[6:] == (3, 0, 0, 0, 200, 40, 10, 4, 5, 2000, 3, 7, 9, 6)
    total = (await read_report(old, Question(PERIOD))).total
    assert (total.audio_input_tokens, total.cache_write_1h_tokens, total.searches) == (35, 3, 6)


async def test_a_replica_of_the_earlier_release_goes_on_writing(old: Database) -> None:
    await upgrade(old)
    await write_earlier(old, [closed(8, usage=SOUND, started_s=STARTED_S + 7 * 86_400)])
    assert (await rows_of(old, "hours", 20))[-1][16:] == (0, 0, 0, 0)
    assert (await rows_of(old, "requests", 28))[-1][26:] == (None, None)


@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
async def test_a_default_is_a_number_and_the_sums_stay_in_their_key(old: Database) -> None:
    await upgrade(old)
    async with old.read() as connection:
        kinds = await connection.execute(text("SELECT DISTINCT typeof(searches) FROM hours UNION ALL SELECT 'x'"))
        assert [kind for (kind,) in kinds] == ["integer", "x"]
    await move(old, "downgrade", "0001")
    async with old.read() as connection:
        made = await connection.execute(text("SELECT sql FROM sqlite_master WHERE name IN ('hours', 'days')"))
        assert ["WITHOUT ROWID" in sql for (sql,) in made] == [True, True]


@pytest.mark.parametrize("ask", [pytest.param(upgrade, id="upgrade"), pytest.param(require, id="require")])
async def test_the_earlier_program_refuses_it_and_says_what_to_run(old: Database, ask: Ask) -> None:
    await upgrade(old)
    before = await kept(old)
    with pytest.raises(
        ConfigError, match=rf"revision {OURS.head}, which is newer than .* \(pip install --upgrade fairlead\), or"
    ):
        await ask(old, EARLIER)
    assert await kept(old) == before
