"""Paths that are served past ASGI: their methods, the model's name in them, and pages of other origins."""

from __future__ import annotations

import pytest

from tests.fakes.heard import Heard
from tests.fakes.wireclient import CHAT, ask, chat
from tests.integration.clientstage import BODY, on_stage, request

PAGE = "https://page.example.com"
DEPLOYED = "/openai/deployments/team%2Fgpt/chat/completions?api-version=2024-10-21"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", [CHAT, DEPLOYED])
async def test_proxied_path_takes_post_alone(method: str, path: str) -> None:
    async with on_stage() as (on, client):
        client.writer.write(request(method, path))
        heard = await client.heard()
        assert (heard.status, heard.headers["allow"]) == (405, "POST")
        assert heard.error["code"] == "method_not_allowed"
        assert on.gateway.metric("requests_total", endpoint="chat", model="unknown", status="405") == 1
        (await client.ask(chat("m"))).check_whole(by="first")


async def test_answer_to_head_has_no_body() -> None:
    async with on_stage() as (_, client):
        client.writer.write(request("HEAD"))
        status, headers = await client.head()
        assert (status, headers["allow"]) == (405, "POST")
        assert int(headers["content-length"]) > 0
        (await client.ask(chat("m"))).check_whole(by="first")


@pytest.mark.parametrize("target", ["localhost:443", CHAT, "/livez", "*"])
async def test_tunnel_is_refused_and_holds_nobody_up(target: str) -> None:
    async with on_stage() as (on, client):
        client.writer.write(f"CONNECT {target} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        assert (await client.heard()).status == 400
        (await ask(on.gateway.url, chat("m"))).check_whole(by="first")


async def test_head_of_too_many_lines_is_refused_though_it_is_whole() -> None:
    async with on_stage() as (on, client):
        client.writer.write(request("POST", CHAT, *["a: b"] * 300, body=BODY))
        assert (await client.heard()).status == 400
        assert on.calls("first") == 0


async def test_model_in_the_path_may_hold_a_slash() -> None:
    async with on_stage() as (on, client):
        (await client.ask({"messages": chat("m")["messages"]}, path=DEPLOYED)).check_whole(by="first")
        (record,) = await on.records(1)
        assert record["gen_ai.request.model"] == "team/gpt"


@pytest.mark.parametrize("path", [CHAT, DEPLOYED])
async def test_page_of_a_configured_origin_may_call_every_proxied_path(path: str) -> None:
    async with on_stage(sections=f'[server]\ncors_origins = ["{PAGE}"]\n') as (on, client):
        asking = [f"origin: {PAGE}", "access-control-request-method: POST", "access-control-request-headers: x-a"]
        client.writer.write(request("OPTIONS", path, *asking))
        check_open_to_the_page(preflight := await client.heard())
        assert (preflight.status, preflight.headers["access-control-allow-headers"]) == (200, "x-a")
        for stream in (False, True):
            heard = await client.ask(chat("m", stream=stream), {"origin": PAGE}, path=path)
            heard.check_whole(by="first")
            check_open_to_the_page(heard)
        refusal = await client.ask(b"no JSON", {"origin": PAGE}, path=path)
        assert refusal.status == 400
        check_open_to_the_page(refusal)
        assert on.gateway.metric("requests_total", endpoint="chat", model="m", status="200") == 2


def check_open_to_the_page(heard: Heard) -> None:
    assert heard.headers["access-control-allow-origin"] == PAGE
    assert "Origin" in heard.headers["vary"]


async def test_options_that_are_no_preflight_are_refused_like_any_other_method() -> None:
    async with on_stage(sections=f'[server]\ncors_origins = ["{PAGE}"]\n') as (_, client):
        client.writer.write(request("OPTIONS", CHAT))
        assert (await client.heard()).status == 405
