"""What a connection of a client carries: requests one after the other, over ASGI and past it, and its end."""

from __future__ import annotations

import asyncio
import json

import pytest

from proxy.edge.connection import MAX_WAITING
from tests.fakes.heard import Heard
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import CHAT, chat
from tests.integration.clientstage import BODY, KEY, KEYS, on_stage, request


async def test_requests_sent_at_once_are_answered_in_their_order() -> None:
    async with on_stage("sim-delay-0.1") as (_, client):
        client.writer.write(
            request(body=BODY)
            + request("GET", "/v1/models")
            + request(body=json.dumps(chat("m", stream=True)).encode())
            + request("GET", CHAT)
            + request("GET", "/livez")
            + request("GET", "/nowhere")
            + request(body=BODY)
        )
        first, models, stream, wrong, alive, unknown, last = [await client.heard() for _ in range(7)]
        for heard in (first, stream, last):
            heard.check_whole(by="first")
        assert stream.is_stream
        assert json.loads(models.body)["object"] == "list"
        assert (wrong.status, unknown.status, alive.body) == (405, 404, b"ok\n")


async def test_request_begins_when_the_one_before_is_answered() -> None:
    async with on_stage("sim-delay-0.3") as (on, client):
        client.writer.write(request(body=BODY) * 2)
        assert await settles(lambda: on.calls("first") == 1)
        await asyncio.sleep(0.1)
        assert on.calls("first") == 1
        for _ in range(2):
            (await client.heard()).check_whole(by="first")


async def test_many_requests_sent_at_once_are_all_answered() -> None:
    count = 6 * MAX_WAITING
    async with on_stage() as (_, client):
        one, other = request("GET", "/livez"), request("GET", CHAT)
        for _ in range(count // 2):
            client.writer.write(one + other)
            await client.writer.drain()
        statuses = [(await client.heard()).status for _ in range(count)]
        assert statuses == [200, 405] * (count // 2)


async def test_requests_that_wait_are_forgotten_when_their_client_leaves() -> None:
    async with on_stage("sim-delay-5") as (on, client):
        client.writer.write(request(body=BODY) + request("GET", "/v1/models") + request(body=BODY))
        assert await settles(lambda: on.calls("first") == 1)
        client.close()
        assert await on.quiet(1.0)
        assert on.calls("first") == 1
        assert len(await on.records(1)) == 1


async def test_each_request_of_a_connection_is_its_own_callers() -> None:
    other = "other-key-0123456789"
    keys = f'{KEYS}[[auth.keys]]\nname = "other"\nkey = "{other}"\n'
    async with on_stage(sections=keys) as (on, client):
        seen = []
        for key, model in ((KEY, "m"), (KEY, "m"), (other, "m"), ("no-key-0123456789abc", "m"), (KEY, "none-such")):
            client.send(chat(model), {"authorization": f"Bearer {key}"})
            seen.append((await client.heard()).status)
        assert seen == [200, 200, 200, 401, 404]
        named = [record.get("fairlead.key", "") for record in await on.records(5)]
        assert named == ["tester", "tester", "other", "", "tester"]


# --- how it ends ---


async def test_client_that_leaves_is_noticed_at_once() -> None:
    async with on_stage("sim-delay-5") as (on, client):
        client.send(chat("m"))
        assert await settles(lambda: on.calls("first") == 1)
        client.close()
        async with asyncio.timeout(0.5):
            (record,) = await on.records(1)
        assert record["http.response.status_code"] == 499
        assert record["duration_s"] < 0.5


async def test_client_that_closes_its_half_has_left() -> None:
    async with on_stage("sim-delay-5") as (on, client):
        client.send(chat("m"))
        client.writer.write_eof()
        assert await client.reader.read() == b""
        assert await on.quiet(1.0)


@pytest.mark.parametrize(
    ("line", "version"),
    [
        pytest.param("connection: close", "1.1", id="asked-to"),
        pytest.param("accept: */*", "1.0", id="http-1.0"),
        pytest.param("connection: keep-alive", "1.0", id="http-1.0-asked-not-to"),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/models"])
async def test_connection_of_a_last_request_is_closed(line: str, version: str, path: str) -> None:
    async with on_stage() as (_, client):
        method, body = ("POST", BODY) if path == CHAT else ("GET", b"")
        client.writer.write(request(method, path, line, body=body, version=version) + request(body=BODY))
        heard = await client.heard()
        assert (heard.status, heard.headers["connection"]) == (200, "close")
        assert await client.reader.read() == b"", "what came behind it is not answered"


async def test_stream_of_a_last_request_is_whole_before_its_connection_is_closed() -> None:
    async with on_stage() as (_, client):
        heard = await client.ask(chat("m", stream=True), {"connection": "close"})
        heard.check_whole(by="first")
        assert heard.headers["connection"] == "close"
        assert await client.reader.read() == b""


async def test_stream_of_http_1_0_is_no_chunks() -> None:
    async with on_stage() as (_, client):
        client.writer.write(request(body=json.dumps(chat("m", stream=True)).encode(), version="1.0"))
        status, headers = await client.head()
        assert (status, headers["connection"]) == (200, "close")
        assert "transfer-encoding" not in headers
        Heard(status, headers, await client.reader.read()).check_whole(by="first")
