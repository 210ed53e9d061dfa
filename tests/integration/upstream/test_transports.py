"""The transport that the gateway is given chooses between the two."""

from __future__ import annotations

import respx

from proxy.core.secret import Secret
from proxy.core.snapshot import Snapshot
from proxy.upstream.transports import Transports
from tests.fakes.proxies import http_proxy
from tests.fakes.rawserver import OK_BODY, RawServer, answer, stale_after
from tests.fakes.upstream_calls import CLOCK, fetched, post, provider, settles


async def test_each_request_goes_by_its_provider() -> None:
    transports = Transports(CLOCK, on_stale_retry=lambda _: None, on_ready=lambda _: None)
    async with RawServer(answer()) as server:
        with respx.mock:
            respx.post(f"{server.url}/v1/chat/completions").respond(200, text="intercepted")
            native = await fetched(transports, post(server.url))
            httpx = await fetched(transports, post(server.url, by=provider(transport="httpx")))
    assert (native.body, httpx.body) == (OK_BODY, b"intercepted")
    await transports.aclose()


async def test_request_of_a_provider_with_a_proxy_goes_by_httpx_which_knows_proxies() -> None:
    transports = Transports(CLOCK, on_stale_retry=lambda _: None, on_ready=lambda _: None)
    seen: list[bytes] = []
    async with RawServer(http_proxy(seen)) as proxy, RawServer(answer()) as server:
        answered = await fetched(transports, post(server.url, by=provider(proxy_url=Secret(proxy.url))))
    assert (answered.body, len(seen)) == (OK_BODY, 1)
    await transports.aclose()


async def test_a_new_configuration_lets_go_of_providers_it_does_not_hold() -> None:
    transports = Transports(CLOCK, on_stale_retry=lambda _: None, on_ready=lambda _: None)
    providers = [provider(), provider(), provider(transport="httpx"), provider(transport="httpx")]
    async with RawServer(answer()) as server:
        for by in providers:
            await fetched(transports, post(server.url, by=by))
        assert server.open == 4
        transports.retire(Snapshot(providers={"a": providers[0], "b": providers[2]}))
        assert await settles(lambda: server.open == 2)
        await transports.aclose()
        assert await settles(lambda: server.open == 0)


async def test_repeated_requests_are_counted() -> None:
    counted: list[str] = []
    transports = Transports(CLOCK, on_stale_retry=counted.append, on_ready=lambda _: None)
    async with RawServer(stale_after(1, reset=True)) as server:
        for _ in range(2):
            await fetched(transports, post(server.url))
        await transports.aclose()
    assert counted == ["fake"]
