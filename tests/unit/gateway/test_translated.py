"""Streams of any dialect on their way to a client of the same or of another one."""

from __future__ import annotations

import json

import pytest

from proxy.core.call import Dialect
from proxy.core.failure import Failure, FailureKind
from proxy.core.translation import Envelope
from proxy.core.usage import Usage
from proxy.gateway.events import MAX_HELD_EVENTS
from proxy.gateway.translated import TranslatedReader, TranslationPolicy
from proxy.providers.dialects import CLIENTS, UPSTREAMS
from proxy.wire.eventstream import encode_frame

ACCOUNT, MODEL = "acc", "claude-sonnet-4-6"
ENVELOPE = Envelope("req_1", MODEL, 1_795_000_000, include_usage=True, account=ACCOUNT)
REFUSED = Failure(FailureKind.OVERLOADED)


def sse(*payloads: dict[str, object]) -> bytes:
    return b"".join(b"event: %s\ndata: %s\n\n" % (str(p["type"]).encode(), json.dumps(p).encode()) for p in payloads)


START = sse(
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 7, "output_tokens": 1},
        },
    }
)
PING = sse({"type": "ping"})
OPEN = sse({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
HELLO = sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}})
CLOSE = sse({"type": "content_block_stop", "index": 0})
END = sse({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}})
STOP = sse({"type": "message_stop"})
WHOLE = START + PING + OPEN + HELLO + CLOSE + END + STOP
ERROR = sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})


def reader(client: Dialect | None = None, *, end_on_broken: bool = False) -> TranslatedReader:
    """Of an Anthropic stream; `client` None = a client of the same dialect."""
    upstream = UPSTREAMS[Dialect.ANTHROPIC]
    encoder = CLIENTS[client].encoder(ENVELOPE) if client else None
    decoder = upstream.decoder(ACCOUNT, MODEL)
    policy = TranslationPolicy(upstream.splitter(), decoder, encoder, lambda payload: REFUSED, end_on_broken)
    return TranslatedReader(policy)


def relayed(made: TranslatedReader, stream: bytes, step: int) -> bytes:
    """What the client gets of a stream that comes in pieces of so many bytes."""
    output = b""
    for place in range(0, len(stream), step):
        output += made.pass_on(stream[place : place + step])
    output += made.end() if not made.done else b""
    return output + made.terminator


@pytest.mark.parametrize("step", [1, 7, 64, 10_000])
def test_same_dialect_passes_byte_by_byte_as_it_came(step: int) -> None:
    made = reader()
    assert relayed(made, WHOLE, step) == WHOLE
    assert (made.usage, made.done, made.failure) == (Usage(7, 3), True, None)


def test_same_dialect_is_held_back_from_the_finish_on() -> None:
    made = reader()
    assert made.pass_on(WHOLE) == START + PING + OPEN + HELLO + CLOSE
    assert made.terminator == END + STOP


@pytest.mark.parametrize("client", [dialect for dialect in CLIENTS if dialect is not Dialect.ANTHROPIC])
@pytest.mark.parametrize("step", [1, 10_000])
def test_every_client_gets_the_words_and_an_end_of_its_own(client: Dialect, step: int) -> None:
    made = reader(client)
    output = relayed(made, WHOLE, step)
    assert b"Hello" in output
    assert (made.usage, made.done, made.failure) == (Usage(7, 3), True, None)
    ends = {Dialect.OPENAI_CHAT: b"data: [DONE]", Dialect.OPENAI_RESPONSES: b"response.completed"}
    assert ends.get(client, b"") in made.terminator


def test_nothing_is_committed_before_something_is_said() -> None:
    made = reader(Dialect.OPENAI_CHAT)
    ready = []
    for chunk in (START + PING + OPEN, HELLO):
        made.hold(chunk)
        ready.append(made.is_ready)
    assert ready == [False, True]
    assert b"Hello" in made.take_held()
    assert made.take_held() == b""


def test_too_many_events_without_a_word_commit() -> None:
    made = reader()
    made.hold(START)
    for _ in range(MAX_HELD_EVENTS):
        made.hold(PING)
    assert made.is_ready and made.output_events == 0


@pytest.mark.parametrize("client", [None, Dialect.OPENAI_CHAT])
def test_error_before_a_word_is_a_failure_and_leaves_nothing(client: Dialect | None) -> None:
    made = reader(client)
    made.hold(START + ERROR + HELLO)
    assert made.failure is REFUSED
    assert not made.is_ready


@pytest.mark.parametrize("client", [None, Dialect.OPENAI_CHAT])
@pytest.mark.parametrize("before", [b"", START, START + OPEN + HELLO])
def test_error_that_is_json_among_the_events_is_one(client: Dialect | None, before: bytes) -> None:
    made = reader(client)
    made.hold(before)
    output = made.take_held() + made.pass_on(b'{\n "error": {"message": "Overloaded"}\n}\n\n' + CLOSE + END + STOP)
    assert made.failure is REFUSED
    assert b"Overloaded" not in output and not made.finished


def test_error_that_no_table_knows_is_the_vendor_s() -> None:
    upstream = UPSTREAMS[Dialect.ANTHROPIC]
    decoder = upstream.decoder(ACCOUNT, MODEL)
    made = TranslatedReader(TranslationPolicy(upstream.splitter(), decoder, None, lambda payload: None))
    made.pass_on(ERROR)
    assert made.failure is not None and made.failure.kind is FailureKind.SERVER_ERROR


@pytest.mark.parametrize("client", [None, Dialect.OPENAI_CHAT])
def test_end_without_a_finish_is_no_whole_answer(client: Dialect | None) -> None:
    made = reader(client)
    made.pass_on(START + OPEN + HELLO)
    made.end()
    assert made.failure is not None and made.failure.kind is FailureKind.PROTOCOL


def test_end_before_a_word_is_a_failure() -> None:
    made = reader()
    made.hold(START)
    made.end_held()
    assert made.failure is not None


def test_finish_and_a_clean_end_are_a_whole_answer() -> None:
    made = reader()
    made.pass_on(START + OPEN + HELLO + CLOSE + END)
    assert (made.end(), made.failure) == (b"", None)
    assert made.terminator == END


def test_broken_event_is_dropped_and_counted() -> None:
    made = reader()
    assert made.pass_on(START + b"data: {oops\n\n" + OPEN + HELLO) == START + OPEN + HELLO
    assert (made.broken, made.failure) == (1, None)


def test_broken_event_may_end_the_stream() -> None:
    made = reader(end_on_broken=True)
    made.pass_on(START + b"data: {oops\n\n")
    assert made.failure is not None


def test_comment_passes_to_a_client_of_the_same_dialect_alone() -> None:
    assert b": hi" in reader().pass_on(START + b": hi\n\n")
    assert b": hi" not in reader(Dialect.OPENAI_CHAT).pass_on(START + b": hi\n\n")
    made = reader()
    made.hold(b": hi\n\n" + START)
    assert made.take_held() == START


def test_damaged_framing_is_a_failure() -> None:
    upstream = UPSTREAMS[Dialect.BEDROCK]
    decoder = upstream.decoder(ACCOUNT, MODEL)
    made = TranslatedReader(TranslationPolicy(upstream.splitter(), decoder, None, lambda payload: None))
    made.pass_on(b"HTTP is not an event stream at all")
    assert made.failure is not None and made.failure.kind is FailureKind.PROTOCOL


def test_nothing_counts_after_the_terminator() -> None:
    made = reader()
    made.pass_on(WHOLE)
    assert made.pass_on(HELLO) == b""
    assert made.output_events == 2  # the word and the finish


def test_stream_without_its_own_terminator_is_no_whole_answer() -> None:
    upstream = UPSTREAMS[Dialect.ANTHROPIC]
    policy = TranslationPolicy(
        upstream.splitter(), upstream.decoder(ACCOUNT, MODEL), None, lambda payload: None, is_terminated=True
    )
    made = TranslatedReader(policy)
    made.pass_on(WHOLE.removesuffix(STOP))
    made.end()
    assert made.failure is not None and "terminator" in made.failure.detail


def gemini(client: Dialect | None, choices: int = 1, max_bytes: int = 10_000) -> TranslatedReader:
    """Of a Gemini stream, which has no terminator."""
    upstream = UPSTREAMS[Dialect.GEMINI]
    encoder = CLIENTS[client].encoder(ENVELOPE) if client else None
    decoder = upstream.decoder(ACCOUNT, MODEL)
    policy = TranslationPolicy(
        upstream.splitter(), decoder, encoder, lambda payload: None, choices=choices, max_bytes=max_bytes
    )
    return TranslatedReader(policy)


def candidate(index: int, **more: object) -> bytes:
    said = {"candidates": [{"index": index, "content": {"parts": [{"text": "Hi"}]}, **more}]}
    return b"data: " + json.dumps(said).encode() + b"\n\n"


@pytest.mark.parametrize("client", [None, Dialect.OPENAI_CHAT])
def test_every_choice_that_was_asked_for_must_finish(client: Dialect | None) -> None:
    ends = []
    for last in (b"", candidate(1, finishReason="STOP")):
        made = gemini(client, choices=2)
        made.pass_on(candidate(0) + candidate(0, finishReason="STOP") + candidate(1) + last)
        made.end()
        ends.append(made.failure is None)
    assert ends == [False, True]


@pytest.mark.parametrize("client", [None, Dialect.OPENAI_CHAT])
@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\n\n\n", b"\r\n\r\n\r\n", b"\r\r", b"\n\n: bye\n"])
def test_end_of_line_too_many_or_too_few_is_no_cut(client: Dialect | None, ending: bytes) -> None:
    made = gemini(client)
    output = relayed(made, candidate(0) + candidate(0, finishReason="STOP").rstrip() + ending, 64)
    assert (made.failure, made.broken) == (None, 0)
    assert output.lower().count(b'"stop"') == 1


@pytest.mark.parametrize("client", [None, Dialect.OPENAI_CHAT])
def test_what_is_kept_of_a_stream_is_bounded(client: Dialect | None) -> None:
    made = gemini(client, max_bytes=1000)
    for _ in range(50):
        made.pass_on(candidate(0, finishReason="STOP"))
    assert made.failure is not None and "larger" in made.failure.detail
    assert len(made.terminator) < 2000


def test_stream_that_passes_as_it_came_may_be_of_any_length() -> None:
    made = gemini(None, max_bytes=1000)
    for _ in range(50):
        made.pass_on(candidate(0))
    assert made.failure is None


def test_output_before_a_cut_is_estimated_where_only_the_prompt_was_counted() -> None:
    made = reader(Dialect.OPENAI_CHAT)
    made.pass_on(START + OPEN + HELLO * 9)
    assert made.usage == Usage(7, 9, estimated=True)


def frame(kind: str, payload: dict[str, object]) -> bytes:
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/json"}
    return encode_frame(headers, json.dumps(payload).encode())


SPOKEN = frame("messageStart", {"role": "assistant"}) + frame(
    "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hello"}}
)
ENDED = SPOKEN + frame("contentBlockStop", {"contentBlockIndex": 0}) + frame("messageStop", {"stopReason": "end_turn"})
COUNTED = frame("metadata", {"usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}, "metrics": {}})


@pytest.mark.parametrize(
    ("stream", "is_whole"),
    [
        pytest.param(ENDED + COUNTED, True, id="counted"),
        pytest.param(ENDED, True, id="not-counted"),
        pytest.param(ENDED + COUNTED[:1], False, id="one-byte-of-a-frame"),
        pytest.param(ENDED + COUNTED[:-1], False, id="all-but-one-byte-of-a-frame"),
        pytest.param(SPOKEN, False, id="not-ended"),
    ],
)
def test_end_inside_a_frame_is_a_cut(stream: bytes, is_whole: bool) -> None:
    upstream = UPSTREAMS[Dialect.BEDROCK]
    decoder, encoder = upstream.decoder(ACCOUNT, MODEL), CLIENTS[Dialect.OPENAI_CHAT].encoder(ENVELOPE)
    made = TranslatedReader(TranslationPolicy(upstream.splitter(), decoder, encoder, lambda payload: REFUSED))
    relayed(made, stream, 64)
    assert (made.failure is None) is is_whole
    assert made.failure is None or made.failure.kind is FailureKind.PROTOCOL
