"""An exchange ends when it is cut short, once, and lets the cancellation of somebody else pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import anyio
import pytest

from proxy.core.call import Call
from proxy.edge.exchange import Cut, Exchange
from proxy.gateway.accounting import Account
from proxy.gateway.context import Engine
from tests.fakes.wire import make_exchange, settled

LONG_S = 30.0


async def forever() -> None:
    await asyncio.Event().wait()


async def run(exchange: Exchange, work: Callable[[], Awaitable[None]]) -> None:
    """What the task of an exchange does: the work; a cut is taken back, any other cancellation is not."""
    try:
        await work()
    except asyncio.CancelledError:
        if not exchange.take_back():
            raise


async def started(exchange: Exchange, work: Callable[[], Awaitable[None]] = forever) -> asyncio.Task[None]:
    """Run in a task of its own, up to where it waits."""
    exchange.task = task = asyncio.create_task(run(exchange, work))
    await settled()
    return task


@pytest.mark.parametrize("reason", list(Cut))
async def test_cut_ends_the_work_and_its_task_goes_on(reason: Cut) -> None:
    exchange = make_exchange()
    task = await started(exchange)
    exchange.cut_short(reason)
    await task
    assert (exchange.cut, task.cancelled(), task.cancelling()) == (reason, False, 0)


def test_exchange_whose_turn_has_not_come_cannot_be_cut() -> None:
    exchange = make_exchange()
    exchange.cut_short(Cut.SHUTDOWN)
    assert exchange.cut is None


@pytest.mark.parametrize(
    ("cuts", "end"),
    [
        pytest.param([Cut.SHUTDOWN], "failed", id="shutdown"),
        pytest.param([Cut.CLIENT_GONE], "client_gone", id="client"),
        pytest.param([Cut.CLIENT_GONE, Cut.SHUTDOWN], "client_gone", id="shutdown-behind-the-client"),
    ],
)
async def test_account_learns_of_a_shutdown_and_of_nothing_else(cuts: list[Cut], end: str) -> None:
    exchange = make_exchange()
    exchange.account = account = Account(cast(Engine, None), cast(Call, None))  # it looks at neither here
    task = await started(exchange)
    for cut in cuts:
        exchange.cut_short(cut)
    await task
    assert account.end_if_cancelled == end


async def test_work_that_is_cut_may_clean_up() -> None:
    exchange = make_exchange()
    cleaned = asyncio.Event()

    async def work() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    task = await started(exchange, work)
    exchange.cut_short(Cut.SHUTDOWN)
    await task
    assert cleaned.is_set()


@pytest.mark.parametrize(
    "cuts",
    [
        pytest.param([Cut.SHUTDOWN, Cut.CLIENT_GONE], id="shutdown-first"),
        pytest.param([Cut.CLIENT_GONE, Cut.SHUTDOWN], id="client-first"),
        pytest.param([Cut.SHUTDOWN, Cut.SHUTDOWN], id="the-same-twice"),
    ],
)
async def test_first_of_two_cuts_counts(cuts: list[Cut]) -> None:
    exchange = make_exchange()
    task = await started(exchange)
    for cut in cuts:
        exchange.cut_short(cut)
    assert task.cancelling() == 1
    await task
    assert (exchange.cut, task.cancelling()) == (cuts[0], 0)


async def test_second_cut_during_the_clean_up_does_not_disturb_it() -> None:
    exchange = make_exchange()
    may_end, cleaned = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await forever()
        finally:
            await may_end.wait()
            cleaned.set()

    task = await started(exchange, work)
    exchange.cut_short(Cut.CLIENT_GONE)
    await asyncio.sleep(0)
    exchange.cut_short(Cut.SHUTDOWN)
    may_end.set()
    await task
    assert (cleaned.is_set(), exchange.cut) == (True, Cut.CLIENT_GONE)


async def test_cut_after_the_answer_has_ended_does_nothing() -> None:
    exchange = make_exchange()
    may_end = asyncio.Event()

    async def work() -> None:
        await exchange.answer(200, b"", b"x")
        await may_end.wait()

    task = await started(exchange, work)
    exchange.cut_short(Cut.SHUTDOWN)
    may_end.set()
    await task
    assert exchange.cut is None


async def in_asyncio_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(forever())
        await forever()


async def in_anyio_group() -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(forever)
        await forever()


async def behind_a_cancelled_anyio_group() -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(forever)
        group.cancel_scope.cancel()
    await forever()


async def in_a_timeout() -> None:
    async with asyncio.timeout(LONG_S):
        await forever()


@pytest.mark.parametrize("work", [in_asyncio_group, in_anyio_group, behind_a_cancelled_anyio_group, in_a_timeout])
async def test_cut_reaches_through_other_scopes(work: Callable[[], Awaitable[None]]) -> None:
    exchange = make_exchange()
    task = await started(exchange, work)
    exchange.cut_short(Cut.SHUTDOWN)
    await task
    assert (exchange.cut, task.cancelling()) == (Cut.SHUTDOWN, 0)


async def test_foreign_cancellation_passes_through() -> None:
    exchange = make_exchange()
    task = await started(exchange)
    task.cancel()
    await asyncio.wait([task])
    assert (task.cancelled(), exchange.cut) == (True, None)


@pytest.mark.parametrize("cut_first", [pytest.param(True, id="cut-first"), pytest.param(False, id="cut-last")])
async def test_foreign_cancellation_beside_a_cut_passes_through(cut_first: bool) -> None:
    exchange = make_exchange()
    task = await started(exchange)
    steps: list[Callable[[], object]] = [lambda: exchange.cut_short(Cut.SHUTDOWN), task.cancel]
    for step in steps if cut_first else reversed(steps):
        step()
    await asyncio.wait([task])
    assert task.cancelled()
