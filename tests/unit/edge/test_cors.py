"""Web pages of other origins get from a proxied endpoint what Starlette's middleware gives them everywhere else."""

from __future__ import annotations

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message

from proxy.edge.cors import Cors
from tests.fakes.wire import make_exchange

PAGE = b"https://page.example.com"
ASKING = {b"origin": PAGE, b"access-control-request-method": b"POST", b"access-control-request-headers": b"x-a"}

Fields = set[tuple[bytes, bytes]]


async def from_starlette(cors: Cors, method: str, headers: dict[bytes, bytes]) -> tuple[int, Fields]:
    """Status and header fields that an app gives which stands behind the middleware."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    await cors.app({"type": "http", "method": method, "headers": list(headers.items())}, receive, send)
    return sent[0]["status"], {(name.lower(), value) for name, value in sent[0]["headers"]}


ORIGINS = pytest.mark.parametrize(
    "origins",
    [
        pytest.param((PAGE.decode(),), id="one"),
        pytest.param(("https://other.example.com", PAGE.decode()), id="two"),
        pytest.param(("*",), id="all"),
        pytest.param(("*", PAGE.decode()), id="all-and-one"),
    ],
)


@ORIGINS
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no-origin"),
        pytest.param({b"origin": PAGE}, id="page"),
        pytest.param({b"origin": b"https://evil.example.com"}, id="another-page"),
        pytest.param({b"origin": PAGE.upper()}, id="in-capitals"),
        pytest.param({b"origin": b""}, id="empty"),
        pytest.param({b"origin": b"null"}, id="null"),
        pytest.param({b"origin": b"\xff"}, id="no-text"),
        pytest.param({b"origin": PAGE, b"cookie": b"a=b"}, id="with-a-cookie"),
    ],
)
async def test_answer_carries_what_starlettes_would(origins: tuple[str, ...], headers: dict[bytes, bytes]) -> None:
    cors = Cors(PlainTextResponse("x"), origins)
    _, expected = await from_starlette(cors, "POST", headers)
    own = {(b"content-length", b"1"), (b"content-type", b"text/plain; charset=utf-8")}
    assert {*cors.fields(headers)} == expected - own


@ORIGINS
@pytest.mark.parametrize("origin", [PAGE, b"https://evil.example.com"])
@pytest.mark.parametrize("wanted", [b"POST", b"DELETE"])
async def test_preflight_is_answered_as_starlette_would(origins: tuple[str, ...], origin: bytes, wanted: bytes) -> None:
    cors = Cors(PlainTextResponse("x"), origins)
    headers = {**ASKING, b"origin": origin, b"access-control-request-method": wanted}
    exchange = make_exchange(headers)
    exchange.method = b"OPTIONS"
    preflight = cors.preflight(exchange)
    assert preflight is not None
    assert (preflight.status_code, {*preflight.raw_headers}) == await from_starlette(cors, "OPTIONS", headers)


@pytest.mark.parametrize(
    ("method", "missing"),
    [
        pytest.param(b"POST", b"", id="another-method"),
        pytest.param(b"OPTIONS", b"origin", id="no-origin"),
        pytest.param(b"OPTIONS", b"access-control-request-method", id="no-method"),
    ],
)
def test_other_requests_are_no_preflight(method: bytes, missing: bytes) -> None:
    exchange = make_exchange({name: value for name, value in ASKING.items() if name != missing})
    exchange.method = method
    assert Cors(PlainTextResponse("x"), (PAGE.decode(),)).preflight(exchange) is None
