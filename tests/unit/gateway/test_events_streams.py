"""Whole streams, event by event: what passes, when they count as whole, and the model name that they carry."""

from __future__ import annotations

import json

import pytest

from proxy.core.usage import Usage
from tests.unit.gateway.streams import (
    ANSWER,
    COMMENT,
    DONE,
    ERROR,
    FINISH,
    HI,
    LIMITED,
    ROLE,
    UNFINISHED,
    USAGE,
    YOU,
    event,
    make_reader,
    relay,
)

# --- whole streams ---


@pytest.mark.parametrize("keep_usage", [pytest.param(False, id="usage-not-asked-for"), pytest.param(True, id="asked")])
@pytest.mark.parametrize("line_end", [pytest.param(b"\n", id="newline"), pytest.param(b"\r\n", id="carriage-return")])
def test_stream_passes_the_same_wherever_it_breaks_in_two(keep_usage: bool, line_end: bytes) -> None:
    stream = b"".join(ANSWER).replace(b"\n", line_end)
    expected = (ROLE + HI + YOU + FINISH + (USAGE if keep_usage else b"")).replace(b"\n", line_end)
    for cut in range(len(stream) + 1):
        reader = make_reader(keep_usage=keep_usage)
        assert relay([stream[:cut], stream[cut:]], reader) == expected, cut
        assert (reader.done, reader.failure, reader.usage, reader.broken) == (True, None, Usage(9, 2), 0)
        assert reader.output_events == 3


def test_stream_passes_the_same_byte_by_byte() -> None:
    reader = make_reader()
    assert relay([bytes([byte]) for byte in b"".join(ANSWER)], reader) == ROLE + HI + YOU + FINISH
    assert (reader.done, reader.failure, reader.usage) == (True, None, Usage(9, 2))


@pytest.mark.parametrize("count", range(len(ANSWER) + 1))
def test_stream_cut_short_at_an_event_is_whole_only_behind_its_finish(count: int) -> None:
    reader = make_reader()
    sent = relay(ANSWER[:count], reader)
    assert sent == b"".join(piece for piece in ANSWER[:count] if piece in (ROLE, HI, YOU, FINISH))
    assert reader.failure == (None if FINISH in ANSWER[:count] else UNFINISHED)


@pytest.mark.parametrize("place", range(len(ANSWER)))
def test_error_at_any_event_ends_the_stream_there(place: int) -> None:
    reader = make_reader()
    sent = relay([*ANSWER[:place], ERROR, *ANSWER[place:]], reader)
    assert sent == b"".join(piece for piece in ANSWER[:place] if piece in (ROLE, HI, YOU, FINISH))
    assert reader.failure is LIMITED
    assert not reader.done


BARE = json.dumps({"error": {"code": 429}}, indent=1).replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    "bare",
    [
        pytest.param(BARE, id="object"),
        pytest.param(b"[" + BARE + b"\r\n]", id="list"),
        pytest.param(b'error: {"code":400,"message":"the request exceeds the available context size"}', id="field"),
    ],
)
@pytest.mark.parametrize(
    ("before", "ending", "passed"),
    [
        pytest.param([], b"", b"", id="alone"),
        pytest.param([ROLE], b"\r\n\r\n", b"", id="before-output"),
        pytest.param([HI, COMMENT], b"\n\n", HI + COMMENT, id="after-output"),
        pytest.param([HI, YOU], b"", HI + YOU, id="last"),
    ],
)
def test_error_without_data_among_the_events_is_one(
    bare: bytes, before: list[bytes], ending: bytes, passed: bytes
) -> None:
    reader = make_reader()
    sent = relay([*before, bare + ending], reader)
    assert reader.failure is LIMITED
    assert sent.removeprefix(ROLE) == passed


def test_terminator_after_an_error_makes_no_whole_answer() -> None:
    reader = make_reader()
    assert relay([HI, b'error: {"code":500,"message":"oops"}\n\n', DONE], reader) == HI
    assert (reader.failure, reader.done) == (LIMITED, False)


def test_json_among_the_events_that_is_no_error_is_left_alone() -> None:
    reader = make_reader()
    assert relay([b'{"a":1}\n\n', HI, b'{"b":2}\n\n', FINISH, DONE], reader) == HI + b'{"b":2}\n\n' + FINISH
    assert (reader.failure, reader.output_events) == (None, 2)


# --- several choices ---


def finish_of(*indexes: int) -> bytes:
    return event({"choices": [{"index": index, "delta": {}, "finish_reason": "stop"} for index in indexes]})


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        pytest.param([finish_of(0)], False, id="one-of-two"),
        pytest.param([finish_of(1), finish_of(1)], False, id="one-of-two-twice"),
        pytest.param([finish_of(1), finish_of(0)], True, id="both"),
        pytest.param([finish_of(0, 1)], True, id="both-at-once"),
        pytest.param([finish_of(0), finish_of(1), finish_of(2)], True, id="more-than-asked-for"),
        pytest.param([finish_of(0), DONE], True, id="one-and-the-terminator"),
    ],
)
def test_stream_without_a_terminator_is_whole_when_every_choice_has_finished(pieces: list[bytes], whole: bool) -> None:
    reader = make_reader(choices=2)
    relay([HI, *pieces], reader)
    assert reader.failure == (None if whole else UNFINISHED)


# --- the public model name ---


@pytest.mark.parametrize("when", [pytest.param("held", id="before-the-commit"), pytest.param("passed", id="after-it")])
@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        pytest.param(
            b'data: {"id": "c",  "model": "up", "choices": [{"delta": {"content": "\\u00e9", "model": "x"}}]}\n\n',
            b'data: {"id":"c","model":"demo \\"1\\"","choices":[{"delta": {"content": "\\u00e9", "model": "x"}}]}\n\n',
            id="the-top-level-member-alone",
        ),
        pytest.param(event({"choices": [{"delta": {"content": "x"}}]}), None, id="no-model-to-rewrite"),
        pytest.param(
            b'data: {"model": "up", "choices": [{"delta": {"content": "\\ud83d"}}]}\n\n',
            b'data: {"model":"demo \\"1\\"","choices":[{"delta": {"content": "\\ud83d"}}]}\n\n',
            id="beside-half-an-emoji",
        ),
        pytest.param(
            b'data: {"model": "up", "\\ud83d": 1, "choices": [{"delta": {"content": "x"}}]}\n\n',
            None,
            id="a-name-that-cannot-be-read",
        ),
        pytest.param(
            b'event: chunk\r\nid: 7\r\ndata: {"model": "up", "choices":\r\ndata:  [\r\nretry: 1\r\ndata: ]}\r\n\r\n',
            b'event: chunk\nid: 7\nretry: 1\ndata: {"model":"demo \\"1\\"","choices":[\ndata: ]}\n\n',
            id="beside-other-fields-and-lines",
        ),
    ],
)
def test_upstream_model_name_is_replaced_where_asked(when: str, piece: bytes, expected: bytes | None) -> None:
    reader = make_reader(model='demo "1"')
    if when == "held":
        reader.hold(piece)
        sent = reader.take_held()
    else:
        sent = reader.pass_on(piece)
    assert sent == (piece if expected is None else expected)


def test_comment_passes_beside_a_replaced_model_name() -> None:
    assert make_reader(model="demo").pass_on(COMMENT + b'data: {"model": "up"}\n\n') == (
        COMMENT + b'data: {"model":"demo"}\n\n'
    )
