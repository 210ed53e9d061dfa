"""Requests that are none, or too many: what was asked before them is answered, and nothing else is."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from time import process_time

import pytest

from proxy.edge.connection import MAX_QUEUED, MAX_WAITING, ClientConnection
from tests.fakes.rawserver import BLINK_S, RawServer, chunk, split
from tests.fakes.rawstreams import DONE, FINISH, ROLE, said, streaming
from tests.fakes.stage import Upstream, stage
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import CHAT, WireClient, chat
from tests.integration.clientstage import BODY, KEY, KEYS, on_stage, request

TOKEN = "admin-token-0123456789"
CHUNKED, EXPECTS = "transfer-encoding: chunked", "expect: 100-continue"
ONE, ALIVE = request(body=BODY), request("GET", "/livez")

BROKEN = pytest.mark.parametrize(
    "broken",
    [
        pytest.param([b"GARBAGE\r\n\r\n"], id="no-request"),
        pytest.param([request("POST", CHAT, "content-length: 3", body=BODY)], id="two-lengths"),
        pytest.param([request("POST", CHAT, CHUNKED) + b"-1\r\n"], id="chunk"),
        pytest.param([request("POST", "/admin/x", CHUNKED) + b"-1\r\n"], id="chunk-of-the-operators"),
        pytest.param([request("POST", CHAT, *["a: b"] * 300, body=BODY)], id="too-many-fields"),
        pytest.param([ALIVE[:-2] + b"a: b\r\n" * 300], id="too-many-fields-and-no-end"),
        pytest.param([request("POST", CHAT, CHUNKED), b"0\r\n" + b"a: b\r\n" * 300], id="too-many-trailers"),
        pytest.param([ALIVE[:-2] + b"a: ", *[b"x" * 30_000] * 4], id="head-too-long"),
        pytest.param([request("POST", CHAT, "host: other", body=BODY)], id="two-hosts"),
        pytest.param([b"CONNECT a:1 HTTP/1.1\r\n\r\n"], id="tunnel"),
    ],
)


# --- behind a request that is being answered ---


@BROKEN
async def test_broken_request_leaves_the_answer_before_it_alone(broken: list[bytes]) -> None:
    async with on_stage("sim-delay-0.3") as (on, client):
        client.writer.write(ONE)
        assert await settles(lambda: on.calls("first") == 1)
        for piece in broken:
            client.writer.write(piece)
            await asyncio.sleep(BLINK_S)
        client.writer.write(ONE)  # lost: where the broken one ends, nobody knows
        (await client.heard()).check_whole(by="first")
        assert await client.reader.read() == b""
        assert on.calls("first") == 1


@BROKEN
async def test_all_that_waits_before_a_broken_request_is_answered(broken: list[bytes]) -> None:
    async with on_stage("sim-delay-0.2") as (on, client):
        client.writer.write(ONE + ALIVE + ONE + broken[0])
        for piece in broken[1:]:
            await asyncio.sleep(BLINK_S)
            client.writer.write(piece)
        first, alive, last = [await client.heard() for _ in range(3)]
        for heard in (first, last):
            heard.check_whole(by="first")
        assert alive.body == b"ok\n"
        assert last.headers["connection"] == "close"
        assert await client.reader.read() == b""
        assert on.calls("first") == 2


async def test_nothing_behind_a_last_request_is_begun_though_it_breaks_off() -> None:
    troubles: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    async with on_stage("sim-delay-0.2") as (on, client):
        client.writer.write(request("POST", CHAT, "connection: close", body=BODY) + ONE + b"GARBAGE\r\n\r\n")
        (await client.heard()).check_whole(by="first")
        assert await client.reader.read() == b""
        assert await on.quiet()
        assert on.calls("first") == 1
    assert not troubles


async def test_stream_is_not_broken_by_what_comes_behind_its_request() -> None:
    raw = streaming(ROLE, *said("a", "b", "c"), FINISH, DONE, gap_s=0.05)
    async with RawServer(raw) as upstream, stage(Upstream("first", url=upstream.url)) as on:
        async with WireClient(on.gateway.url) as client:
            client.send(chat("m", stream=True))
            await client.hear(b'"a"')
            client.writer.write(b"GARBAGE\r\n\r\n")
            rest = await client.reader.read()
            assert rest.count(b"HTTP/1.1") == 0
            assert b'"c"' in rest
            assert rest.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


async def test_client_that_leaves_behind_a_broken_request_is_noticed() -> None:
    async with on_stage("sim-delay-5") as (on, client):
        client.writer.write(ONE + b"GARBAGE\r\n\r\n")
        assert await settles(lambda: on.calls("first") == 1)
        client.close()
        assert await on.quiet(0.5)


# --- alone ---


@BROKEN
async def test_broken_request_is_told_so_once(broken: list[bytes]) -> None:
    async with on_stage() as (on, client):
        client.writer.write(ONE)
        (await client.heard()).check_whole(by="first")
        for piece in broken:
            client.writer.write(piece)
            await asyncio.sleep(BLINK_S)
        said = await client.reader.read()
        assert said.startswith(b"HTTP/1.1 400 ")
        assert said.count(b"HTTP/1.1 ") == 1
        assert on.calls("first") == 1


async def test_body_that_breaks_before_it_is_asked_for_is_not_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    async with on_stage() as (_, client):
        client.writer.write(request("POST", "/api/show", CHUNKED, EXPECTS) + b"-1\r\n")
        said = await client.reader.read()
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1
    assert not [record for record in caplog.records if record.exc_info]


async def test_body_that_breaks_in_the_round_that_asks_for_it_takes_nothing_from_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What waits to be written is written together: a connection that cannot be written to would lose it for all."""
    troubles: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    usual = ClientConnection.write

    def write(connection: ClientConnection, data: bytes) -> None:
        usual(connection, data)
        if data.startswith(b"HTTP/1.1 100 "):
            connection.data_received(b"-1\r\n")

    monkeypatch.setattr(ClientConnection, "write", write)
    async with on_stage() as (_, client):
        client.writer.write(request("POST", CHAT, CHUNKED, EXPECTS))
        said = await client.reader.read()
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1 ") == 1
    assert not troubles


async def test_nothing_is_kept_of_a_client_that_was_refused_and_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[weakref.ref[asyncio.BaseTransport]] = []
    usual = ClientConnection.connection_lost

    def connection_lost(connection: ClientConnection, exc: Exception | None) -> None:
        left.append(weakref.ref(connection.transport))
        usual(connection, exc)

    def is_forgotten() -> bool:
        gc.collect()
        return bool(left) and left[0]() is None

    monkeypatch.setattr(ClientConnection, "connection_lost", connection_lost)
    async with on_stage() as (_, client):
        client.writer.write(b"GARBAGE\r\n\r\n")
        await client.reader.read()
        client.close()
        assert await settles(is_forgotten)


async def test_body_that_breaks_behind_its_own_answer_ends_the_connection() -> None:
    async with on_stage(sections=KEYS) as (_, client):
        client.writer.write(request("POST", CHAT, CHUNKED))
        assert (await client.heard()).status == 401
        client.writer.write(b"-1\r\n" + ALIVE)
        assert await client.reader.read() == b""


@pytest.mark.parametrize("path", [CHAT, "/v1/models", "/livez"])
async def test_request_for_two_hosts_is_refused(path: str) -> None:
    """In open mode one of them may be this machine and the other a page's."""
    async with on_stage() as (on, client):
        method, body = ("POST", BODY) if path == CHAT else ("GET", b"")
        client.writer.write(request(method, path, "Host: evil.example.com", body=body))
        assert (await client.heard()).status == 400
        assert await client.reader.read() == b""
        assert on.calls("first") == 0


@pytest.mark.parametrize(
    ("path", "version", "status"),
    [
        pytest.param(CHAT, "1.1", 400, id="proxied"),
        pytest.param("/livez", "1.1", 400, id="own"),
        pytest.param("/livez", "1.0", 200, id="before-there-were-hosts"),
    ],
)
async def test_request_for_no_host_is_refused(path: str, version: str, status: int) -> None:
    async with on_stage() as (on, client):
        method, body = ("POST", BODY) if path == CHAT else ("GET", b"")
        client.writer.write(request(method, path, body=body, version=version).replace(b"host: localhost\r\n", b""))
        assert (await client.heard()).status == status
        assert on.calls("first") == 0


# --- trailers ---


async def test_admin_token_in_a_trailer_opens_nothing() -> None:
    async with on_stage(sections=f'[auth]\nadmin_token = "{TOKEN}"\n') as (on, client):
        body = chunk(json.dumps({"provider": "first"}).encode())
        trailer = f"0\r\nauthorization: Bearer {TOKEN}\r\n\r\n".encode()
        client.writer.write(request("POST", "/admin/state/disable", CHUNKED) + body + trailer)
        assert (await client.heard()).status == 401
        assert not on.gateway.parts.state.view.disabled


async def test_key_in_a_trailer_shows_nothing() -> None:
    async with on_stage(sections=KEYS) as (_, client):
        client.writer.write(request("GET", "/v1/models", CHUNKED))
        client.writer.write(f"0\r\nauthorization: Bearer {KEY}\r\n\r\n".encode())
        assert (await client.heard()).status == 401


# --- too much at once ---


async def test_requests_of_one_read_are_answered_up_to_a_number() -> None:
    async with on_stage("sim-delay-0.1") as (_, client):
        client.writer.write(ONE + b"GET /livez HTTP/1.1\r\nhost:\r\n\r\n" * 20 * MAX_QUEUED)
        (await client.heard()).check_whole(by="first")
        said = await client.reader.read()
        assert said.count(b"HTTP/1.1 200 OK\r\n") == MAX_QUEUED
        assert said.count(b"connection: close\r\n") == 1


async def test_handshake_behind_as_many_requests_as_may_wait_takes_no_answer_from_them() -> None:
    offer = request("GET", "/v1/realtime?model=m", "connection: upgrade", "upgrade: websocket")
    async with on_stage("sim-delay-0.1") as (_, client):
        client.writer.write(ONE + ALIVE * MAX_QUEUED + offer)
        (await client.heard()).check_whole(by="first")
        said = await client.reader.read()
        assert said.count(b"HTTP/1.1 200 OK\r\n") == MAX_QUEUED


async def test_requests_of_many_reads_are_answered_without_a_limit() -> None:
    count = 3 * MAX_QUEUED
    async with on_stage() as (_, client):
        for _ in range(count // MAX_WAITING):
            client.writer.write(ALIVE * MAX_WAITING)
            await asyncio.sleep(0.01)
        assert [(await client.heard()).status for _ in range(count)] == [200] * count


async def test_body_that_waits_in_crumbs_costs_no_more_the_longer_it_is() -> None:
    async with on_stage("sim-delay-3") as (_, client):

        async def cost_s() -> float:
            began_s = process_time()
            for piece in split(b" " * 400):
                client.writer.write(chunk(piece))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            return process_time() - began_s

        client.writer.write(ONE + request("POST", CHAT, CHUNKED))
        await asyncio.sleep(BLINK_S)
        short_s = await cost_s()
        client.writer.write(chunk(b" ") * 60_000)
        await asyncio.sleep(0.3)
        assert await cost_s() < 4 * short_s
        (await client.heard()).check_whole(by="first")
