"""A gateway without keys answers programs of this machine alone; and what web pages of configured origins may do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proxy.simulator.app import simulator_app
from tests.fakes.gateway import RunningGateway, gateway
from tests.fakes.heard import Heard
from tests.fakes.serving import serve
from tests.fakes.wireclient import WireClient, chat

PAGE = "https://chat.example.com"
KEY = "client-key-0123456789"
ASKING = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, content-type"}


@asynccontextmanager
async def opened(settings: str = "") -> AsyncIterator[RunningGateway]:
    async with serve(simulator_app()) as url:
        toml = f'{settings}\n[providers.up]\nkind = "openai_compatible"\nbase_url = "{url}/up/v1"\n[models.sim-ok]\n'
        async with gateway(toml + 'providers = ["up"]') as running:
            yield running


async def send(running: RunningGateway, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Heard:
    """Send exactly these headers, whatever an HTTP library would add."""
    async with WireClient(running.url) as client:
        lines = [f"{name}: {value}" for name, value in {"content-length": str(len(body)), **headers}.items()]
        client.writer.write("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body)
        return await client.heard()


async def ask(running: RunningGateway, headers: dict[str, str], *, stream: bool = False) -> Heard:
    usual = {"host": running.url.removeprefix("http://"), "content-type": "application/json"}
    body = json.dumps(chat("sim-ok", stream=stream)).encode()
    return await send(running, "POST", "/v1/chat/completions", {**usual, **headers}, body)


FOREIGN = [
    pytest.param({"host": "evil.example.com"}, id="rebound-name"),
    pytest.param({"host": "127.0.0.1.example.com:8080"}, id="look-alike"),
    pytest.param({"host": "192.168.0.7:8080"}, id="other-address"),
    pytest.param({"host": ""}, id="no-host"),
    pytest.param({"origin": "https://evil.example.com"}, id="cross-site-page"),
    pytest.param({"origin": "null"}, id="page-without-origin"),
    pytest.param({"origin": "http://localhost:1"}, id="page-of-another-port"),
    pytest.param({"sec-fetch-site": "cross-site"}, id="cross-site-fetch"),
    pytest.param({"sec-fetch-site": "same-site"}, id="same-site-fetch"),
    pytest.param({"x-forwarded-for": "10.0.0.1"}, id="forwarded-for"),
    pytest.param({"x-forwarded-host": "gateway"}, id="forwarded-host"),
    pytest.param({"forwarded": "for=10.0.0.1"}, id="forwarded"),
    pytest.param({"x-real-ip": "10.0.0.1"}, id="real-ip"),
]


@pytest.mark.parametrize("headers", FOREIGN)
async def test_open_gateway_refuses_what_no_local_program_sends(headers: dict[str, str]) -> None:
    async with opened() as running:
        refused = [await ask(running, headers), await ask(running, headers, stream=True)]
        local = {"host": "localhost", **headers}
        refused += [await send(running, "GET", path, local) for path in ("/v1/models", "/", "/metrics", "/health")]
        assert [heard.status for heard in refused] == [403] * 6
        assert {heard.error["code"] for heard in refused} == {"not_permitted"}
        assert not any("access-control-allow-origin" in heard.headers for heard in refused)
        assert running.metric("attempts_total", provider="up", model="sim-ok", outcome="ok") == 0


@pytest.mark.parametrize("path", ["/v1beta/models", "/api/tags", "/api/version", "/api/ps"])
async def test_open_gateway_refuses_them_in_every_dialect(path: str) -> None:
    async with opened() as running:
        heard = await send(running, "GET", path, {"host": "localhost", "origin": "https://evil.example.com"})
    assert heard.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="plain"),
        pytest.param({"host": "localhost"}, id="name"),
        pytest.param({"host": "LOCALHOST:8080"}, id="name-and-port"),
        pytest.param({"host": "[::1]:8080"}, id="ipv6"),
        pytest.param({"sec-fetch-site": "none"}, id="typed-by-a-person"),
        pytest.param({"host": "localhost:9", "origin": "http://localhost:9"}, id="own-page"),
        pytest.param({"content-type": "application/json; charset=utf-8"}, id="charset"),
    ],
)
async def test_open_gateway_answers_local_programs(headers: dict[str, str]) -> None:
    async with opened() as running:
        (await ask(running, headers)).check_whole(by="up")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_open_gateway_refuses_bodies_that_a_form_can_send(content_type: str) -> None:
    async with opened() as running:
        heard = await ask(running, {"content-type": content_type})
        assert heard.status == 415
        assert "application/json" in heard.error["message"]


@pytest.mark.parametrize("headers", FOREIGN[:1] + FOREIGN[4:5] + FOREIGN[9:10])
async def test_gateway_with_keys_asks_for_a_key_and_nothing_else(headers: dict[str, str]) -> None:
    async with opened(f'[[auth.keys]]\nname = "tester"\nkey = "{KEY}"') as running:
        assert (await ask(running, headers)).status == 401
        (await ask(running, {**headers, "authorization": f"Bearer {KEY}"})).check_whole(by="up")


# Web pages of configured origins.

CORS = f'[server]\ncors_origins = ["{PAGE}"]\n[[auth.keys]]\nname = "tester"\nkey = "{KEY}"'


async def test_page_of_a_configured_origin_may_ask_and_read_the_answer() -> None:
    async with opened(CORS) as running:
        local = {"host": "localhost", "origin": PAGE}
        preflight = await send(running, "OPTIONS", "/v1/chat/completions", {**local, **ASKING})
        assert preflight.status == 200
        assert preflight.headers["access-control-allow-origin"] == PAGE
        assert "POST" in preflight.headers["access-control-allow-methods"]
        assert "authorization" in preflight.headers["access-control-allow-headers"]
        for stream in (False, True):
            heard = await ask(running, {"origin": PAGE, "authorization": f"Bearer {KEY}"}, stream=stream)
            heard.check_whole(by="up")
            assert heard.headers["access-control-allow-origin"] == PAGE
            assert "x-fairlead-request-id" in heard.headers["access-control-expose-headers"]
        refused = await ask(running, {"origin": PAGE})
        assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, PAGE)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models"])
async def test_browser_is_told_that_a_configured_page_may_reach_into_this_network(path: str) -> None:
    """Chromium asks for that where the gateway's address is a private one, and goes no further without it."""
    async with opened(CORS) as running:
        asking = {"host": "localhost", "origin": PAGE, **ASKING, "access-control-request-private-network": "true"}
        preflight = await send(running, "OPTIONS", path, asking)
        assert (preflight.status, preflight.headers["access-control-allow-private-network"]) == (200, "true")
        refused = await send(running, "OPTIONS", path, {**asking, "origin": "https://evil.example.com"})
        assert refused.status == 400
        assert "access-control-allow-origin" not in refused.headers


async def test_page_of_another_origin_may_not() -> None:
    async with opened(CORS) as running:
        other = {"host": "localhost", "origin": "https://evil.example.com"}
        preflight = await send(running, "OPTIONS", "/v1/chat/completions", {**other, **ASKING})
        assert preflight.status == 400
        heard = await ask(running, {"origin": other["origin"], "authorization": f"Bearer {KEY}"})
        for answer in (preflight, heard):
            assert "access-control-allow-origin" not in answer.headers


async def test_page_of_a_configured_origin_may_use_an_open_gateway() -> None:
    async with opened(f'[server]\ncors_origins = ["{PAGE}"]') as running:
        heard = await ask(running, {"origin": PAGE, "sec-fetch-site": "cross-site"})
        heard.check_whole(by="up")
        assert heard.headers["access-control-allow-origin"] == PAGE


async def test_no_page_is_told_anything_without_configured_origins() -> None:
    async with opened(CORS.replace(f'"{PAGE}"', "")) as running:
        local = {"host": "localhost", "origin": PAGE}
        preflight = await send(running, "OPTIONS", "/v1/chat/completions", {**local, **ASKING})
        assert preflight.status in (404, 405)
        heard = await ask(running, {"origin": PAGE, "authorization": f"Bearer {KEY}"})
        heard.check_whole(by="up")
        for answer in (preflight, heard):
            assert not [name for name in answer.headers if name.startswith("access-control-")]
