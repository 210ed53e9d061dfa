"""The events of one stream: what is held before the commit point, what passes after it, and how it ends."""

from __future__ import annotations

import pytest

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.usage import Usage
from proxy.gateway.events import MAX_HELD_BYTES, MAX_HELD_EVENTS
from proxy.wire.sse import MAX_EVENT_BYTES
from tests.unit.gateway.streams import (
    BROKEN,
    BROKEN_EVENT,
    COMMENT,
    DONE,
    ERROR,
    FINISH,
    HARMLESS,
    HI,
    LIMITED,
    ROLE,
    UNFINISHED,
    USAGE,
    YOU,
    chunk,
    committed,
    counts,
    event,
    make_reader,
)

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
