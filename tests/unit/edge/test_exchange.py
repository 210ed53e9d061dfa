"""An exchange sends one well-framed answer, as fast as its client reads, and asks for the body it needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from proxy.api.endpointspec import CHAT
from proxy.edge.exchange import Asked, Cut, Exchange, PlainExchange
from proxy.wire.headers import field_lines
from tests.fakes.wire import FakeWire, make_exchange, settled

HEAD = b"HTTP/1.1 200 OK\r\nx-a: 1\r\n"
FIELDS = [(b"x-a", b"1")]
LINES = field_lines(FIELDS)
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
Write = Callable[[Exchange], Awaitable[None]]


# --- the answer ---


def test_exchange_begins_with_nothing_sent() -> None:
    exchange = make_exchange()
    assert (exchange.cut, exchange.started, exchange.ended, exchange.status) == (None, False, False, 0)


async def test_whole_answer_leaves_in_one_write_with_its_length() -> None:
    wire = FakeWire()
    exchange = make_exchange(wire=wire)
    await exchange.answer(201, LINES, b"hello")
    assert wire.sent == [b"HTTP/1.1 201 Created\r\nx-a: 1\r\ncontent-length: 5\r\n\r\nhello"]
    assert (exchange.started, exchange.ended, exchange.status) == (True, True, 201)
    assert (wire.is_finished, exchange.keep_alive) == (True, True)


async def test_answer_in_chunks_is_silent_until_its_first_bytes() -> None:
    exchange = make_exchange(wire=FakeWire())
    silent = [exchange.is_silent]
    await exchange.begin(200, LINES)
    silent.append(exchange.is_silent)
    await exchange.write(b"hello")
    assert [*silent, exchange.is_silent] == [False, True, False]


async def test_answer_without_a_body_says_so() -> None:
    wire = FakeWire()
    await make_exchange(wire=wire).answer(200, LINES, b"")
    assert wire.sent == [HEAD + b"content-length: 0\r\n\r\n"]


async def test_answer_to_head_has_the_length_of_a_body_and_none() -> None:
    wire = FakeWire()
    exchange = make_exchange(wire=wire)
    exchange.method = b"HEAD"
    await exchange.answer(200, LINES, b"hello")
    assert wire.sent == [HEAD + b"content-length: 5\r\n\r\n"]


async def test_answer_in_chunks_holds_its_head_back_for_the_first_of_them() -> None:
    wire = FakeWire()
    exchange = make_exchange(wire=wire)
    await exchange.begin(200, LINES)
    after_begin = (exchange.started, exchange.status, list(wire.sent))
    await exchange.write(b"one")
    await exchange.write(b"x" * 26)
    assert (after_begin, exchange.ended) == ((True, 200, []), False)
    await exchange.end(b"end")
    assert wire.sent == [
        HEAD + CHUNKED + b"3\r\none\r\n",
        b"1a\r\n" + b"x" * 26 + b"\r\n",
        b"3\r\nend\r\n0\r\n\r\n",
    ]
    assert (exchange.ended, wire.is_finished, exchange.keep_alive) == (True, True, True)


async def test_answer_of_http_1_0_is_its_bytes_alone() -> None:
    wire = FakeWire()
    exchange = PlainExchange(wire, Asked(CHAT), b"POST", {}, keep_alive=False)
    await exchange.begin(200, LINES)
    assert not exchange.write_now(b"early")
    await exchange.write(b"one")
    await exchange.end(b"end")
    assert wire.sent == [HEAD + b"connection: close\r\n\r\none", b"end"]
    assert (wire.is_finished, exchange.keep_alive) == (True, False)


async def test_answer_in_chunks_may_have_none() -> None:
    wire = FakeWire()
    exchange = make_exchange(wire=wire)
    await exchange.begin(200, LINES)
    await exchange.end()
    assert wire.sent == [HEAD + CHUNKED + b"0\r\n\r\n"]


async def test_no_bytes_are_no_chunk_for_that_would_be_the_last() -> None:
    wire = FakeWire()
    exchange = make_exchange(wire=wire)
    await exchange.begin(200, LINES)
    await exchange.write(b"")
    await exchange.write(b"one")
    assert b"".join(wire.sent) == HEAD + CHUNKED + b"3\r\none\r\n"


async def test_every_answer_carries_what_the_server_and_the_page_are_due() -> None:
    wire = FakeWire()
    wire.server_state.default_headers = [(b"date", b"today")]
    exchange = make_exchange(wire=wire)
    exchange.cors_fields = ((b"vary", b"Origin"),)
    await exchange.answer(200, LINES, b"")
    head = b"HTTP/1.1 200 OK\r\ndate: today\r\nx-a: 1\r\nvary: Origin\r\ncontent-length: 0\r\n\r\n"
    assert wire.sent == [head]


@pytest.mark.parametrize("whole", [True, False])
async def test_last_answer_of_a_connection_says_that_it_closes(whole: bool) -> None:
    wire = FakeWire()
    exchange = make_exchange(wire=wire)
    exchange.keep_alive = False
    if whole:
        await exchange.answer(200, LINES, b"")
    else:
        await exchange.begin(200, LINES)
        await exchange.end()
    assert wire.sent[0].startswith(HEAD + b"connection: close\r\n")
    assert (wire.is_finished, exchange.keep_alive) == (True, False)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param((b"x-b", b"1\r\nset-cookie: a=b"), id="line-break"),
        pytest.param((b"x-b", b"1\nset-cookie: a=b"), id="newline"),
        pytest.param((b"x-b", b"1\rset-cookie: a=b"), id="carriage-return"),
        pytest.param((b"x-b", b"1\0"), id="nul"),
        pytest.param((b"x-b\r\nset-cookie", b"a=b"), id="line-break-in-a-name"),
        pytest.param((b"x-b", b"1\r\n\r\n"), id="end-of-the-head"),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
async def test_header_that_would_be_two_is_never_sent(header: tuple[bytes, bytes], whole: bool) -> None:
    wire = FakeWire()
    exchange = make_exchange(wire=wire)
    with pytest.raises(ValueError, match="line break or a NUL"):
        lines = field_lines([*FIELDS, header])
        await (exchange.answer(200, lines, b"") if whole else exchange.begin(200, lines))
    assert (wire.sent, exchange.started, exchange.ended) == ([], False, False)
    await exchange.answer(500, LINES, b"")
    assert wire.sent[0].startswith(b"HTTP/1.1 500 ")


def test_printed_exchange_shows_no_header() -> None:
    assert "PLANTED" not in repr(make_exchange({b"authorization": b"Bearer PLANTED"}))


# --- a client that does not read ---


async def begun(wire: FakeWire) -> Exchange:
    exchange = make_exchange(wire=wire)
    await exchange.begin(200, LINES)
    await exchange.write(b"one")
    wire.sent.clear()
    return exchange


async def test_what_needs_no_waiting_is_written_at_once() -> None:
    wire = FakeWire()
    exchange = await begun(wire)
    assert exchange.write_now(b"two")
    assert wire.sent == [b"3\r\ntwo\r\n"]


async def test_nothing_is_written_at_once_while_the_client_does_not_read() -> None:
    wire = FakeWire()
    exchange = await begun(wire)
    wire.pause()
    assert not exchange.write_now(b"two")
    wire.drain()
    assert exchange.write_now(b"two")


async def test_nothing_is_written_at_once_before_the_head() -> None:
    wire = FakeWire()
    exchange = make_exchange(wire=wire)
    await exchange.begin(200, LINES)
    assert not exchange.write_now(b"one")
    assert wire.sent == []


WRITES = [
    pytest.param(lambda exchange: exchange.write(b"two"), b"3\r\ntwo\r\n", id="write"),
    pytest.param(lambda exchange: exchange.end(b"two"), b"3\r\ntwo\r\n0\r\n\r\n", id="end"),
]


@pytest.mark.parametrize(("write", "expected"), WRITES)
async def test_writing_waits_for_the_client(write: Write, expected: bytes) -> None:
    wire = FakeWire()
    exchange = await begun(wire)
    wire.pause()
    task = asyncio.ensure_future(write(exchange))
    await settled()
    assert wire.sent == []
    wire.drain()
    await task
    assert wire.sent == [expected]


async def test_whole_answer_waits_for_a_client_that_has_not_read_the_one_before() -> None:
    wire = FakeWire()
    wire.pause()
    task = asyncio.create_task(make_exchange(wire=wire).answer(200, LINES, b""))
    await settled()
    assert wire.sent == []
    wire.drain()
    await task
    assert len(wire.sent) == 1


@pytest.mark.parametrize(("write", "expected"), WRITES)
async def test_nothing_is_written_to_a_client_that_left(write: Write, expected: bytes) -> None:
    wire = FakeWire()
    exchange = await begun(wire)
    wire.pause()
    task = asyncio.ensure_future(write(exchange))
    await settled()
    wire.lose()
    await task
    assert wire.sent == []


async def test_answer_counts_as_ended_while_its_last_bytes_wait_for_the_client() -> None:
    wire = FakeWire()
    exchange = await begun(wire)
    wire.pause()
    exchange.task = task = asyncio.create_task(exchange.end(b"x"))
    await settled()
    exchange.cut_short(Cut.SHUTDOWN)
    assert (exchange.ended, exchange.cut, task.cancelling()) == (True, None, 0)
    wire.drain()
    await task


# --- the body ---


async def test_body_that_arrives_wakes_who_waits_for_it() -> None:
    wire = FakeWire()
    exchange = make_exchange(wire=wire)
    arrival = exchange.arrival()
    assert (wire.reads, arrival.done()) == (1, False)
    exchange.wake()
    await arrival


async def test_body_that_arrives_while_nobody_waits_disturbs_nobody() -> None:
    exchange = make_exchange()
    exchange.wake()
    arrival = exchange.arrival()
    arrival.cancel()
    exchange.wake()
    assert arrival.cancelled()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({b"expect": b"100-continue"}, [b"HTTP/1.1 100 Continue\r\n\r\n"], id="asked"),
        pytest.param({b"expect": b"100-Continue"}, [b"HTTP/1.1 100 Continue\r\n\r\n"], id="asked-in-capitals"),
        pytest.param({b"expect": b"something"}, [], id="asked-for-something-else"),
        pytest.param({}, [], id="not-asked"),
    ],
)
def test_client_that_asked_is_told_to_send_its_body(headers: dict[bytes, bytes], expected: list[bytes]) -> None:
    wire = FakeWire()
    make_exchange(headers, wire=wire).ask_for_body()
    assert wire.sent == expected


@pytest.mark.parametrize(
    ("invited", "whole", "kept_alive"),
    [
        pytest.param(False, False, False, id="not-asked-for-its-body"),
        pytest.param(True, False, True, id="asked-for-it"),
        pytest.param(False, True, True, id="sent-it-unasked"),
    ],
)
async def test_refused_client_whose_body_may_never_come_is_closed(invited: bool, whole: bool, kept_alive: bool) -> None:
    wire = FakeWire()
    exchange = make_exchange({b"expect": b"100-continue"}, wire=wire, body=b"{}" if whole else None)
    if invited:
        exchange.ask_for_body()
    await exchange.answer(401, LINES, b"")
    assert (wire.is_finished, exchange.keep_alive) == (True, kept_alive)


def test_client_that_left_is_told_nothing() -> None:
    wire = FakeWire()
    wire.lose()
    make_exchange({b"expect": b"100-continue"}, wire=wire).ask_for_body()
    assert wire.sent == []
