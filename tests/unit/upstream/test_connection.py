"""One connection, driven by hand: what the event loop may call, and when."""

from __future__ import annotations

import asyncio

import pytest

from proxy.core.failure import Failure, FailureKind
from proxy.upstream.connection import HIGH_WATER_BYTES, SLICE_BYTES, TOGETHER_BYTES, Connection
from proxy.wire.outbox import Outbox
from tests.fakes.clock import StillClock
from tests.unit.upstream.wired import OK, PLACE, WAIT, Bench, Socket


@pytest.fixture
async def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("size", [0, TOGETHER_BYTES, TOGETHER_BYTES + 1, SLICE_BYTES])
async def test_a_request_of_one_slice_leaves_in_one_write(bench: Bench, size: int) -> None:
    sending = asyncio.ensure_future(bench.send(b"b" * size))
    await _rounds(2)  # one to be sent, and one in which what was sent leaves
    assert bench.socket.written == [b"head" + b"b" * size]
    bench.connection.data_received(OK)
    assert await sending is None


@pytest.mark.parametrize("size", [0, TOGETHER_BYTES])
async def test_a_request_does_not_leave_on_a_connection_that_closed_meanwhile(bench: Bench, size: int) -> None:
    sending = asyncio.ensure_future(bench.send(bytes(size)))
    await _rounds(1)
    bench.connection.eof_received()
    assert isinstance(await sending, Failure)
    await _rounds(2)
    assert bench.socket.written == []


async def test_a_large_request_leaves_as_fast_as_the_socket_takes_it(bench: Bench) -> None:
    body = b"b" * (2 * SLICE_BYTES + 1)
    bench.connection.pause_writing()
    sending = asyncio.ensure_future(bench.send(body))
    await asyncio.sleep(0)
    assert bench.socket.written == [b"head"]
    bench.connection.resume_writing()
    await asyncio.sleep(0)
    assert b"".join(bench.socket.written) == b"head" + body
    bench.connection.data_received(OK)
    assert await sending is None
    assert bench.connection.reusable


async def test_an_answer_ends_the_upload_and_the_connection(bench: Bench) -> None:
    bench.connection.pause_writing()
    sending = asyncio.ensure_future(bench.send(bytes(SLICE_BYTES + 1)))
    await asyncio.sleep(0)
    bench.connection.data_received(OK)
    assert await sending is None
    assert bench.socket.written == [b"head"]
    assert bench.connection.parser.complete
    assert not bench.connection.reusable


async def test_a_whole_clean_answer_makes_the_connection_reusable(bench: Bench) -> None:
    await bench.answered(OK)
    assert bench.connection.reusable
    bench.socket.unsent_bytes = 1
    assert not bench.connection.reusable


@pytest.mark.parametrize("surplus", [b"x", b"\r\n", OK])
async def test_bytes_that_come_after_the_answer_spoil_the_connection(bench: Bench, surplus: bytes) -> None:
    await bench.answered(OK)
    bench.connection.data_received(surplus)
    assert not bench.connection.reusable
    assert await bench.connection.read(WAIT) == b"ok"


async def test_an_end_after_the_answer_spoils_the_connection(bench: Bench) -> None:
    await bench.answered(OK)
    bench.connection.eof_received()
    assert not bench.connection.reusable
    assert [await bench.connection.read(WAIT), await bench.connection.read(WAIT)] == [b"ok", b""]


async def test_reading_pauses_when_nobody_takes_the_body_and_goes_on_when_somebody_does(bench: Bench) -> None:
    await bench.answered(b"HTTP/1.1 200 OK\r\n\r\n", bytes(HIGH_WATER_BYTES))
    assert bench.socket.pauses == []
    for _ in range(2):
        bench.connection.data_received(b"x")
    assert bench.socket.pauses == [True]
    assert len(await _bytes(bench.connection)) == HIGH_WATER_BYTES + 2
    assert bench.socket.pauses == [True, False]


async def test_an_answer_complete_behind_a_pause_does_not_make_the_connection_reusable(bench: Bench) -> None:
    body = bytes(HIGH_WATER_BYTES + 1)
    await bench.answered(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) + 1), body)
    bench.connection.data_received(b"x")
    assert (bench.connection.parser.complete, bench.socket.pauses) == (True, [True])
    assert not bench.connection.reusable
    await bench.connection.read(WAIT)
    assert bench.connection.reusable


async def test_a_dead_connection_does_not_resume(bench: Bench) -> None:
    await bench.answered(b"HTTP/1.1 200 OK\r\n\r\n", bytes(HIGH_WATER_BYTES + 1))
    bench.connection.connection_lost(ConnectionResetError())
    assert len(await _bytes(bench.connection)) == HIGH_WATER_BYTES + 1
    assert bench.socket.pauses == [True]
    assert isinstance(await bench.connection.read(WAIT), Failure)


async def test_a_connection_that_is_made_after_it_was_given_up_is_closed() -> None:
    connection = Connection(PLACE, StillClock(0.0), lambda _: None, Outbox())
    connection.abort()
    socket = Socket()
    connection.connection_made(socket)
    assert socket.aborted == 1


async def test_a_request_is_not_written_to_a_connection_that_has_ended(bench: Bench) -> None:
    bench.connection.eof_received()
    got = await bench.send()
    assert bench.socket.written == []
    assert got == Failure(
        FailureKind.CONNECT, request_sent=False, detail="the connection was closed before an answer came"
    )
    assert not bench.connection.died_stale()


async def test_bytes_that_come_after_the_connection_was_given_up_are_ignored(bench: Bench) -> None:
    bench.connection.abort()
    bench.connection.abort()
    bench.connection.data_received(OK)
    assert bench.socket.aborted == 1
    assert not bench.connection.parser.started


async def test_a_lost_connection_is_reported_once_and_its_timer_stops(bench: Bench) -> None:
    await bench.answered(OK)
    bench.connection.connection_lost(None)
    assert bench.lost == [bench.connection]
    assert bench.connection.closed


@pytest.mark.parametrize("answered", [False, True], ids=["head", "body"])
async def test_a_cancelled_wait_closes_the_connection_at_once(bench: Bench, answered: bool) -> None:
    if answered:
        await bench.answered(OK[:-2])
        waiting: asyncio.Future[object] = asyncio.ensure_future(bench.connection.read(WAIT))
    else:
        waiting = asyncio.ensure_future(bench.send())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert bench.socket.aborted == 1


async def test_a_timer_that_fires_when_nobody_waits_does_nothing(bench: Bench) -> None:
    bench.clock.now_s = 9.999
    await bench.answered(OK)
    bench.clock.now_s = 11.0
    await asyncio.sleep(0.01)
    assert await bench.connection.read(WAIT) == b"ok"


async def test_a_timer_that_fires_early_is_set_again(bench: Bench) -> None:
    bench.clock.now_s = 9.999
    sending = asyncio.ensure_future(bench.send())
    await asyncio.sleep(0.01)
    assert not sending.done()
    bench.clock.now_s = 10.0
    assert await sending == Failure(FailureKind.TIMEOUT_IDLE, detail="no answer in time")


async def test_an_end_that_we_make_ourselves_is_no_end_of_a_body(bench: Bench) -> None:
    await bench.answered(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    bench.connection.abort()
    bench.connection.connection_lost(None)
    assert await bench.connection.read(WAIT) == b"half"
    assert isinstance(await bench.connection.read(WAIT), Failure)


async def test_a_socket_that_takes_more_does_not_end_the_wait_for_the_head(bench: Bench) -> None:
    sending = asyncio.ensure_future(bench.send())
    await asyncio.sleep(0)
    bench.connection.pause_writing()
    bench.connection.resume_writing()
    bench.connection.data_received(OK[:20])
    await asyncio.sleep(0)
    assert not sending.done()
    bench.connection.data_received(OK[20:])
    assert await sending is None


async def _rounds(count: int) -> None:
    """Let the event loop go round so often."""
    for _ in range(count):
        await asyncio.sleep(0)


async def _bytes(connection: Connection) -> bytes:
    piece = await connection.read(WAIT)
    assert isinstance(piece, bytes)
    return piece
