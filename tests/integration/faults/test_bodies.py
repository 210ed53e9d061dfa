"""F17: large request bodies pass, too large ones and bombs are refused before anything is sent upstream."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import AsyncIterator
from functools import cache

import httpx
import pytest

from tests.fakes.rawserver import Handler, Peer, RawServer, Received, chunk, response
from tests.fakes.rawstreams import DONE, FINISH, HEAD, said
from tests.fakes.stage import Stage, Upstream, stage
from tests.integration.faults.cases import BOTH, SECOND

MB = 1024 * 1024
JSON = {"content-type": "application/json"}
ANSWER = b'{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
REFUSED = response(b'{"error":{"message":"boom"}}', b"Content-Type: application/json", status=b"500 Error")
EVENTS = b"".join([*said("hi"), FINISH, DONE])


@cache
def body_of(size_bytes: int, *, stream: bool) -> bytes:
    """A chat request of about that size, its text before the members that the gateway needs."""
    text = "All work and no play. " * (size_bytes // 22)
    return json.dumps({"messages": [{"role": "user", "content": text}], "model": "m", "stream": stream}).encode()


def keeping(received: list[Received], *answers: bytes) -> Handler:
    """Keep what came whole, and answer in turn, the last for ever."""

    async def handle(peer: Peer) -> None:
        while True:
            received.append(await peer.request())
            await peer.send(answers[min(len(received), len(answers)) - 1])

    return handle


async def post(on: Stage, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
    return await on.gateway.client.post("/v1/chat/completions", content=content, headers={**JSON, **headers})


def same_but_for_the_model(received: Received, body: bytes) -> bool:
    sent, got = json.loads(body), json.loads(received.body)
    return bool(got.pop("model") == "gpt" and sent["messages"] == got["messages"] and sent["stream"] == got["stream"])


@BOTH
async def test_f17_ten_megabytes_pass_and_are_sent_again_whole_on_failover(stream: bool) -> None:
    body = body_of(10 * MB, stream=stream)
    good = HEAD + chunk(EVENTS) + b"0\r\n\r\n" if stream else response(ANSWER, b"A: b")
    one: list[Received] = []
    two: list[Received] = []
    async with (
        RawServer(keeping(one, REFUSED)) as first,
        RawServer(keeping(two, good)) as second,
        stage(Upstream("first", "gpt", first.url), Upstream("second", "gpt", second.url)) as on,
    ):
        answer = await post(on, body)
        assert answer.status_code == 200
        assert answer.headers["x-fairlead-trail"] == "first=server_error;second=ok"
        assert same_but_for_the_model(one[0], body)
        assert same_but_for_the_model(two[0], body)
        assert (len(one), len(two)) == (1, 1)


async def test_f17_upstream_that_refuses_early_does_not_hang_the_upload() -> None:
    async def refuse_early(peer: Peer) -> None:
        await peer.head()
        await peer.send(REFUSED)
        await asyncio.sleep(0.5)  # without reading on

    received: list[Received] = []
    async with (
        RawServer(refuse_early) as first,
        RawServer(keeping(received, response(ANSWER, b"A: b"))) as second,
        stage(Upstream("first", "gpt", first.url), Upstream("second", "gpt", second.url)) as on,
    ):
        began_s = time.monotonic()
        answer = await post(on, body_of(10 * MB, stream=False))
        assert answer.headers["x-fairlead-trail"] == "first=server_error;second=ok"
        assert time.monotonic() - began_s < 5
        assert len(received) == 1


async def test_f17_compressed_ten_megabytes_pass() -> None:
    body = body_of(10 * MB, stream=False)
    received: list[Received] = []
    async with (
        RawServer(keeping(received, response(ANSWER, b"A: b"))) as first,
        stage(Upstream("first", "gpt", first.url)) as on,
    ):
        answer = await post(on, gzip.compress(body, 1), **{"content-encoding": "gzip"})
        assert answer.status_code == 200
        assert same_but_for_the_model(received[0], body)
        assert b"content-encoding" not in received[0].head.lower()


async def in_pieces(total_bytes: int) -> AsyncIterator[bytes]:
    piece = b"x" * MB
    for _ in range(total_bytes // MB):
        yield piece


async def check_refused(on: Stage, answer: httpx.Response) -> None:
    """Hold that the client was told, that no upstream was asked and that nothing is kept."""
    assert answer.status_code == 413
    error = answer.json()["error"]
    assert error["code"] == "request_too_large"
    assert error["type"] == "invalid_request_error"
    assert "33554432" in error["message"], "the limit is named"
    assert (on.calls("first"), on.calls("second")) == (0, 0)
    assert await on.quiet()
    assert on.gateway.parts.edge.admission.buffered_bytes == 0
    (record,) = await on.records(1)
    assert record["http.response.status_code"] == 413


async def test_f17_fifty_megabytes_are_refused_by_their_announced_length() -> None:
    async with stage(Upstream("first"), SECOND) as on:
        answer = await post(on, in_pieces(50 * MB), **{"content-length": str(50 * MB)})
        await check_refused(on, answer)


async def test_f17_fifty_megabytes_without_a_length_are_refused_on_the_way() -> None:
    async with stage(Upstream("first"), SECOND) as on:
        await check_refused(on, await post(on, in_pieces(50 * MB)))


def bomb(size_bytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    zeros = b" " * MB
    return b"".join([*(packer.compress(zeros) for _ in range(size_bytes // MB)), packer.flush()])


@pytest.mark.parametrize("size_mb", [50, 300])
async def test_f17_gzip_bomb_is_refused_without_being_unpacked(size_mb: int) -> None:
    packed = bomb(size_mb * MB)
    assert len(packed) < 2 * MB
    async with stage(Upstream("first"), SECOND) as on:
        began_s = time.monotonic()
        answer = await post(on, packed, **{"content-encoding": "gzip"})
        assert time.monotonic() - began_s < 5
        await check_refused(on, answer)


async def test_f17_gzip_bomb_inside_gzip_is_no_json() -> None:
    async with stage(Upstream("first"), SECOND) as on:
        answer = await post(on, gzip.compress(bomb(50 * MB)), **{"content-encoding": "gzip"})
        assert answer.status_code == 400
        assert on.calls("first") == 0


@pytest.mark.parametrize(
    ("content", "coding"),
    [
        pytest.param(b"\x1f\x8b not gzip", "gzip", id="broken"),
        pytest.param(gzip.compress(b"{}" * 1000)[:-9], "gzip", id="cut"),
        pytest.param(zlib.compress(b"{}"), "deflate", id="deflate"),
        pytest.param(b"{}", "br", id="brotli"),
        pytest.param(gzip.compress(gzip.compress(b"{}")), "gzip, gzip", id="twice"),
    ],
)
async def test_f17_other_codings_are_refused(content: bytes, coding: str) -> None:
    async with stage(Upstream("first")) as on:
        answer = await post(on, content, **{"content-encoding": coding})
        assert answer.status_code == 415
        assert on.calls("first") == 0


async def test_f17_bodies_that_would_fill_the_memory_together_are_refused() -> None:
    """The buffer of all bodies is capped, and a refused one leaves room for the next."""
    sections = f"[server]\nmax_body_bytes = {8 * MB}\nmax_buffered_bytes = {15 * MB}\n"

    async def think(peer: Peer) -> None:
        while True:
            await peer.request()
            await asyncio.sleep(0.3)
            await peer.send(response(ANSWER, b"A: b"))

    async with RawServer(think) as first, stage(Upstream("first", "gpt", first.url), sections=sections) as on:
        body = body_of(6 * MB, stream=False)
        answers = await asyncio.gather(*(post(on, body) for _ in range(4)))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200, 200, 503, 503]
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.json()["error"]["code"] == "overloaded"
        assert refused.headers["retry-after"] == "1"
        assert await on.quiet()
        assert (await post(on, body)).status_code == 200
