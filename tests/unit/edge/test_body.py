"""A body is read once, within its bounds, and its bytes are counted exactly while somebody holds them."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Sequence

import pytest

from proxy.core.errors import BodyTooLarge, GatewayError, Overloaded, UnsupportedEncoding
from proxy.core.snapshot import Server
from proxy.edge.admission import Admission
from proxy.edge.body import ClientLeft, read_body
from proxy.edge.exchange import Cut, Exchange, Message, Scope

LIMIT = 1000
ROOM = 5000
SERVER = Server(max_body_bytes=LIMIT, max_buffered_bytes=ROOM)
DISCONNECT: Message = {"type": "http.disconnect"}
GZIP = {b"content-encoding": b"gzip"}
GZIPPED = gzip.compress(b"x" * 900)


def part(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def make_exchange(messages: Sequence[Message], headers: dict[bytes, bytes] | None = None) -> Exchange:
    left = list(messages)

    async def receive() -> Message:
        return left.pop(0) if left else await asyncio.Future()

    async def send(message: Message) -> None:
        raise AssertionError("nothing is answered here")

    scope: Scope = {"headers": list((headers or {}).items())}
    return Exchange(scope, receive, send)


def squeezed(plain: bytes) -> Message:
    return part(gzip.compress(plain), more=False)


@pytest.mark.parametrize(
    ("messages", "headers", "expected"),
    [
        pytest.param([part(b"{}", more=False)], {}, b"{}", id="one-message"),
        pytest.param([{"type": "http.request", "body": b"{}"}], {}, b"{}", id="one-message-without-more-body"),
        pytest.param([{"type": "http.request"}], {}, b"", id="no-body"),
        pytest.param([part(b"{"), part(b"}", more=False)], {}, b"{}", id="two-messages"),
        pytest.param([part(b""), part(b"{}"), part(b"", more=False)], {}, b"{}", id="empty-messages-around"),
        pytest.param([part(b"{}"), {"type": "http.request"}], {}, b"{}", id="an-end-without-a-body"),
        pytest.param([part(b"x" * LIMIT, more=False)], {}, b"x" * LIMIT, id="as-large-as-allowed"),
        pytest.param([part(b"x" * 600), part(b"x" * 400, more=False)], {}, b"x" * LIMIT, id="as-large-in-parts"),
        pytest.param([part(b"{}", more=False)], {b"content-length": b"1000"}, b"{}", id="an-announced-length-allowed"),
        pytest.param([part(b"{}", more=False)], {b"content-length": b"5x"}, b"{}", id="an-announced-length-of-no-use"),
        pytest.param([part(b"{}", more=False)], {b"content-encoding": b" Identity "}, b"{}", id="identity"),
        pytest.param([part(b"{}", more=False)], {b"content-encoding": b""}, b"{}", id="an-empty-encoding"),
        pytest.param([squeezed(b"{}")], GZIP, b"{}", id="gzip"),
        pytest.param([squeezed(b"{}")], {b"content-encoding": b" GZIP"}, b"{}", id="gzip-in-capitals"),
        pytest.param([squeezed(b"")], GZIP, b"", id="gzip-of-nothing"),
        pytest.param([squeezed(b"x" * LIMIT)], GZIP, b"x" * LIMIT, id="gzip-as-large-as-allowed"),
        pytest.param(
            [part(GZIPPED[:9]), part(GZIPPED[9:], more=False)],
            GZIP,
            b"x" * 900,
            id="gzip-in-parts",
        ),
    ],
)
async def test_body_is_read_and_stays_counted(
    messages: list[Message], headers: dict[bytes, bytes], expected: bytes
) -> None:
    admission = Admission()
    assert await read_body(make_exchange(messages, headers), SERVER, admission) == expected
    assert admission.buffered_bytes == len(expected)


ERRORS = [
    pytest.param([], {b"content-length": b"1001"}, BodyTooLarge, id="announced-too-large"),
    pytest.param([part(b"x" * 1001, more=False)], {}, BodyTooLarge, id="too-large"),
    pytest.param([part(b"x" * 1001, more=False)], {b"content-length": b"5"}, BodyTooLarge, id="larger-than-announced"),
    pytest.param([part(b"x" * 600), part(b"x" * 401)], {}, BodyTooLarge, id="too-large-in-parts"),
    pytest.param([part(b"x" * 1001)], {}, BodyTooLarge, id="too-large-in-a-first-part"),
    pytest.param([squeezed(b"x" * 1001)], GZIP, BodyTooLarge, id="too-large-when-unpacked"),
    pytest.param([part(b"x" * 1001, more=False)], GZIP, BodyTooLarge, id="too-large-before-unpacking"),
    pytest.param([part(GZIPPED[:-1], more=False)], GZIP, UnsupportedEncoding, id="gzip-without-its-last-byte"),
    pytest.param([part(GZIPPED[:20], more=False)], GZIP, UnsupportedEncoding, id="gzip-cut-short"),
    pytest.param([part(b"", more=False)], GZIP, UnsupportedEncoding, id="gzip-of-no-bytes"),
    pytest.param([part(GZIPPED + b"x", more=False)], GZIP, UnsupportedEncoding, id="a-byte-behind-the-gzip"),
    pytest.param([part(GZIPPED * 2, more=False)], GZIP, UnsupportedEncoding, id="two-gzip-members"),
    pytest.param([part(b"{}", more=False)], GZIP, UnsupportedEncoding, id="gzip-that-is-none"),
    pytest.param([part(zlib.compress(b"{}"), more=False)], GZIP, UnsupportedEncoding, id="gzip-that-is-zlib"),
    pytest.param(
        [part(GZIPPED[:-5] + b"\0" + GZIPPED[-4:], more=False)], GZIP, UnsupportedEncoding, id="gzip-with-a-wrong-sum"
    ),
    pytest.param([], {b"content-encoding": b"br"}, UnsupportedEncoding, id="brotli"),
    pytest.param([], {b"content-encoding": b"gzip, gzip"}, UnsupportedEncoding, id="gzip-twice"),
    pytest.param([DISCONNECT], {}, ClientLeft, id="client-left-at-once"),
    pytest.param([part(b"x" * 600), DISCONNECT], {}, ClientLeft, id="client-left-half-way"),
]


@pytest.mark.parametrize(("messages", "headers", "error"), ERRORS)
async def test_body_that_cannot_be_taken_gives_its_room_back(
    messages: list[Message], headers: dict[bytes, bytes], error: type[Exception]
) -> None:
    admission = Admission()
    admission.buffer(7, SERVER)  # another body
    with pytest.raises(error):
        await read_body(make_exchange(messages, headers), SERVER, admission)
    assert admission.buffered_bytes == 7


async def test_bomb_is_refused_before_it_is_unpacked_whole() -> None:
    bomb, server = gzip.compress(b"0" * 10_000_000), Server(max_body_bytes=100_000)
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge, match="limit of 100000 bytes"):
            await read_body(make_exchange([part(bomb, more=False)], GZIP), server, Admission())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000


@pytest.mark.parametrize(
    ("messages", "headers"),
    [
        pytest.param([part(b"x" * 101, more=False)], {}, id="one-message"),
        pytest.param([part(b"x" * 90), part(b"x" * 11)], {}, id="the-second-part"),
        pytest.param([squeezed(b"x" * 900)], GZIP, id="what-gzip-unpacks-to"),
    ],
)
async def test_body_finds_no_room_beside_the_others_and_leaves_theirs_alone(
    messages: list[Message], headers: dict[bytes, bytes]
) -> None:
    admission = Admission()
    admission.buffer(ROOM - 100, SERVER)
    with pytest.raises(Overloaded):
        await read_body(make_exchange(messages, headers), SERVER, admission)
    assert admission.buffered_bytes == ROOM - 100


async def test_parts_are_counted_as_they_come_and_given_back_when_the_request_is_cancelled() -> None:
    admission = Admission()
    task = asyncio.create_task(read_body(make_exchange([part(b"x" * 600)]), SERVER, admission))
    await asyncio.sleep(0)
    while_reading = admission.buffered_bytes
    task.cancel()
    await asyncio.wait([task])
    assert (while_reading, admission.buffered_bytes, task.cancelled()) == (600, 0, True)


@pytest.mark.parametrize(
    "messages", [pytest.param([DISCONNECT], id="at-once"), pytest.param([part(b"{"), DISCONNECT], id="half-way")]
)
async def test_client_that_leaves_while_sending_is_the_cut(messages: list[Message]) -> None:
    exchange = make_exchange(messages)
    with pytest.raises(ClientLeft):
        await read_body(exchange, SERVER, Admission())
    assert exchange.cut is Cut.CLIENT_GONE


async def test_client_is_watched_and_no_longer_hurried_once_its_body_is_here() -> None:
    exchange = make_exchange([part(b"{}", more=False), DISCONNECT])

    async def work() -> None:
        await read_body(exchange, SERVER, Admission())
        await asyncio.Event().wait()

    await exchange.run(work(), 0.05)
    assert exchange.cut is Cut.CLIENT_GONE


@pytest.mark.parametrize(
    ("messages", "headers", "status", "message"),
    [
        pytest.param(
            [],
            {b"content-length": b"1001"},
            413,
            "The request body is larger than this gateway's limit of 1000 bytes.",
            id="too-large",
        ),
        pytest.param(
            [],
            {b"content-encoding": b"br"},
            415,
            "Send the body uncompressed or with 'Content-Encoding: gzip'.",
            id="unknown-encoding",
        ),
        pytest.param([part(b"{}", more=False)], GZIP, 415, "The body is not valid gzip.", id="no-gzip"),
        pytest.param(
            [part(GZIPPED[:-1], more=False)], GZIP, 415, "The body is not one whole gzip stream.", id="half-a-gzip"
        ),
    ],
)
async def test_refusal_says_what_to_do(
    messages: list[Message], headers: dict[bytes, bytes], status: int, message: str
) -> None:
    with pytest.raises(GatewayError) as caught:
        await read_body(make_exchange(messages, headers), SERVER, Admission())
    assert (caught.value.status, caught.value.message) == (status, message)
