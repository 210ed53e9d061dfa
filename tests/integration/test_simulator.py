"""The simulator on a real socket: what only a server can show."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from proxy.simulator.app import Simulator, simulator_app
from proxy.simulator.scenario import parse_scenario
from tests.fakes.serving import serve

_MESSAGES = [{"role": "user", "content": "hi"}]


@asynccontextmanager
async def _simulated(document: dict[str, Any] | None = None) -> AsyncIterator[tuple[Simulator, httpx.AsyncClient]]:
    simulator = simulator_app(parse_scenario(document or {}))
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url, timeout=5.0) as client:
        yield simulator, client


def _chat(model: str, *, stream: bool = False, **members: Any) -> dict[str, Any]:  # noqa: ANN401 - any member
    return {"model": model, "messages": _MESSAGES, "stream": stream, **members}


async def _until_ended(simulator: Simulator) -> None:
    async with asyncio.timeout(5):
        while simulator.journal.entries[-1].ended_at_s is None:
            await asyncio.sleep(0.005)


async def test_answer_and_stream_say_the_same() -> None:
    async with _simulated() as (_, client):
        whole = (await client.post("/p/v1/chat/completions", json=_chat("m"))).json()
        raw = (await client.post("/p/v1/chat/completions", json=_chat("m", stream=True))).text
    *events, done = [line.removeprefix("data: ") for line in raw.splitlines() if line]
    content = "".join(json.loads(event)["choices"][0]["delta"].get("content", "") for event in events)
    assert (content, done) == (whole["choices"][0]["message"]["content"], "[DONE]")


async def test_connection_is_kept_after_a_good_answer() -> None:
    async with _simulated() as (_, client):
        for stream in (False, True, False):
            response = await client.post("/v1/chat/completions", json=_chat("sim-ok", stream=stream))
            assert "connection" not in response.headers


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["sim-cut-after-3", "sim-headers-cut"])
async def test_f6_cut_closes_the_connection_in_the_middle_of_the_message(model: str, stream: bool) -> None:
    async with _simulated() as (simulator, client):
        async with client.stream("POST", "/v1/chat/completions", json=_chat(model, stream=stream)) as response:
            assert response.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                await response.aread()
        assert simulator.journal.entries[-1].as_document()["end"] == "cut"


async def test_f2_silent_upstream_sends_nothing() -> None:
    async with _simulated() as (simulator, client):
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/v1/chat/completions", json=_chat("sim-silent"), timeout=0.2)
        await _until_ended(simulator)
        assert simulator.journal.entries[-1].as_document()["end"] == "client_gone"


@pytest.mark.parametrize(
    ("model", "lines"),
    [
        pytest.param("sim-headers-only", 0, id="F3-headers"),
        pytest.param("sim-role-silent", 1, id="role"),
        pytest.param("sim-stall-after-2", 3, id="F7-tokens"),
    ],
)
async def test_stall_sends_what_came_before_it_and_no_more(model: str, lines: int) -> None:
    got: list[str] = []
    async with _simulated() as (_, client):
        body = _chat(model, stream=True)
        async with client.stream("POST", "/v1/chat/completions", json=body, timeout=0.2) as response:
            with pytest.raises(httpx.ReadTimeout):
                async for line in response.aiter_lines():
                    got.append(line)
    assert len([line for line in got if line]) == lines


async def test_f14_client_that_leaves_a_paced_stream_is_noticed_at_once() -> None:
    async with _simulated() as (simulator, client):
        body = _chat("sim-rate-1-tokens-500", stream=True)
        async with client.stream("POST", "/v1/chat/completions", json=body) as response:
            await anext(response.aiter_lines())
        began_s = time.monotonic()
        await _until_ended(simulator)
        assert time.monotonic() - began_s < 1.0
        assert simulator.journal.entries[-1].as_document()["end"] == "client_gone"


async def test_f13_tokens_come_at_their_rate() -> None:
    async with _simulated() as (_, client):
        began_s = time.monotonic()
        await client.post("/v1/chat/completions", json=_chat("sim-tokens-10-rate-20", stream=True))
        assert 0.45 < time.monotonic() - began_s < 2.0


@pytest.mark.parametrize("stream", [False, True])
async def test_compressed_answer_can_be_read(stream: bool) -> None:
    async with _simulated() as (_, client):
        response = await client.post("/v1/chat/completions", json=_chat("sim-gzip", stream=stream))
    assert response.headers["content-encoding"] == "gzip"
    assert "simula" in response.text


@pytest.mark.parametrize("stream", [False, True])
async def test_huge_answer_comes_whole(stream: bool) -> None:
    async with _simulated() as (_, client):
        response = await client.post("/v1/chat/completions", json=_chat("sim-huge-2", stream=stream))
    assert response.text.count("x" * 16_384) >= 128


async def test_f17_body_of_ten_megabytes_is_taken() -> None:
    async with _simulated() as (simulator, client):
        body = _chat("m", pad="x" * 10_000_000)
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
        assert simulator.journal.entries[-1].arrival.body_bytes > 10_000_000


@pytest.mark.parametrize(
    ("model", "header"),
    [
        pytest.param("sim-429-retry-after-7", "retry-after", id="seconds"),
        pytest.param("sim-429-retry-date-7", "retry-after", id="date"),
        pytest.param("sim-429-retry-ms-7", "retry-after-ms", id="milliseconds"),
        pytest.param("sim-429-reset-7", "x-ratelimit-reset-requests", id="reset"),
    ],
)
async def test_f9_limit_says_when_to_come_back(model: str, header: str) -> None:
    async with _simulated() as (_, client):
        response = await client.post("/v1/chat/completions", json=_chat(model))
    assert (response.status_code, header in response.headers) == (429, True)


async def test_scenario_can_be_driven_from_outside() -> None:
    async with _simulated() as (_, client):
        rules = {"rules": [{"provider": "first", "first": 1, "then": "overload"}]}
        assert (await client.put("/_simulator/scenario", json=rules)).status_code == 200
        statuses = [
            (await client.post(f"/{provider}/v1/chat/completions", json=_chat("m"))).status_code
            for provider in ("first", "second", "first")
        ]
        log = (await client.get("/_simulator/requests", params={"provider": "first"})).json()["requests"]
        totals = (await client.get("/_simulator/totals")).json()["totals"]
        await client.post("/_simulator/reset")
        after = (await client.get("/_simulator/requests")).json()["requests"]
    assert statuses == [503, 200, 200]
    assert [row["status"] for row in log] == [503, 200]
    assert {row["provider"]: row["requests"] for row in totals} == {"first": 2, "second": 1}
    assert after == []


async def test_server_stops_in_time_although_streams_are_open() -> None:
    before = asyncio.all_tasks()
    began_s = time.monotonic()
    async with _simulated() as (_, client):
        body = _chat("sim-headers-only", stream=True)
        response = await client.send(client.build_request("POST", "/v1/chat/completions", json=body), stream=True)
    await response.aclose()
    assert time.monotonic() - began_s < 3.0
    assert asyncio.all_tasks() == before


async def test_server_that_cannot_start_says_so() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="did not start"):
        async with serve(broken):
            pass
