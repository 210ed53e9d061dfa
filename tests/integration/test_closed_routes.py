"""Every route of a gateway that others can reach, asked without the credential it wants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from proxy.api.endpointspec import BY_PATH, RESOURCES, TUNNELS
from tests.fakes.gateway import RunningGateway, gateway
from tests.fakes.heard import Heard

KEY, TOKEN, WRONG = "client-key-0123456789", "admin-token-0123456789", "wrong-key-0123456789"
PROBES = {"/livez", "/readyz", "/"}
REPORTS = {"/health", "/metrics"}
REACHABLE = f"""
[server]
host = "0.0.0.0"
[auth]
admin_token = "{TOKEN}"
[[auth.keys]]
name = "tester"
key = "{KEY}"
[providers.up]
kind = "ollama"
[models.m]
providers = ["up"]
"""

NOTHING_THAT_OPENS: tuple[dict[str, str], ...] = (
    {},
    {"authorization": "Bearer"},
    {"authorization": f"Bearer {WRONG}"},
    {"authorization": f"Basic {KEY}"},
    {"x-api-key": WRONG},
)

Asked = tuple[str, str]  # method, path


@asynccontextmanager
async def reachable(toml: str = REACHABLE) -> AsyncIterator[RunningGateway]:
    """It listens on loopback here; what it asks for is decided by where its configuration says that it listens."""
    async with gateway(toml) as running:
        yield running


def routes(running: RunningGateway) -> set[Asked]:
    """Everything that the app of this gateway knows, but what anybody may ask."""
    app = running.parts.front.app
    assert isinstance(app, Starlette)
    others = {
        (method.decode(), "/v1" + path.replace("{id}", "x"))
        for path, endpoint in {**RESOURCES, **TUNNELS}.items()
        for method in endpoint.methods
    }
    return {("POST", path) for path in BY_PATH} | others | set(_routed(app))


def _routed(router: Starlette) -> Iterator[Asked]:
    for route in router.routes:
        assert isinstance(route, Route), "a route whose methods are not known is not checked"
        path = route.path.replace("{model}", "m").replace("{model:path}", "m").replace("{id:path}", "m")
        assert "{" not in path
        if path not in PROBES:
            yield from ((method, path) for method in route.methods or ("GET", "POST"))


async def ask(running: RunningGateway, asked: Asked, **headers: str) -> Heard:
    answer = await running.client.request(*asked, headers=headers, json={} if asked[0] == "POST" else None)
    return Heard(answer.status_code, answer.headers, answer.content)


async def test_every_route_refuses_who_brings_no_credential_or_a_wrong_one() -> None:
    async with reachable() as running:
        known = routes(running)
        assert {path for _, path in known} >= {*REPORTS, "/v1/chat/completions", "/v1/models", "/admin/state"}
        assert len({path for _, path in known if path.startswith("/admin/")}) == 7
        for asked in known:
            for headers in NOTHING_THAT_OPENS:
                heard = await ask(running, asked, **headers)
                assert heard.status == 401, (asked, headers)
                if asked[0] != "HEAD":
                    assert b"key" in heard.body, asked  # in the dialect of whoever asks there


async def test_probes_are_open_and_say_nothing() -> None:
    async with reachable() as running:
        for path in PROBES - {"/"}:
            heard = await ask(running, ("GET", path))
            assert (heard.status, heard.body) == (200, b"ok\n")
        here = await ask(running, ("GET", "/"))
        assert (here.status, here.body.startswith(b"This is Fairlead.")) == (200, True)


async def test_client_key_opens_no_admin_route_and_the_admin_token_calls_no_model() -> None:
    async with reachable() as running:
        known = routes(running)
        for asked in known:
            is_admin = asked[1].startswith("/admin/")
            if asked[1] in REPORTS:
                continue
            other = KEY if is_admin else TOKEN
            for headers in ({"authorization": f"Bearer {other}"}, {"x-api-key": other}):
                assert (await ask(running, asked, **headers)).status == 401, asked


@pytest.mark.parametrize("credential", [KEY, TOKEN])
async def test_reports_open_to_a_client_key_and_to_the_admin_token(credential: str) -> None:
    async with reachable() as running:
        for path in REPORTS:
            assert (await ask(running, ("GET", path), authorization=f"Bearer {credential}")).status == 200


async def test_admin_routes_are_closed_to_everybody_where_there_is_no_admin_token() -> None:
    async with reachable(REACHABLE.replace(f'admin_token = "{TOKEN}"', "")) as running:
        admin = [asked for asked in routes(running) if asked[1].startswith("/admin/")]
        assert len({path for _, path in admin}) == 7
        for asked in admin:
            for credential in (KEY, TOKEN, "None", ""):
                heard = await ask(running, asked, authorization=f"Bearer {credential}".strip())
                assert heard.status == 403
                if asked[0] != "HEAD":
                    assert "admin_token" in heard.error["message"]


async def test_two_different_keys_are_refused_though_one_is_right() -> None:
    async with reachable() as running:
        asked = ("GET", "/v1/models")
        assert (await ask(running, asked, authorization=f"Bearer {KEY}")).status == 200
        for other in ("x-api-key", "api-key", "x-goog-api-key"):
            heard = await ask(running, asked, authorization=f"Bearer {KEY}", **{other: WRONG})
            assert heard.status == 401
            assert (await ask(running, asked, **{other: KEY})).status == 200


async def test_key_in_the_query_is_no_key() -> None:
    async with reachable() as running:
        for name in ("key", "api_key", "api-key", "token", "access_token"):
            assert (await ask(running, ("GET", f"/v1/models?{name}={KEY}"))).status == 401


async def test_off_loopback_headers_tell_nothing_of_how_the_gateway_is_built() -> None:
    async with reachable() as running:
        body = {"model": "unheard-of", "messages": []}
        headers = {"authorization": f"Bearer {KEY}"}
        answer = await running.client.post("/v1/chat/completions", json=body, headers=headers)
        assert answer.status_code == 404
        assert [name for name in answer.headers if name.startswith("x-fairlead-")] == ["x-fairlead-request-id"]
        assert "server" not in answer.headers
