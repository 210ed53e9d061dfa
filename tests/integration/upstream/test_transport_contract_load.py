"""The contract of both transports under load: many connections at once, and readers slower than their upstream."""

from __future__ import annotations

import asyncio

import pytest

from proxy.core.failure import Failure
from proxy.core.ports import Transport
from tests.fakes.rawserver import OK_BODY, Peer, RawServer, answer, chunked
from tests.fakes.upstream_calls import body_of, fetched, post, sent, wait

KiB = 1024
PIECE = b"10000\r\n" + bytes(64 * KiB) + b"\r\n"
# What the kernel may hold in the two buffers of a loopback connection, generously.
KERNEL_BYTES = 16 * KiB * KiB


@pytest.fixture
def connections(kind: str) -> int:
    """httpx takes a millisecond of CPU for a request, so 200 stand for 1,000 there."""
    return 1_000 if kind == "native" else 200


async def test_many_requests_at_once_are_all_answered(transport: Transport, connections: int) -> None:
    everybody = asyncio.Event()

    async def handle(peer: Peer) -> None:
        await peer.request()
        if server.open == connections:
            everybody.set()
        await everybody.wait()
        await peer.send(chunked(b"%d" % peer.number))
        await peer.gone()

    async with RawServer(handle) as server:
        answers = await asyncio.gather(*(fetched(transport, post(server.url)) for _ in range(connections)))
    assert sorted(int(got.body) for got in answers) == list(range(1, connections + 1))


async def test_connections_of_a_burst_are_used_again(transport: Transport) -> None:
    async with RawServer(answer()) as server:
        for _ in range(5):
            answers = await asyncio.gather(*(fetched(transport, post(server.url)) for _ in range(50)))
            assert {got.body for got in answers} == {OK_BODY}
        assert server.accepted <= 50


async def test_a_reader_that_does_not_read_stops_its_upstream(transport: Transport) -> None:
    given_bytes = 0
    stop = asyncio.Event()

    async def handle(peer: Peer) -> None:
        nonlocal given_bytes
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not stop.is_set():
            await peer.send(PIECE)
            given_bytes += len(PIECE)
        await peer.send(b"0\r\n\r\n")

    async def standstill() -> int:
        before = -1
        while before != given_bytes:
            before = given_bytes
            await asyncio.sleep(0.1)
        return before

    async with RawServer(handle) as server:
        response = await sent(transport, post(server.url))
        held_bytes = await standstill()
        assert held_bytes < KERNEL_BYTES
        read_bytes = 0
        while read_bytes < 3 * KERNEL_BYTES:
            piece = await response.read(wait())
            assert isinstance(piece, bytes)
            read_bytes += len(piece)
        assert given_bytes - read_bytes < KERNEL_BYTES
        stop.set()
        assert not isinstance(await body_of(response), Failure)
        await response.aclose()
