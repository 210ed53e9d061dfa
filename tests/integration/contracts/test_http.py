"""DESIGN.md section 14: odd, broken and hostile HTTP at the edge. One answer for each request, never another's."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from proxy.edge.connection import MAX_QUEUED
from tests.fakes.gateway import RunningGateway
from tests.fakes.rawserver import BLINK_S, Peer, chunk, split
from tests.fakes.wireclient import WireClient
from tests.integration.contracts.scene import Witness, ask, model, post, providers, said, scene

TOML = providers("a") + model("a")
BODY = b'{"model":"m","messages":[{"role":"user","content":"hello"}]}'
CHAT = b"/v1/chat/completions"
LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
QUIET_S = 0.06  # so long without a byte is the end of what a connection has to say


def request(*lines: bytes, body: bytes = BODY, start: bytes = b"POST " + CHAT + b" HTTP/1.1") -> bytes:
    """A request with exactly these lines beside Host and Content-Type."""
    head = [start, b"Host: localhost", b"Content-Type: application/json", *lines, b"", b""]
    return b"\r\n".join(head) + body


def in_chunks(body: bytes, *positions: int) -> bytes:
    return chunk(*filter(None, split(body, *positions))) + b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came back on one connection: the statuses, the bytes, and whether the gateway closed it."""

    statuses: list[int]
    heard: bytes
    closed: bool


async def exchange(gateway: RunningGateway, *pieces: bytes, expect: int = 1) -> Exchange:
    """Send these bytes over one connection and read what comes: so many answers, then until it falls quiet."""
    parts = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    heard, closed = b"", False
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(BLINK_S if len(pieces) > 1 else 0)
        while not closed:
            answered = len(re.findall(rb"HTTP/1\.1 [2-5]", heard)) >= expect
            try:
                piece = await asyncio.wait_for(reader.read(65_536), QUIET_S if answered else 5)
            except TimeoutError:
                break
            except ConnectionError:
                piece = b""
            heard, closed = heard + piece, not piece
    finally:
        writer.transport.abort()
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", heard)]
    return Exchange(statuses, heard, closed)


TAKEN = [
    pytest.param(request(LENGTH), [200], id="plain"),
    pytest.param(request(LENGTH) * 3, [200] * 3, id="pipelined"),
    pytest.param(request(LENGTH) + LIVEZ + request(LENGTH), [200] * 3, id="pipelined-with-others"),
    pytest.param(LIVEZ * 20, [200] * 20, id="pipelined-pages"),
    pytest.param(request(CHUNKED, body=in_chunks(BODY, 1, 2, 30)), [200], id="chunked"),
    pytest.param(request(CHUNKED, body=in_chunks(BODY)[:-2] + b"X-Trailer: 1\r\n\r\n"), [200], id="trailers"),
    pytest.param(request(CHUNKED, body=in_chunks(BODY).replace(b"\r\n", b";x=y\r\n", 1)), [200], id="chunk-extension"),
    pytest.param(request(CHUNKED, body=in_chunks(BODY) + LIVEZ), [200, 200], id="chunked-and-another"),
    pytest.param(request(b"content-LENGTH: %d" % len(BODY)), [200], id="odd-case"),
    pytest.param(request(LENGTH, start=b"POST http://localhost" + CHAT + b" HTTP/1.1"), [200], id="absolute-form"),
    pytest.param(b"\r\n\r\n" + request(LENGTH), [200], id="blank-lines-before"),
    pytest.param(request(LENGTH, *(b"X-%d: y" % n for n in range(100))), [200], id="a-hundred-lines"),
    pytest.param(request(LENGTH, b"X-Long: " + b"y" * 30_000), [200], id="a-long-line"),
    pytest.param(request(LENGTH, b"Accept-Encoding: gzip", b"Cookie: \xff\xfe"), [200], id="odd-bytes-in-a-value"),
    pytest.param(request(LENGTH, body=BODY[:-1] + b"x") + request(LENGTH), [400, 200], id="after-a-400"),
    pytest.param(request(LENGTH, start=b"POST /nowhere HTTP/1.1") + LIVEZ, [404, 200], id="after-a-404"),
    pytest.param(request(LENGTH, start=b"PUT " + CHAT + b" HTTP/1.1") + LIVEZ, [405, 200], id="after-a-405"),
]


@pytest.mark.parametrize(("sent", "statuses"), TAKEN)
async def test_odd_but_right_requests_are_answered_each_in_turn(sent: bytes, statuses: list[int]) -> None:
    async with scene(TOML, a=Witness(said())) as gateway:
        whole = await exchange(gateway, sent, expect=len(statuses))
        pieces = await exchange(gateway, sent[:30], sent[30:31], sent[31:-3], sent[-3:], expect=len(statuses))
    assert (whole.statuses, whole.closed) == (statuses, False)
    assert (pieces.statuses, pieces.closed) == (statuses, False)


SMUGGLED = LIVEZ
REFUSED = [
    pytest.param(request(LENGTH, LENGTH), id="length-twice"),
    pytest.param(request(LENGTH, b"Content-Length: 5"), id="two-lengths"),
    pytest.param(request(b"Content-Length: 5, 5"), id="list-of-lengths"),
    pytest.param(request(LENGTH, CHUNKED, body=in_chunks(BODY)), id="length-and-chunked"),
    pytest.param(request(CHUNKED, b"Content-Length: 6", body=b"0\r\n\r\n" + SMUGGLED), id="chunked-and-length"),
    pytest.param(request(CHUNKED, b"Transfer-Encoding: identity", body=b"0\r\n\r\n" + SMUGGLED), id="two-codings"),
    pytest.param(request(b"Transfer-Encoding: xchunked", body=in_chunks(BODY) + SMUGGLED), id="unknown-coding"),
    pytest.param(request(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n" + SMUGGLED), id="space-before-the-colon"),
    pytest.param(request(b"Transfer-Encoding:\x0bchunked", body=b"0\r\n\r\n" + SMUGGLED), id="vertical-tab"),
    pytest.param(request(LENGTH, b"X: y\r\n Content-Length: 0"), id="folded-line"),
    pytest.param(request(b"Content-Length: -1"), id="negative-length"),
    pytest.param(request(b"Content-Length: +60"), id="signed-length"),
    pytest.param(request(b"Content-Length: 0x3c"), id="hexadecimal-length"),
    pytest.param(request(b"Content-Length: " + b"9" * 30), id="giant-length"),
    pytest.param(request(LENGTH, b"X: a\0b"), id="nul-in-a-value"),
    pytest.param(request(LENGTH, b"X: a\rb"), id="return-in-a-value"),
    pytest.param(request(LENGTH, b"X y: b"), id="space-in-a-name"),
    pytest.param(request(LENGTH, b"no colon"), id="no-colon"),
    pytest.param(request(LENGTH).replace(b"\r\n", b"\n"), id="bare-newlines"),
    pytest.param(request(LENGTH, start=b"POST " + CHAT + b" HTTP/9.9"), id="odd-version"),
    pytest.param(request(LENGTH, start=b"POST /a b HTTP/1.1"), id="space-in-the-target"),
    pytest.param(request(LENGTH, start=b"WHAT? / HTTP/1.1"), id="odd-method"),
    pytest.param(request(CHUNKED, body=b"zz\r\n"), id="bad-chunk-size"),
    pytest.param(request(CHUNKED, body=b"-5\r\nhello\r\n0\r\n\r\n"), id="negative-chunk"),
    pytest.param(request(CHUNKED, body=b"fffffffffffffffff\r\n"), id="giant-chunk"),
    pytest.param(request(CHUNKED, body=b"5\r\nhello" + SMUGGLED), id="chunk-without-an-end"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="http-2"),
    pytest.param(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", id="tls"),
    pytest.param(b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n", id="connect"),
]


@pytest.mark.parametrize("sent", REFUSED)
async def test_request_that_can_be_read_in_two_ways_is_refused_and_the_connection_closed(sent: bytes) -> None:
    upstream = Witness(said())
    async with scene(TOML, a=upstream) as gateway:
        found = await exchange(gateway, sent)
        assert (await ask(gateway)).status == 200
    assert found.statuses[:1] == [400]
    assert len(found.statuses) == 1
    assert found.closed
    assert upstream.calls == 1


UPGRADES = [
    pytest.param([b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQ"], id="java"),
    pytest.param([b"connection: upgrade", b"upgrade: websocket"], id="websocket"),
    pytest.param([b"Upgrade: TLS/1.3, h2c", b"Connection: keep-alive, Upgrade"], id="list"),
]


@pytest.mark.parametrize(
    "framed",
    [pytest.param([LENGTH, BODY], id="length"), pytest.param([CHUNKED, in_chunks(BODY, 9)], id="chunked")],
)
@pytest.mark.parametrize("lines", UPGRADES)
async def test_offer_to_upgrade_is_ignored_and_its_body_read(lines: list[bytes], framed: list[bytes]) -> None:
    sent = request(*lines, framed[0], body=framed[1])
    head = sent.index(b"\r\n\r\n") + 4
    upstream = Witness(said())
    async with scene(TOML, a=upstream) as gateway:
        found = await exchange(gateway, sent + LIVEZ, expect=2)
        apart = await exchange(gateway, sent[:70], sent[70:head], sent[head:], LIVEZ, expect=2)
    assert (found.statuses, apart.statuses) == ([200, 200], [200, 200])
    assert [body["messages"][0]["content"] for body in upstream.bodies] == ["hello", "hello"]


async def test_upgrade_of_pages_is_ignored_too_for_as_many_as_may_wait() -> None:
    offer = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with scene(TOML, a=Witness()) as gateway:
        found = await exchange(gateway, offer * MAX_QUEUED + LIVEZ, expect=MAX_QUEUED + 1)
        flood = await exchange(gateway, offer * 600, expect=MAX_QUEUED + 1)
        broken = await exchange(gateway, offer + b"\0")
    assert (found.statuses, found.closed) == ([200] * (MAX_QUEUED + 1), False)
    assert (flood.statuses, flood.closed) == ([200] * (MAX_QUEUED + 1), True)
    assert broken.closed


async def test_continue_is_said_before_the_body_comes_and_only_where_it_is_wanted() -> None:
    async with scene(TOML, a=Witness(said())) as gateway:
        wanted = await exchange(gateway, request(LENGTH, b"Expect: 100-continue", body=b""), BODY)
        with_it = await exchange(gateway, request(LENGTH, b"Expect: 100-continue"), expect=1)
    assert wanted.statuses == [100, 200]
    assert with_it.statuses[-1] == 200


async def test_continue_is_not_said_to_a_body_that_would_be_refused() -> None:
    async with scene("[server]\nmax_body_bytes = 1024\n" + TOML, a=Witness(said())) as gateway:
        found = await exchange(gateway, request(b"Expect: 100-continue", b"Content-Length: 9999", body=b""))
    assert found.statuses == [413]


@pytest.mark.parametrize("path", [CHAT, b"/v1/embeddings", b"/openai/deployments/m/chat/completions"])
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE"])
async def test_other_methods_are_405_and_say_which_is_right(method: bytes, path: bytes) -> None:
    async with scene(TOML, a=Witness()) as gateway:
        found = await exchange(gateway, b"%b %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % (method, path) + LIVEZ, expect=2)
    assert found.statuses == [405, 200]
    head, _, rest = found.heard.partition(b"\r\n\r\n")
    assert b"\r\nallow: POST" in head
    assert rest.startswith(b"HTTP/1.1 200" if method == b"HEAD" else b'{"error":{')


async def test_body_of_a_page_is_read_and_ignored() -> None:
    with_body = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 38\r\n\r\n" + LIVEZ[:38]
    async with scene(TOML, a=Witness()) as gateway:
        found = await exchange(gateway, with_body + LIVEZ, expect=2)
    assert found.statuses == [200, 200]


async def test_old_http_is_answered_and_closed() -> None:
    async with scene(TOML, a=Witness(said())) as gateway:
        found = await exchange(gateway, request(LENGTH, start=b"POST " + CHAT + b" HTTP/1.0"))
        polite = await exchange(gateway, request(LENGTH, b"Connection: close"))
    assert (found.statuses, found.closed) == ([200], True)
    assert (polite.statuses, polite.closed) == ([200], True)
    assert b"\r\nconnection: close" in polite.heard


async def test_body_that_is_refused_half_way_is_no_next_request() -> None:
    """What follows the refusal on the wire is the rest of the body, whatever it looks like."""
    toml = "[server]\nmax_body_bytes = 1024\n" + TOML
    upstream = Witness(said())
    smuggled = request(LENGTH) * 10
    async with scene(toml, a=upstream) as gateway:
        found = await exchange(
            gateway, request(b"Content-Length: %d" % (len(smuggled) + 5), body=b"12345"), smuggled, LIVEZ
        )
    assert found.statuses in ([413], [413, 200])
    assert upstream.calls == 0


NO_OBJECT = [
    pytest.param(b"", id="empty"),
    pytest.param(b"{", id="cut"),
    pytest.param(b"[]", id="list"),
    pytest.param(b"null", id="null"),
    pytest.param(b'"text"', id="text"),
    pytest.param(BODY + b"x", id="trailing"),
    pytest.param(BODY + BODY, id="two"),
    pytest.param(BODY[:-1] + b',"x":NaN}', id="nan"),
    pytest.param(BODY[:-1] + b',"x":Infinity}', id="infinity"),
    pytest.param(BODY[:-1] + b',"x":01}', id="leading-zero"),
    pytest.param(BODY[:-1] + b',"x":"a\nb"}', id="newline-in-text"),
    pytest.param(BODY[:-1] + b',"\xff":1}', id="name-that-is-no-utf-8"),
    pytest.param(b"{'model':'m'}", id="single-quotes"),
    pytest.param(b"model=m&messages=x", id="form"),
    pytest.param(b"\xff\xfe{\x00}\x00", id="utf-16"),
    pytest.param(BODY[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="deep-lists"),
    pytest.param(BODY[:-1] + b',"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", id="deep-objects"),
]


@pytest.mark.parametrize("body", NO_OBJECT)
async def test_body_that_is_no_json_object_is_the_clients_fault(body: bytes) -> None:
    upstream = Witness(said())
    async with scene(TOML, a=upstream) as gateway:
        heard = await post(gateway, body)
        assert (await ask(gateway)).status == 200
    assert (heard.status, heard.error["code"], heard.error["type"]) == (400, "invalid_request", "invalid_request_error")
    assert "JSON object" in heard.error["message"]
    assert upstream.calls == 1


WRONG_TYPES = [
    pytest.param(b'"model":7', "model", id="model-number"),
    pytest.param(b'"model":["m"]', "model", id="model-list"),
    pytest.param(b'"model":"\xff"', "model", id="model-no-utf-8"),
    pytest.param(b'"model":"\\ud83d"', "model", id="model-half-an-emoji"),
    pytest.param(b'"model":"m","stream":"true"', "stream", id="stream-text"),
    pytest.param(b'"model":"m","stream":1', "stream", id="stream-number"),
    pytest.param(b'"model":"m","stream":true,"stream_options":[]', "stream_options", id="stream-options-list"),
]


@pytest.mark.parametrize(("members", "param"), WRONG_TYPES)
async def test_member_of_a_wrong_type_is_named(members: bytes, param: str) -> None:
    async with scene(TOML, a=Witness(said())) as gateway:
        heard = await post(gateway, b'{"messages":[],' + members + b"}")
    assert (heard.status, heard.error["code"], heard.error["param"]) == (400, "invalid_request", param)


async def test_member_that_is_written_twice_is_judged_and_sent_as_one() -> None:
    """Else a client could have one model judged and another one sent."""
    upstream = Witness(said())
    async with scene(TOML, a=upstream) as gateway:
        heard = await post(gateway, b'{"model":"nobody","stream":true,"model":"m","stream":false,"messages":[]}')
        refused = await post(gateway, b'{"model":"m","model":"nobody","messages":[]}')
    assert (heard.status, refused.status) == (200, 404)
    assert [request.body for request in upstream.requests] == [b'{"model":"up","stream":false,"messages":[]}']


async def test_bodies_that_are_no_utf_8_are_the_upstreams_to_judge() -> None:
    upstream = Witness(said())
    async with scene(TOML, a=upstream) as gateway:
        heard = await post(gateway, b'{"model":"m","messages":[{"content":"\xff"}]}')
    assert heard.status == 200
    assert upstream.requests[0].body == b'{"model":"up","messages":[{"content":"\xff"}]}'


async def test_ten_megabytes_cost_the_gateway_little_time() -> None:
    body = BODY[:-1] + b',"x":"' + b"y" * 10_000_000 + b'"}'
    async with scene(TOML, a=Witness(said())) as gateway:
        await ask(gateway)
        began_s = time.perf_counter()
        heard = await post(gateway, body)
        took_s = time.perf_counter() - began_s
    assert heard.status == 200
    assert float(heard.headers["x-fairlead-overhead-ms"]) < 1_000
    assert took_s < 3


async def test_connection_is_used_again_after_errors_of_every_kind() -> None:
    async with scene(TOML, a=Witness(said())) as gateway, WireClient(gateway.url) as client:
        statuses = [
            (await client.ask(body)).status
            for body in (
                b"{",
                {"model": "nobody"},
                {"model": 7},
                {"model": "m"},
                b"",
                {"model": "m", "stream": "x"},
                {"model": "m"},
            )
        ]
    assert statuses == [400, 404, 400, 200, 400, 400, 200]


KEY = "key-0123456789abcdef"
KEYS = [
    pytest.param({"authorization": f"Bearer {KEY}"}, 200, id="bearer"),
    pytest.param({"authorization": f"bearer  {KEY} "}, 200, id="lower-case-and-spaces"),
    pytest.param({"x-api-key": KEY}, 200, id="x-api-key"),
    pytest.param({"api-key": KEY}, 200, id="api-key"),
    pytest.param({"x-goog-api-key": KEY}, 200, id="x-goog-api-key"),
    pytest.param({"authorization": "Bearer ", "x-api-key": KEY}, 200, id="empty-bearer-and-a-key"),
    pytest.param({"authorization": "Bearer", "api-key": KEY}, 200, id="bare-bearer-and-a-key"),
    pytest.param({"x-api-key": "", "authorization": f"Bearer {KEY}"}, 200, id="empty-key-and-a-bearer"),
    pytest.param({"authorization": "Basic a2V5", "api-key": KEY}, 200, id="basic-and-a-key"),
    pytest.param({"x-api-key": KEY, "api-key": KEY}, 200, id="the-same-twice"),
    pytest.param({"x-api-key": KEY, "api-key": "other"}, 401, id="two"),
    pytest.param({"authorization": "Bearer other", "api-key": KEY}, 401, id="wrong-bearer-and-a-key"),
    pytest.param({"authorization": "Bearer "}, 401, id="empty"),
    pytest.param({"authorization": KEY}, 401, id="no-scheme"),
    pytest.param({"authorization": f"Bearer {KEY.upper()}"}, 401, id="other-case"),
    pytest.param({"authorization": "Bearer \xff\xfe"}, 401, id="no-ascii"),
    pytest.param({}, 401, id="none"),
]


@pytest.mark.parametrize(("headers", "status"), KEYS)
async def test_client_key_is_taken_from_any_of_its_headers(headers: dict[str, str], status: int) -> None:
    keys = '[auth]\nkeys = [{ name = "k", key = "' + KEY + '" }]\n'
    async with scene(keys + TOML, a=Witness(said())) as gateway, WireClient(gateway.url) as client:
        heard = await client.ask(BODY, headers)
    assert heard.status == status
    if status == 401:
        assert (heard.error["code"], heard.error["type"]) == ("invalid_api_key", "authentication_error")
        assert KEY not in heard.body.decode()


@pytest.mark.parametrize("origin", ["https://Chat.Example.com", "https://chat.example.com"])
async def test_configured_origin_is_known_however_it_is_spelt(origin: str) -> None:
    toml = f'[server]\ncors_origins = ["{origin}"]\n' + TOML
    asked = {"origin": "https://chat.example.com", "sec-fetch-site": "cross-site"}
    async with scene(toml, a=Witness(said())) as gateway:
        heard = await ask(gateway, headers=asked)
        preflight = await gateway.client.options(
            CHAT.decode(), headers={**asked, "access-control-request-method": "POST"}
        )
    assert heard.status == 200
    assert heard.headers["access-control-allow-origin"] == "https://chat.example.com"
    assert preflight.status_code == 200


@pytest.mark.parametrize("behind", [pytest.param(b"", id="alone"), pytest.param(request(LENGTH), id="one-behind-it")])
async def test_client_that_leaves_frees_what_it_asked_for_whatever_waits_behind_it(behind: bytes) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def wait_for_the_client(peer: Peer) -> None:
        await peer.request()
        arrived.set()
        await peer.gone()
        left.set()

    async with scene(TOML, a=wait_for_the_client) as gateway:
        parts = urlsplit(gateway.url)
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request(LENGTH) + behind)
        await asyncio.wait_for(arrived.wait(), 5)
        writer.close()
        await asyncio.wait_for(left.wait(), 1)
