"""A head that was read before is known again, and only where the parser would read the same from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from httptools import HttpParserError, HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st

from proxy.api.endpointspec import CHAT
from proxy.edge.exchange import Asked, Exchange
from proxy.edge.known_head import KnownHead, known_head
from tests.fakes.wire import FakeWire

BEFORE = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer key\r\nContent-Length: "
AFTER = b"\r\nuser-agent: a\r\n\r\n"
FIRST = BEFORE + b"5" + AFTER + b"hello"


@dataclass(slots=True)
class Parsed:
    """What the parser makes of bytes that hold one whole request; None of all others."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    count: int = 0
    body: bytes = b""
    begun: int = 0
    ended: int = 0

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value
        self.count += 1

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.ended += 1


def parsed(data: bytes) -> Parsed | None:
    found = Parsed()
    try:
        HttpRequestParser(found).feed_data(data)
    except HttpParserError:
        return None
    return found if found.begun == found.ended == 1 else None


def asked_by(data: bytes, *, keep_alive: bool = True) -> Exchange:
    found = parsed(data)
    assert found is not None
    exchange = Exchange(FakeWire(), Asked(CHAT), b"POST", found.headers, keep_alive)
    exchange.pieces.append(found.body)
    if found.count > len(found.headers):
        exchange.repeated = ((b"any", b"of them"),)
    return exchange


def without_length(headers: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    return {name: value for name, value in headers.items() if name != b"content-length"}


def known() -> KnownHead:
    head = known_head(FIRST, asked_by(FIRST))
    assert head is not None
    return head


@pytest.mark.parametrize("body", [b"", b"hello", b"\r\n\r\n", b"x" * 123_456])
def test_same_head_with_another_body_is_known(body: bytes) -> None:
    wire = FakeWire()
    exchange = known().read(b"%b%d%b%b" % (BEFORE, len(body), AFTER, body), wire)
    assert exchange is not None
    assert (exchange.wire, exchange.asked.endpoint, exchange.method) == (wire, CHAT, b"POST")
    assert (exchange.is_whole, b"".join(exchange.pieces), exchange.keep_alive) == (True, body, True)
    assert exchange.headers == {
        b"host": b"x",
        b"authorization": b"Bearer key",
        b"user-agent": b"a",
    }


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(FIRST[:-1], id="body-not-whole"),
        pytest.param(FIRST + b"P", id="more-behind"),
        pytest.param(FIRST + FIRST, id="two-at-once"),
        pytest.param(BEFORE + b"5", id="head-not-whole"),
        pytest.param(BEFORE + b"5\r\nuser-agent: b\r\n\r\nhello", id="other-line-behind"),
        pytest.param(FIRST.replace(b"key", b"kez"), id="other-line-before"),
        pytest.param(BEFORE + b"+5" + AFTER + b"hello", id="sign"),
        pytest.param(BEFORE + b" 5" + AFTER + b"hello", id="space-before"),
        pytest.param(BEFORE + b"5 " + AFTER + b"hello", id="space-behind"),
        pytest.param(BEFORE + b"0_5" + AFTER + b"hello", id="underscore"),
        pytest.param(BEFORE + b"0x5" + AFTER + b"hello", id="hexadecimal"),
        pytest.param(BEFORE + b"5, 5" + AFTER + b"hello", id="twice"),
        pytest.param(BEFORE + AFTER + b"hello", id="none"),
        pytest.param(BEFORE + b"0" * 11 + b"5" + AFTER + b"hello", id="too-many-digits"),
        pytest.param(BEFORE + b"0" * 5000 + b"5" + AFTER + b"hello", id="far-too-many-digits"),
    ],
)
def test_anything_else_is_for_the_parser(data: bytes) -> None:
    assert known().read(data, FakeWire()) is None


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"expect: 100-continue\r\n", id="waits-for-leave"),
        pytest.param(b"x-a: 1\r\nx-a: 2\r\n", id="comes-twice"),
        pytest.param(b"x-a: 1\r\nContent-Length: 5 \r\n", id="space-behind-the-length"),
        pytest.param(b"Content-Length: " + b"0" * 5000 + b"5\r\n", id="far-too-many-digits"),
    ],
)
def test_head_of_another_kind_is_not_remembered(line: bytes) -> None:
    own = b"" if b"Length" in line else b"content-length: 5\r\n"
    data = b"POST / HTTP/1.1\r\nhost: x\r\n" + own + line + b"\r\nhello"
    assert known_head(data, asked_by(data)) is None


def test_head_of_a_last_request_is_not_remembered() -> None:
    assert known_head(FIRST, asked_by(FIRST, keep_alive=False)) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", id="no-body"),
        pytest.param(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", id="chunks"),
        pytest.param(
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n17\r\n\r\ncontent-length: 2\r\n\r\n\r\n0\r\n\r\n",
            id="length-in-the-body",
        ),
    ],
)
def test_request_without_a_length_is_not_remembered(data: bytes) -> None:
    assert known_head(data, asked_by(data)) is None


def test_bytes_that_are_not_this_request_alone_are_not_remembered() -> None:
    assert known_head(FIRST + FIRST, asked_by(FIRST)) is None


def test_line_break_before_a_request_belongs_to_its_head() -> None:
    assert known_head(b"\r\n" + FIRST, asked_by(b"\r\n" + FIRST)) is not None
    assert known_head(b"\r\n\r\n" + FIRST, asked_by(b"\r\n\r\n" + FIRST)) is not None


def test_key_is_not_shown() -> None:
    assert repr(known()) == "KnownHead(Asked(chat))"


SNIPPETS = [
    b"POST",
    b" ",
    b"/",
    b"\r\n",
    b"\r",
    b"\n",
    b"5",
    b"0",
    b"+",
    b"-",
    b"_",
    b"content-length: ",
    b"hello",
    b"\0",
]


@given(
    cut=st.integers(0, len(FIRST)),
    dropped=st.integers(0, 4),
    snippets=st.lists(st.sampled_from(SNIPPETS), max_size=3),
)
def test_whatever_is_known_is_what_the_parser_reads(cut: int, dropped: int, snippets: list[bytes]) -> None:
    data = FIRST[:cut] + b"".join(snippets) + FIRST[cut + dropped :]
    exchange = known().read(data, FakeWire())
    if exchange is not None:
        found = parsed(data)
        assert found is not None
        assert int(found.headers[b"content-length"]) == len(found.body)
        assert (without_length(found.headers), found.body) == (exchange.headers, b"".join(exchange.pieces))


@given(
    cut=st.integers(0, len(FIRST)),
    dropped=st.integers(0, 4),
    snippets=st.lists(st.sampled_from(SNIPPETS), max_size=3),
)
def test_whatever_is_remembered_is_read_the_same_again(cut: int, dropped: int, snippets: list[bytes]) -> None:
    data = FIRST[:cut] + b"".join(snippets) + FIRST[cut + dropped :]
    found = parsed(data)
    if found is not None and (head := known_head(data, asked_by(data))) is not None:
        exchange = head.read(data, FakeWire())
        assert exchange is not None
        assert int(found.headers[b"content-length"]) == len(found.body)
        assert (without_length(found.headers), found.body) == (exchange.headers, b"".join(exchange.pieces))
