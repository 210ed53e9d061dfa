"""Of all who notice that a budget passed a mark, one tells; on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from pathlib import Path

import anyio
import pytest
from sqlalchemy import event, select

from proxy.routing.budget import BudgetMark
from proxy.store.budgetalerts import KEPT_S, SWEEP_EVERY_S, BudgetClaims
from proxy.store.database import Database
from proxy.store.tables import BUDGET_ALERTS
from proxy.telemetry.alerts import Alert
from proxy.telemetry.budgetalerts import BudgetAlerts
from tests.fakes.clock import StillClock
from tests.fakes.postgres import PostgresServer
from tests.fakes.rawserver import refused_url
from tests.integration.store.asking import on_postgres

AT_S = 1_795_176_000.0


def mark(percent: int = 50, *, key: str = "ci", budget: str = "day", period: int = 20_777) -> BudgetMark:
    return BudgetMark(key, budget, period, percent, 5, 10)


async def rows(database: Database) -> set[tuple[object, ...]]:
    async with database.read() as connection:
        found = await connection.execute(select(BUDGET_ALERTS))
        return {tuple(row) for row in found}


async def test_the_first_claim_of_a_mark_wins_and_no_later_one_does(database: Database) -> None:
    claims = BudgetClaims(database, StillClock(AT_S))
    assert [await claims.claim(mark()) for _ in range(3)] == [True, False, False]
    assert await rows(database) == {("ci", "day", 20_777, 50, int(AT_S * 1_000_000))}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(mark(80), id="percent"),
        pytest.param(mark(key="cd"), id="key"),
        pytest.param(mark(budget="month"), id="budget"),
        pytest.param(mark(period=20_778), id="period"),
    ],
)
async def test_each_part_makes_a_mark_of_its_own(database: Database, other: BudgetMark) -> None:
    claims = BudgetClaims(database, StillClock(AT_S))
    assert await claims.claim(mark())
    assert await claims.claim(other)


async def test_a_restart_does_not_tell_again(database: Database, database_url: str, tmp_path: Path) -> None:
    assert await BudgetClaims(database, StillClock(AT_S)).claim(mark())
    await database.aclose()
    again = Database(database_url, tmp_path)
    assert not await BudgetClaims(again, StillClock(AT_S)).claim(mark())
    await again.aclose()


async def test_of_several_processes_at_once_one_tells(database: Database, database_url: str, tmp_path: Path) -> None:
    others = [Database(database_url, tmp_path) for _ in range(3)]
    claims = [BudgetClaims(each, StillClock(AT_S)) for each in (database, *others)]
    outcomes = await asyncio.gather(*(each.claim(mark(percent)) for each in claims for percent in (50, 80)))
    for other in others:
        await other.aclose()
    assert sorted(outcomes) == [False] * 6 + [True] * 2


async def test_rows_of_periods_long_past_are_deleted_once_a_day(database: Database) -> None:
    clock = StillClock(AT_S)
    claims = BudgetClaims(database, clock)
    await claims.claim(mark(period=1))
    clock.now_s += SWEEP_EVERY_S + 1
    await claims.claim(mark(period=2))
    clock.now_s = AT_S + KEPT_S + 1
    await claims.claim(mark(period=3))
    assert {row[2] for row in await rows(database)} == {2, 3}
    clock.now_s += SWEEP_EVERY_S - 2  # the second is old by now, but today has been swept
    await claims.claim(mark(period=4))
    assert {row[2] for row in await rows(database)} == {2, 3, 4}


async def test_without_the_database_a_mark_is_told_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = Database(refused_url().replace("http://", "postgresql://user:hunter2@") + "/fairlead", tmp_path)
    claims = BudgetClaims(gone, StillClock(AT_S))
    assert await claims.claim(mark())
    await gone.aclose()
    assert "a budget alert may come twice" in caplog.text
    assert "hunter2" not in caplog.text


@on_postgres
async def test_a_database_that_stops_for_a_while_costs_no_alert(
    database: Database, stoppable_postgres: PostgresServer
) -> None:
    raised: list[Alert] = []
    alerts = BudgetAlerts(BudgetClaims(database, StillClock(AT_S)).claim, raised.append)
    await asyncio.to_thread(stoppable_postgres.stop)
    alerts.note(mark(50))
    await alerts.tell()
    await asyncio.to_thread(stoppable_postgres.start)
    for percent in (80, 80, 100):
        alerts.note(mark(percent))
        await alerts.tell()
    assert [alert.budget.percent for alert in raised if alert.budget] == [50, 80, 100]


async def test_a_claim_that_a_shutdown_cuts_short_costs_no_alert(database: Database) -> None:
    """Whether it was made or not: this process tells of it, or the next one does."""
    raised: list[Alert] = []
    engine, alerts = (
        database.engine.sync_engine,
        BudgetAlerts(BudgetClaims(database, StillClock(AT_S)).claim, raised.append),
    )
    alerts.note(mark())
    async with anyio.create_task_group() as group:

        def end(_: object) -> None:
            group.cancel_scope.cancel()

        event.listen(engine, "commit", end)
        group.start_soon(alerts.tell)
    event.remove(engine, "commit", end)
    alerts.note(mark())
    await alerts.tell()
    assert raised
