"""An exchange ends when its work does, or when it is cut short; nothing of it is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import anyio
import pytest

from proxy.core.call import Call
from proxy.edge.exchange import WATCH_AFTER_S, Cut, Exchange, Message
from proxy.gateway.accounting import Account
from proxy.gateway.context import Engine

LONG_S = 30.0  # a body limit that no test reaches
DISCONNECT: Message = {"type": "http.disconnect"}


async def forever() -> None:
    await asyncio.Event().wait()


class Client:
    """The other side of an exchange: says what it is told to, then nothing; keeps what it is sent."""

    def __init__(self, *messages: Message) -> None:
        self.sent: list[Message] = []
        self.waiting = 0
        self._messages = list(messages)

    async def receive(self) -> Message:
        if self._messages:
            return self._messages.pop(0)
        self.waiting += 1
        try:
            await forever()
        finally:
            self.waiting -= 1
        raise AssertionError("nothing more comes")

    async def send(self, message: Message) -> None:
        self.sent.append(message)


def make_exchange(client: Client | None = None) -> Exchange:
    client = client or Client()
    return Exchange({"type": "http", "headers": [(b"host", b"x"), (b"a", b"1")]}, client.receive, client.send)


def current_task() -> asyncio.Task[None]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def other_tasks() -> set[asyncio.Task[None]]:
    """What still runs beside the test, after cancelled tasks had a turn to end."""
    await asyncio.sleep(0)
    return asyncio.all_tasks() - {current_task()}


async def started(work: Awaitable[None]) -> asyncio.Task[None]:
    """Run in a task of its own, up to its first wait."""

    async def run() -> None:
        await work

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    return task


# --- writing ---


def test_exchange_begins_with_nothing_sent() -> None:
    exchange = make_exchange()
    assert exchange.headers == {b"host": b"x", b"a": b"1"}
    assert (exchange.cut, exchange.started, exchange.ended, exchange.status) == (None, False, False, 0)


async def test_answer_is_sent_in_asgis_words() -> None:
    client = Client()
    exchange = make_exchange(client)
    await exchange.begin(201, [(b"x-a", b"1")])
    await exchange.write(b"one")
    before_the_end = (exchange.started, exchange.ended, exchange.status)
    await exchange.end(b"two")
    assert (before_the_end, exchange.ended) == ((True, False, 201), True)
    assert client.sent == [
        {"type": "http.response.start", "status": 201, "headers": [(b"x-a", b"1")]},
        {"type": "http.response.body", "body": b"one", "more_body": True},
        {"type": "http.response.body", "body": b"two", "more_body": False},
    ]


async def test_answer_may_end_without_a_body() -> None:
    client = Client()
    await make_exchange(client).end()
    assert client.sent == [{"type": "http.response.body", "body": b"", "more_body": False}]


async def test_answer_counts_as_ended_while_its_last_bytes_wait_for_the_client() -> None:
    async def send(message: Message) -> None:
        await forever()

    exchange = Exchange({"headers": []}, Client().receive, send)
    task = await started(exchange.run(exchange.end(b"x"), LONG_S))
    exchange.cut_short(Cut.SHUTDOWN)
    assert (exchange.ended, exchange.cut, task.cancelling()) == (True, None, 0)
    task.cancel()
    await asyncio.wait([task])


def test_nothing_is_written_at_once_where_the_server_cannot() -> None:
    client = Client()
    assert not make_exchange(client).write_now(b"x")
    assert client.sent == []


async def test_message_of_the_client_is_handed_on() -> None:
    message: Message = {"type": "http.request", "body": b"x"}
    assert await make_exchange(Client(message)).receive() is message


# --- work that ends by itself ---


async def test_work_that_ends_soon_pays_for_no_watcher() -> None:
    exchange = make_exchange()
    seen: list[int] = []

    async def work() -> None:
        exchange.body_received()
        await asyncio.sleep(0)
        seen.append(len(asyncio.all_tasks()))

    await exchange.run(work(), LONG_S)
    assert seen == [1]
    assert exchange.cut is None


async def test_work_that_lasts_is_watched_and_the_watcher_ends_with_it() -> None:
    client = Client({"type": "http.request", "body": b"of no use"})
    exchange = make_exchange(client)
    watched = asyncio.Event()

    async def work() -> None:
        exchange.body_received()
        await asyncio.sleep(WATCH_AFTER_S + 0.05)
        if client.waiting:
            watched.set()

    await exchange.run(work(), LONG_S)
    assert watched.is_set()
    assert await other_tasks() == set()
    assert (client.waiting, exchange.cut) == (0, None)


async def test_failure_of_the_work_passes_through() -> None:
    exchange = make_exchange()

    async def work() -> None:
        raise LookupError("x")

    with pytest.raises(LookupError, match="x"):
        await exchange.run(work(), LONG_S)
    assert exchange.cut is None


async def test_no_timer_is_left_when_the_work_is_over() -> None:
    exchange = make_exchange()
    await exchange.run(asyncio.sleep(0), 0.0)
    await asyncio.sleep(WATCH_AFTER_S + 0.03)  # a timer left behind would cut the test itself
    assert exchange.cut is None


# --- cut short ---


async def test_client_that_leaves_cuts_the_work() -> None:
    client = Client({"type": "http.request", "body": b"late"}, DISCONNECT)
    exchange = make_exchange(client)
    exchange.body_received()
    await exchange.run(forever(), LONG_S)
    assert exchange.cut is Cut.CLIENT_GONE
    assert current_task().cancelling() == 0
    assert await other_tasks() == set()


@pytest.mark.parametrize("limit_s", [pytest.param(0.05, id="below-a-tick"), pytest.param(0.15, id="above-a-tick")])
async def test_body_that_does_not_come_cuts_the_work(limit_s: float) -> None:
    exchange = make_exchange()
    began_s = asyncio.get_running_loop().time()
    await exchange.run(forever(), limit_s)
    assert exchange.cut is Cut.BODY_TIMEOUT
    assert asyncio.get_running_loop().time() - began_s >= limit_s
    assert await other_tasks() == set()


async def test_body_that_comes_late_but_in_time_leaves_only_the_watch() -> None:
    exchange = make_exchange(Client(DISCONNECT))
    asyncio.get_running_loop().call_later(WATCH_AFTER_S + 0.02, exchange.body_received)
    await exchange.run(forever(), LONG_S)
    assert exchange.cut is Cut.CLIENT_GONE


async def test_shutdown_cuts_the_work_and_its_task_goes_on() -> None:
    exchange = make_exchange()
    went_on = asyncio.Event()

    async def request() -> None:
        await exchange.run(forever(), LONG_S)
        await asyncio.sleep(0)  # a cancellation left over would end this
        went_on.set()

    task = await started(request())
    exchange.cut_short(Cut.SHUTDOWN)
    await task
    assert went_on.is_set()
    assert (exchange.cut, task.cancelling()) == (Cut.SHUTDOWN, 0)


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
    exchange.account = Account(cast(Engine, None), cast(Call, None))  # it looks at neither here
    task = await started(exchange.run(forever(), LONG_S))
    for cut in cuts:
        exchange.cut_short(cut)
    await task
    assert exchange.account.end_if_cancelled == end


async def test_work_that_is_cut_may_clean_up() -> None:
    exchange = make_exchange()
    cleaned = asyncio.Event()

    async def work() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    task = await started(exchange.run(work(), LONG_S))
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
    task = await started(exchange.run(forever(), LONG_S))
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

    task = await started(exchange.run(work(), LONG_S))
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
        await exchange.end(b"x")
        await may_end.wait()

    task = await started(exchange.run(work(), LONG_S))
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
    task = await started(exchange.run(work(), LONG_S))
    for _ in range(5):  # for the scopes to settle
        await asyncio.sleep(0)
    exchange.cut_short(Cut.SHUTDOWN)
    await task
    assert (exchange.cut, task.cancelling()) == (Cut.SHUTDOWN, 0)


# --- cancelled by somebody else ---


async def test_foreign_cancellation_passes_through() -> None:
    exchange = make_exchange()
    task = await started(exchange.run(forever(), LONG_S))
    task.cancel()
    await asyncio.wait([task])
    assert (task.cancelled(), exchange.cut) == (True, None)


@pytest.mark.parametrize("cut_first", [pytest.param(True, id="cut-first"), pytest.param(False, id="cut-last")])
async def test_foreign_cancellation_beside_a_cut_passes_through(cut_first: bool) -> None:
    exchange = make_exchange()
    task = await started(exchange.run(forever(), LONG_S))
    steps: list[Callable[[], object]] = [lambda: exchange.cut_short(Cut.SHUTDOWN), task.cancel]
    for step in steps if cut_first else reversed(steps):
        step()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_cut_is_taken_back_in_a_task_that_survived_an_earlier_cancellation() -> None:
    exchange = make_exchange()

    async def request() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            await exchange.run(forever(), LONG_S)

    task = await started(request())
    task.cancel()
    await asyncio.sleep(0)
    exchange.cut_short(Cut.SHUTDOWN)
    await task
    assert (exchange.cut, task.cancelling()) == (Cut.SHUTDOWN, 1)
