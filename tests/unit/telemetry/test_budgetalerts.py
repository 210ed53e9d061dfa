"""A mark of a budget becomes an alert where nobody told of it before."""

from __future__ import annotations

import asyncio
from itertools import chain

import pytest

from proxy.routing.budget import BudgetMark
from proxy.telemetry.alerts import Alert
from proxy.telemetry.budgetalerts import BudgetAlerts


def mark(percent: int) -> BudgetMark:
    return BudgetMark("ci", "day", 20_000, percent, percent, 100)


class Table:
    """Rows that say what was told, shared by all who claim here."""

    def __init__(self) -> None:
        self.rows: set[BudgetMark] = set()

    async def claim(self, mark: BudgetMark) -> bool:
        is_new = mark not in self.rows
        self.rows.add(mark)
        return is_new


def percents(raised: list[Alert]) -> list[int]:
    return list(chain.from_iterable([alert.budget.percent] for alert in raised if alert.budget))


async def test_marks_are_raised_in_their_order() -> None:
    raised: list[Alert] = []
    alerts = BudgetAlerts(Table().claim, raised.append)
    for percent in (50, 80):
        alerts.note(mark(percent))
    assert raised == []
    await alerts.tell()
    assert percents(raised) == [50, 80]


async def test_of_two_processes_one_tells() -> None:
    raised: list[Alert] = []
    table = Table()
    for alerts in (BudgetAlerts(table.claim, raised.append), BudgetAlerts(table.claim, raised.append)):
        alerts.note(mark(50))
        await alerts.tell()
    assert percents(raised) == [50]


async def test_a_mark_that_nobody_can_judge_is_raised_and_the_next_too(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(mark: BudgetMark) -> bool:
        raise RuntimeError("no such table")

    raised: list[Alert] = []
    alerts = BudgetAlerts(broken, raised.append)
    alerts.note(mark(50))
    alerts.note(mark(80))
    await alerts.tell()
    assert percents(raised) == [50, 80]
    assert "cannot be found out" in caplog.text


async def test_the_task_tells_as_marks_come() -> None:
    raised: list[Alert] = []
    told = asyncio.Event()

    def tell(alert: Alert) -> None:
        raised.append(alert)
        told.set()

    alerts = BudgetAlerts(Table().claim, tell)
    running = asyncio.create_task(alerts.run())
    for percent in (50, 80):
        alerts.note(mark(percent))
        await told.wait()
        told.clear()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert percents(raised) == [50, 80]
