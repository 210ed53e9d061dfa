"""What the native transport alone promises: the one repeated send, idle connections, and waits that move."""

from __future__ import annotations

import asyncio
import time

import pytest
import trustme

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.ports import Wait
from proxy.upstream.native import NativeTransport
from tests.fakes.clock import ShiftedClock
from tests.fakes.rawserver import (
    BLINK_S,
    OK,
    OK_BODY,
    Peer,
    RawServer,
    answer,
    answer_once,
    early,
    response,
    server_tls,
    split,
    stale_after,
)
from tests.fakes.upstream_calls import CLOCK, body_of, fetch, fetched, post, provider, send, sent, settles, wait

MiB = 1024 * 1024


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("body", [b"{}", bytes(MiB)], ids=["small", "large"])
async def test_a_request_on_a_stale_connection_is_sent_again_once_and_counted(reset: bool, body: bytes) -> None:
    counted: list[str] = []
    native = NativeTransport(CLOCK, on_stale_retry=counted.append)
    async with RawServer(stale_after(1, reset=reset)) as server:
        for _ in range(3):
            assert (await fetched(native, post(server.url, body))).body == OK_BODY
        assert (server.accepted, counted) == (2, ["fake"])
        await native.aclose()


async def test_a_stale_connection_is_replaced_when_nobody_counts(native: NativeTransport) -> None:
    async with RawServer(stale_after(1, reset=True)) as server:
        for _ in range(2):
            assert (await fetched(native, post(server.url))).body == OK_BODY


async def test_a_fresh_connection_that_dies_is_not_repeated(native: NativeTransport) -> None:
    async with RawServer(stale_after(0, reset=False)) as server:
        got = await fetch(native, post(server.url))
        assert got == Failure(FailureKind.CONNECT, detail="the connection was closed before an answer came")
        assert server.accepted == 1


async def test_a_repeated_request_is_not_repeated_again(native: NativeTransport) -> None:
    async def handle(peer: Peer) -> None:
        if peer.number == 1:
            await peer.request()
            await peer.send(OK)
        await peer.request()
        peer.close()

    async with RawServer(handle) as server:
        await fetched(native, post(server.url))
        got = await fetch(native, post(server.url))
        assert got == Failure(FailureKind.CONNECT, detail="the connection was closed before an answer came")
        assert server.accepted == 2


async def test_a_reused_connection_that_said_a_byte_is_not_repeated(native: NativeTransport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        await peer.send(b"H")
        peer.close()

    async with RawServer(handle) as server:
        await fetched(native, post(server.url))
        assert isinstance(await fetch(native, post(server.url)), Failure)
        assert server.accepted == 1


async def test_a_reused_connection_that_dies_late_is_not_repeated() -> None:
    clock = ShiftedClock()
    native = NativeTransport(clock)

    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        clock.advance(1.1)
        peer.close()

    async with RawServer(handle) as server:
        await fetched(native, post(server.url))
        assert isinstance(await fetch(native, post(server.url)), Failure)
        assert server.accepted == 1
        await native.aclose()


async def test_a_reused_connection_that_is_silent_is_not_repeated(native: NativeTransport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.gone()

    async with RawServer(handle) as server:
        await fetched(native, post(server.url))
        got = await fetch(native, post(server.url), head_s=0.1)
        assert isinstance(got, Failure)
        assert (got.kind, server.accepted) == (FailureKind.TIMEOUT_HEADERS, 1)


async def test_a_repeated_request_that_finds_no_connection_counts_as_sent(native: NativeTransport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        assert server.listening is not None
        server.listening.close()
        peer.reset()

    async with RawServer(handle) as server:
        await fetched(native, post(server.url))
        got = await fetch(native, post(server.url))
    assert got == Failure(FailureKind.CONNECT, Scope.PROVIDER, request_sent=True, detail="connection refused")


async def test_an_idle_connection_is_closed_after_its_time() -> None:
    native = NativeTransport(CLOCK, idle_s=0.2)
    async with RawServer(answer()) as server:
        await asyncio.gather(*(fetched(native, post(server.url)) for _ in range(3)))
        assert server.open == 3
        await asyncio.sleep(0.1)
        await fetched(native, post(server.url))
        assert await settles(lambda: server.open == 1)
        assert await settles(lambda: server.open == 0)
        await native.aclose()


@pytest.mark.parametrize("noise", [b"HTTP/1.1 408 Request Timeout\r\n\r\n", b"\r\n", b""], ids=["408", "crlf", "eof"])
async def test_an_idle_connection_is_closed_on_any_event(native: NativeTransport, noise: bytes) -> None:
    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        if peer.number == 1:
            await asyncio.sleep(BLINK_S)
            await peer.send(noise)
            if not noise:
                peer.finish()
        await peer.gone()

    async with RawServer(handle) as server:
        await fetched(native, post(server.url))
        assert await settles(lambda: server.open == 0)
        assert (await fetched(native, post(server.url))).body == OK_BODY
        assert server.accepted == 2


async def test_the_connection_used_last_is_used_next(native: NativeTransport) -> None:
    async def handle(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(response(b"%d" % peer.number))

    async with RawServer(handle) as server:
        one, two = await sent(native, post(server.url)), await sent(native, post(server.url))
        assert [await body_of(one), await body_of(two)] == [b"1", b"2"]
        await two.aclose()
        await one.aclose()
        for _ in range(2):
            assert (await fetched(native, post(server.url))).body == b"1"


async def test_connections_of_one_provider_are_not_used_for_another(native: NativeTransport) -> None:
    async with RawServer(answer()) as server:
        for _ in range(2):
            await fetched(native, post(server.url, by=provider()))
        assert server.accepted == 2


async def test_idle_connections_of_a_retired_provider_are_closed(native: NativeTransport) -> None:
    kept, gone = provider(), provider()
    async with RawServer(answer()) as server:
        await fetched(native, post(server.url, by=kept))
        await fetched(native, post(server.url, by=gone))
        under_way = await sent(native, post(server.url, by=gone))
        await fetched(native, post(server.url, by=gone))
        native.keep_only([kept])
        assert await settles(lambda: server.open == 2)
        assert await body_of(under_way) == OK_BODY
        await under_way.aclose()


async def test_closing_the_transport_closes_what_is_idle_and_what_is_not(native: NativeTransport) -> None:
    async with RawServer(answer(OK[:-1])) as server:
        under_way = await sent(native, post(server.url))
        await native.aclose()
        assert await settles(lambda: server.open == 0)
        assert isinstance(await body_of(under_way), Failure)
        await under_way.aclose()


async def test_a_connection_that_comes_back_after_the_transport_was_closed_is_closed(native: NativeTransport) -> None:
    async with RawServer(answer()) as server:
        await native.aclose()
        await fetched(native, post(server.url))
        assert await settles(lambda: server.open == 0)


async def test_an_early_answer_is_delivered_although_nobody_reads_the_upload(native: NativeTransport) -> None:
    async with RawServer(early(response(b"no", status=b"413 No"), after_bytes=10, lingering=False)) as server:
        for _ in range(2):
            got = await fetched(native, post(server.url, bytes(32 * MiB)))
            assert (got.status, got.body) == (413, b"no")
        assert server.accepted == 2


async def test_an_answer_given_before_the_request_is_taken(native: NativeTransport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.send(response(b"busy", status=b"503 Busy"))
        peer.finish()
        await peer.gone()

    async with RawServer(handle) as server:
        got = await fetched(native, post(server.url))
    assert (got.status, got.body) == (503, b"busy")


async def test_a_later_wait_may_end_earlier_than_the_one_before(native: NativeTransport) -> None:
    async with RawServer(answer(OK[:-1])) as server:
        got = await send(native, post(server.url), head_s=60)
        assert not isinstance(got, Failure)
        began = time.monotonic()
        end = await body_of(got, idle_s=0.1)
        assert isinstance(end, Failure)
        assert (end.kind, time.monotonic() - began < 1) == (FailureKind.TIMEOUT_IDLE, True)
        await got.aclose()


async def test_a_later_wait_may_end_later_than_the_one_before(native: NativeTransport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(*split(OK, len(OK) - 2, len(OK) - 1), gap_s=0.3)

    async with RawServer(handle) as server:
        got = await send(native, post(server.url), head_s=0.2)
        assert not isinstance(got, Failure)
        assert await body_of(got, idle_s=0.5) == OK_BODY
        await got.aclose()


async def test_a_wait_that_is_over_ends_at_once(native: NativeTransport) -> None:
    async with RawServer(answer(OK[:-1])) as server:
        got = await sent(native, post(server.url))
        assert await got.read(Wait(0.0, FailureKind.TIMEOUT_IDLE)) == OK_BODY[:-1]
        end = await got.read(Wait(0.0, FailureKind.TIMEOUT_RESPONSE))
        assert isinstance(end, Failure)
        assert end.kind is FailureKind.TIMEOUT_RESPONSE
        await got.aclose()


async def test_until_eof_over_tls_ends_with_the_connection(
    native: NativeTransport, authority: trustme.CA, ca_file: str
) -> None:
    by = provider(ca_file=ca_file)
    async with RawServer(answer_once(b"HTTP/1.1 200 OK\r\n\r\nhello"), tls=server_tls(authority)) as server:
        assert (await fetched(native, post(server.url, by=by))).body == b"hello"


async def test_an_url_without_host_is_an_error_of_its_maker(native: NativeTransport) -> None:
    with pytest.raises(ValueError, match="host name"):
        await native.send(post("ftp://127.0.0.1/x"), wait(), wait())
