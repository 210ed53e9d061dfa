"""Hosts with several addresses: whichever answers is connected to, and nothing is left of the others."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import trustme

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.upstream.dialling import HEAD_START_S, Address, alternating, first_connected
from proxy.upstream.native import NativeTransport
from tests.fakes.rawserver import OK_BODY, Peer, RawServer, answer, server_tls
from tests.fakes.upstream_calls import fetched, open_files, post, provider, send, settles

REFUSING: Address = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 1))


def at(port: int) -> Address:
    return (*REFUSING[:4], ("127.0.0.1", port))


@contextmanager
def silent() -> Iterator[Address]:
    """An address that answers nothing: its listener takes no more connections."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        try:
            yield at(listener.getsockname()[1])
        finally:
            for filler in fillers:
                filler.close()


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with RawServer(answer()) as running:
        before = open_files()
        yield running
        assert await settles(lambda: open_files() <= before), f"{open_files() - before} file descriptors leaked"


async def port_of(*addresses: Address) -> int:
    with await first_connected(addresses) as opened:
        port: int = opened.getpeername()[1]
    return port


async def test_silent_address_costs_no_more_than_its_head_start(server: RawServer) -> None:
    with silent() as nobody:
        began_s = time.monotonic()
        assert await port_of(nobody, at(server.port)) == server.port
    assert time.monotonic() - began_s < HEAD_START_S + 1.0


async def test_address_that_refuses_gives_its_head_start_up(server: RawServer) -> None:
    began_s = time.monotonic()
    assert await port_of(*[REFUSING] * 8, at(server.port)) == server.port
    assert time.monotonic() - began_s < 8 * HEAD_START_S


async def test_late_address_still_counts_while_others_are_tried(server: RawServer) -> None:
    with silent() as nobody:
        assert await port_of(nobody, REFUSING, nobody, at(server.port), nobody) == server.port


async def test_where_no_address_answers_the_last_error_is_told() -> None:
    with pytest.raises(ConnectionRefusedError):
        await first_connected([REFUSING, REFUSING])


async def test_name_without_an_address_is_an_error_too() -> None:
    with pytest.raises(OSError, match="no address"):
        await first_connected([])


@pytest.mark.parametrize("after_s", [0.0, 0.01, HEAD_START_S + 0.05])
async def test_cancelled_attempts_leave_nothing(server: RawServer, after_s: float) -> None:
    with silent() as nobody:
        task = asyncio.create_task(first_connected([nobody, nobody, nobody]))
        await asyncio.sleep(after_s)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_families_take_turns() -> None:
    v6, v4 = [(socket.AF_INET6, *REFUSING[1:4], (f"::{n}", 1)) for n in (1, 2, 3)], [REFUSING]
    assert alternating([*v6, *v4]) == [v6[0], v4[0], v6[1], v6[2]]
    assert alternating([]) == []


async def test_name_is_connected_to_in_plain_and_with_tls(
    native: NativeTransport, authority: trustme.CA, ca_file: str
) -> None:
    async with RawServer(answer()) as plain, RawServer(answer(), tls=server_tls(authority, "localhost")) as secret:
        for server, scheme in ((plain, "http"), (secret, "https")):
            request = post(f"{scheme}://localhost:{server.port}", by=provider(ca_file=ca_file))
            assert (await fetched(native, request)).body == OK_BODY


async def test_name_whose_server_is_silent_at_the_handshake_leaves_nothing(
    native: NativeTransport, server: RawServer
) -> None:
    async def handle(peer: Peer) -> None:
        await peer.gone()

    async with RawServer(handle) as mute:
        got = await send(native, post(f"https://localhost:{mute.port}"), connect_s=0.2)
    assert got == Failure(
        FailureKind.TIMEOUT_CONNECT, Scope.PROVIDER, request_sent=False, detail="no connection in time"
    )
