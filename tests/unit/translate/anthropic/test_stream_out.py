"""Parts, as the events a client reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import Audio, Finish, Inline, Native, Signature, Vendor
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
from proxy.core.usage import Usage
from proxy.translate.anthropic.stream import Encoder
from proxy.wire.sse import EventSplitter
from tests.unit.translate.anthropic.said import ENVELOPE, own

DONE = Finished(Finish.STOP)


def raw(*parts: StreamPart) -> bytes:
    encoder = Encoder(ENVELOPE)
    return b"".join(encoder.feed(part) for part in parts) + encoder.finish()


def events(*parts: StreamPart) -> list[Any]:
    """All events but the first and the last two, whose names agree with their types."""
    found = []
    for event in EventSplitter().feed(raw(*parts)):
        assert event.data is not None
        value = json.loads(event.data)
        assert event.raw.startswith(f"event: {value['type']}\n".encode())
        found.append(value)
    assert [found[0]["type"], found[-2]["type"], found[-1]["type"]] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    return found[1:-2]


def blocks(*parts: StreamPart) -> list[tuple[Any, list[Any]]]:
    """Each block with its deltas; blocks follow each other, each closed before the next."""
    found: list[tuple[Any, list[Any]]] = []
    is_open = False
    for event in events(*parts):
        if event["type"] == "content_block_start":
            assert not is_open
            assert event["index"] == len(found)
            found.append((event["content_block"], []))
        elif event["type"] == "content_block_delta":
            assert is_open and event["index"] == len(found) - 1  # clients take a block for whole when it is closed
            found[-1][1].append(event["delta"])
        is_open = event["type"] != "content_block_stop" if event["type"] != "content_block_delta" else is_open
    assert not is_open
    return found


def said(*texts: str) -> list[dict[str, str]]:
    return [{"type": "text_delta", "text": text} for text in texts]


TEXT, THOUGHT = {"type": "text", "text": ""}, {"type": "thinking", "thinking": "", "signature": ""}
SIGNED = {"type": "signature_delta", "signature": "^f.anthropic.acct.sig"}


def call(call_id: str, name: str) -> dict[str, object]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}}


def arguments(*fragments: str) -> list[dict[str, str]]:
    return [{"type": "input_json_delta", "partial_json": fragment} for fragment in fragments]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param((), [], id="nothing"),
        pytest.param((TextDelta("a"), TextDelta(""), TextDelta('"\n')), [(TEXT, said("a", '"\n'))], id="text"),
        pytest.param(
            (ThinkingDelta("t"), ThinkingSigned(own()), TextDelta("a")),
            [(THOUGHT, [{"type": "thinking_delta", "thinking": "t"}, SIGNED]), (TEXT, said("a"))],
            id="thought-then-text",
        ),
        pytest.param((ThinkingSigned(own()),), [(THOUGHT, [SIGNED])], id="signature-alone"),
        pytest.param(
            (ThinkingDelta("t"), TextDelta("a")),
            [(THOUGHT, [{"type": "thinking_delta", "thinking": "t"}]), (TEXT, said("a"))],
            id="unsigned-thought",
        ),
        pytest.param(
            (TextDelta("a"), ThinkingSigned(own(), redacted=True), TextDelta("b")),
            [
                (TEXT, said("a")),
                ({"type": "redacted_thinking", "data": "^f.anthropic.acct.sig"}, []),
                (TEXT, said("b")),
            ],
            id="redacted",
        ),
        pytest.param(
            (
                TextDelta("a"),
                ToolBegan(0, "x", "f"),
                ToolDelta(0, '{"n":'),
                ToolDelta(0, ""),
                ToolDelta(0, "1}"),
                ToolBegan(1, "y", "g"),
                ToolDelta(1, "{}"),
            ),
            [(TEXT, said("a")), (call("x", "f"), arguments('{"n":', "1}")), (call("y", "g"), arguments("{}"))],
            id="tools",
        ),
        pytest.param(
            (
                ToolBegan(0, "x", "f"),
                ToolBegan(1, "y", "g"),
                ToolDelta(0, "{}"),
                ToolDelta(1, "{}"),
                ToolDelta(7, "{}"),
            ),
            [(call("x", "f"), arguments("{}")), (call("y", "g"), arguments("{}"))],
            id="interleaved-arguments",
        ),
        pytest.param(
            (
                ToolBegan(0, "x", "f"),
                ToolBegan(1, "y", "g"),
                ToolDelta(0, '{"a"'),
                ToolDelta(1, '{"b"'),
                TextDelta("so"),
                ToolDelta(0, ":1}"),
                ToolDelta(1, ":2}"),
            ),
            [
                (call("x", "f"), arguments('{"a"', ":1}")),
                (call("y", "g"), arguments('{"b"', ":2}")),
                (TEXT, said("so")),
            ],
            id="interleaved-fragments-and-text",
        ),
        pytest.param(
            (
                ToolBegan(0, "x", "f"),
                ToolDelta(0, '{"a"'),
                ToolBegan(1, "y", "g"),
                ToolBegan(2, "z", "h"),
                ToolDelta(2, '{"c"'),
                ToolDelta(1, '{"b"'),
            ),
            [
                (call("x", "f"), arguments('{"a"')),
                (call("y", "g"), arguments('{"b"')),
                (call("z", "h"), arguments('{"c"')),
            ],
            id="calls-that-never-became-whole",
        ),
        pytest.param(
            (ToolBegan(0, "x", "f"), ToolBegan(1, "y", "g"), ToolDelta(1, "{}"), TextDelta("a")),
            [(call("x", "f"), []), (call("y", "g"), arguments("{}")), (TEXT, said("a"))],
            id="call-without-arguments",
        ),
        pytest.param(
            (ToolBegan(0, "x", "f"), ToolDelta(0, "{}"), TextDelta("a"), ToolDelta(0, " ")),
            [(call("x", "f"), arguments("{}")), (TEXT, said("a"))],
            id="arguments-after-the-end",
        ),
        pytest.param(
            (ToolBegan(0, "x", "f", signature=Signature(Vendor.GOOGLE, "acc", "c2ln")),),
            [({"type": "redacted_thinking", "data": "^f.google.acc.c2ln"}, []), (call("x", "f"), [])],
            id="gemini-call",
        ),
        pytest.param(
            (Whole(Native(Vendor.ANTHROPIC, "x", Raw(b'{"type":"x"}'))), TextDelta("a")),
            [({"type": "x"}, []), (TEXT, said("a"))],
            id="own-block",
        ),
        pytest.param(
            (TextDelta("a"), Whole(Native(Vendor.ANTHROPIC, "citations_delta", Raw(b'{"x":1}')))),
            [(TEXT, [*said("a"), {"type": "citations_delta", "citation": {"x": 1}}])],
            id="citation",
        ),
        pytest.param(
            (Whole(Native(Vendor.ANTHROPIC, "citations_delta", Raw(b'{"x":1}'))),),
            [(TEXT, [{"type": "citations_delta", "citation": {"x": 1}}])],
            id="citation-first",
        ),
        pytest.param(
            (
                Whole(Native(Vendor.OPENAI, "x", Raw(b"{}"))),
                Whole(Native(Vendor.ANTHROPIC, "extras", Raw(b"{}"))),
                Whole(Audio(Inline("audio/wav", ""))),
                Failed(b"{}"),
                TextDelta("other choice", 1),
            ),
            [],
            id="no-place",
        ),
    ],
)
def test_blocks_are_opened_filled_and_closed_in_turn(parts: tuple[StreamPart, ...], expected: object) -> None:
    assert blocks(*parts, DONE) == expected


def argued(began: ToolBegan, *fragments: str) -> Any:  # noqa: ANN401 - JSON
    """What a client puts together of the arguments of a call."""
    (_, deltas), *_ = blocks(began, *[ToolDelta(0, fragment) for fragment in fragments], ToolBegan(1, "y", "g"))
    return json.loads("".join(delta["partial_json"] for delta in deltas))


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        pytest.param(("[1,", "2]"), "[1,2]", id="list"),
        pytest.param((" ", 'ls "a', '"\n'), 'ls "a"\n', id="no-json"),
        pytest.param(('"x"',), '"x"', id="text"),
    ],
)
def test_arguments_that_are_no_object_are_given_inside_one(fragments: tuple[str, ...], expected: str) -> None:
    assert argued(ToolBegan(0, "x", "f"), *fragments) == {"arguments": expected}
    assert argued(ToolBegan(0, "x", "f", custom=True), *fragments) == {"input": expected}


def test_arguments_that_begin_with_blanks_are_an_object_all_the_same() -> None:
    assert argued(ToolBegan(0, "x", "f"), "\n", ' {"n"', ":1}") == {"n": 1}


def message(*parts: StreamPart) -> tuple[Any, Any]:
    """The opening message, and the last delta."""
    found = [json.loads(event.data or b"") for event in EventSplitter().feed(raw(*parts))]
    return found[0]["message"], found[-2]


def test_a_stream_opens_with_a_message_of_the_clients_model() -> None:
    opened, _ = message(Began("msg_9", "upstream", Usage(7)), DONE)
    assert opened == {
        "id": "msg_9",
        "type": "message",
        "role": "assistant",
        "model": "the-model",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 7,
            "output_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
    }


def test_a_stream_without_a_beginning_gets_one() -> None:
    opened, _ = message(TextDelta("a"), DONE)
    assert (opened["id"], opened["usage"]) == ("msg_0123abcd", {"input_tokens": 0, "output_tokens": 0})


def test_a_second_beginning_is_none() -> None:
    assert raw(Began(), Began(), DONE).count(b"message_start") == 2  # the event's name and its type


def test_the_last_counts_go_out_with_the_end() -> None:
    _, last = message(Began(usage=Usage(7)), Finished(Finish.STOP, stop_sequence="END"), Counted(Usage(7, 9)))
    assert last["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "END", "stop_details": None}
    assert (last["usage"]["input_tokens"], last["usage"]["output_tokens"]) == (7, 9)


def test_a_refusal_goes_out_with_the_end() -> None:
    _, last = message(RefusalDelta("I "), RefusalDelta("won't."), DONE)
    assert last["delta"]["stop_reason"] == "refusal"
    assert last["delta"]["stop_details"]["explanation"] == "I won't."


def test_the_terminator_waits_for_the_end() -> None:
    encoder = Encoder(ENVELOPE)
    before = b"".join(encoder.feed(part) for part in (Began(), TextDelta("a"), DONE, Counted(Usage())))
    assert b"message_stop" not in before
    assert encoder.finish().endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
