"""One connection, driven by hand: what the event loop may call, and when."""

from __future__ import annotations

import asyncio

import pytest

from proxy.core.failure import Failure, FailureKind
from proxy.core.ports import Wait
from proxy.core.snapshot import Provider
from proxy.upstream.connection import HIGH_WATER_BYTES, SLICE_BYTES, TOGETHER_BYTES, Connection
from proxy.upstream.pool import Pool
from proxy.upstream.response_parser import MAX_HEAD_BYTES, TOO_LARGE
from proxy.wire.outbox import Outbox
from tests.fakes.clock import StillClock

PLACE = (Provider("p", "openai", "http://127.0.0.1"), "http://127.0.0.1")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
WAIT = Wait(10.0, FailureKind.TIMEOUT_IDLE)


class Socket(asyncio.Transport):
    """Takes writes, and remembers what it was told."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unsent_bytes = 0
        self.aborted = 0
        self.pauses: list[bool] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def abort(self) -> None:
        self.aborted += 1

    def pause_reading(self) -> None:
        self.pauses.append(True)

    def resume_reading(self) -> None:
        self.pauses.append(False)


class Bench:
    """A connection between a socket and a clock."""

    def __init__(self) -> None:
        self.socket = Socket()
        self.clock = StillClock(0.0)
        self.lost: list[Connection] = []
        self.connection = Connection(PLACE, self.clock, self.lost.append, Outbox())
        self.connection.connection_made(self.socket)

    async def send(self, body: bytes = b"") -> Failure | None:
        """Send a request as the transport does."""
        connection = self.connection
        try:
            in_time = await connection.ask(b"head", body, WAIT)
        except BaseException:
            connection.abort()
            raise
        return None if connection.parser.status else connection.no_head(WAIT, in_time=in_time)

    async def answered(self, *pieces: bytes) -> None:
        """Send a request and feed what comes back."""
        sending = asyncio.ensure_future(self.send())
        await asyncio.sleep(0)
        for piece in pieces:
            self.connection.data_received(piece)
        assert await sending is None


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


class Taker:
    """A sink that stops after so many pieces."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces
        self.taken: list[bytes] = []

    def __call__(self, piece: bytes) -> bool:
        self.taken.append(piece)
        self.left -= 1
        return self.left > 0


STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ONE, TWO, THREE, LAST = b"1\r\n1\r\n", b"1\r\n2\r\n", b"1\r\n3\r\n", b"0\r\n\r\n"


async def reading(bench: Bench, sink: Taker) -> asyncio.Future[bytes | Failure]:
    """Begin a stream whose read waits, with a sink."""
    await bench.answered(STREAM)
    bench.connection.sink = sink
    waiting = asyncio.ensure_future(bench.connection.read(WAIT))
    await asyncio.sleep(0)
    return waiting


async def test_pieces_go_to_the_sink_while_a_read_waits(bench: Bench) -> None:
    sink = Taker(10)
    waiting = await reading(bench, sink)
    for piece in (ONE, TWO):
        bench.connection.data_received(piece)
        await asyncio.sleep(0)
        assert not waiting.done()
    bench.connection.data_received(LAST)
    assert (await waiting, sink.taken) == (b"", [b"1", b"2"])
    assert bench.connection.reusable


async def test_the_last_piece_and_the_end_may_come_at_once(bench: Bench) -> None:
    sink = Taker(10)
    waiting = await reading(bench, sink)
    bench.connection.data_received(ONE + LAST)
    assert (await waiting, sink.taken) == (b"", [b"1"])
    assert await bench.connection.read(WAIT) == b""


async def test_a_sink_that_says_stop_ends_the_read_and_gets_nothing_more(bench: Bench) -> None:
    sink = Taker(1)
    waiting = await reading(bench, sink)
    bench.connection.data_received(ONE)
    assert (await waiting, sink.taken) == (b"", [b"1"])
    bench.connection.data_received(TWO)
    assert (await bench.connection.read(WAIT), sink.taken) == (b"2", [b"1"])


async def test_a_piece_on_the_heels_of_the_stop_is_read(bench: Bench) -> None:
    sink = Taker(1)
    waiting = await reading(bench, sink)
    for piece in (ONE, TWO):
        bench.connection.data_received(piece)
    assert (await waiting, sink.taken) == (b"2", [b"1"])


async def test_a_piece_that_no_read_waits_for_is_kept_for_the_next(bench: Bench) -> None:
    sink = Taker(10)
    await bench.answered(STREAM)
    bench.connection.sink = sink
    bench.connection.data_received(ONE)
    assert (await bench.connection.read(WAIT), sink.taken) == (b"1", [])


async def test_a_connection_used_again_has_no_sink(bench: Bench) -> None:
    sink = Taker(10)
    waiting = await reading(bench, sink)
    bench.connection.data_received(LAST)
    await waiting
    pool = Pool(bench.clock, 30.0)
    pool.put(bench.connection)
    assert pool.take(PLACE) is bench.connection
    bench.connection.parser.begin("POST")
    await bench.answered(STREAM)
    again = asyncio.ensure_future(bench.connection.read(WAIT))
    await asyncio.sleep(0)
    bench.connection.data_received(ONE)
    assert (await again, sink.taken) == (b"1", [])


async def test_each_piece_makes_the_wait_as_long_again(bench: Bench) -> None:
    bench.clock.now_s = 9.99  # the wait ends at 10
    waiting = await reading(bench, Taker(10))
    bench.clock.now_s = 9.995
    bench.connection.data_received(ONE)
    bench.clock.now_s = 10.0
    await asyncio.sleep(0.03)
    assert not waiting.done()
    bench.clock.now_s = 10.006
    assert await waiting == Failure(FailureKind.TIMEOUT_IDLE, status=200, detail="the answer stopped coming")


async def test_a_chunk_that_comes_in_parts_goes_to_the_sink_as_its_bytes_come(bench: Bench) -> None:
    sink = Taker(10)
    waiting = await reading(bench, sink)
    for part in (b"2", b"\r\n", b"a", b"b", b"\r", b"\n"):
        bench.connection.data_received(part)
        await asyncio.sleep(0)
        assert not waiting.done()
    assert sink.taken == [b"a", b"b"]
    waiting.cancel()


async def test_what_is_no_body_and_has_no_end_is_an_error_whoever_waits(bench: Bench) -> None:
    sink = Taker(10)
    waiting = await reading(bench, sink)
    bench.connection.data_received(ONE + b"5;x=")
    for _ in range(2):
        bench.connection.data_received(b"y" * (MAX_HEAD_BYTES - 10))
    assert await waiting == Failure(FailureKind.PROTOCOL, status=200, detail=TOO_LARGE)
    assert (sink.taken, bench.socket.aborted) == ([b"1"], 1)


async def test_a_long_stream_of_torn_chunks_is_not_taken_for_one_that_is_no_body(bench: Bench) -> None:
    sink = Taker(MAX_HEAD_BYTES)
    waiting = await reading(bench, sink)
    for _ in range(MAX_HEAD_BYTES // 2):
        bench.connection.data_received(b"1\r\n")
        bench.connection.data_received(b"x\r\n")
    assert (waiting.done(), len(sink.taken)) == (False, MAX_HEAD_BYTES // 2)
    waiting.cancel()


async def test_a_sink_gets_nothing_after_its_connection_was_given_up(bench: Bench) -> None:
    sink = Taker(10)
    waiting = await reading(bench, sink)
    bench.connection.abort()
    bench.connection.data_received(ONE)
    assert sink.taken == []
    waiting.cancel()


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


async def test_a_fault_after_a_piece_is_told_after_the_piece(bench: Bench) -> None:
    sink = Taker(10)
    waiting = await reading(bench, sink)
    bench.connection.data_received(ONE + b"zz\r\n")
    assert (await waiting, sink.taken) == (b"1", [])
    assert isinstance(await bench.connection.read(WAIT), Failure)


async def _rounds(count: int) -> None:
    """Let the event loop go round so often."""
    for _ in range(count):
        await asyncio.sleep(0)


async def _bytes(connection: Connection) -> bytes:
    piece = await connection.read(WAIT)
    assert isinstance(piece, bytes)
    return piece
