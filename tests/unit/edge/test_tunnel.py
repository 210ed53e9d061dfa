"""A client's WebSocket without a socket."""

from __future__ import annotations

import asyncio

import pytest

from proxy.api.endpointspec import REALTIME
from proxy.edge.exchange import Asked
from proxy.edge.tunnel import TunnelExchange, offers_websocket
from tests.fakes.wire import FakeWire

TEXT, CLOSE = b"\x81\x02hi", b"\x88\x02\x03\xe8"
BYE = b"\x88\x02\x03\xe9"


def tunnel() -> tuple[TunnelExchange, FakeWire]:
    wire = FakeWire()
    return TunnelExchange(wire, Asked(REALTIME), b"GET", {}, keep_alive=False, is_whole=True), wire


@pytest.mark.parametrize(
    ("headers", "offers"),
    [
        pytest.param({b"upgrade": b"websocket"}, True, id="plain"),
        pytest.param({b"upgrade": b" WebSocket ", b"content-length": b"0"}, True, id="capitals"),
        pytest.param({b"upgrade": b"h2c"}, False, id="another"),
        pytest.param({b"upgrade": b"websocket, h2c"}, False, id="two"),
        pytest.param({}, False, id="none"),
        pytest.param({b"upgrade": b"websocket", b"content-length": b"3"}, False, id="body"),
        pytest.param({b"upgrade": b"websocket", b"content-length": b"x"}, False, id="odd-length"),
        pytest.param({b"upgrade": b"websocket", b"transfer-encoding": b"chunked"}, False, id="chunks"),
    ],
)
def test_offer_is_a_websocket_without_a_body(headers: dict[bytes, bytes], offers: bool) -> None:
    assert offers_websocket(headers) is offers


async def test_switch_says_101_and_what_is_switched_to() -> None:
    exchange, wire = tunnel()
    await exchange.switch(b"sec-websocket-accept: x\r\n")
    (head,) = wire.sent
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert head.endswith(b"connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n")
    assert b"close" not in head
    assert (exchange.status, exchange.started, exchange.keep_alive) == (101, True, False)


async def test_bytes_pass_without_frames_of_our_own() -> None:
    exchange, wire = tunnel()
    await exchange.write(TEXT)
    assert wire.sent == [TEXT]


async def test_write_waits_for_a_slow_client_and_drops_what_a_lost_one_would_get() -> None:
    exchange, wire = tunnel()
    wire.pause()
    writing = asyncio.create_task(exchange.write(TEXT))
    await asyncio.sleep(0)
    assert wire.sent == []
    wire.drain()
    await writing
    assert wire.sent == [TEXT]
    wire.pause()
    writing = asyncio.create_task(exchange.write(TEXT))
    await asyncio.sleep(0)
    wire.lose()
    await writing
    assert wire.sent == [TEXT]


async def test_bytes_of_the_client_are_waited_for_and_joined() -> None:
    exchange, wire = tunnel()
    receiving = asyncio.create_task(exchange.receive())
    await asyncio.sleep(0)
    exchange.feed(TEXT)
    exchange.feed(b"")
    exchange.feed(TEXT)
    assert await receiving == TEXT * 2
    exchange.feed(CLOSE)
    assert (await exchange.receive(), wire.pauses) == (CLOSE, 0)
    assert exchange.is_over


async def test_client_is_not_read_while_too_much_waits() -> None:
    exchange, wire = tunnel()
    for _ in range(3):
        exchange.feed(b"\x82\x7e\x80\x00" + b"x" * 32_768)
    assert wire.pauses == 2
    assert len(await exchange.receive()) == 3 * 32_772
    assert wire.reads == 1


async def test_what_comes_after_the_end_is_dropped() -> None:
    exchange, wire = tunnel()
    await exchange.leave()
    exchange.feed(TEXT)
    assert wire.sent == [b""]
    assert not exchange.is_over
    assert (wire.is_finished, exchange.keep_alive, exchange.ended) == (True, False, True)


FAREWELLS = [
    pytest.param(TEXT, BYE, id="between-frames"),
    pytest.param(TEXT[:2], b"", id="inside-a-frame"),
    pytest.param(TEXT + CLOSE, b"", id="said-already"),
]


@pytest.mark.parametrize(("sent", "last"), FAREWELLS)
async def test_farewell_is_said_where_it_fits(sent: bytes, last: bytes) -> None:
    exchange, wire = tunnel()
    await exchange.write(sent)
    await exchange.end(b"data: an event\n\n")
    assert wire.sent == [sent, last]


async def test_end_waits_for_a_slow_client() -> None:
    exchange, wire = tunnel()
    wire.pause()
    leaving = asyncio.create_task(exchange.leave(1001))
    await asyncio.sleep(0)
    assert wire.sent == []
    wire.drain()
    await leaving
    assert wire.sent == [BYE]
