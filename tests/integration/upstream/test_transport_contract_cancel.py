"""The contract of both transports: a cancelled request, at whatever point, leaves nothing behind (F14, F19)."""

from __future__ import annotations

import asyncio

import pytest

from proxy.core.ports import Transport, UpstreamRequest
from tests.fakes.rawserver import OK, OK_BODY, Handler, Peer, RawServer, answer, stall_after
from tests.fakes.upstream_calls import fetch, fetched, open_files, post, sent, settles, wait

BIG = bytes(16 * 1024 * 1024)


async def take_nothing(peer: Peer) -> None:
    await peer.head()
    await asyncio.sleep(0.3)  # and then close: without reading one does not see that the client has gone


async def shake_no_hand(peer: Peer) -> None:
    await peer.gone()


PLACES = [
    pytest.param(shake_no_hand, b"{}", True, id="connect"),
    pytest.param(take_nothing, BIG, False, id="upload"),
    pytest.param(stall_after(OK, 0), b"{}", False, id="headers"),
    pytest.param(stall_after(OK, 20), b"{}", False, id="inside-headers"),
    pytest.param(stall_after(OK, len(OK) - 5), b"{}", False, id="body"),
]


class Stage:
    """A server that keeps requests waiting at one place until it is told to behave."""

    def __init__(self, handler: Handler) -> None:
        self.behaves = False
        self._bad = handler
        self._good = answer()

    async def handle(self, peer: Peer) -> None:
        await (self._good if self.behaves else self._bad)(peer)


def request_to(server: RawServer, body: bytes, *, tls: bool) -> UpstreamRequest:
    return post(server.url.replace("http:", "https:") if tls else server.url, body)


async def cancel(task: asyncio.Task[object], *, times: int) -> None:
    """Cancel, and cancel again while the first cancellation is still at work."""
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize(("handler", "body", "tls"), PLACES)
async def test_a_cancelled_request_closes_its_connection_and_the_next_one_succeeds(
    transport: Transport, handler: Handler, body: bytes, tls: bool, times: int
) -> None:
    stage = Stage(handler)
    async with RawServer(stage.handle) as server:
        files = open_files()
        for _ in range(3):
            task = asyncio.ensure_future(fetch(transport, request_to(server, body, tls=tls)))
            assert await settles(lambda: server.open == 1)
            await asyncio.sleep(0.02)
            assert not task.done()
            await cancel(task, times=times)
            assert await settles(lambda: server.open == 0)
            assert await settles(lambda: open_files() <= files)
        stage.behaves = True
        assert (await fetched(transport, post(server.url))).body == OK_BODY


async def test_f19_a_hundred_streams_cancelled_at_once_leave_nothing_behind(transport: Transport) -> None:
    stage = Stage(stall_after(OK, len(OK) - 5))
    async with RawServer(stage.handle) as server:
        files = open_files()
        for _ in range(3):
            tasks = [asyncio.ensure_future(fetch(transport, post(server.url))) for _ in range(100)]
            assert await settles(lambda: server.open == 100)
            await asyncio.sleep(0.05)
            for _ in range(2):
                for task in tasks:
                    task.cancel()
                await asyncio.sleep(0)
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(result) for result in results} == {asyncio.CancelledError}
            assert await settles(lambda: server.open == 0)
            assert await settles(lambda: open_files() <= files)
        stage.behaves = True
        assert (await fetched(transport, post(server.url))).body == OK_BODY
        assert len(asyncio.all_tasks()) <= 1 + server.open


@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancelled_close_still_closes(transport: Transport, times: int) -> None:
    async with RawServer(stall_after(OK, len(OK) - 5)) as server:
        response = await sent(transport, post(server.url))
        await response.read(wait())
        task = asyncio.ensure_future(response.aclose())
        for _ in range(times):
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task])
        assert await settles(lambda: server.open == 0)


async def test_a_request_cancelled_before_it_began_leaves_nothing_behind(transport: Transport) -> None:
    async with RawServer(answer()) as server:
        files = open_files()
        for _ in range(3):
            task = asyncio.ensure_future(fetch(transport, post(server.url)))
            await cancel(task, times=1)
        assert await settles(lambda: server.open == 0)
        assert await settles(lambda: open_files() <= files)
        assert (await fetched(transport, post(server.url))).body == OK_BODY


async def test_a_request_cancelled_at_any_moment_of_its_life_leaves_nothing_behind(transport: Transport) -> None:
    async with RawServer(answer()) as server:
        for rounds in range(40):
            task = asyncio.ensure_future(fetch(transport, post(server.url)))
            for _ in range(rounds):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert (await fetched(transport, post(server.url))).body == OK_BODY
        assert await settles(lambda: server.open <= 1)
