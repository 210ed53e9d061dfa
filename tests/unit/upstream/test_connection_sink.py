"""A stream on one connection, whose pieces go to a sink while a read waits."""

from __future__ import annotations

import asyncio

import pytest

from proxy.core.failure import Failure, FailureKind
from proxy.upstream.pool import Pool
from proxy.upstream.response_parser import MAX_HEAD_BYTES, TOO_LARGE
from tests.unit.upstream.wired import PLACE, WAIT, Bench


@pytest.fixture
async def bench() -> Bench:
    return Bench()


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


async def test_a_fault_after_a_piece_is_told_after_the_piece(bench: Bench) -> None:
    sink = Taker(10)
    waiting = await reading(bench, sink)
    bench.connection.data_received(ONE + b"zz\r\n")
    assert (await waiting, sink.taken) == (b"1", [])
    assert isinstance(await bench.connection.read(WAIT), Failure)
