"""Bytes of a connection as answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.upstream.response_parser import LESSONS, MAX_HEAD_BYTES, MAX_HEADERS, TOO_LARGE, ResponseParser

LENGTH = b"HTTP/1.1 200 OK\r\nX-A: b \r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nT: trailer\r\n\r\n"
UNTIL_EOF = b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nhello"
INTERIM = b"HTTP/1.1 100 Continue\r\nX-I: i\r\n\r\nHTTP/1.1 103 Early\r\nContent-Length: 9\r\n\r\n" + LENGTH
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def parsed(*pieces: bytes, method: str = "POST", eof: bool = False) -> ResponseParser:
    parser = ResponseParser()
    parser.begin(method)
    for piece in pieces:
        parser.feed(piece)
    if eof:
        parser.eof()
    return parser


@pytest.mark.parametrize(
    ("message", "headers"),
    [
        pytest.param(LENGTH, ((b"x-a", b"b"), (b"content-length", b"5")), id="content-length"),
        pytest.param(CHUNKED, ((b"transfer-encoding", b"Chunked"),), id="chunked"),
        pytest.param(UNTIL_EOF, ((b"x-a", b"b"),), id="until-eof"),
        pytest.param(INTERIM, ((b"x-a", b"b"), (b"content-length", b"5")), id="1xx-first"),
    ],
)
def test_an_answer_is_the_same_however_it_is_split(message: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    for at in range(len(message)):
        parser = parsed(message[:at], message[at:], eof=message is UNTIL_EOF)
        assert (parser.status, parser.headers, parser.take(), parser.complete) == (200, headers, b"hello", True)
        assert parser.take() == b""
        assert (parser.keep_alive, parser.error) == (message is not UNTIL_EOF, None)
        assert set(parser.names) == {name for name, _ in headers}


@pytest.mark.parametrize("message", [LENGTH, CHUNKED, UNTIL_EOF, INTERIM])
def test_an_answer_that_stops_anywhere_is_never_complete(message: bytes) -> None:
    for at in range(len(message)):
        parser = parsed(message[:at])
        assert (parser.complete, parser.started) == (False, at > 0)
        parser.eof()
        assert parser.complete is (message is UNTIL_EOF and parser.status == 200)


def test_nothing_has_started_before_the_first_byte() -> None:
    assert parsed().started is False


def test_one_connection_carries_answer_after_answer() -> None:
    parser = parsed(LENGTH)
    for message in (CHUNKED, LENGTH, EMPTY, INTERIM):
        parser.begin("POST")
        parser.feed(message)
        assert (parser.complete, parser.keep_alive, parser.take()) == (True, True, parsed(message).take())


def test_trailers_are_no_headers_of_the_next_answer() -> None:
    parser = parsed(CHUNKED)
    parser.begin("POST")
    parser.feed(LENGTH)
    assert parser.headers == ((b"x-a", b"b"), (b"content-length", b"5"))


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", id="close"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="http-1.0"),
        pytest.param(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="http-1.0-chunked"),
    ],
)
def test_some_answers_end_their_connection(message: bytes) -> None:
    parser = parsed(message)
    assert (parser.complete, parser.keep_alive) == (True, False)


@pytest.mark.parametrize(
    "surplus",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nWORLD", b"x", b"\x00", b"HTTP"],
)
@pytest.mark.parametrize("message", [LENGTH, CHUNKED, EMPTY, LENGTH.replace(b"X-A: b", b"Connection: close")])
def test_bytes_after_a_message_are_noticed_and_change_nothing(message: bytes, surplus: bytes) -> None:
    parser = parsed(message + surplus)
    assert (parser.complete, parser.keep_alive, parser.error) == (True, False, None)
    assert (parser.take(), parser.status) == (parsed(message).take(), parsed(message).status)
    assert parser.headers == parsed(message).headers


@pytest.mark.parametrize("rest", [b"", b"hello"])
def test_an_answer_to_head_ends_at_its_head(rest: bytes) -> None:
    parser = parsed(LENGTH[:-5] + rest, method="HEAD")
    assert (parser.complete, parser.keep_alive, parser.take()) == (True, False, b"")


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_body_ends_at_its_head(status: int) -> None:
    parser = parsed(b"HTTP/1.1 %d X\r\n\r\n" % status)
    assert (parser.complete, parser.keep_alive, parser.take()) == (True, True, b"")


@pytest.mark.parametrize(
    ("message", "error"),
    [
        pytest.param(b"<html>", "malformed answer (expected http/, rtsp/ or ice/)", id="html"),
        pytest.param(b"HTTP/1.1 101 Switching\r\n\r\n", "the answer switches protocols", id="101"),
        pytest.param(
            b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxx",
            "the answer switches protocols",
            id="upgrade",
        ),
        pytest.param(b"HTTP/1.1 099 X\r\n\r\n", "malformed answer (invalid status)", id="status-99"),
        pytest.param(
            LENGTH.replace(b"X-A: b ", b"Content-Length: 5"),
            "malformed answer (duplicate content-length)",
            id="two-lengths",
        ),
        pytest.param(
            LENGTH.replace(b": 5", b": 5, 5"), "malformed answer (invalid character in content-length)", id="bad-length"
        ),
        pytest.param(
            CHUNKED.replace(b"Chunked", b"gzip, chunked"),
            "the answer has a transfer coding other than chunked",
            id="transfer-coding",
        ),
        pytest.param(
            CHUNKED.replace(b"\r\n\r\n2", b"\r\nTransfer-Encoding: chunked\r\n\r\n2"),
            "the answer has a transfer coding other than chunked",
            id="chunked-twice",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (MAX_HEADERS + 1) + b"\r\n", TOO_LARGE, id="many-headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * MAX_HEAD_BYTES + b"\r\n\r\n", TOO_LARGE, id="large-header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * MAX_HEAD_BYTES, TOO_LARGE, id="endless-header"),
        pytest.param(b"HTTP/1.1 100 C\r\n\r\n" * (MAX_HEAD_BYTES // 18 + 1), TOO_LARGE, id="endless-1xx"),
    ],
)
def test_an_answer_that_is_no_answer_is_refused(message: bytes, error: str) -> None:
    parser = parsed(message)
    assert (parser.error, parser.status, parser.complete) == (error, 0, False)
    parser.eof()
    assert parser.complete is False


@pytest.mark.parametrize(
    "endless",
    [
        pytest.param(b"5;x=" + b"y" * 1000, id="chunk-extension"),
        pytest.param(b"0\r\n" + b"T: trailer\r\n" * 100, id="trailers"),
        pytest.param(b"0\r\nT: " + b"t" * 1000, id="trailer"),
    ],
)
def test_what_is_not_body_cannot_go_on_for_ever(endless: bytes) -> None:
    first, _, rest = endless.partition(b"\r\n") if b"\r\n" in endless else (endless[:4], b"", endless[4:])
    parser = parsed(CHUNKED[: CHUNKED.index(b"2;a=b")], first + (b"\r\n" if b"\r\n" in endless else b""))
    for _ in range(MAX_HEAD_BYTES // 500):
        if parser.error is None:
            parser.feed(rest)
    assert parser.error == TOO_LARGE


@pytest.mark.parametrize("value", [b"a\x0bb", b"a\x7fb", b"a\0b", b"a\rb", b"a\nb", b"a\r\n b"])
def test_a_header_value_holds_no_control_character_and_goes_over_no_line(value: bytes) -> None:
    parser = parsed(LENGTH.replace(b"b ", value))
    assert (parser.error is not None, parser.status, parser.complete) == (True, 0, False)


@pytest.mark.parametrize("field", [b"X-A : b", b" X-A: b", b": b", b"X A: b", b"X-A"])
def test_a_header_name_is_a_token_and_a_colon(field: bytes) -> None:
    parser = parsed(LENGTH.replace(b"X-A: b ", field))
    assert (parser.error is not None, parser.status, parser.complete) == (True, 0, False)


@pytest.mark.parametrize("order", [1, -1])
def test_a_length_beside_a_transfer_coding_is_refused(order: int) -> None:
    fields = [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"][::order]
    parser = parsed(b"HTTP/1.1 200 OK\r\n" + b"".join(fields) + b"\r\n0\r\n\r\n")
    assert (parser.error is not None, parser.status, parser.complete) == (True, 0, False)


def test_a_large_body_is_no_large_head() -> None:
    piece = b"y" * MAX_HEAD_BYTES
    parser = parsed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (3 * len(piece)), piece, piece, piece)
    assert (parser.complete, len(parser.take()), parser.error) == (True, 3 * len(piece), None)


def test_body_before_a_fault_can_still_be_taken() -> None:
    parser = parsed(CHUNKED[:-17] + b"zz\r\n")
    assert (parser.take(), parser.complete) == (b"hello", False)
    assert parser.error == "malformed answer (invalid character in chunk size)"


SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: b\r\n\r\n"
FRAMES = b"\x81\x02hi\x88\x00HTTP/1.1 200 OK\r\n\r\n"


def switched(*pieces: bytes) -> ResponseParser:
    parser = ResponseParser()
    parser.may_switch = True
    parser.begin("GET")
    for piece in pieces:
        parser.feed(piece)
    return parser


def test_all_that_follows_a_101_is_body_however_it_is_split() -> None:
    message = SWITCH + FRAMES
    for at in range(len(message)):
        parser = switched(message[:at], message[at:])
        assert (parser.status, parser.error, parser.complete) == (101, None, False)
        assert (parser.take(), parser.keep_alive) == (FRAMES, False)
        assert (b"x-a", b"b") in parser.headers
        parser.eof()
        assert parser.complete


def test_101_is_an_error_where_nobody_asked_for_it() -> None:
    parser = parsed(SWITCH + FRAMES, method="GET")
    assert (parser.status, parser.error) == (0, "the answer switches protocols")


def test_other_answers_to_who_may_switch_are_answers() -> None:
    parser = switched(INTERIM)
    assert (parser.status, parser.take(), parser.complete) == (200, b"hello", True)


def test_101_without_a_protocol_is_followed_by_nothing() -> None:
    parser = switched(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", FRAMES)
    assert (parser.status, parser.take(), parser.keep_alive) == (101, b"", False)


# Heads that come again.

SAME = b"HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: %d\r\nX-A: b\r\n\r\n%b"


def told(parser: ResponseParser) -> tuple[object, ...]:
    """All that a parser says of an answer."""
    head = (parser.status, parser.headers, tuple(parser.names)) if parser.status else None
    end = (parser.complete, parser.complete and parser.keep_alive, parser.error, parser.started)
    return head, end, parser.take()


def taught(first: bytes = SAME % (5, b"hello"), method: str = "POST") -> ResponseParser:
    """A parser that has read an answer and expects the next."""
    parser = parsed(first)
    parser.begin(method)
    return parser


@pytest.mark.parametrize("body", [b"", b"x", b"hello", b"\r\n\r\n", b"x" * 123_456])
def test_same_head_with_another_body_is_read_as_ever(body: bytes) -> None:
    answer = SAME % (len(body), body)
    parser = taught()
    for _ in range(3):
        parser.feed(answer)
        assert told(parser) == told(parsed(answer))
        parser.begin("POST")


def test_a_head_comes_again_behind_others() -> None:
    parser = taught()
    for message in (CHUNKED, EMPTY, SAME % (2, b"ab"), INTERIM, SAME % (2, b"ab"), SAME % (3, b"abc"), LENGTH):
        parser.feed(message)
        assert told(parser) == told(parsed(message))
        parser.begin("POST")


def test_answer_to_head_has_no_body_behind_a_known_head_either() -> None:
    answer = SAME % (5, b"hello")
    parser = taught(answer, "HEAD")
    parser.feed(answer)
    assert told(parser) == told(parsed(answer, method="HEAD"))


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(SAME.replace(b"X-A: b", b"Connection: close") % (5, b"hello"), id="last"),
        pytest.param(SAME.replace(b"200 OK", b"404 Not Found") % (5, b"hello"), id="error"),
        pytest.param(CHUNKED, id="chunks"),
    ],
)
def test_some_heads_are_for_llhttp_each_time(first: bytes) -> None:
    assert taught(first)._known is None


def test_heads_that_are_never_the_same_are_soon_let_be() -> None:
    parser = taught()
    for number in range(LESSONS):
        parser.feed(SAME.replace(b"today", b"%d" % number) % (5, b"hello"))
        parser.begin("POST")
    assert parser._known is None
    parser.feed(SAME % (5, b"hello"))
    assert (parser._known, parser.status) == (None, 200)


def test_a_head_that_came_again_makes_up_for_those_that_did_not() -> None:
    parser = taught()
    for number in range(3 * LESSONS):  # the second changes after each two answers
        parser.feed(SAME.replace(b"today", b"%d" % (number // 2)) % (5, b"hello"))
        parser.begin("POST")
    assert parser._known is not None


def test_an_idle_connection_may_say_nothing_behind_a_known_answer() -> None:
    answer = SAME % (5, b"hello")
    parser = taught(answer)
    parser.feed(answer)
    parser.feed(answer)
    assert (parser.complete, parser.keep_alive) == (True, False)


SNIPPETS = [
    b"HTTP/1.1 ",
    b"200",
    b"204",
    b" ",
    b"\r\n",
    b"\r",
    b"\n",
    b"5",
    b"0",
    b"-",
    b"content-length: ",
    b"hello",
    b"\0",
]


@given(
    cut=st.integers(0, len(LENGTH)),
    dropped=st.integers(0, 4),
    snippets=st.lists(st.sampled_from(SNIPPETS), max_size=3),
    at=st.integers(0, len(LENGTH)),
    is_again=st.booleans(),
)
def test_behind_any_answer_the_next_is_read_as_ever(
    *, cut: int, dropped: int, snippets: list[bytes], at: int, is_again: bool
) -> None:
    first = LENGTH[:cut] + b"".join(snippets) + LENGTH[cut + dropped :]
    parser = taught(first)
    if parser._known is None:  # then it is an ordinary one
        parser = taught(LENGTH)
    next_ = first if is_again else LENGTH[:at] + b"".join(snippets) + LENGTH[at + dropped :]
    parser.feed(next_)
    assert told(parser) == told(parsed(next_))
