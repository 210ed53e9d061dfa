"""Proxies through the httpx transport: HTTP forwarding, CONNECT tunnels, SOCKS 5, and the usual variables."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.secret import Secret
from proxy.core.snapshot import Provider
from proxy.upstream.httpx_transport import HttpxTransport
from tests.fakes.proxies import http_proxy, refusing_proxy, socks_proxy
from tests.fakes.rawserver import OK_BODY, Peer, RawServer, answer, refused_url, server_tls, silence
from tests.fakes.upstream_calls import fetch, fetched, open_files, post, provider, settles


def by_way_of(url: str, ca_file: str | None = None) -> Provider:
    return provider(proxy_url=Secret(url), ca_file=ca_file)


def failed(detail: str) -> Failure:
    return Failure(FailureKind.CONNECT, Scope.PROVIDER, request_sent=False, detail=detail)


async def hang_up(peer: Peer) -> None:
    await peer.some()
    peer.close()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    return server_tls(authority)


async def test_plain_http_is_forwarded_with_the_password(httpx_transport: HttpxTransport) -> None:
    seen: list[bytes] = []
    async with RawServer(http_proxy(seen)) as proxy, RawServer(answer()) as server:
        by = by_way_of(proxy.url.replace("//", "//user:pass@"))
        assert (await fetched(httpx_transport, post(f"{server.url}/v1/x", by=by))).body == OK_BODY
    assert seen[0].startswith(f"POST {server.url}/v1/x HTTP/1.1\r\n".encode())
    assert b"proxy-authorization: basic dxnlcjpwyxnz\r\n" in seen[0].lower()


async def test_https_passes_through_a_tunnel_that_is_kept(
    httpx_transport: HttpxTransport, tls: ssl.SSLContext, ca_file: str
) -> None:
    seen: list[bytes] = []
    async with RawServer(http_proxy(seen)) as proxy, RawServer(answer(), tls=tls) as server:
        by = by_way_of(proxy.url, ca_file)
        for _ in range(3):
            assert (await fetched(httpx_transport, post(server.url, by=by))).body == OK_BODY
    assert [head.split(b" ")[:2] for head in seen] == [[b"CONNECT", f"127.0.0.1:{server.port}".encode()]]


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_socks_leads_to_both_plain_and_tls(
    httpx_transport: HttpxTransport, tls: ssl.SSLContext, ca_file: str, scheme: str
) -> None:
    seen: list[str] = []
    async with (
        RawServer(socks_proxy(seen)) as proxy,
        RawServer(answer()) as plain,
        RawServer(answer(), tls=tls) as safe,
    ):
        by = by_way_of(proxy.url.replace("http:", f"{scheme}:"), ca_file)
        for server in (plain, safe):
            assert (await fetched(httpx_transport, post(server.url, by=by))).body == OK_BODY
    assert seen == [f"127.0.0.1:{plain.port}", f"127.0.0.1:{safe.port}"]


async def test_a_proxy_that_refuses_is_no_connection(httpx_transport: HttpxTransport) -> None:
    async with RawServer(refusing_proxy()) as proxy:
        got = await fetch(httpx_transport, post("https://127.0.0.1:1", by=by_way_of(proxy.url)))
    assert got == failed("the proxy refused the connection with status 407")


async def test_a_proxy_that_cannot_be_reached_is_no_connection(httpx_transport: HttpxTransport) -> None:
    got = await fetch(httpx_transport, post("https://127.0.0.1:1", by=by_way_of(refused_url())))
    assert got == failed("connection refused")


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_hangs_up_is_no_connection(httpx_transport: HttpxTransport, scheme: str) -> None:
    files = open_files()
    async with RawServer(hang_up) as proxy:
        by = by_way_of(proxy.url.replace("http:", f"{scheme}:"))
        got = await fetch(httpx_transport, post("https://127.0.0.1:1", by=by))
        assert isinstance(got, Failure)
        assert (got.kind, got.scope, got.request_sent) == (FailureKind.CONNECT, Scope.PROVIDER, False)
        assert await settles(lambda: proxy.open == 0)
    assert await settles(lambda: open_files() <= files + 1)


async def test_a_socks_proxy_that_talks_nonsense_is_no_connection(httpx_transport: HttpxTransport) -> None:
    async def handle(peer: Peer) -> None:
        await peer.some()
        await peer.send(b"\x04\x04\x04\x04")
        await peer.gone()

    async with RawServer(handle) as proxy:
        by = by_way_of(proxy.url.replace("http:", "socks5:"))
        got = await fetch(httpx_transport, post("https://127.0.0.1:1", by=by))
        assert isinstance(got, Failure)
        assert (got.kind, got.scope, got.request_sent) == (FailureKind.CONNECT, Scope.PROVIDER, False)
        assert await settles(lambda: proxy.open == 0)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("end", ["timeout", "cancel", "double cancel"])
async def test_a_proxy_that_is_silent_leaves_nothing_behind(
    httpx_transport: HttpxTransport, scheme: str, end: str
) -> None:
    async with RawServer(silence() if scheme == "http" else Peer.gone) as proxy:
        request = post("https://127.0.0.1:1", by=by_way_of(proxy.url.replace("http:", f"{scheme}:")))
        task = asyncio.ensure_future(fetch(httpx_transport, request, connect_s=0.5 if end == "timeout" else 5))
        assert await settles(lambda: proxy.open == 1)
        await asyncio.sleep(0.02)
        for _ in range(("timeout", "cancel", "double cancel").index(end)):
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([task])
        if end == "timeout":
            assert await task == Failure(
                FailureKind.TIMEOUT_CONNECT, Scope.PROVIDER, request_sent=False, detail="no connection in time"
            )
        assert await settles(lambda: proxy.open == 0)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1:1", "http://[::1", "nonsense"])
async def test_a_proxy_url_that_makes_no_sense_is_no_connection(httpx_transport: HttpxTransport, url: str) -> None:
    got = await fetch(httpx_transport, post("http://127.0.0.1:1", by=by_way_of(url)))
    assert got == failed("proxy_url cannot be used")


async def test_variables_count_only_when_they_are_asked_for(
    httpx_transport: HttpxTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    async with RawServer(http_proxy(seen)) as proxy, RawServer(answer()) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        await fetched(httpx_transport, post(server.url, by=provider(server.url, transport="httpx")))
        assert seen == []
        await fetched(httpx_transport, post(server.url, by=provider(server.url, proxy_url=Secret("env"))))
        assert len(seen) == 1
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        await fetched(httpx_transport, post(server.url, by=provider(server.url, proxy_url=Secret("env"))))
        assert len(seen) == 1
