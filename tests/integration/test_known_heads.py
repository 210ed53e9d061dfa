"""Requests that come with the head of the one before on their connection (`edge.known_head`)."""

from __future__ import annotations

import asyncio
import json

import pytest

from proxy.edge.connection import LESSONS, ClientConnection
from tests.fakes.wireclient import CHAT, ask, chat
from tests.integration.clientstage import BEARER, KEY, KEYS, on_stage, request


def for_model(model: str, key: str = KEY) -> bytes:
    return request("POST", CHAT, f"authorization: Bearer {key}", body=json.dumps(chat(model)).encode())


async def test_head_that_comes_again_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[ClientConnection] = []
    usual = ClientConnection.on_headers_complete

    def on_headers_complete(connection: ClientConnection) -> None:
        read.append(connection)
        usual(connection)

    monkeypatch.setattr(ClientConnection, "on_headers_complete", on_headers_complete)
    async with on_stage(sections=KEYS) as (_, client):
        for size in (1, 2, 60, 1, 11):
            client.writer.write(for_model("x" * size))
            heard = await client.heard()
            assert (heard.status, f"'{'x' * size}'" in heard.error["message"]) == (404, True)
        client.writer.write(for_model("m"))
        (await client.heard()).check_whole(by="first")
    assert len(read) == 1


async def test_other_key_is_seen_behind_a_head_that_is_known() -> None:
    async with on_stage(sections=KEYS) as (_, client):
        for key, status in ((KEY, 200), (KEY, 200), ("client-key-0123456780", 401), (KEY, 200)):
            client.writer.write(for_model("m", key))
            assert (await client.heard()).status == status


async def test_head_that_is_known_may_come_in_any_two_pieces() -> None:
    async with on_stage(sections=KEYS) as (_, client):
        whole = for_model("?")
        for at in range(0, len(whole), 7):
            client.writer.write(whole[:at])
            await asyncio.sleep(0.001)
            client.writer.write(whole[at:])
            assert (await client.heard()).status == 404


async def test_requests_with_a_known_head_may_come_together() -> None:
    """Those behind the first are another length than it says, and wait their turn."""
    async with on_stage(sections=KEYS) as (_, client):
        for _ in range(3):
            client.writer.write(for_model("a") + for_model("bb") + for_model("m"))
            errors = [(await client.heard()).error["message"] for _ in range(2)]
            assert ["'a'" in errors[0], "'bb'" in errors[1]] == [True, True]
            (await client.heard()).check_whole(by="first")


async def test_request_that_waits_behind_another_teaches_nothing() -> None:
    """Its bytes are not those of the request that is being answered when they come."""
    async with on_stage("sim-delay-0.2", sections=KEYS) as (_, client):
        client.writer.write(for_model("m"))
        await asyncio.sleep(0.05)
        client.writer.write(for_model("m", "client-key-0123456780"))
        assert [(await client.heard()).status for _ in range(2)] == [200, 401]
        client.writer.write(for_model("m", "client-key-0123456780"))
        assert (await client.heard()).status == 401


async def test_known_head_means_nothing_behind_what_is_no_request() -> None:
    async with on_stage(sections=KEYS) as (on, client):
        for _ in range(2):
            client.writer.write(for_model("m"))
            (await client.heard()).check_whole(by="first")
        client.writer.write(b"no request\r\n\r\n")
        assert (await client.heard()).status == 400
        client.writer.write(for_model("m"))
        assert await client.reader.read() == b""
        for _ in range(2):  # by then what came before has been looked at
            await ask(on.gateway.url, chat("m"), BEARER)
        assert on.calls("first") == 4


async def test_clients_that_share_a_connection_are_told_apart() -> None:
    """As behind a proxy: more heads than are ever looked at."""
    async with on_stage(sections=KEYS) as (_, client):
        for number in range(3 * LESSONS):
            key = KEY if number % 3 else f"client-key-00000000{number:02}"
            client.writer.write(for_model("m", key))
            assert (await client.heard()).status == (200 if number % 3 else 401)
