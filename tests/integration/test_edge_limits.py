"""What the gateway takes on: bodies in time, in a size and coding that it knows, and as many as it has room for."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from proxy.simulator.app import Simulator, simulator_app
from proxy.simulator.scenario import parse_toml
from tests.fakes.gateway import RunningGateway, gateway
from tests.fakes.heard import Heard
from tests.fakes.serving import serve
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import WireClient, ask, chat

BODY_READ_S = 0.4
ADMIN = "admin-planted-0123456789"
SLACK_S = 1.0  # for a busy machine
SMALL = "max_body_bytes = 2048\nmax_buffered_bytes = 4096"


@asynccontextmanager
async def limited(settings: str) -> AsyncIterator[tuple[RunningGateway, Simulator]]:
    """A gateway with these settings of its server, and the simulator behind it, which records bodies."""
    simulator = simulator_app(parse_toml("record_bodies = true"))
    async with serve(simulator) as url:
        toml = f"""
        [server]
        {settings}
        [providers.up]
        kind = "openai_compatible"
        base_url = "{url}/up/v1"
        limits = {{ parallel = 100 }}
        [models.quick]
        model = "sim-ok"
        providers = ["up"]
        [models.held]
        model = "sim-delay-1"
        providers = ["up"]
        """
        async with gateway(toml) as running:
            yield running, simulator


def check_overloaded(heard: Heard) -> None:
    assert heard.status == 503
    assert heard.error["code"] == "overloaded"
    assert heard.retry_after_s == 1
    assert "x-should-retry" not in heard.headers


def under_way(running: RunningGateway) -> int:
    return running.parts.edge.admission.in_flight


# Bodies in time.


@pytest.mark.parametrize("sent", [pytest.param(b"", id="nothing"), pytest.param(b'{"model":', id="a-part")])
async def test_body_that_does_not_come_in_time_is_408(sent: bytes) -> None:
    async with limited(f"body_read_s = {BODY_READ_S}") as (running, simulator), WireClient(running.url) as client:
        began_s = time.monotonic()
        client.begin(1000)
        client.writer.write(sent)
        heard = await client.heard()
        assert 0.9 * BODY_READ_S < time.monotonic() - began_s < BODY_READ_S + SLACK_S
        assert heard.status == 408
        assert heard.error["code"] == "request_timeout"
        assert heard.headers["connection"] == "close", "another request would be taken for the rest of this one"
        assert not simulator.journal.entries
        assert (under_way(running), running.parts.edge.admission.buffered_bytes) == (0, 0)
        assert await client.reader.read() == b""


async def test_client_that_goes_on_sending_behind_its_refusal_is_not_listened_to_for_ever() -> None:
    settings = f"body_read_s = {BODY_READ_S}\nmax_body_bytes = 1024"
    async with limited(settings) as (running, _), WireClient(running.url) as client:
        client.begin(1_000_000, {"connection": "close"})
        assert (await client.heard()).status == 413
        began_s = time.monotonic()
        with pytest.raises(ConnectionError):
            while True:
                client.writer.write(b" ")
                await client.writer.drain()
                await asyncio.sleep(0.02)
        assert 0.9 * BODY_READ_S < time.monotonic() - began_s < BODY_READ_S + SLACK_S


async def test_body_that_drips_is_408_however_busy_it_looks() -> None:
    async with limited(f"body_read_s = {BODY_READ_S}") as (running, _), WireClient(running.url) as client:
        client.begin(1000)
        listening = asyncio.create_task(client.heard())
        while not listening.done():
            client.writer.write(b" ")
            await asyncio.sleep(0.02)
        assert (await listening).status == 408


@pytest.mark.parametrize(
    ("path", "token"),
    [pytest.param("/api/show", "", id="a-client's"), pytest.param("/admin/state/clear", ADMIN, id="an-operator's")],
)
async def test_body_that_drips_is_408_where_no_model_is_asked_too(path: str, token: str) -> None:
    settings = f'body_read_s = {BODY_READ_S}\n[auth]\nadmin_token = "{ADMIN}"'
    async with limited(settings) as (running, _), WireClient(running.url) as client:
        fields = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n" if token else "Host: localhost\r\n"
        client.writer.write(f"POST {path} HTTP/1.1\r\n{fields}Content-Length: 1000\r\n\r\n".encode())
        listening = asyncio.create_task(client.heard())
        while not listening.done():
            client.writer.write(b" ")
            await asyncio.sleep(0.02)
        assert (await listening).status == 408


async def test_time_for_the_body_does_not_count_the_wait_for_the_answer() -> None:
    async with limited(f"body_read_s = {BODY_READ_S}") as (running, _):
        (await ask(running.url, chat("held"))).check_whole(by="up")


async def test_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind() -> None:
    async with limited("") as (running, simulator):
        async with WireClient(running.url) as client:
            client.begin(1000)
            client.writer.write(b"{")
            assert await settles(lambda: under_way(running) == 1)
        assert await settles(lambda: under_way(running) == 0)
        assert running.parts.edge.admission.buffered_bytes == 0
        assert not simulator.journal.entries


async def test_operator_who_leaves_in_the_middle_of_a_body_is_no_fault_of_the_gateway(
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = "admin-token-0123456789"
    async with limited(f'[auth]\nadmin_token = "{token}"') as (running, _):
        async with WireClient(running.url) as client:
            client.begin(1000, {"authorization": f"Bearer {token}"}, path="/admin/state/clear")
            client.writer.write(b"{")
            await client.writer.drain()
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
    assert not caplog.records


# Room.


async def test_more_requests_at_once_than_there_is_room_for_are_503_with_a_second_to_wait() -> None:
    async with limited("max_in_flight = 2") as (running, simulator):
        held = [asyncio.create_task(ask(running.url, chat("held", stream=stream))) for stream in (False, True)]
        assert await settles(lambda: under_way(running) == 2)
        check_overloaded(await ask(running.url, chat("quick")))
        check_overloaded(await ask(running.url, chat("quick", stream=True)))
        for heard in await asyncio.gather(*held):
            heard.check_whole(by="up")
        (await ask(running.url, chat("quick"))).check_whole(by="up")
        assert len(simulator.journal.entries) == 3
        assert running.metric("requests_total", endpoint="chat", model="unknown", status="503") == 2


async def test_more_bodies_than_there_is_memory_for_are_503_with_a_second_to_wait() -> None:
    text = "x" * 1800
    async with limited(SMALL) as (running, _):
        held = [asyncio.create_task(ask(running.url, chat("held", text=text))) for _ in range(2)]
        assert await settles(lambda: running.parts.edge.admission.buffered_bytes > 3600)
        check_overloaded(await ask(running.url, chat("quick", text=text)))
        (await ask(running.url, chat("quick"))).check_whole(by="up")  # a small one still fits
        for heard in await asyncio.gather(*held):
            heard.check_whole(by="up")
        (await ask(running.url, chat("quick", text=text))).check_whole(by="up")
        assert running.parts.edge.admission.buffered_bytes == 0


async def test_bodies_that_are_still_coming_take_their_room_too() -> None:
    async with limited(SMALL) as (running, _), AsyncExitStack() as clients:
        for _ in range(2):
            client = await clients.enter_async_context(WireClient(running.url))
            client.begin(2000)
            client.writer.write(b" " * 1900)
        assert await settles(lambda: running.parts.edge.admission.buffered_bytes == 3800)
        check_overloaded(await ask(running.url, chat("quick", text="x" * 1800)))


async def test_small_body_that_unpacks_beyond_the_room_is_503() -> None:
    plain = json.dumps(chat("quick", text="x" * 1800)).encode()
    packed = gzip.compress(plain)
    async with limited(SMALL) as (running, _):
        held = [asyncio.create_task(ask(running.url, chat("held", text="x" * 1400))) for _ in range(2)]
        assert await settles(lambda: running.parts.edge.admission.buffered_bytes > 2800)
        check_overloaded(await ask(running.url, packed, {"content-encoding": "gzip"}))
        for heard in await asyncio.gather(*held):
            heard.check_whole(by="up")
        assert running.parts.edge.admission.buffered_bytes == 0


# Size and coding.


async def test_body_in_gzip_reaches_the_upstream_plain() -> None:
    plain = json.dumps(chat("quick", text="zürich")).encode()
    async with limited("") as (running, simulator):
        for coding in ("gzip", "GZIP", "identity"):
            sent = plain if coding == "identity" else gzip.compress(plain)
            (await ask(running.url, sent, {"content-encoding": coding})).check_whole(by="up")
        assert len(simulator.journal.entries) == 3
        for entry in simulator.journal.entries:
            assert "content-encoding" not in entry.arrival.header_names
            assert json.loads(entry.arrival.body or "")["messages"] == json.loads(plain)["messages"]


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        pytest.param("br", b"{}", id="brotli"),
        pytest.param("deflate", zlib.compress(b"{}"), id="deflate"),
        pytest.param("zstd", b"{}", id="zstandard"),
        pytest.param("gzip, gzip", gzip.compress(gzip.compress(b"{}")), id="twice"),
        pytest.param("gzip", b"{}", id="not-gzip-at-all"),
        pytest.param("gzip", gzip.compress(b"{}")[:-3], id="cut"),
        pytest.param("gzip", gzip.compress(b"{}") + b"more", id="followed-by-more"),
    ],
)
async def test_coding_that_is_unknown_or_broken_is_415(coding: str, body: bytes) -> None:
    async with limited("") as (running, simulator):
        heard = await ask(running.url, body, {"content-encoding": coding})
        assert heard.status == 415
        assert heard.error["code"] == "unsupported_content_encoding"
        assert not simulator.journal.entries


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b" " * 2049, {}, id="announced"),
        pytest.param(gzip.compress(b" " * 2049), {"content-encoding": "gzip"}, id="unpacked"),
        pytest.param(gzip.compress(b" " * 50_000_000), {"content-encoding": "gzip"}, id="bomb"),
    ],
)
async def test_body_that_is_too_large_is_413(body: bytes, headers: dict[str, str]) -> None:
    async with limited("max_body_bytes = 2048") as (running, simulator):
        heard = await ask(running.url, body, headers)
        assert heard.status == 413
        assert heard.error["code"] == "request_too_large"
        assert "2048 bytes" in heard.error["message"]
        assert not simulator.journal.entries
        assert running.parts.edge.admission.buffered_bytes == 0


START = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def flood(client: WireClient, piece: bytes) -> bytes:
    """Send the same bytes again and again until the gateway has had enough; return its last words."""
    with contextlib.suppress(ConnectionError):
        for _ in range(500):
            client.writer.write(piece)
            await client.writer.drain()
    with contextlib.suppress(ConnectionError):
        return await client.reader.read()
    return b""


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(b"", b"/" * 16_384, id="request-line"),
        pytest.param(START + b"X: ", b"x" * 16_384, id="one-line"),
        pytest.param(START, b"a: b\r\n" * 2_000, id="many-lines"),
        pytest.param(START + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 2_000, id="trailers"),
    ],
)
async def test_head_without_an_end_is_cut(start: bytes, piece: bytes) -> None:
    async with limited("") as (running, simulator), WireClient(running.url) as client:
        client.writer.write(start)
        said = await flood(client, piece)
        assert said == b"" or said.startswith(b"HTTP/1.1 400 ")
        assert not simulator.journal.entries
        assert await settles(lambda: under_way(running) == 0)


async def test_long_head_that_comes_in_pieces_is_taken() -> None:
    async with limited("") as (running, _), WireClient(running.url) as client:
        body = json.dumps(chat("quick")).encode()
        for _ in range(2):  # on one connection
            client.writer.write(START)
            for number in range(100):
                client.writer.write(b"X-Note-%d: " % number + b"x" * 500 + b"\r\n")
                await asyncio.sleep(0)
            client.writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            (await client.heard()).check_whole(by="up")


async def test_body_without_a_length_is_bounded_too() -> None:
    async with limited("max_body_bytes = 2048") as (running, _), WireClient(running.url) as client:
        client.writer.write(START + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            client.writer.write(b"400\r\n" + b" " * 1024 + b"\r\n")
        assert (await client.heard()).status == 413


async def test_references_count_as_the_items_they_stand_for() -> None:
    async with limited(SMALL) as (running, simulator), httpx.AsyncClient(base_url=f"{running.url}/v1") as client:
        said = {"role": "user", "content": "x" * 400}
        references = []
        for _ in range(3):
            answer = await client.post("/responses", json={"model": "quick", "input": [said]})
            references += [{"type": "item_reference", "id": item["id"]} for item in answer.json()["output"]]
        served = len(simulator.journal.entries)
        body = {"model": "quick", "input": [*references, {"role": "user", "content": "x" * 1500}]}
        assert len(json.dumps(body)) < 2048
        answer = await client.post("/responses", json=body)
        assert answer.status_code == 413
        assert len(simulator.journal.entries) == served
        assert running.parts.edge.admission.buffered_bytes == 0
