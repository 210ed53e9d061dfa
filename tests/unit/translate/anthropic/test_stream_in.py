"""An upstream's events, as parts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.conversation import Finish, Native, Vendor
from proxy.core.streamparts import (
    Began,
    Counted,
    Failed,
    Finished,
    RefusalDelta,
    StreamPart,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolBegan,
    ToolDelta,
    Whole,
)
from proxy.core.translation import Undecodable
from proxy.core.usage import Usage
from proxy.translate.anthropic.stream import Decoder
from tests.unit.translate.anthropic.said import ACCOUNT, own


def event(type_: str, **members: Any) -> bytes:  # noqa: ANN401 - JSON
    return json.dumps({"type": type_, **members}).encode()


def start(index: int, **block: Any) -> bytes:  # noqa: ANN401 - JSON
    return event("content_block_start", index=index, content_block=block)


def delta(index: int, type_: str, **members: Any) -> bytes:  # noqa: ANN401 - JSON
    return event("content_block_delta", index=index, delta={"type": type_, **members})


def stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


def read(*events: bytes) -> list[StreamPart]:
    decoder = Decoder(ACCOUNT)
    return [part for data in events for part in decoder.feed("", data)]


def test_a_stream_begins_with_what_is_known_of_the_prompt() -> None:
    message = {"id": "msg_1", "model": "claude-x", "usage": {"input_tokens": 7, "output_tokens": 1}}
    assert read(event("message_start", message=message)) == [Began("msg_1", "claude-x", Usage(7, 1))]
    assert read(event("message_start", message={})) == [Began()]
    assert read(event("message_start")) == [Began()]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(
            [
                start(0, type="text", text=""),
                delta(0, "text_delta", text="a"),
                delta(0, "text_delta", text="b"),
                stop(0),
            ],
            [TextDelta("a"), TextDelta("b")],
            id="text",
        ),
        pytest.param(
            [start(0, type="text", text="a"), delta(0, "text_delta", text="")], [TextDelta("a")], id="text-at-once"
        ),
        pytest.param(
            [
                start(0, type="thinking", thinking="", signature=""),
                delta(0, "thinking_delta", thinking="t"),
                delta(0, "thinking_delta", thinking=""),
                delta(0, "signature_delta", signature="sig"),
                stop(0),
            ],
            [ThinkingDelta("t"), ThinkingSigned(own())],
            id="thought",
        ),
        pytest.param([start(0, type="thinking", thinking="t")], [ThinkingDelta("t")], id="thought-at-once"),
        pytest.param(
            [start(0, type="redacted_thinking", data="sig"), stop(0)],
            [ThinkingSigned(own(), redacted=True)],
            id="redacted",
        ),
        pytest.param(
            [
                start(1, type="tool_use", id="a", name="f", input={}),
                delta(1, "input_json_delta", partial_json=""),
                delta(1, "input_json_delta", partial_json='{"n":'),
                delta(1, "input_json_delta", partial_json="1}"),
                stop(1),
                start(2, type="tool_use", id="b", name="g", input={}),
                stop(2),
            ],
            [
                ToolBegan(0, "a", "f"),
                ToolDelta(0, '{"n":'),
                ToolDelta(0, "1}"),
                ToolBegan(1, "b", "g"),
                ToolDelta(1, "{}"),
            ],
            id="tools-are-counted-and-have-arguments",
        ),
        pytest.param(
            [start(0, type="tool_use", id="a", name="f", input={"n": 1}), stop(0)],
            [ToolBegan(0, "a", "f"), ToolDelta(0, '{"n": 1}')],
            id="arguments-at-once",
        ),
        pytest.param(
            [start(0, type="tool_use", id="a", name="f"), stop(0)],
            [ToolBegan(0, "a", "f"), ToolDelta(0, "{}")],
            id="call-without-input",
        ),
        pytest.param([delta(0, "input_json_delta", partial_json="x"), stop(0)], [], id="arguments-of-nothing"),
        pytest.param([delta(0, "something_new"), delta(0, "citations_delta")], [], id="unknown-delta"),
        pytest.param([event("ping"), event("something_new"), event("content_block_start")], [], id="unknown-event"),
        pytest.param([event("content_block_delta", index=0)], [], id="delta-of-nothing"),
    ],
)
def test_blocks_are_read(events: list[bytes], expected: list[StreamPart]) -> None:
    assert read(*events) == expected


def natives(parts: list[StreamPart]) -> list[tuple[str, Any]]:
    found = []
    for part in parts:
        assert isinstance(part, Whole)
        assert isinstance(part.part, Native)
        assert part.part.vendor is Vendor.ANTHROPIC
        found.append((part.part.kind, json.loads(bytes(part.part.value))))
    return found


@pytest.mark.parametrize(
    ("fragments", "arguments"), [(['{"query":', '"q"}'], {"query": "q"}), ([], {}), (['{"query":'], {})]
)
def test_a_server_tool_comes_whole_when_its_block_ends(fragments: list[str], arguments: object) -> None:
    begun = start(0, type="server_tool_use", id="s", name="web_search", input={})
    deltas = [delta(0, "input_json_delta", partial_json=fragment) for fragment in fragments]
    assert read(begun, *deltas) == []
    assert natives(read(begun, *deltas, stop(0))) == [
        ("server_tool_use", {"type": "server_tool_use", "id": "s", "name": "web_search", "input": arguments})
    ]


def test_a_citation_comes_as_it_is() -> None:
    parts = read(delta(0, "citations_delta", citation={"type": "char_location"}))
    assert natives(parts) == [("citations_delta", {"type": "char_location"})]


def ended(reason: str | None = "end_turn", usage: object = None, **members: Any) -> bytes:  # noqa: ANN401 - JSON
    return event("message_delta", delta={"stop_reason": reason, **members}, usage=usage)


def test_the_end_says_why_and_how_much() -> None:
    begun = event(
        "message_start", message={"usage": {"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 1}}
    )
    assert read(begun, ended(usage={"output_tokens": 9}))[1:] == [Finished(Finish.STOP), Counted(Usage(10, 9, 3))]


def test_the_end_of_a_stream_counts_what_an_advisor_used() -> None:
    begun = event("message_start", message={"usage": {"input_tokens": 7, "output_tokens": 1, "iterations": []}})
    advised = {"type": "advisor_message", "model": "claude-big", "input_tokens": 80, "output_tokens": 16}
    message = {"type": "message", "input_tokens": 7, "output_tokens": 9}
    told = read(begun, ended(usage={"output_tokens": 9, "iterations": [message, advised]}))
    assert told[-1] == Counted(Usage(87, 25, others=(("claude-big", Usage(80, 16)),)))


def test_counts_may_come_before_the_reason() -> None:
    assert read(ended(None, {"output_tokens": 9})) == [Counted(Usage(0, 9))]
    assert read(event("message_delta")) == []


def test_the_end_names_the_stop_sequence_and_the_refusal() -> None:
    assert read(ended("stop_sequence", stop_sequence="END")) == [Finished(Finish.STOP, stop_sequence="END")]
    details = {"type": "refusal", "category": None, "explanation": "No."}
    assert read(ended("refusal", stop_details=details)) == [RefusalDelta("No."), Finished(Finish.CONTENT_FILTER)]
    assert read(ended("something_new")) == [Finished(Finish.STOP)]


def test_only_its_own_last_event_ends_a_stream() -> None:
    decoder = Decoder(ACCOUNT)
    done = []
    for data in (ended(), event("message_stop")):
        decoder.feed("", data)
        done.append(decoder.done)
    assert done == [False, True]
    assert decoder.feed("", b"anything") == decoder.finish() == []


def test_an_error_right_after_the_start_fails() -> None:
    failure = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    assert read(event("message_start", message={}), failure) == [Began(), Failed(failure)]


@pytest.mark.parametrize(
    "data",
    [
        b"no",
        b"[]",
        b'{"index":0}',
        b'{"type":"content_block_start","content_block":3}',
        b'{"type":"content_block_start","content_block":{}}',
    ],
)
def test_what_is_no_event_is_refused(data: bytes) -> None:
    with pytest.raises(Undecodable):
        read(data)


def test_half_a_character_does_not_break_the_stream() -> None:
    data = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ud83d"}}'
    assert read(data) == [TextDelta("\ufffd")]
