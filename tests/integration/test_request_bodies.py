"""A request's body: in any pieces, at any time, asked for before it is sent, or thrown away."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from http.client import HTTPConnection

import pytest

from tests.fakes.rawserver import BLINK_S, chunk, split
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import CHAT, chat
from tests.integration.clientstage import BEARER, BODY, EXPECTING, KEY, KEYS, on_stage, request

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


async def test_request_may_come_in_any_pieces() -> None:
    async with on_stage() as (_, client):
        for piece in split(request(body=BODY)):
            client.writer.write(piece)
            await asyncio.sleep(0)
        (await client.heard()).check_whole(by="first")


@pytest.mark.parametrize("gap_s", [pytest.param(0.0, id="at-once"), pytest.param(0.002, id="one-by-one")])
async def test_body_may_come_in_chunks_of_a_byte(gap_s: float) -> None:
    async with on_stage() as (_, client):
        client.writer.write(request("POST", CHAT, "transfer-encoding: chunked"))
        for piece in split(BODY):
            client.writer.write(chunk(piece))
            if gap_s:
                await asyncio.sleep(gap_s)
        client.writer.write(b"0\r\nx-trailer: 1\r\n\r\n")
        (await client.heard()).check_whole(by="first")


async def test_trailer_is_no_header() -> None:
    """Neither of this request nor of the next one on the connection."""
    async with on_stage(sections=KEYS) as (_, client):
        for _ in range(2):
            client.writer.write(request("POST", CHAT, "transfer-encoding: chunked") + chunk(BODY))
            client.writer.write(f"0\r\nauthorization: Bearer {KEY}\r\n\r\n".encode())
            assert (await client.heard()).status == 401


async def test_body_that_comes_behind_its_head_is_waited_for() -> None:
    async with on_stage() as (on, client):
        client.begin(len(BODY))
        assert await settles(lambda: on.gateway.parts.edge.admission.in_flight == 1)
        for piece in split(BODY, 10, 20):
            client.writer.write(piece)
            await asyncio.sleep(BLINK_S)
        (await client.heard()).check_whole(by="first")


@pytest.mark.parametrize("gap_s", [pytest.param(0.0, id="at-once"), pytest.param(BLINK_S, id="late")])
async def test_length_may_begin_with_any_number_of_zeros(gap_s: float) -> None:
    """Python itself refuses to read a number of so many digits."""
    head = request("POST", CHAT, f"content-length: {'0' * 5000}{len(BODY)}")
    async with on_stage() as (_, client):
        for _ in range(2):
            for piece in [head, BODY] if gap_s else [head + BODY]:
                client.writer.write(piece)
                await asyncio.sleep(gap_s)
            (await client.heard()).check_whole(by="first")


async def test_rest_of_a_refused_body_is_thrown_away_and_the_connection_used_again() -> None:
    async with on_stage(sections="[server]\nmax_body_bytes = 1024\n") as (on, client):
        client.begin(3_000_000)
        assert (await client.heard()).status == 413
        for _ in range(30):
            client.writer.write(b" " * 100_000)
            await client.writer.drain()
        (await client.ask(chat("m"))).check_whole(by="first")
        assert on.calls("first") == 1


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        pytest.param({"connection": "close"}, 11, id="asked-to-close"),
        pytest.param({}, 10, id="http-1.0"),
        pytest.param(EXPECTING, 11, id="asks-and-does-not-wait"),
        pytest.param({"transfer-encoding": "chunked"}, 11, id="chunk-that-is-none"),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/chat/completion", "/api/show"])
async def test_client_that_sends_all_before_it_reads_is_told_why_it_is_refused(
    fields: dict[str, str], version: int, path: str
) -> None:
    """Python's own client, and nginx before it, as they are: a reset would take the answer away again."""

    def post(url: str) -> int:
        connection = HTTPConnection(url.removeprefix("http://"), timeout=5)
        connection._http_vsn, connection._http_vsn_str = version, f"HTTP/1.{version % 10}"  # type: ignore[attr-defined]
        with closing(connection):
            connection.request("POST", path, b"x" * 20_000_000, {"content-type": "application/json", **fields})
            return connection.getresponse().status

    async with on_stage(sections=KEYS) as (on, _):
        assert await asyncio.to_thread(post, on.gateway.url) in (400, 401, 404)


async def test_body_that_nobody_reads_yet_stops_being_read() -> None:
    """It belongs to a request that waits behind another, and comes in full all the same."""
    async with on_stage("sim-delay-0.5") as (on, client):
        long = json.dumps(chat("m", text="x" * 3_000_000)).encode()
        client.send(chat("m"))
        client.send(long)
        await asyncio.sleep(0.3)
        assert on.gateway.parts.edge.admission.buffered_bytes < 1000
        (await client.heard()).check_whole(by="first")
        (await client.heard()).check_whole(by="first")


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        pytest.param([KEY, KEY], 200, id="the-same-key"),
        pytest.param([KEY, ""], 200, id="one-is-empty"),
        pytest.param([KEY, "another-key-0123456789"], 401, id="the-right-one-first"),
        pytest.param(["another-key-0123456789", KEY], 401, id="the-right-one-last"),
    ],
)
async def test_header_that_comes_twice_is_seen_twice(keys: list[str], status: int) -> None:
    async with on_stage(sections=KEYS) as (_, client):
        client.writer.write(request("POST", CHAT, *[f"x-api-key: {key}" for key in keys], body=BODY))
        assert (await client.heard()).status == status


# --- a client that asks before it sends ---


async def test_client_that_asks_may_send_its_body() -> None:
    async with on_stage() as (_, client):
        client.begin(len(BODY), EXPECTING)
        assert await client.reader.readexactly(len(CONTINUE)) == CONTINUE
        client.writer.write(BODY)
        (await client.heard()).check_whole(by="first")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="no-key"),
        pytest.param({"authorization": "Bearer other"}, 401, id="unknown-key"),
        pytest.param({**BEARER, "content-length": "2000"}, 413, id="too-large"),
        pytest.param({**BEARER, "content-encoding": "br"}, 415, id="unknown-coding"),
    ],
)
async def test_client_that_asks_is_refused_before_it_sends(headers: dict[str, str], status: int) -> None:
    async with on_stage(sections=f"[server]\nmax_body_bytes = 1024\n{KEYS}") as (on, client):
        client.begin(500, {**EXPECTING, **headers})
        heard = await client.heard()
        assert (heard.status, heard.headers["connection"]) == (status, "close"), "the first thing said is the answer"
        assert await client.reader.read() == b"", "what comes next may be the body, so it is no request"
        assert on.calls("first") == 0


@pytest.mark.parametrize("path", ["/v1/models", "/admin/state/clear"])
async def test_client_that_asks_elsewhere_is_refused_before_it_sends(path: str) -> None:
    async with on_stage(sections=f'[auth]\nadmin_token = "admin-token-0123456789"\n{KEYS}') as (_, client):
        client.writer.write(
            request("POST" if "admin" in path else "GET", path, "expect: 100-continue", "content-length: 9")
        )
        heard = await client.heard()
        assert (heard.status, heard.headers["connection"]) == (401, "close")
        assert await client.reader.read() == b""


async def test_client_that_asks_and_sends_at_once_keeps_its_connection_though_refused() -> None:
    async with on_stage(sections=KEYS) as (_, client):
        client.writer.write(request("POST", CHAT, "expect: 100-continue", body=BODY))
        assert (await client.heard()).status == 401
        (await client.ask(chat("m"), BEARER)).check_whole(by="first")


async def test_client_that_asks_and_sends_at_once_is_answered() -> None:
    async with on_stage() as (_, client):
        client.send(chat("m"), EXPECTING)
        (await client.heard()).check_whole(by="first")


async def test_operator_who_asks_may_send_too() -> None:
    token = "admin-token-0123456789"
    async with on_stage(sections=f'[auth]\nadmin_token = "{token}"\n') as (_, client):
        headers = {**EXPECTING, "authorization": f"Bearer {token}"}
        client.begin(2, headers, path="/admin/state/clear")
        assert await client.reader.readexactly(len(CONTINUE)) == CONTINUE
        client.writer.write(b"{}")
        assert (await client.heard()).status == 200


@pytest.mark.parametrize("path", [CHAT, "/api/show"])
async def test_client_of_http_1_0_that_asks_is_answered_with_nothing_but_the_answer(path: str) -> None:
    async with on_stage() as (_, client):
        client.writer.write(
            request("POST", path, "expect: 100-continue", f"content-length: {len(BODY)}", version="1.0")
        )
        await asyncio.sleep(BLINK_S)
        client.writer.write(BODY)
        assert (await client.reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
