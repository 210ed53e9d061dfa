"""What the httpx transport alone promises: respx intercepts it, clients live as long as they are used, mutual TLS."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
import respx
import trustme

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.upstream import httpx_clients
from proxy.upstream.httpx_transport import HttpxTransport
from tests.fakes.rawserver import OK, OK_BODY, Peer, RawServer, answer, response, server_tls
from tests.fakes.upstream_calls import CLOCK, body_of, fetch, fetched, post, provider, sent, settles, wait

URL = "https://api.vendor.test/v1/chat/completions"


@respx.mock
async def test_respx_intercepts_it(httpx_transport: HttpxTransport) -> None:
    route = respx.post(URL).respond(200, json={"ok": True}, headers={"X-Request-Id": "r1"})
    got = await fetched(httpx_transport, post(URL, b"body"))
    assert (got.status, got.body, got.header(b"x-request-id")) == (200, b'{"ok":true}', b"r1")
    assert route.calls.last.request.content == b"body"


@respx.mock
@pytest.mark.parametrize(
    ("error", "failure"),
    [
        pytest.param(
            httpx.ConnectError("x"),
            Failure(FailureKind.CONNECT, Scope.PROVIDER, request_sent=False, detail="connection failed"),
            id="connect",
        ),
        pytest.param(
            httpx.ConnectTimeout("x"),
            Failure(FailureKind.TIMEOUT_CONNECT, Scope.PROVIDER, request_sent=False, detail="no connection in time"),
            id="connect-timeout",
        ),
        pytest.param(
            httpx.ReadTimeout("x"), Failure(FailureKind.TIMEOUT_HEADERS, detail="no answer in time"), id="read-timeout"
        ),
        pytest.param(
            httpx.ReadError("x"),
            Failure(FailureKind.CONNECT, detail="the connection was reset before an answer came"),
            id="read-error",
        ),
    ],
)
async def test_what_respx_raises_becomes_the_same_failures(
    httpx_transport: HttpxTransport, error: httpx.HTTPError, failure: Failure
) -> None:
    respx.post(URL).mock(side_effect=error)
    assert await fetch(httpx_transport, post(URL)) == failure


@pytest.mark.parametrize("joined", [False, True], ids=["one-file", "certificate-and-key"])
async def test_mutual_tls_presents_the_configured_certificate(
    httpx_transport: HttpxTransport, authority: trustme.CA, ca_file: str, tmp_path: Path, joined: bool
) -> None:
    pair = authority.issue_cert("client.test")
    certificate, key, both = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "both.pem"
    pair.private_key_and_cert_chain_pem.write_to_path(str(both))
    pair.cert_chain_pems[0].write_to_path(str(certificate))
    pair.private_key_pem.write_to_path(str(key))
    tls = server_tls(authority)
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    async with RawServer(answer(), tls=tls) as server:
        by = provider(ca_file=ca_file, client_cert=f"{certificate},{key}" if joined else str(both))
        assert (await fetched(httpx_transport, post(server.url, by=by))).body == OK_BODY
        assert isinstance(await fetch(httpx_transport, post(server.url, by=provider(ca_file=ca_file))), Failure)


async def test_cookies_are_passed_on_and_not_kept(httpx_transport: HttpxTransport) -> None:
    heads: list[bytes] = []

    async def handle(peer: Peer) -> None:
        while True:
            heads.append((await peer.request()).head)
            await peer.send(response(b"", b"Set-Cookie: a=b; Path=/"))

    async with RawServer(handle) as server:
        for _ in range(2):
            assert (await fetched(httpx_transport, post(server.url))).header(b"set-cookie") == b"a=b; Path=/"
    (client,) = httpx_transport._clients._clients.values()
    assert len(client.http.cookies.jar) == 0
    assert b"cookie" not in heads[1].lower()


async def test_a_retired_client_serves_its_last_request_and_is_closed_then(httpx_transport: HttpxTransport) -> None:
    going_on = asyncio.Event()

    async def handle(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(OK[:-1])
            await going_on.wait()
            await peer.send(OK[-1:])

    async with RawServer(handle) as server:
        gone = provider()
        under_way = await sent(httpx_transport, post(server.url, by=gone))
        httpx_transport.keep_only([])
        await asyncio.sleep(0.05)
        assert server.open == 1
        going_on.set()
        assert await body_of(under_way) == OK_BODY
        await under_way.aclose()
        assert await settles(lambda: server.open == 0)
        assert (await fetched(httpx_transport, post(server.url, by=gone))).body == OK_BODY


async def test_a_client_that_is_made_for_a_provider_that_is_gone_is_closed_after_its_request(
    httpx_transport: HttpxTransport,
) -> None:
    """A request keeps the configuration that it began with, and may send by it after a reload."""
    kept, gone = provider(), provider()
    httpx_transport.keep_only([kept])
    async with RawServer(answer()) as server:
        for by in (kept, gone, gone):
            assert (await fetched(httpx_transport, post(server.url, by=by))).body == OK_BODY
        assert await settles(lambda: server.open == 1)
        assert server.accepted == 3
        await fetched(httpx_transport, post(server.url, by=kept))
        assert server.accepted == 3


async def test_an_unused_retired_client_is_closed_at_once(httpx_transport: HttpxTransport) -> None:
    kept, gone = provider(), provider()
    async with RawServer(answer()) as server:
        for by in (kept, gone):
            await fetched(httpx_transport, post(server.url, by=by))
        httpx_transport.keep_only([kept])
        assert await settles(lambda: server.open == 1)
        await fetched(httpx_transport, post(server.url, by=kept))
        assert server.accepted == 2


async def test_the_least_recently_used_client_makes_room(
    httpx_transport: HttpxTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httpx_clients, "MAX_CLIENTS", 2)
    first, second, third = provider(), provider(), provider()
    async with RawServer(answer()) as server:
        for by in (first, second, first, third):
            await fetched(httpx_transport, post(server.url, by=by))
        assert await settles(lambda: server.open == 2)
        await fetched(httpx_transport, post(server.url, by=first))
        assert server.accepted == 3


async def test_idle_connections_are_closed_after_their_time() -> None:
    transport = HttpxTransport(CLOCK, idle_s=0.1)
    async with RawServer(answer()) as server:
        await asyncio.gather(*(fetched(transport, post(server.url)) for _ in range(3)))
        assert server.open == 3
        assert await settles(lambda: server.open == 0)
        await transport.aclose()


async def test_an_idle_connection_that_the_upstream_closed_is_not_used(httpx_transport: HttpxTransport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        peer.close()

    async with RawServer(handle) as server:
        for _ in range(3):
            assert (await fetched(httpx_transport, post(server.url))).body == OK_BODY
            await asyncio.sleep(0.02)
        assert server.accepted == 3


async def test_closing_the_transport_ends_what_is_under_way(httpx_transport: HttpxTransport) -> None:
    async with RawServer(answer(OK[:-1])) as server:
        under_way = await sent(httpx_transport, post(server.url))
        assert await under_way.read(wait()) == OK_BODY[:-1]
        await httpx_transport.aclose()
        assert await settles(lambda: server.open == 0)
        assert isinstance(await body_of(under_way), Failure)
        await under_way.aclose()
