"""A connection that became a WebSocket, driven by hand."""

from __future__ import annotations

import asyncio

import pytest

from proxy.core.failure import FailureKind
from proxy.core.ports import Wait
from proxy.core.snapshot import Provider
from proxy.upstream.connection import Connection
from proxy.upstream.tunnel import TunnelConnection
from proxy.wire.outbox import Outbox
from tests.fakes.clock import StillClock
from tests.unit.upstream.wired import Socket

PLACE = (Provider("p", "openai", "http://127.0.0.1"), "ws://127.0.0.1")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
WAIT = Wait(2_000.0, FailureKind.TIMEOUT_IDLE)
LOST: list[Connection] = []


def connected() -> tuple[TunnelConnection, Socket]:
    connection, socket = TunnelConnection(PLACE, StillClock(), LOST.append, Outbox()), Socket()
    connection.parser.begin("GET")
    connection.connection_made(socket)
    connection.data_received(SWITCH)
    return connection, socket


async def test_bytes_go_both_ways_until_the_end() -> None:
    connection, socket = connected()
    connection.write(b"up")
    connection.data_received(b"down")
    assert (socket.written, await connection.read(WAIT)) == ([b"up"], b"down")
    connection.eof_received()
    assert await connection.read(WAIT) == b""
    connection.write(b"too late")
    await connection.drained()
    assert socket.written == [b"up"]
    assert not connection.reusable
    connection.connection_lost(None)


async def test_nothing_is_written_before_there_is_a_socket() -> None:
    connection = TunnelConnection(PLACE, StillClock(), LOST.append, Outbox())
    connection.write(b"x")
    connection.abort()
    assert connection.closed


@pytest.mark.parametrize("end", ["resumed", "ended", "lost"])
async def test_writer_waits_for_a_full_socket_until_it_drains_or_is_lost(end: str) -> None:
    connection, _ = connected()
    connection.pause_writing()
    waiting = asyncio.create_task(connection.drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    if end == "resumed":
        connection.resume_writing()
    elif end == "ended":
        connection.eof_received()
    else:
        connection.connection_lost(ConnectionResetError())
    await waiting
    connection.connection_lost(None)


async def test_reset_is_no_clean_end() -> None:
    connection, _ = connected()
    connection.connection_lost(ConnectionResetError())
    failure = await connection.read(WAIT)
    assert not isinstance(failure, bytes)
    assert (failure.kind, failure.status) == (FailureKind.PROTOCOL, 101)
