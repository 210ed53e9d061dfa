"""The events of one stream: what is held before the commit point, what passes after it, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.usage import Usage
from proxy.gateway.events import MAX_HELD_BYTES, MAX_HELD_EVENTS, EventPolicy, EventReader
from proxy.wire.sse import MAX_EVENT_BYTES

LIMITED = Failure(FailureKind.RATE_LIMITED, Scope.CREDENTIAL_MODEL, 429)
UNFINISHED = Failure(FailureKind.PROTOCOL, Scope.CANDIDATE, detail="the stream ended without a finish")
BROKEN_EVENT = Failure(FailureKind.PROTOCOL, Scope.CANDIDATE, detail="a broken event")


def event(payload: object) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def chunk(delta: dict[str, object], finish_reason: str | None = None, **members: object) -> bytes:
    return event({"model": "up", "choices": [{"delta": delta, "finish_reason": finish_reason}], **members})


def counts(completion_tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 9, "completion_tokens": completion_tokens}


COMMENT = b": keep-alive\n\n"
ROLE = chunk({"role": "assistant", "content": ""})
HI = chunk({"content": "Hi"})
YOU = chunk({"content": " you"})
FINISH = chunk({}, "stop")
USAGE = event({"model": "up", "choices": [], "usage": counts(2)})
ERROR = event({"error": {"code": 429}})
HARMLESS = event({"model": "up", "code": "fine"})  # looks like an error and is none
BROKEN = b'data: {"choices": [\n\n'
DONE = b"data: [DONE]\n\n"
ANSWER = [COMMENT, ROLE, HI, YOU, FINISH, USAGE, DONE]


def find_error(payload: bytes) -> Failure | None:
    return LIMITED if b'"error"' in payload else None


def make_reader(
    *, keep_usage: bool = False, end_on_broken: bool = False, model: str | None = None, choices: int = 1
) -> EventReader:
    return EventReader(EventPolicy(find_error, keep_usage, end_on_broken, model, choices))


def committed(*, keep_usage: bool = False, end_on_broken: bool = False) -> EventReader:
    """A reader whose first output has gone to the client."""
    reader = make_reader(keep_usage=keep_usage, end_on_broken=end_on_broken)
    reader.hold(HI)
    reader.take_held()
    return reader


def relay(chunks: Sequence[bytes], reader: EventReader) -> bytes:
    """Read a stream as gate and relay do, to its end."""
    left = iter(chunks)
    while not (reader.is_ready or reader.done or reader.failure is not None):
        piece = next(left, None)
        if piece is None:
            reader.end_held()
            break
        reader.hold(piece)
    sent = reader.take_held()
    for piece in left:
        if reader.done or reader.failure is not None:
            return sent
        sent += reader.pass_on(piece)
    return sent if reader.done or reader.failure is not None else sent + reader.end()


# --- before the commit point ---


@pytest.mark.parametrize(
    ("chunks", "ready"),
    [
        pytest.param([], False, id="nothing"),
        pytest.param([COMMENT], False, id="comment"),
        pytest.param([ROLE], False, id="role-alone"),
        pytest.param([USAGE], False, id="usage-alone"),
        pytest.param([HI[:-1]], False, id="output-that-is-not-whole"),
        pytest.param([BROKEN], False, id="broken-event"),
        pytest.param([ROLE, HI], True, id="content"),
        pytest.param([FINISH], True, id="finish"),
        pytest.param([chunk({"tool_calls": [{"index": 0}]})], True, id="tool-call"),
        pytest.param([ROLE, ERROR], False, id="error"),
        pytest.param([HI + ERROR], False, id="error-behind-output-in-one-chunk"),
        pytest.param([DONE], False, id="terminator"),
    ],
)
def test_answer_may_be_committed_once_it_has_said_something(chunks: list[bytes], ready: bool) -> None:
    reader = make_reader()
    for piece in chunks:
        reader.hold(piece)
    assert reader.is_ready is ready


def test_held_events_come_out_once_in_order_and_without_comments() -> None:
    reader = make_reader()
    for piece in (ROLE, COMMENT, b"event: ping\n\n", HI):
        reader.hold(piece)
    assert reader.take_held() == ROLE + HI
    assert reader.take_held() == b""


def test_everything_behind_the_first_output_in_its_chunk_is_held_too() -> None:
    reader = make_reader()
    reader.hold(ROLE + HI + YOU + chunk({"role": "assistant"}) + USAGE + FINISH + DONE + HI)
    assert reader.take_held() == ROLE + HI + YOU + chunk({"role": "assistant"}) + FINISH
    assert (reader.done, reader.finished, reader.usage) == (True, True, Usage(9, 2))
    assert reader.output_events == 4


def test_held_usage_chunk_stays_when_the_client_asked_for_it() -> None:
    reader = make_reader(keep_usage=True)
    reader.hold(HI + USAGE)
    assert reader.take_held() == HI + USAGE


def test_64_held_events_are_enough_to_commit() -> None:
    reader = make_reader()
    reader.hold(ROLE * (MAX_HELD_EVENTS - 1))
    before = reader.is_ready
    reader.hold(ROLE)
    assert (before, reader.is_ready) == (False, True)
    assert (reader.output_events, reader.take_held()) == (0, ROLE * MAX_HELD_EVENTS)


def test_256_kib_of_held_events_are_enough_to_commit() -> None:
    padding = chunk({"role": "assistant", "obfuscation": "x" * (MAX_HELD_BYTES // 2)})
    reader = make_reader()
    reader.hold(padding)
    before = reader.is_ready
    reader.hold(padding)
    assert (before, reader.is_ready) == (False, True)


def test_comments_without_end_are_no_reason_to_commit() -> None:
    reader = make_reader()
    reader.hold(COMMENT * (2 * MAX_HELD_EVENTS))
    assert (reader.is_ready, reader.take_held()) == (False, b"")


def test_error_before_output_is_a_failure_and_ends_the_reading() -> None:
    reader = make_reader()
    reader.hold(ROLE + ERROR + HI)
    assert reader.failure is LIMITED
    assert (reader.take_held(), reader.output_events) == (ROLE, 0)


def test_error_frame_that_no_signal_knows_is_passed_like_any_other() -> None:
    reader = make_reader()
    reader.hold(HARMLESS + HI)
    assert (reader.failure, reader.take_held()) == (None, HARMLESS + HI)


def test_terminator_before_output_is_noted_and_leaves_nothing_to_commit() -> None:
    reader = make_reader()
    reader.hold(ROLE + DONE + HI)
    assert (reader.done, reader.is_ready, reader.output_events, reader.take_held()) == (True, False, 0, ROLE)


def test_broken_event_before_output_is_dropped_and_counted() -> None:
    reader = make_reader()
    reader.hold(BROKEN + HI + BROKEN)
    assert (reader.broken, reader.failure, reader.take_held()) == (2, None, HI)


def test_broken_event_before_output_is_a_failure_where_the_operator_wants_it() -> None:
    reader = make_reader(end_on_broken=True)
    reader.hold(BROKEN + HI)
    assert (reader.broken, reader.failure, reader.is_ready) == (1, BROKEN_EVENT, False)


def test_event_larger_than_the_cap_before_output_is_a_failure() -> None:
    reader = make_reader()
    reader.hold(b"data: " + b"x" * MAX_EVENT_BYTES)
    assert reader.failure is not None
    assert (reader.failure.kind, reader.is_ready) == (FailureKind.PROTOCOL, False)


@pytest.mark.parametrize(
    ("chunks", "failure", "held"),
    [
        pytest.param([], UNFINISHED, b"", id="nothing-came"),
        pytest.param([ROLE], UNFINISHED, ROLE, id="role-alone"),
        pytest.param([ROLE, HI[:-2]], UNFINISHED, ROLE + HI, id="output-without-its-blank-line-and-no-finish"),
        pytest.param([ROLE, FINISH[:-2]], None, ROLE + FINISH, id="finish-without-its-blank-line"),
        pytest.param([ROLE, DONE[:-2]], None, ROLE, id="terminator-without-its-blank-line"),
        pytest.param([ERROR[:-2]], LIMITED, b"", id="error-without-its-blank-line"),
        pytest.param([HI[:20]], UNFINISHED, b"", id="half-an-event"),
    ],
)
def test_clean_end_before_the_commit_is_judged(chunks: list[bytes], failure: Failure | None, held: bytes) -> None:
    reader = make_reader()
    for piece in chunks:
        reader.hold(piece)
    reader.end_held()
    assert reader.failure == failure
    assert reader.take_held() == held


# --- after the commit point ---


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(YOU, id="output"),
        pytest.param(YOU + HI, id="two-events"),
        pytest.param(YOU.replace(b"\n\n", b"\r\n\r\n"), id="other-line-ends"),
        pytest.param(b"event: x\nid: 3\n" + YOU, id="other-fields"),
        pytest.param(COMMENT, id="comment"),
        pytest.param(COMMENT + YOU, id="comment-and-output"),
        pytest.param(FINISH, id="finish"),
        pytest.param(chunk({"content": "x"}, usage=counts(1)), id="output-with-usage"),
        pytest.param(event({"id": "c"}), id="a-chunk-without-choices"),
        pytest.param(event({"choices": 7}), id="a-chunk-of-wrong-types"),
        pytest.param(HARMLESS, id="what-looks-like-an-error-and-is-none"),
        pytest.param(b'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n\n', id="half-an-emoji"),
    ],
)
def test_event_passes_as_the_bytes_that_came(piece: bytes) -> None:
    assert committed().pass_on(piece) == piece


@pytest.mark.parametrize(
    ("keep_usage", "expected"),
    [pytest.param(False, b"", id="not-asked-for"), pytest.param(True, USAGE, id="asked-for")],
)
def test_usage_chunk_passes_only_to_a_client_that_asked(keep_usage: bool, expected: bytes) -> None:
    reader = committed(keep_usage=keep_usage)
    assert reader.pass_on(USAGE) == expected
    assert reader.usage == Usage(9, 2)


@pytest.mark.parametrize("together", [pytest.param(True, id="one-chunk"), pytest.param(False, id="chunk-by-chunk")])
def test_usage_is_taken_from_any_chunk_and_the_last_wins(together: bool) -> None:
    pieces = [chunk({"content": "x"}, usage=counts(1)), chunk({}, "stop", usage=counts(5)), YOU, USAGE]
    reader = committed()
    for piece in [b"".join(pieces)] if together else pieces:
        reader.pass_on(piece)
    assert reader.usage == Usage(9, 2)


def test_output_events_are_counted_before_and_after_the_commit() -> None:
    reader = committed()
    reader.pass_on(YOU)
    reader.pass_on(YOU + COMMENT + YOU)
    reader.pass_on(USAGE)
    assert reader.output_events == 4


@pytest.mark.parametrize(
    ("piece", "passed"),
    [pytest.param(BROKEN, b"", id="alone"), pytest.param(HI + BROKEN + YOU, HI + YOU, id="among-good-ones")],
)
def test_broken_event_is_dropped_and_counted(piece: bytes, passed: bytes) -> None:
    reader = committed()
    assert reader.pass_on(piece) == passed
    assert (reader.broken, reader.failure) == (1, None)


@pytest.mark.parametrize(
    ("piece", "passed"),
    [pytest.param(BROKEN, b"", id="alone"), pytest.param(HI + BROKEN + YOU, HI, id="among-good-ones")],
)
def test_broken_event_ends_the_stream_where_the_operator_wants_it(piece: bytes, passed: bytes) -> None:
    reader = committed(end_on_broken=True)
    assert reader.pass_on(piece) == passed
    assert (reader.broken, reader.failure) == (1, BROKEN_EVENT)


@pytest.mark.parametrize(
    ("piece", "passed"),
    [
        pytest.param(ERROR, b"", id="alone"),
        pytest.param(YOU + ERROR + HI, YOU, id="among-good-ones"),
        pytest.param(b'data: [{"error": 1}]\n\n', b"", id="in-an-array"),
    ],
)
def test_error_frame_is_withheld_and_nothing_behind_it_passes(piece: bytes, passed: bytes) -> None:
    reader = committed()
    assert reader.pass_on(piece) == passed
    assert reader.failure is LIMITED
    assert [reader.pass_on(HI), reader.pass_on(HI + YOU), reader.pass_on(COMMENT), reader.end()] == [b""] * 4
    assert reader.failure is LIMITED


@pytest.mark.parametrize(
    ("piece", "passed"), [pytest.param(DONE, b"", id="alone"), pytest.param(YOU + DONE + HI, YOU, id="among-others")]
)
def test_terminator_is_withheld_and_nothing_behind_it_counts(piece: bytes, passed: bytes) -> None:
    reader = committed(keep_usage=True)
    assert reader.pass_on(piece) == passed
    seen = reader.output_events
    assert [reader.pass_on(late) for late in (HI, USAGE, ERROR, BROKEN, COMMENT, HI + YOU)] == [b""] * 6
    assert (reader.done, reader.usage, reader.failure, reader.broken) == (True, None, None, 0)
    assert reader.output_events == seen
    assert reader.end() == b""


def test_event_larger_than_the_cap_ends_the_stream() -> None:
    reader = committed()
    assert reader.pass_on(b"data: " + b"x" * MAX_EVENT_BYTES) == b""
    assert reader.failure == Failure(
        FailureKind.PROTOCOL, Scope.CANDIDATE, detail=f"an event is larger than {MAX_EVENT_BYTES} bytes"
    )
    assert [reader.pass_on(b"\n\n"), reader.pass_on(HI), reader.end()] == [b""] * 3


@pytest.mark.parametrize(
    ("chunks", "passed", "failure"),
    [
        pytest.param([FINISH], b"", None, id="a-finish-and-no-terminator"),
        pytest.param([FINISH, USAGE], b"", None, id="usage-behind-the-finish"),
        pytest.param([FINISH, DONE], b"", None, id="a-finish-and-a-terminator"),
        pytest.param([DONE], b"", None, id="a-terminator-and-no-finish"),
        pytest.param([], b"", UNFINISHED, id="neither"),
        pytest.param([YOU], b"", UNFINISHED, id="output-last"),
        pytest.param([YOU, USAGE], b"", UNFINISHED, id="usage-last"),
        pytest.param([chunk({}, "")], b"", UNFINISHED, id="a-finish-reason-without-text"),
        pytest.param([FINISH[:-1]], FINISH, None, id="a-finish-without-its-last-newline"),
        pytest.param([FINISH[:-2]], FINISH, None, id="a-finish-without-its-blank-line"),
        pytest.param([DONE[:-2]], b"", None, id="a-terminator-without-its-blank-line"),
        pytest.param([YOU[:-2]], YOU, UNFINISHED, id="output-without-its-blank-line"),
        pytest.param([YOU[:-7]], b"", UNFINISHED, id="half-an-event"),
        pytest.param([FINISH, DONE[:-4]], b"", None, id="half-a-terminator-behind-the-finish"),
    ],
)
def test_clean_end_after_the_commit_is_judged(chunks: list[bytes], passed: bytes, failure: Failure | None) -> None:
    reader = committed()
    for piece in chunks:
        reader.pass_on(piece)
    assert reader.end() == passed
    assert reader.failure == failure


def test_newlines_behind_the_last_event_are_no_event() -> None:
    reader = committed()
    reader.pass_on(FINISH + b"\n")
    assert reader.end().strip() == b""
    assert (reader.failure, reader.broken) == (None, 0)


def test_half_an_event_at_the_end_is_counted_as_broken() -> None:
    reader = committed()
    reader.pass_on(YOU[:-7])
    reader.end()
    assert reader.broken == 1


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
