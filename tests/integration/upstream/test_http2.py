"""HTTP/2 through the httpx transport."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme
from h2.errors import ErrorCodes

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.secret import Secret
from proxy.core.snapshot import Provider
from proxy.upstream.httpx_transport import HttpxTransport
from tests.fakes.h2server import H2Server, Stream
from tests.fakes.proxies import http_proxy, relay_to
from tests.fakes.rawserver import Peer, RawServer, answer, server_tls
from tests.fakes.upstream_calls import fetch, fetched, post, provider, send, sent, settles, wait

ANY_NUMBER = 2**31 - 1  # as servers say that they will soon take no more


@pytest.fixture
def by(ca_file: str) -> Provider:
    return provider(ca_file=ca_file, transport="httpx")


@pytest.fixture
def h2_tls(authority: trustme.CA) -> ssl.SSLContext:
    return server_tls(authority, alpn=("h2",))


async def echo(stream: Stream) -> None:
    body = await stream.body()
    stream.respond(200, ("x-connection", str(stream.connection)))
    await stream.send(body, end=True)


async def hang(stream: Stream) -> None:
    stream.respond(200)
    await stream.send(b"data: 1\n\n")
    await stream.cancelled.wait()


async def test_requests_share_one_connection(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    async with H2Server(echo, h2_tls) as server:
        await fetched(httpx_transport, post(server.url, b"first", by=by))
        bodies = [b"%d" % number * 1000 for number in range(20)]
        answers = await asyncio.gather(*(fetched(httpx_transport, post(server.url, body, by=by)) for body in bodies))
        assert [got.body for got in answers] == bodies
        assert {got.header(b"x-connection") for got in answers} == {b"1"}


async def test_a_first_burst_does_not_wait_for_one_connection_that_may_be_http_1(
    httpx_transport: HttpxTransport, authority: trustme.CA, by: Provider
) -> None:
    async with RawServer(answer(), tls=server_tls(authority)) as server:
        relay = relay_to(server.port)

        async def handle(peer: Peer) -> None:
            await (peer.gone() if peer.number == 1 else relay(peer))  # the first handshake never ends

        async with RawServer(handle) as front:
            request = post(front.url.replace("http:", "https:"), by=by)
            answers = await asyncio.gather(*(fetch(httpx_transport, request, connect_s=1) for _ in range(5)))
    assert sorted(type(got) is Failure for got in answers) == [False, False, False, False, True]


async def test_large_bodies_pass_both_ways(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    body = bytes(range(256)) * 4096 * 3
    async with H2Server(echo, h2_tls) as server:
        assert (await fetched(httpx_transport, post(server.url, body, by=by))).body == body


async def test_the_upstream_sees_the_headers_and_the_target(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    seen: list[dict[bytes, bytes]] = []

    async def handle(stream: Stream) -> None:
        seen.append(stream.headers)
        await echo(stream)

    async with H2Server(handle, h2_tls) as server:
        await fetched(httpx_transport, post(f"{server.url}/v1/x?y=1%2F2", by=by))
    assert seen[0][b":path"] == b"/v1/x?y=1%2F2"
    assert seen[0][b"accept-encoding"] == b"identity"
    assert b"user-agent" not in seen[0]


@pytest.mark.parametrize("how", ["close", "cancel", "timeout"])
async def test_f14_an_answer_that_nobody_wants_is_reset_and_its_connection_lives_on(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider, how: str
) -> None:
    streams: list[Stream] = []

    async def handle(stream: Stream) -> None:
        streams.append(stream)
        await (hang if len(streams) == 1 else echo)(stream)

    async with H2Server(handle, h2_tls) as server:
        response = await sent(httpx_transport, post(server.url, by=by))
        assert await response.read(wait()) == b"data: 1\n\n"
        if how == "timeout":
            assert isinstance(await response.read(wait(0.05)), Failure)
        elif how == "cancel":
            reading = asyncio.ensure_future(response.read(wait()))
            await asyncio.sleep(0.02)
            reading.cancel()
            await asyncio.wait([reading])
        await response.aclose()
        assert await settles(streams[0].cancelled.is_set)
        got = await fetched(httpx_transport, post(server.url, b"next", by=by))
        assert (got.body, got.header(b"x-connection")) == (b"next", b"1")


@pytest.mark.parametrize("times", [1, 2])
async def test_f14_a_request_cancelled_before_its_head_is_reset(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider, times: int
) -> None:
    streams: list[Stream] = []

    async def handle(stream: Stream) -> None:
        streams.append(stream)
        await (stream.cancelled.wait() if len(streams) == 1 else echo(stream))

    async with H2Server(handle, h2_tls) as server:
        task = asyncio.ensure_future(fetch(httpx_transport, post(server.url, by=by)))
        assert await settles(lambda: len(streams) == 1)
        await streams[0].body()
        await asyncio.sleep(0.02)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([task])
        assert await settles(lambda: streams[0].cancelled.is_set() or not server.open)
        assert (await fetched(httpx_transport, post(server.url, b"next", by=by))).body == b"next"


async def test_a_stream_that_the_upstream_resets_is_a_protocol_failure(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    async def handle(stream: Stream) -> None:
        if (await stream.body()) == b"late":
            stream.respond(200)
            await stream.send(b"some")
        stream.reset()

    async with H2Server(handle, h2_tls) as server:
        early = await fetch(httpx_transport, post(server.url, b"early", by=by))
        late = await fetch(httpx_transport, post(server.url, b"late", by=by))
    assert early == Failure(FailureKind.PROTOCOL, detail="malformed answer")
    assert late == Failure(FailureKind.PROTOCOL, status=200, detail="malformed answer")


async def test_a_connection_that_goes_away_is_replaced(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    async def handle(stream: Stream) -> None:
        await echo(stream)
        if stream.connection == 1:
            stream.go_away()

    async with H2Server(handle, h2_tls) as server:
        await fetched(httpx_transport, post(server.url, b"1", by=by))
        await asyncio.sleep(0.05)
        assert (await fetched(httpx_transport, post(server.url, b"2", by=by))).body == b"2"
        assert server.accepted == 2


async def test_a_request_cancelled_when_its_connection_was_just_made_leaves_none_that_is_of_no_use(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    def is_made() -> bool:
        pools = [client.pool for client in httpx_transport._clients._clients.values()]
        return any("HTTP/2" in connection.info() for pool in pools for connection in pool.connections)

    async with H2Server(echo, h2_tls) as server:
        task = asyncio.ensure_future(fetch(httpx_transport, post(server.url, by=by)))
        while not is_made():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0.02)
        for body in (b"1", b"2"):
            assert (await fetched(httpx_transport, post(server.url, body, by=by))).body == body


@pytest.mark.parametrize("size_bytes", [2, 60_000, 3_000_000])
async def test_an_answer_that_does_not_wait_for_the_whole_request_is_taken(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider, size_bytes: int
) -> None:
    async def handle(stream: Stream) -> None:
        stream.respond(429, ("retry-after", "7"))
        await stream.send(b"slow down", end=True)
        stream.reset(ErrorCodes.NO_ERROR)

    async with H2Server(handle, h2_tls) as server:
        for _ in range(3):
            got = await fetched(httpx_transport, post(server.url, bytes(size_bytes), by=by))
            assert (got.status, got.header(b"retry-after"), got.body) == (429, b"7", b"slow down")
        assert server.accepted == 1


async def test_an_upload_that_the_upstream_resets_is_a_protocol_failure(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    async def handle(stream: Stream) -> None:
        stream.reset()

    async with H2Server(handle, h2_tls) as server:
        got = await fetch(httpx_transport, post(server.url, bytes(3_000_000), by=by))
    assert got == Failure(FailureKind.PROTOCOL, detail="malformed answer")


async def test_an_upload_behind_the_farewell_is_sent_on_another_connection(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    async def handle(stream: Stream) -> None:
        if (stream.connection, stream.number) == (1, 3):
            stream.hold_uploads()
            stream.say_farewell(1)
        else:
            await echo(stream)

    async with H2Server(handle, h2_tls) as server:
        for body in (b"1", bytes(3_000_000)):
            assert (await fetched(httpx_transport, post(server.url, body, by=by))).body == body
        assert server.accepted == 2


@pytest.mark.parametrize("answered", [False, True], ids=["before-head", "in-body"])
@pytest.mark.parametrize("notices", [[1], [ANY_NUMBER, 1]], ids=["at-once", "told-before"])
async def test_answers_under_way_outlive_the_farewell_of_their_connection(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider, notices: list[int], answered: bool
) -> None:
    async def handle(stream: Stream) -> None:
        if stream.connection > 1:
            return await echo(stream)
        body = await stream.body()
        if answered:
            stream.respond(200)
            await stream.send(body)
        for last in notices:
            await asyncio.sleep(0.02)
            stream.say_farewell(last)
        await asyncio.sleep(0.02)
        if not answered:
            stream.respond(200)
        await stream.send(body, end=True)

    async with H2Server(handle, h2_tls) as server:
        got = await fetched(httpx_transport, post(server.url, b"1", by=by))
        assert got.body == (b"11" if answered else b"1")
        after = await fetched(httpx_transport, post(server.url, b"2", by=by))
        assert (after.body, after.header(b"x-connection")) == (b"2", b"2")
        assert await settles(lambda: {protocol.number for protocol in server.open} == {2})


async def test_a_request_behind_the_farewell_is_sent_on_another_connection(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    streams: list[Stream] = []

    async def handle(stream: Stream) -> None:
        streams.append(stream)
        if (stream.connection, stream.number) == (1, 3):
            return  # not taken
        await echo(stream)
        if stream.connection == 1:
            stream.say_farewell(stream.number)

    async with H2Server(handle, h2_tls) as server:
        for body in (b"1", b"2", b"3"):
            assert (await fetched(httpx_transport, post(server.url, body, by=by))).body == body
            await asyncio.sleep(0.02)
    assert [stream.connection for stream in streams] in ([1, 1, 2, 2], [1, 2, 2])


async def test_a_request_that_no_connection_takes_is_sent_twice_at_most(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    async def handle(stream: Stream) -> None:
        stream.say_farewell(0)

    async with H2Server(handle, h2_tls) as server:
        got = await fetch(httpx_transport, post(server.url, by=by))
        assert got == Failure(FailureKind.PROTOCOL, detail="malformed answer")
        assert server.accepted == 2


@pytest.mark.parametrize("size_bytes", [1, 3_000_000])
async def test_a_request_behind_the_farewell_that_another_one_reads_waits_for_nothing(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider, size_bytes: int
) -> None:
    waiting: list[Stream] = []

    async def handle(stream: Stream) -> None:
        if stream.connection > 1 or stream.number == 1:
            return await echo(stream)
        stream.hold_uploads()
        waiting.append(stream)
        if len(waiting) == 2:
            await asyncio.sleep(0.02)
            waiting[0].answer_with_farewell(b"3")  # and not a byte more

    async with H2Server(handle, h2_tls) as server:
        await fetched(httpx_transport, post(server.url, b"1", by=by))
        first = asyncio.ensure_future(fetched(httpx_transport, post(server.url, b"3", by=by)))
        await asyncio.sleep(0.02)
        behind = await asyncio.wait_for(fetched(httpx_transport, post(server.url, bytes(size_bytes), by=by)), 5)
        assert (behind.body, behind.header(b"x-connection")) == (bytes(size_bytes), b"2")
        assert (await first).body == b"3"


async def test_answers_under_way_outlive_a_lower_limit_of_their_connection(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    waiting: list[Stream] = []

    async def handle(stream: Stream) -> None:
        body = await stream.body()
        stream.respond(200, ("x-connection", str(stream.connection)))
        if body == b"wait":
            waiting.append(stream)
            await stream.send(b"...")
            if len(waiting) < 3:
                return
            stream.allow(1)
            await asyncio.sleep(0.05)
            for each in waiting:
                await each.send(b"done", end=True)
            return stream.allow(50)
        await stream.send(body, end=True)

    async with H2Server(handle, h2_tls) as server:
        await fetched(httpx_transport, post(server.url, b"first", by=by))
        answers = await asyncio.gather(*(fetched(httpx_transport, post(server.url, b"wait", by=by)) for _ in range(3)))
        assert [got.body for got in answers] == [b"...done"] * 3
        after = await asyncio.gather(*(fetched(httpx_transport, post(server.url, b"next", by=by)) for _ in range(20)))
        assert {got.body for got in after} == {b"next"}


async def test_a_farewell_in_anger_fails_what_is_under_way(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    async def handle(stream: Stream) -> None:
        await stream.body()
        stream.say_farewell(stream.number, ErrorCodes.ENHANCE_YOUR_CALM)
        await stream.cancelled.wait()

    async with H2Server(handle, h2_tls) as server:
        got = await fetch(httpx_transport, post(server.url, by=by))
    assert got == Failure(FailureKind.PROTOCOL, detail="malformed answer")


@pytest.mark.parametrize("answered", [False, True], ids=["before-head", "in-body"])
async def test_a_connection_that_drops_fails_its_streams(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider, answered: bool
) -> None:
    async def handle(stream: Stream) -> None:
        await stream.body()
        if answered:
            stream.respond(200)
            await stream.send(b"some")
            await asyncio.sleep(0.05)
        stream.drop()

    async with H2Server(handle, h2_tls) as server:
        got = await fetch(httpx_transport, post(server.url, by=by))
    assert isinstance(got, Failure)
    kind = FailureKind.PROTOCOL if answered else FailureKind.CONNECT
    assert (got.kind, got.scope, got.request_sent) == (kind, Scope.CANDIDATE, True)


async def test_a_silent_stream_ends_with_its_wait(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, by: Provider
) -> None:
    async def handle(stream: Stream) -> None:
        await stream.cancelled.wait()

    async with H2Server(handle, h2_tls) as server:
        got = await send(httpx_transport, post(server.url, by=by), head_s=0.1)
        assert got == Failure(FailureKind.TIMEOUT_HEADERS, detail="no answer in time")


async def test_http_2_passes_through_a_tunnel(
    httpx_transport: HttpxTransport, h2_tls: ssl.SSLContext, ca_file: str
) -> None:
    seen: list[bytes] = []
    async with RawServer(http_proxy(seen)) as proxy, H2Server(echo, h2_tls) as server:
        by = provider(ca_file=ca_file, proxy_url=Secret(proxy.url))
        for body in (b"1", b"2"):
            assert (await fetched(httpx_transport, post(server.url, body, by=by))).body == body
    assert len(seen) == 1
