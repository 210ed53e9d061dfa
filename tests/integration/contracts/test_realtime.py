"""WebSockets passed on between real clients and real servers."""

from __future__ import annotations

import json

import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from proxy.core.usage import Usage
from tests.integration.contracts.ledger import ended, kept
from tests.integration.contracts.scene import Witness, model, refused, scene
from tests.integration.contracts.tunnels import CLIENT_KEY, KEYS, echo, speaking, ws


async def test_openai_s_own_client_speaks_through_the_gateway() -> None:
    async def speak(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "session.created", "event_id": "e", "session": {"type": "realtime"}}))
        asked = json.loads(await connection.recv())
        await connection.send(json.dumps({"type": "error", "event_id": "f", "error": {"message": asked["type"]}}))
        await connection.close()

    async with speaking(speak, KEYS) as (gateway, seen):
        ledger = kept(gateway)
        async with (
            AsyncOpenAI(api_key=CLIENT_KEY, base_url=f"{gateway.url}/v1") as client,
            client.realtime.connect(model="m") as connection,
        ):
            first = await connection.recv()
            await connection.session.update(session={"type": "realtime", "instructions": "hello"})
            second = await connection.recv()
        await ended(ledger)
        request = seen[0].request
        assert gateway.metric("unpriced_requests_total", provider="a", model="m") == 1
        assert gateway.metric("requests_total", endpoint="realtime", model="m", status="101") == 1
    assert (first.type, second.type) == ("session.created", "error")
    assert request is not None
    assert request.path == "/v1/realtime?model=up"
    assert request.headers["Authorization"] == "Bearer sk-of-a"
    assert CLIENT_KEY not in str(request.headers)
    record = ledger.closed
    assert (record.end, record.status, record.stream) == ("ok", 101, True)
    assert (record.usage, record.cost_nusd) == (Usage(estimated=True), None)


async def test_browser_s_key_among_the_subprotocols_opens_and_stays_here() -> None:
    offered = [Subprotocol("realtime"), Subprotocol(f"openai-insecure-api-key.{CLIENT_KEY}")]
    offered += [Subprotocol("openai-project.p"), Subprotocol("openai-beta.realtime-v1")]
    async with speaking(echo, KEYS) as (gateway, seen):
        async with connect(ws(gateway), subprotocols=offered) as connection:
            await connection.send("hello")
            assert await connection.recv() == "hello"
            assert connection.subprotocol == "realtime"
        request = seen[0].request
    assert request is not None
    assert request.headers["Sec-WebSocket-Protocol"] == "realtime, openai-beta.realtime-v1"
    assert CLIENT_KEY not in str(request.headers)


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536, 900_000])
async def test_messages_of_every_size_pass_both_ways_compressed_or_not(size: int) -> None:
    message = bytes(index * 7 % 251 for index in range(size))
    async with speaking(echo) as (gateway, _):
        for compression in ("deflate", None):
            async with connect(ws(gateway), compression=compression) as connection:
                await connection.send(message)
                assert await connection.recv() == message


async def test_closing_code_of_either_side_reaches_the_other() -> None:
    codes: list[int | None] = []

    async def hear(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.append(connection.close_code)

    async def leave(connection: ServerConnection) -> None:
        await connection.close(4000, "enough")

    async with speaking(hear) as (gateway, _):
        ledger = kept(gateway)
        async with connect(ws(gateway)) as connection:
            await connection.close(3001, "bye")
        await ended(ledger)
    assert codes == [3001]
    assert ledger.closed.end == "ok"
    async with speaking(leave) as (gateway, _):
        ledger = kept(gateway)
        async with connect(ws(gateway)) as connection:
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            assert (connection.close_code, connection.close_reason) == (4000, "enough")
        await ended(ledger)
    assert ledger.closed.end == "ok"


async def test_query_is_the_gateway_s_but_for_what_the_endpoint_knows() -> None:
    async with speaking(echo) as (gateway, seen):
        async with connect(ws(gateway, "/openai/realtime?api-version=1&deployment=m&intent=transcription")):
            pass
        request = seen[0].request
    assert request is not None
    assert request.path == "/v1/realtime?model=up&intent=transcription"


@pytest.mark.parametrize(
    ("more", "target"),
    [
        pytest.param("", "/openai/v1/realtime?model=up", id="v1"),
        pytest.param('api_version = "2025-04-01"', "/openai/realtime?deployment=up&api-version=2025-04-01", id="dated"),
    ],
)
async def test_azure_has_paths_of_its_own(more: str, target: str) -> None:
    a = Witness(refused(400, "no"))
    toml = f'[providers.a]\nkind = "azure"\nbase_url = "@a"\napi_key = "k"\n{more}\n' + model("a")
    async with scene(toml, a=a) as gateway:
        with pytest.raises(InvalidStatus):
            await connect(ws(gateway))
    assert a.targets == [target]
