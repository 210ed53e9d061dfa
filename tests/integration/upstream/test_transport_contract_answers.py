"""The contract of both transports: every way in which an upstream may frame a good answer."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from proxy.core.failure import Failure, FailureKind
from proxy.core.ports import Transport
from tests.fakes.rawserver import (
    OK,
    OK_BODY,
    Peer,
    RawServer,
    Received,
    answer,
    answer_once,
    chunked,
    early,
    response,
    split,
)
from tests.fakes.upstream_calls import Answer, body_of, fetch, fetched, post, sent, settles, wait

MiB = 1024 * 1024
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: t\r\n\r\n"
UNTIL_EOF = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + LENGTH
FRAMINGS = [
    pytest.param(LENGTH, id="content-length"),
    pytest.param(CHUNKS, id="chunked"),
    pytest.param(UNTIL_EOF, id="until-eof"),
    pytest.param(INTERIM, id="1xx-first"),
]


@pytest.mark.parametrize("message", FRAMINGS)
async def test_an_answer_comes_whole_however_it_is_framed(transport: Transport, message: bytes) -> None:
    async with RawServer(answer_once(message)) as server:
        got = await fetched(transport, post(server.url))
    assert (got.status, got.body) == (200, b"hello")


@pytest.mark.parametrize("message", FRAMINGS)
async def test_an_answer_may_be_split_at_any_byte(transport: Transport, message: bytes) -> None:
    positions = iter(range(1, len(message)))

    async def handle(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(*split(message, next(positions)), gap_s=0.001)
            if message is UNTIL_EOF:
                return peer.close()

    async with RawServer(handle) as server:
        for _ in range(1, len(message)):
            assert (await fetched(transport, post(server.url))).body == b"hello"


@pytest.mark.parametrize("message", FRAMINGS)
async def test_an_answer_may_come_byte_by_byte(transport: Transport, message: bytes) -> None:
    async with RawServer(answer_once(*split(message), gap_s=0.001)) as server:
        assert (await fetched(transport, post(server.url))).body == b"hello"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_a_status_without_body_ends_at_its_head(transport: Transport, status: bytes) -> None:
    message = b"HTTP/1.1 " + status + b"\r\nX: y\r\n\r\n"
    async with RawServer(answer(message)) as server:
        for _ in range(2):
            assert (await fetched(transport, post(server.url))).body == b""
        assert server.accepted == 1


async def test_an_answer_to_head_has_no_body_whatever_it_announces(transport: Transport) -> None:
    async with RawServer(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")) as server:
        got = await fetched(transport, post(server.url, b"", method="HEAD"))
    assert (got.status, got.body) == (200, b"")


async def test_headers_come_in_lower_case_in_their_order_with_repetitions(transport: Transport) -> None:
    message = response(b"", b"X-B: 1", b"x-a:  two words ", b"X-b: 3")
    async with RawServer(answer(message)) as server:
        got = await fetched(transport, post(server.url))
    assert got.headers == ((b"x-b", b"1"), (b"x-a", b"two words"), (b"x-b", b"3"), (b"content-length", b"0"))


async def test_a_redirect_is_an_answer_like_any_other(transport: Transport) -> None:
    async with RawServer(answer(response(b"", b"Location: http://127.0.0.1:1/", status=b"307 Elsewhere"))) as server:
        got = await fetched(transport, post(server.url))
    assert (got.status, server.accepted) == (307, 1)


@pytest.mark.parametrize("size_bytes", [0, 1_000, 300_000, 5 * MiB])
async def test_a_request_arrives_as_it_was_given(transport: Transport, size_bytes: int) -> None:
    came: list[Received] = []

    async def handle(peer: Peer) -> None:
        came.append(await peer.request())
        await peer.send(OK)

    body = bytes(range(256)) * (size_bytes // 256) + b"x" * (size_bytes % 256)
    async with RawServer(handle) as server:
        request = post(f"{server.url}/v1/chat?api-version=1%2F2", body)
        await fetched(transport, request)
    fields = [b"%b: %b" % field for field in request.headers]
    assert came[0].head.lower().split(b"\r\n") == [b"post /v1/chat?api-version=1%2f2 http/1.1", *fields, b"", b""]
    assert came[0].body == body


async def test_a_large_answer_comes_whole(transport: Transport) -> None:
    body = bytes(range(256)) * 16_384
    async with RawServer(answer(chunked(*split(body, 10, 70_000, 3 * MiB)))) as server:
        assert (await fetched(transport, post(server.url))).body == body


async def test_a_header_with_a_line_break_is_refused_before_anything_is_sent(transport: Transport) -> None:
    async with RawServer(answer()) as server:
        request = post(f"{server.url}/v1/x HTTP/1.1\r\nEvil: 1\r\n")
        with pytest.raises(ValueError, match="upstream request"):
            await fetch(transport, request)
        assert server.accepted == 0


async def test_a_connection_serves_one_request_after_the_other(transport: Transport) -> None:
    async with RawServer(answer()) as server:
        for _ in range(20):
            assert (await fetched(transport, post(server.url))).body == OK_BODY
        assert server.accepted == 1


async def test_a_connection_that_the_answer_closes_is_not_used_again(transport: Transport) -> None:
    async with RawServer(answer_once(response(b"x", b"Connection: close"))) as server:
        for _ in range(3):
            await fetched(transport, post(server.url))
        assert server.accepted == 3


async def test_closing_before_the_end_closes_the_connection(transport: Transport) -> None:
    async with RawServer(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello")) as server:
        first = await sent(transport, post(server.url))
        assert await first.read(wait()) == b"hello"
        await first.aclose()
        await first.aclose()
        assert await settles(lambda: server.open == 0)
        second = await sent(transport, post(server.url))
        await second.aclose()
        assert server.accepted == 2


async def test_a_closed_answer_cannot_be_read(transport: Transport) -> None:
    async with RawServer(answer()) as server:
        got = await sent(transport, post(server.url))
        await got.aclose()
        with pytest.raises(RuntimeError, match="read after aclose"):
            await got.read(wait())


async def test_the_end_of_an_answer_can_be_read_twice(transport: Transport) -> None:
    async with RawServer(answer()) as server:
        got = await sent(transport, post(server.url))
        assert [await body_of(got), await body_of(got)] == [OK_BODY, b""]
        await got.aclose()


@pytest.mark.parametrize("coding", [b"identity", b"gzip"])
async def test_a_whole_body_is_taken_at_once_or_left_to_be_read(transport: Transport, kind: str, coding: bytes) -> None:
    packed = gzip.compress(OK_BODY) if coding == b"gzip" else OK_BODY
    async with RawServer(answer(response(packed, b"Content-Encoding: " + coding))) as server:
        for _ in range(2):
            got = await sent(transport, post(server.url))
            whole = got.take_whole()
            assert whole == (OK_BODY if kind == "native" and coding == b"identity" else None)
            assert await body_of(got) == (b"" if whole else OK_BODY)
            await got.aclose()
            assert got.take_whole() is None
        assert server.accepted == 1


async def test_a_body_of_which_more_is_to_come_is_not_taken(transport: Transport) -> None:
    going_on = asyncio.Event()

    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(LENGTH[:-1])
        await going_on.wait()
        await peer.send(LENGTH[-1:])
        await peer.gone()

    async with RawServer(handle) as server:
        got = await sent(transport, post(server.url))
        assert got.take_whole() is None
        going_on.set()
        assert await body_of(got) == b"hello"
        await got.aclose()


@pytest.mark.parametrize("message", [UNTIL_EOF, b"HTTP/1.1 204 No Content\r\n\r\n"], ids=["until-eof", "empty"])
async def test_what_is_read_is_not_taken_again(transport: Transport, message: bytes) -> None:
    async with RawServer(answer_once(message)) as server:
        got = await sent(transport, post(server.url))
        read = await body_of(got)
        assert (got.take_whole() or b"", read) == (b"", message.partition(b"\r\n\r\n")[2])
        await got.aclose()


@pytest.mark.parametrize("stops", [False, True], ids=["takes-all", "stops-at-each"])
@pytest.mark.parametrize("coding", [b"identity", b"gzip"])
async def test_every_byte_goes_to_the_sink_or_to_the_read_once_and_in_order(
    transport: Transport, coding: bytes, stops: bool
) -> None:
    body = b"".join(b"data: %d\n\n" % number for number in range(200))
    packed = gzip.compress(body) if coding == b"gzip" else body
    got = b""

    def sink(piece: bytes) -> bool:
        nonlocal got
        got += piece
        return not stops

    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: " + coding + b"\r\n\r\n")
        await peer.send(*(packed[i : i + 50] for i in range(0, len(packed), 50)), gap_s=0.0005)
        peer.close()

    async with RawServer(handle) as server:
        response = await sent(transport, post(server.url))
        response.hand_to(sink)
        while len(got) < len(body):  # an empty read is the end, or the sink's own stop
            piece = await response.read(wait())
            assert isinstance(piece, bytes)
            got += piece
        response.hand_to(None)
        assert await body_of(response) == b""
        await response.aclose()
        response.hand_to(sink)
    assert got == body


async def test_an_answer_that_comes_before_the_request_has_left_is_delivered(transport: Transport) -> None:
    async with RawServer(early(response(b"too large", status=b"413 No"), after_bytes=1000, lingering=True)) as server:
        got = await fetched(transport, post(server.url, b"x" * 8 * MiB))
    assert (got.status, got.body) == (413, b"too large")


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        pytest.param(b"gzip", gzip.compress(OK_BODY), id="gzip"),
        pytest.param(b"x-gzip", gzip.compress(OK_BODY), id="x-gzip"),
        pytest.param(b"deflate", zlib.compress(OK_BODY), id="deflate"),
        pytest.param(b"identity", OK_BODY, id="identity"),
    ],
)
async def test_compression_that_was_not_asked_for_is_undone(transport: Transport, coding: bytes, body: bytes) -> None:
    async with RawServer(answer(response(body, b"Content-Encoding: " + coding, b"X: y"))) as server:
        got = await fetched(transport, post(server.url))
    assert got.body == OK_BODY
    assert got.header(b"content-encoding") == (b"identity" if coding == b"identity" else None)
    assert got.header(b"x") == b"y"


async def test_a_compressed_stream_is_decoded_as_it_comes(transport: Transport) -> None:
    press = zlib.compressobj(wbits=31)
    first = press.compress(b"data: 1\n\n") + press.flush(zlib.Z_SYNC_FLUSH)
    second = press.compress(b"data: 2\n\n") + press.flush()
    going_on = asyncio.Event()

    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", first)
        await going_on.wait()
        await peer.send(second)
        peer.close()

    async with RawServer(handle) as server:
        got = await sent(transport, post(server.url))
        assert await got.read(wait()) == b"data: 1\n\n"
        going_on.set()
        assert await body_of(got) == b"data: 2\n\n"
        await got.aclose()


@pytest.mark.parametrize(
    ("coding", "body", "detail"),
    [
        pytest.param(b"br", b"??", "the body has a content coding that was not asked for", id="br"),
        pytest.param(b"gzip, br", b"??", "the body has a content coding that was not asked for", id="two"),
        pytest.param(b"gzip", gzip.compress(bytes(10 * MiB)), "the body grows too much when decoded", id="bomb"),
        pytest.param(b"gzip", gzip.compress(OK_BODY)[:-4], "the compressed body ended early", id="cut"),
        pytest.param(b"gzip", b"plain text", "the compressed body is broken", id="not-gzip"),
    ],
)
async def test_a_body_that_cannot_be_decoded_is_a_protocol_failure(
    transport: Transport, coding: bytes, body: bytes, detail: str
) -> None:
    async with RawServer(answer(response(body, b"Content-Encoding: " + coding))) as server:
        got = await fetch(transport, post(server.url))
        assert got == Failure(FailureKind.PROTOCOL, status=200, detail=detail)


async def test_what_follows_a_message_keeps_its_connection_out_of_the_pool(transport: Transport) -> None:
    async with RawServer(answer_once(OK + b"HTTP/1.1 500 Extra\r\nContent-Length: 0\r\n\r\n", gap_s=0.05)) as server:
        for _ in range(3):
            assert (await fetched(transport, post(server.url))) == Answer(
                200, ((b"content-type", b"application/json"), (b"content-length", b"11")), OK_BODY
            )
        assert server.accepted == 3
