"""Mistakes in framing an answer reach no client as bytes that it would misread."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from proxy.api import endpoints
from proxy.api.endpointspec import CHAT
from proxy.core.snapshot import Server
from proxy.edge.connection import TOGETHER_BYTES, ClientConnection, client_protocol
from proxy.edge.exchange import Asked, Exchange
from proxy.edge.front import Front
from proxy.gateway import relay
from proxy.wire.headers import field_lines
from tests.fakes.rawserver import chunk
from tests.fakes.serving import serve
from tests.fakes.stage import Upstream, stage
from tests.fakes.wireclient import WireClient, chat
from tests.integration.faults.cases import BOTH

HEADERS = pytest.mark.parametrize(
    "header",
    [
        pytest.param((b"x-a", b"1\r\nset-cookie: a=b"), id="line-break"),
        pytest.param((b"x-a", b"1\nset-cookie: a=b"), id="newline"),
        pytest.param((b"x-a", b"1\rset-cookie: a=b"), id="carriage-return"),
        pytest.param((b"x-a", b"1\0"), id="nul"),
        pytest.param((b"x-a\r\nset-cookie", b"a=b"), id="line-break-in-a-name"),
    ],
)


PRICED = '[prices."first/sim-ok"]\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1\n'  # nothing else to warn of


@HEADERS
@BOTH
async def test_header_that_would_be_two_is_a_fault_of_the_gateway(
    header: tuple[bytes, bytes], stream: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(relay, "reply_lines", lambda *_: field_lines([header]))
    async with stage(Upstream("first"), sections=PRICED) as on:
        heard = await on.ask(stream=stream)
        assert (heard.status, heard.error["type"]) == (500, "server_error")
        assert "set-cookie" not in heard.headers
        assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_answer_that_cannot_be_given_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "error_headers", lambda error: [(b"x-a", b"1\r\nset-cookie: a=b")])
    async with stage(Upstream("first")) as on:
        async with WireClient(on.gateway.url) as client:
            client.send(b"no JSON")
            with contextlib.suppress(ConnectionResetError):
                assert await client.reader.read() == b""
        monkeypatch.undo()
        (await on.ask()).check_whole("first")
        assert len(await on.records(2)) == 2, "it has its line in the log all the same"


# --- what is answered over ASGI ---


def start(*headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


def body(piece: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": more}


async def unasked(exchange: Exchange) -> None:
    raise AssertionError("all is for the app")


async def answered(*messages: Message) -> bytes:
    """What a client gets of an app that sends these messages, up to the connection's end."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    protocol = client_protocol(Server, Front(app, lambda target: None, unasked))
    async with serve(app, protocol=protocol) as url, WireClient(url) as client:
        client.send(chat("m"), {"connection": "close"})
        return await client.reader.read()


@HEADERS
async def test_app_never_sends_a_header_that_would_be_two(header: tuple[bytes, bytes]) -> None:
    got = await answered(start((b"x-good", b"1"), header), body(b"hello"))
    assert b"hello" not in got
    assert b"cookie" not in got
    assert b"\0" not in got


async def test_body_that_is_longer_than_announced_is_not_sent() -> None:
    got = await answered(start((b"content-length", b"5")), body(b"1234567"))
    assert got.endswith(b"\r\n\r\n")


async def test_message_after_the_answer_is_not_sent() -> None:
    got = await answered(start((b"content-length", b"5")), body(b"hello"), body(b"again"))
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert got.endswith(b"\r\n\r\nhello")


# --- what an exchange writes leaves at the end of the event loop's round ---


async def written(work: Callable[[Exchange], Coroutine[Any, Any, None]], headers: dict[str, str]) -> bytes:
    """What a client gets of an exchange that is answered so, up to the connection's end."""
    protocol = client_protocol(Server, Front(no_app, lambda target: Asked(CHAT), work))
    async with serve(no_app, protocol=protocol) as url, WireClient(url) as client:
        client.send(chat("m"), headers)
        return await client.reader.read()


async def no_app(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("all is for the exchange")


async def test_pieces_of_all_sizes_arrive_in_their_order() -> None:
    pieces = [bytes([digit]) * size for digit in b"01" for size in (1, TOGETHER_BYTES, TOGETHER_BYTES + 1, 2)]

    async def work(exchange: Exchange) -> None:
        await exchange.begin(200, b"")
        await exchange.write(pieces[0])
        for piece in pieces[1:]:
            assert exchange.write_now(piece)
        await exchange.end(b"end")

    got = await written(work, {"connection": "close"})
    assert got.partition(b"\r\n\r\n")[2] == b"".join([chunk(piece) for piece in (*pieces, b"end")]) + b"0\r\n\r\n"


async def test_connection_that_is_to_end_before_its_answer_has_left_is_closed_behind_it() -> None:
    async def work(exchange: Exchange) -> None:
        await exchange.answer(200, b"", b"hello")
        assert isinstance(exchange.wire, ClientConnection)
        exchange.wire.shutdown()

    assert (await written(work, {})).endswith(b"\r\n\r\nhello")


async def test_answer_that_is_dropped_before_it_has_left_is_not_sent() -> None:
    async def work(exchange: Exchange) -> None:
        await exchange.answer(200, b"", b"hello")
        exchange.wire.abort()

    assert await written(work, {}) == b""
