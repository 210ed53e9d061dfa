"""The contract of both transports: what an upstream may do wrong, and the failure that each becomes (F1, F2, F5–F7)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.ports import Transport
from tests.fakes.rawserver import (
    OK,
    OK_BODY,
    Handler,
    Peer,
    RawServer,
    answer,
    answer_once,
    chunked,
    cut_after,
    refused_url,
    reset_after,
    response,
    server_tls,
    silence,
    slow,
    split,
    stall_after,
)
from tests.fakes.upstream_calls import Answer, body_of, fetch, fetched, post, provider, send, sent, settles, wait

HEAD_BYTES = OK.index(b"\r\n\r\n") + 4
CHUNKED = chunked(b"hello", b"world")
CHUNKED_HEAD_BYTES = CHUNKED.index(b"\r\n\r\n") + 4


def no_connection(detail: str) -> Failure:
    return Failure(FailureKind.CONNECT, Scope.PROVIDER, request_sent=False, detail=detail)


def first_then_ok(bad: Handler) -> Handler:
    """Misbehave on the first connection only."""
    good = answer()

    async def handle(peer: Peer) -> None:
        await (bad if peer.number == 1 else good)(peer)

    return handle


async def test_f1_a_refused_connection_fails_before_anything_is_sent(transport: Transport) -> None:
    assert await fetch(transport, post(refused_url())) == no_connection("connection refused")


async def test_f1_a_name_that_does_not_exist_fails_before_anything_is_sent(transport: Transport) -> None:
    got = await fetch(transport, post("http://nonexistent.invalid"))
    assert got == no_connection("DNS: the host name cannot be resolved")


async def test_a_private_authority_is_accepted_when_it_is_configured(
    transport: Transport, authority: trustme.CA, ca_file: str
) -> None:
    by = provider(ca_file=ca_file)
    async with RawServer(answer(), tls=server_tls(authority)) as server:
        for _ in range(2):
            assert (await fetched(transport, post(server.url, by=by))).body == OK_BODY
        assert server.accepted == 1


async def test_f1_a_certificate_of_an_unknown_authority_is_refused(transport: Transport, authority: trustme.CA) -> None:
    async with RawServer(answer(), tls=server_tls(authority)) as server:
        got = await fetch(transport, post(server.url))
    assert got == no_connection("TLS: the certificate is not accepted (unable to get local issuer certificate)")


async def test_f1_a_certificate_for_another_host_is_refused(
    transport: Transport, authority: trustme.CA, ca_file: str
) -> None:
    by = provider(ca_file=ca_file)
    async with RawServer(answer(), tls=server_tls(authority, "elsewhere.test")) as server:
        got = await fetch(transport, post(server.url, by=by))
    assert isinstance(got, Failure)
    assert got.detail.startswith("TLS: the certificate is not accepted (IP address mismatch")
    assert (got.kind, got.scope, got.request_sent) == (FailureKind.CONNECT, Scope.PROVIDER, False)


async def test_f1_an_upstream_that_does_not_speak_tls_is_no_connection(transport: Transport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.read(1)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.close()

    async with RawServer(handle) as server:
        got = await fetch(transport, post(server.url.replace("http:", "https:")))
    assert isinstance(got, Failure)
    assert got.detail.startswith("TLS: the handshake failed")
    assert (got.kind, got.scope, got.request_sent) == (FailureKind.CONNECT, Scope.PROVIDER, False)


async def test_an_authority_that_cannot_be_read_is_no_connection(transport: Transport, tmp_path: Path) -> None:
    got = await fetch(transport, post("https://127.0.0.1:1", by=provider(ca_file=str(tmp_path / "none.pem"))))
    assert got == no_connection("TLS: ca_file or client_cert cannot be used")


async def test_a_handshake_that_is_not_answered_ends_with_the_connect_wait(transport: Transport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.gone()

    async with RawServer(handle) as server:
        got = await fetch(transport, post(server.url.replace("http:", "https:")), connect_s=0.1)
        assert got == Failure(
            FailureKind.TIMEOUT_CONNECT, Scope.PROVIDER, request_sent=False, detail="no connection in time"
        )
        assert await settles(lambda: server.open == 0)


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(silence(), id="f2-silence"),
        pytest.param(slow(gap_s=0.05), id="slow-headers"),
        pytest.param(stall_after(OK, HEAD_BYTES - 1), id="unfinished-headers"),
        pytest.param(stall_after(b"HTTP/1.1 100 Continue\r\n\r\n", 25), id="1xx-only"),
    ],
)
async def test_f2_headers_that_do_not_come_in_time_end_the_attempt(transport: Transport, handler: Handler) -> None:
    async with RawServer(first_then_ok(handler)) as server:
        got = await fetch(transport, post(server.url), connect_s=5, head_s=0.2)
        assert got == Failure(FailureKind.TIMEOUT_HEADERS, detail="no answer in time")
        assert await settles(lambda: server.open == 0)
        assert (await fetched(transport, post(server.url))).body == OK_BODY


@pytest.mark.parametrize("message", [OK, CHUNKED], ids=["content-length", "chunked"])
async def test_f7_a_body_that_stalls_ends_the_attempt(transport: Transport, message: bytes) -> None:
    async with RawServer(first_then_ok(stall_after(message, len(message) - 5))) as server:
        got = await sent(transport, post(server.url))
        first = await body_of(got, idle_s=0.15)
        assert first == Failure(FailureKind.TIMEOUT_IDLE, status=200, detail="the answer stopped coming")
        assert await body_of(got) == first
        await got.aclose()
        assert await settles(lambda: server.open == 0)
        assert (await fetched(transport, post(server.url))).body == OK_BODY


async def test_f13_a_slow_drip_is_not_a_stall(transport: Transport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK[:HEAD_BYTES], *split(OK_BODY), gap_s=0.05)
        peer.close()

    async with RawServer(handle) as server:
        assert isinstance(await fetch(transport, post(server.url), idle_s=0.3), Answer)


@pytest.mark.parametrize("size_bytes", [0, 1, HEAD_BYTES // 2, HEAD_BYTES - 1])
@pytest.mark.parametrize(("fault", "manner"), [(cut_after, "closed"), (reset_after, "reset")], ids=["cut", "reset"])
async def test_a_connection_that_dies_before_the_headers_are_whole_is_a_connect_failure(
    transport: Transport, fault: Callable[[bytes, int], Handler], manner: str, size_bytes: int
) -> None:
    async with RawServer(first_then_ok(fault(OK, size_bytes))) as server:
        got = await fetch(transport, post(server.url))
        assert got == Failure(FailureKind.CONNECT, detail=f"the connection was {manner} before an answer came")
        assert (await fetched(transport, post(server.url))).body == OK_BODY


@pytest.mark.parametrize(
    ("message", "size_bytes"),
    [
        pytest.param(OK, HEAD_BYTES, id="after-headers"),
        pytest.param(OK, len(OK) - 1, id="before-last-byte"),
        pytest.param(CHUNKED, CHUNKED_HEAD_BYTES, id="before-first-chunk"),
        pytest.param(CHUNKED, CHUNKED_HEAD_BYTES + 1, id="in-chunk-size"),
        pytest.param(CHUNKED, CHUNKED_HEAD_BYTES + 5, id="in-chunk"),
        pytest.param(CHUNKED, len(CHUNKED) - 5, id="before-last-chunk"),
        pytest.param(CHUNKED, len(CHUNKED) - 1, id="before-last-line-feed"),
    ],
)
@pytest.mark.parametrize(("fault", "manner"), [(cut_after, "ended"), (reset_after, "was reset")], ids=["cut", "reset"])
async def test_f6_a_body_that_is_cut_is_a_protocol_failure(
    transport: Transport, fault: Callable[[bytes, int], Handler], manner: str, message: bytes, size_bytes: int
) -> None:
    async with RawServer(first_then_ok(fault(message, size_bytes))) as server:
        got = await fetch(transport, post(server.url))
        assert got == Failure(FailureKind.PROTOCOL, status=200, detail=f"the connection {manner} inside the body")
        assert (await fetched(transport, post(server.url))).body == OK_BODY


async def test_what_came_before_a_cut_is_delivered(transport: Transport) -> None:
    async with RawServer(cut_after(CHUNKED, len(CHUNKED) - 5)) as server:
        got = await sent(transport, post(server.url))
        pieces = b""
        while isinstance(piece := await got.read(wait()), bytes):
            pieces += piece
        await got.aclose()
    assert (pieces, piece.kind) == (b"helloworld", FailureKind.PROTOCOL)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"\x16\x03\x01\x00\x05hello", id="garbage"),
        pytest.param(b"<html>Bad gateway</html>\r\n\r\n", id="f5-html-without-http"),
        pytest.param(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", id="upgrade"),
        pytest.param(b"HTTP/1.1 101 Switching\r\n\r\n", id="upgrade-unnamed"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", id="two-lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc", id="negative-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc", id="length-not-a-number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", id="transfer-coding"),
        pytest.param(b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", id="header-without-colon"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 150_000 + b"\r\n\r\n", id="huge-header"),
        pytest.param(chunked(b"x")[:-6] + b"zz\r\n", id="bad-chunk-size"),
        pytest.param(chunked(b"hello").replace(b"5\r\n", b"4\r\n"), id="chunk-longer-than-its-size"),
    ],
)
async def test_f5_an_answer_that_is_not_http_is_a_protocol_failure(transport: Transport, message: bytes) -> None:
    async with RawServer(first_then_ok(answer_once(message))) as server:
        got = await fetch(transport, post(server.url))
        assert isinstance(got, Failure)
        assert (got.kind, got.scope, got.request_sent) == (FailureKind.PROTOCOL, Scope.CANDIDATE, True)
        assert (await fetched(transport, post(server.url))).body == OK_BODY


async def test_headers_without_end_are_cut_off(transport: Transport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.send(b"X: " + b"y" * 1000 + b"\r\n")

    async with RawServer(handle) as server:
        got = await fetch(transport, post(server.url))
        assert isinstance(got, Failure)
        assert got.kind is FailureKind.PROTOCOL
        assert await settles(lambda: server.open == 0)


async def test_an_upload_that_the_upstream_does_not_take_ends_with_the_head_wait(transport: Transport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(60)

    async with RawServer(handle) as server:
        got = await send(transport, post(server.url, bytes(32 * 1024 * 1024)), head_s=0.3)
    assert got == Failure(FailureKind.TIMEOUT_HEADERS, detail="no answer in time")


async def test_an_upstream_that_goes_away_during_the_upload_is_a_connect_failure(transport: Transport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.head()
        await peer.read(100_000)
        peer.reset()

    async with RawServer(handle) as server:
        got = await fetch(transport, post(server.url, bytes(32 * 1024 * 1024)))
    assert got == Failure(FailureKind.CONNECT, detail="the connection was reset before an answer came")


async def test_an_answer_that_was_received_in_full_survives_a_reset(transport: Transport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(response(b"x" * 100_000))
        await asyncio.sleep(0.05)
        peer.reset()

    async with RawServer(handle) as server:
        assert len((await fetched(transport, post(server.url))).body) == 100_000
