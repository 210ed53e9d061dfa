"""WebSockets before the 101: who may open one; ordinary answers and ordinary failover."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.rawserver import Handler, Peer, refused_url
from tests.fakes.wireclient import WireClient
from tests.integration.contracts.ledger import ended, kept
from tests.integration.contracts.scene import Witness, model, providers, refused, said, scene, streamed
from tests.integration.contracts.tunnels import ACCEPTED, CLIENT_KEY, CLOSE, KEYS, PATH, TEXT, accepting, handshake, one


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(Witness(refused(429, "slow")), id="limited"),
        pytest.param(Witness(refused(404, "Not Found")), id="no-such-endpoint"),
        pytest.param(Witness(refused(503, "overloaded", code="overloaded_error")), id="overloaded"),
    ],
)
async def test_handshake_that_is_refused_goes_to_the_next(first: Handler) -> None:
    async def accept(peer: Peer) -> None:
        await peer.head()
        await peer.send(ACCEPTED + b"\r\n" + TEXT + CLOSE)
        await peer.gone()

    toml = providers("a", "b") + model("a", "b")
    async with scene(toml, a=first, b=accept) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake())
        status, headers = await client.head()
        assert (status, headers["x-fairlead-provider"]) == (101, "b")
        await client.hear(TEXT + CLOSE)


async def test_handshake_goes_to_the_next_where_nothing_listens() -> None:
    toml = providers("x") + one() + model("x", "a", called="two")
    toml = toml.replace("@x", refused_url())
    async with scene(toml, a=accepting()) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake("/v1/realtime?model=two"))
        status, headers = await client.head()
    assert (status, headers["x-fairlead-trail"]) == (101, "x=connect;a=ok")


ANSWERS = [
    pytest.param(said(), id="an-answer"),
    pytest.param(ACCEPTED.replace(b"Upgrade: websocket", b"Upgrade: h2c") + b"\r\n", id="another-protocol"),
    pytest.param(ACCEPTED[:-4] + b"x=\r\n\r\n", id="a-wrong-key"),
    pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nConnection: close\r\n\r\n", id="no-protocol"),
    pytest.param(streamed(b"data: {}\n\n"), id="events"),
    pytest.param(b"\x81\x02hi", id="no-http"),
]


@pytest.mark.parametrize("answer", ANSWERS)
async def test_what_does_not_accept_the_handshake_is_a_failure(answer: bytes) -> None:
    async with scene(one(), a=Witness(answer)) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake())
        heard = await client.heard()
    assert (heard.status, heard.trail) == (502, "a=protocol")
    assert heard.headers["connection"] == "close"


async def test_silent_upstream_is_given_up_after_the_time_for_a_head() -> None:
    toml = one("timeouts = { headers_s = 0.2 }")
    async with scene(toml, a=Peer.gone) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake())
        heard = await client.heard()
    assert (heard.status, heard.trail) == (504, "a=timeout_headers")


async def test_client_that_leaves_before_the_101_frees_the_upstream() -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def wait(peer: Peer) -> None:
        await peer.head()
        arrived.set()
        await peer.gone()
        left.set()

    async with scene(one(), a=wait) as gateway:
        ledger = kept(gateway)
        async with WireClient(gateway.url) as client:
            client.writer.write(handshake())
            await arrived.wait()
        async with asyncio.timeout(5):
            await left.wait()
        await ended(ledger)
    assert ledger.closed.end == "client_gone"


REFUSALS = [
    pytest.param(handshake("/v1/realtime?model=other"), 404, id="unknown-model"),
    pytest.param(handshake("/v1/realtime"), 400, id="no-model"),
    pytest.param(handshake(PATH, version="8"), 400, id="old-version"),
    pytest.param(handshake(PATH, key="short"), 400, id="no-key"),
    pytest.param(handshake(PATH, "content-length: 3") + b"abc", 400, id="with-a-body"),
    pytest.param(handshake().replace(b"upgrade: websocket", b"upgrade: h2c"), 400, id="another-protocol"),
    pytest.param(handshake().replace(b"upgrade: websocket\r\n", b""), 400, id="no-upgrade"),
    pytest.param(handshake().replace(b"GET", b"POST"), 405, id="post"),
    pytest.param(handshake(PATH, "origin: https://evil.test"), 403, id="web-page"),
    pytest.param(handshake().replace(b"host: 127.0.0.1", b"host: evil.test"), 403, id="rebound-name"),
]


@pytest.mark.parametrize(("request_bytes", "status"), REFUSALS)
async def test_handshake_that_may_not_be_is_refused_as_a_request(request_bytes: bytes, status: int) -> None:
    a = Witness(said())
    async with scene(one(), a=a) as gateway, WireClient(gateway.url) as client:
        if b"POST" in request_bytes:
            request_bytes = request_bytes.replace(b"\r\n\r\n", b"\r\ncontent-type: application/json\r\n\r\n")
        client.writer.write(request_bytes)
        heard = await client.heard()
    assert (heard.status, a.calls) == (status, 0)
    assert heard.error["message"]


WRONG_KEYS = [
    pytest.param((), id="none"),
    pytest.param(("authorization: Bearer wrong-key-0123456789",), id="wrong"),
    pytest.param(("sec-websocket-protocol: realtime, openai-insecure-api-key.wrong",), id="wrong-subprotocol"),
    pytest.param(("sec-websocket-protocol: realtime, openai-insecure-api-key.",), id="empty-subprotocol"),
    pytest.param(
        (f"authorization: Bearer {CLIENT_KEY}", "sec-websocket-protocol: openai-insecure-api-key.another-key-012345"),
        id="two-different",
    ),
    pytest.param(
        (
            f"sec-websocket-protocol: openai-insecure-api-key.{CLIENT_KEY}",
            "sec-websocket-protocol: openai-insecure-api-key.another-key-012345",
        ),
        id="two-different-subprotocols",
    ),
]


@pytest.mark.parametrize("fields", WRONG_KEYS)
async def test_handshake_without_the_one_right_key_is_refused(fields: tuple[str, ...]) -> None:
    a = Witness(said())
    async with scene(KEYS + one(), a=a) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake(PATH, *fields))
        heard = await client.heard()
    assert (heard.status, heard.error["code"], a.calls) == (401, "invalid_api_key", 0)


async def test_key_with_a_budget_may_not_open_what_nobody_can_price() -> None:
    toml = KEYS + "budget_usd_day = 5\n" + one()
    async with scene(toml, a=Witness(said())) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake(PATH, f"authorization: Bearer {CLIENT_KEY}"))
        heard = await client.heard()
    assert heard.status == 400
    assert "its price is unknown" in heard.error["message"]


async def test_provider_behind_a_proxy_is_passed_over() -> None:
    async with scene(one('transport = "httpx"'), a=Witness(said())) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake())
        heard = await client.heard()
    assert (heard.status, heard.trail) == (400, "a=unsupported")
