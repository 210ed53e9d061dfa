"""An app's mistakes in framing an answer reach no client as bytes that it would misread."""

from __future__ import annotations

import pytest

from proxy.core.snapshot import Server
from proxy.edge.connection import client_protocol
from proxy.edge.exchange import Message, Receive, Scope, Send
from tests.fakes.serving import serve
from tests.fakes.wireclient import WireClient

PROTOCOL = client_protocol(Server)


def start(*headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


def body(piece: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": more}


async def answered(*messages: Message) -> bytes:
    """What a client gets of an app that sends these messages, up to the connection's end."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    async with serve(app, protocol=PROTOCOL) as url, WireClient(url) as client:
        client.send({}, {"connection": "close"})
        return await client.reader.read()


@pytest.mark.parametrize(
    "header",
    [
        pytest.param((b"x-a", b"1\r\nset-cookie: a=b"), id="line-break"),
        pytest.param((b"x-a", b"1\nset-cookie: a=b"), id="newline"),
        pytest.param((b"x-a", b"1\rset-cookie: a=b"), id="carriage-return"),
        pytest.param((b"x-a", b"1\0"), id="nul"),
        pytest.param((b"x-a\r\nset-cookie", b"a=b"), id="line-break-in-a-name"),
    ],
)
async def test_header_that_would_be_two_is_never_sent(header: tuple[bytes, bytes]) -> None:
    got = await answered(start((b"x-good", b"1"), header), body(b"hello"))
    assert got.startswith(b"HTTP/1.1 500 ")
    assert b"cookie" not in got
    assert b"\0" not in got


@pytest.mark.parametrize("piece", [pytest.param(b"1234567", id="too-long"), pytest.param(b"123", id="too-short")])
async def test_body_of_another_length_than_announced_ends_the_connection(piece: bytes) -> None:
    got = await answered(start((b"content-length", b"5")), body(piece))
    assert piece not in got
    assert b"200 OK" not in got


async def test_message_after_the_answer_is_not_sent() -> None:
    got = await answered(start((b"content-length", b"5")), body(b"hello"), body(b"again"))
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert got.endswith(b"\r\n\r\nhello")
