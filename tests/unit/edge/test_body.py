"""A body is read once, within its bounds, and its bytes are counted exactly while somebody holds them."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from proxy.core.errors import BodyTooLarge, GatewayError, Overloaded, UnsupportedEncoding
from proxy.core.snapshot import Server
from proxy.edge.admission import Admission
from proxy.edge.body import receive_body, take_body
from proxy.edge.exchange import Cut, Exchange
from tests.fakes.wire import FakeWire, make_exchange

LIMIT = 1000
ROOM = 5000
SERVER = Server(max_body_bytes=LIMIT, max_buffered_bytes=ROOM)
GZIP = {b"content-encoding": b"gzip"}
GZIPPED = gzip.compress(b"x" * 900)
EXPECTING = {b"expect": b"100-continue"}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Headers = dict[bytes, bytes]


async def arrive(exchange: Exchange, pieces: Sequence[bytes]) -> None:
    """Bring a body in so many reads; the end comes by itself."""
    for piece in pieces:
        await asyncio.sleep(0)
        exchange.pieces.append(piece)
        exchange.wake()
    await asyncio.sleep(0)
    exchange.is_whole = True
    exchange.wake()


LATE = pytest.mark.parametrize("late", [pytest.param(False, id="there"), pytest.param(True, id="late")])


@pytest.mark.parametrize(
    ("pieces", "headers", "expected"),
    [
        pytest.param([b"{}"], {}, b"{}", id="one-piece"),
        pytest.param([], {}, b"", id="no-body"),
        pytest.param([b"{", b"}"], {}, b"{}", id="two-pieces"),
        pytest.param([b"", b"{}", b""], {}, b"{}", id="empty-pieces-around"),
        pytest.param([b"x" * LIMIT], {}, b"x" * LIMIT, id="as-large-as-allowed"),
        pytest.param([b"x" * 600, b"x" * 400], {}, b"x" * LIMIT, id="as-large-in-pieces"),
        pytest.param([b"{}"], {b"content-length": b"1000"}, b"{}", id="an-announced-length-allowed"),
        pytest.param([b"{}"], {b"content-length": b"5x"}, b"{}", id="an-announced-length-of-no-use"),
        pytest.param([b"{}"], {b"content-length": b"0" * 5000 + b"2"}, b"{}", id="an-announced-length-of-many-digits"),
        pytest.param([], {b"content-length": b"000"}, b"", id="an-announced-length-of-zeros"),
        pytest.param([b"{}"], {b"content-encoding": b" Identity "}, b"{}", id="identity"),
        pytest.param([b"{}"], {b"content-encoding": b""}, b"{}", id="an-empty-encoding"),
        pytest.param([gzip.compress(b"{}")], GZIP, b"{}", id="gzip"),
        pytest.param([gzip.compress(b"{}")], {b"content-encoding": b" GZIP"}, b"{}", id="gzip-in-capitals"),
        pytest.param([gzip.compress(b"")], GZIP, b"", id="gzip-of-nothing"),
        pytest.param([gzip.compress(b"x" * LIMIT)], GZIP, b"x" * LIMIT, id="gzip-as-large-as-allowed"),
        pytest.param([GZIPPED[:9], GZIPPED[9:]], GZIP, b"x" * 900, id="gzip-in-pieces"),
    ],
)
@LATE
async def test_body_is_read_and_stays_counted_until_the_request_leaves(
    pieces: list[bytes], headers: Headers, expected: bytes, late: bool
) -> None:
    admission, exchange = Admission(), make_exchange(headers)
    if late:
        arriving = asyncio.create_task(arrive(exchange, pieces))
        await receive_body(exchange, SERVER, admission)
        await arriving
    else:
        exchange.pieces, exchange.is_whole = list(pieces), True
    assert take_body(exchange, SERVER, admission) == expected
    assert exchange.pieces == []
    assert admission.buffered_bytes == len(expected)
    admission.leave(exchange)
    assert admission.buffered_bytes == 0


@asynccontextmanager
async def reading(pieces: Sequence[bytes], headers: Headers, *, late: bool) -> AsyncIterator[Exchange]:
    """An exchange whose body is there, or comes piece by piece for the length of the `async with`."""
    exchange = make_exchange(headers)
    if not late:
        exchange.pieces, exchange.is_whole = list(pieces), True
        yield exchange
        return
    arriving = asyncio.create_task(arrive(exchange, pieces))
    yield exchange
    arriving.cancel()
    await asyncio.wait([arriving])


async def read_body(exchange: Exchange, server: Server, admission: Admission) -> bytes:
    """What a request does."""
    if not exchange.is_whole:
        await receive_body(exchange, server, admission)
    return take_body(exchange, server, admission)


ERRORS = [
    pytest.param([b"x" * 1001], {}, BodyTooLarge, id="too-large"),
    pytest.param([b"x" * 1001], {b"content-length": b"5"}, BodyTooLarge, id="larger-than-announced"),
    pytest.param([b"x" * 600, b"x" * 401], {}, BodyTooLarge, id="too-large-in-pieces"),
    pytest.param([gzip.compress(b"x" * 1001)], GZIP, BodyTooLarge, id="too-large-when-unpacked"),
    pytest.param([b"x" * 1001], GZIP, BodyTooLarge, id="too-large-before-unpacking"),
    pytest.param([GZIPPED[:-1]], GZIP, UnsupportedEncoding, id="gzip-without-its-last-byte"),
    pytest.param([GZIPPED[:20]], GZIP, UnsupportedEncoding, id="gzip-cut-short"),
    pytest.param([b""], GZIP, UnsupportedEncoding, id="gzip-of-no-bytes"),
    pytest.param([GZIPPED + b"x"], GZIP, UnsupportedEncoding, id="a-byte-behind-the-gzip"),
    pytest.param([GZIPPED * 2], GZIP, UnsupportedEncoding, id="two-gzip-members"),
    pytest.param([b"{}"], GZIP, UnsupportedEncoding, id="gzip-that-is-none"),
    pytest.param([zlib.compress(b"{}")], GZIP, UnsupportedEncoding, id="gzip-that-is-zlib"),
    pytest.param([GZIPPED[:-5] + b"\0" + GZIPPED[-4:]], GZIP, UnsupportedEncoding, id="gzip-with-a-wrong-sum"),
    pytest.param([b"{}"], {b"content-encoding": b"br"}, UnsupportedEncoding, id="brotli"),
    pytest.param([b"{}"], {b"content-encoding": b"gzip, gzip"}, UnsupportedEncoding, id="gzip-twice"),
]


@pytest.mark.parametrize(("pieces", "headers", "error"), ERRORS)
@LATE
async def test_body_that_cannot_be_taken_gives_its_room_back(
    pieces: list[bytes], headers: Headers, error: type[Exception], late: bool
) -> None:
    admission = Admission()
    admission.hold(make_exchange(), 7, SERVER)  # another body
    async with reading(pieces, headers, late=late) as exchange:
        with pytest.raises(error):
            await read_body(exchange, SERVER, admission)
        admission.leave(exchange)
    assert admission.buffered_bytes == 7


async def test_bomb_is_refused_before_it_is_unpacked_whole() -> None:
    bomb, server = gzip.compress(b"0" * 10_000_000), Server(max_body_bytes=100_000)
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge, match="limit of 100000 bytes"):
            take_body(make_exchange(GZIP, body=bomb), server, Admission())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000


async def test_body_of_many_small_pieces_takes_no_more_room_than_one() -> None:
    exchange, server = make_exchange(), Server()
    tracemalloc.start()
    try:
        arriving = asyncio.create_task(arrive_in_crumbs(exchange))
        await receive_body(exchange, server, Admission())
        await arriving
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_500_000


async def arrive_in_crumbs(exchange: Exchange) -> None:
    """Four hundred kilobytes in forty reads, each of five thousand chunks."""
    for _ in range(40):
        exchange.pieces.extend(b"%d%d" % (number % 7, number % 9) for number in range(5000))
        exchange.wake()
        await asyncio.sleep(0)
    exchange.is_whole = True
    exchange.wake()


@pytest.mark.parametrize(
    ("pieces", "headers"),
    [
        pytest.param([b"x" * 101], {}, id="one-piece"),
        pytest.param([b"x" * 90, b"x" * 11], {}, id="the-second-piece"),
        pytest.param([gzip.compress(b"x" * 900)], GZIP, id="what-gzip-unpacks-to"),
    ],
)
@LATE
async def test_body_finds_no_room_beside_the_others_and_leaves_theirs_alone(
    pieces: list[bytes], headers: Headers, late: bool
) -> None:
    admission = Admission()
    admission.hold(make_exchange(), ROOM - 100, Server())
    async with reading(pieces, headers, late=late) as exchange:
        with pytest.raises(Overloaded):
            await read_body(exchange, SERVER, admission)
        admission.leave(exchange)
    assert admission.buffered_bytes == ROOM - 100


async def test_pieces_are_counted_as_they_come() -> None:
    admission, exchange = Admission(), make_exchange()
    exchange.pieces = [b"x" * 100]
    task = asyncio.create_task(receive_body(exchange, SERVER, admission))
    await asyncio.sleep(0)
    counted = [admission.buffered_bytes]
    exchange.pieces.append(b"x" * 500)
    exchange.wake()
    await asyncio.sleep(0)
    counted.append(admission.buffered_bytes)
    task.cancel()
    await asyncio.wait([task])
    admission.leave(exchange)
    assert (counted, admission.buffered_bytes, task.cancelled()) == ([100, 600], 0, True)


async def test_client_is_read_from_while_its_body_is_waited_for() -> None:
    wire = FakeWire()
    exchange = make_exchange(wire=wire)
    await asyncio.gather(receive_body(exchange, SERVER, Admission()), arrive(exchange, [b"{", b"}"]))
    assert wire.reads == 3


# --- in time ---


async def cut_of(exchange: Exchange, server: Server) -> Cut | None:
    """How an exchange ends that waits for its body and then for ever."""

    async def request() -> None:
        await receive_body(exchange, server, Admission())
        await asyncio.sleep(0.1)

    exchange.task = task = asyncio.create_task(request())
    await asyncio.wait([task])
    return exchange.cut


async def test_exchange_whose_body_does_not_come_is_cut() -> None:
    began_s = asyncio.get_running_loop().time()
    assert await cut_of(make_exchange(), Server(body_read_s=0.05)) is Cut.BODY_TIMEOUT
    assert asyncio.get_running_loop().time() - began_s >= 0.05


async def test_body_that_drips_is_cut_however_busy_it_looks() -> None:
    exchange = make_exchange()
    dripping = asyncio.create_task(drip(exchange))
    assert await cut_of(exchange, Server(body_read_s=0.05)) is Cut.BODY_TIMEOUT
    dripping.cancel()


async def drip(exchange: Exchange) -> None:
    while True:
        exchange.pieces.append(b" ")
        exchange.wake()
        await asyncio.sleep(0.005)


async def test_client_is_no_longer_hurried_once_its_body_is_here() -> None:
    exchange = make_exchange()
    arriving = asyncio.create_task(arrive(exchange, [b"{}"]))
    assert await cut_of(exchange, Server(body_read_s=0.05)) is None
    await arriving


# --- a client that asks before it sends ---


async def test_client_that_asked_is_told_once_to_go_on() -> None:
    wire = FakeWire()
    exchange = make_exchange(EXPECTING, wire=wire)
    await asyncio.gather(receive_body(exchange, SERVER, Admission()), arrive(exchange, [b"{", b"}"]))
    assert wire.sent == [CONTINUE]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({b"content-length": b"1001"}, id="too-large"),
        pytest.param({b"content-encoding": b"br"}, id="coded"),
    ],
)
async def test_client_whose_body_would_be_refused_is_not_told_to_go_on(headers: Headers) -> None:
    wire = FakeWire()
    with pytest.raises(GatewayError):
        await receive_body(make_exchange({**EXPECTING, **headers}, wire=wire), SERVER, Admission())
    assert (wire.sent, wire.reads) == ([], 0)


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        pytest.param(
            None,
            {b"content-length": b"1001"},
            413,
            "The request body is larger than this gateway's limit of 1000 bytes.",
            id="too-large",
        ),
        pytest.param(
            None,
            {b"content-encoding": b"br"},
            415,
            "Send the body uncompressed or with 'Content-Encoding: gzip'.",
            id="unknown-encoding",
        ),
        pytest.param(b"{}", GZIP, 415, "The body is not valid gzip.", id="no-gzip"),
        pytest.param(GZIPPED[:-1], GZIP, 415, "The body is not one whole gzip stream.", id="half-a-gzip"),
    ],
)
async def test_refusal_says_what_to_do(body: bytes | None, headers: Headers, status: int, message: str) -> None:
    with pytest.raises(GatewayError) as caught:
        await read_body(make_exchange(headers, body=body), SERVER, Admission())
    assert (caught.value.status, caught.value.message) == (status, message)
