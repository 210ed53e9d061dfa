from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.conversation import Native
from proxy.core.streamparts import (
    Began,
    Counted,
    Failed,
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
from proxy.providers.envelope import told_error
from proxy.translate.openai_responses.stream import Decoder
from tests.fakes.dialects import ACCOUNT


def read(*events: dict[str, Any]) -> list[StreamPart]:
    decoder = Decoder(ACCOUNT)
    return [part for event in events for part in decoder.feed("", json.dumps(event).encode())]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"type": "error", "code": "rate_limit_exceeded", "message": "x"}, id="flat"),
        pytest.param({"type": "error", "error": {"code": "rate_limit_exceeded", "message": "x"}}, id="nested"),
        pytest.param(
            {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "x"}}},
            id="failed",
        ),
    ],
)
def test_error_has_one_form(event: dict[str, Any]) -> None:
    (failed,) = read(event)
    assert isinstance(failed, Failed)
    assert json.loads(failed.payload)["error"]["code"] == "rate_limit_exceeded"
    assert told_error(failed.payload) is not None


CITATION = {"type": "url_citation", "start_index": 0, "end_index": 1, "title": "T", "url": "u"}


def said(index: int, *, annotations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    content = [{"type": "output_text", "text": "ab", "annotations": annotations}]
    return [
        {"type": "response.output_text.delta", "output_index": index, "delta": "ab"},
        {"type": "response.output_item.done", "output_index": index, "item": {"type": "message", "content": content}},
    ]


def cited(parts: list[StreamPart]) -> list[int]:
    wholes = [bytes(part.part.value) for part in parts if isinstance(part, Whole) and isinstance(part.part, Native)]
    return [citation["url_citation"]["start_index"] for whole in wholes for citation in json.loads(whole)]


def test_citations_are_counted_from_the_beginning_of_the_answer() -> None:
    told = {"type": "response.output_text.annotation.added", "output_index": 1, "annotation": CITATION}
    delta, done = said(1, annotations=[CITATION])
    assert cited(read(*said(0, annotations=[]), delta, told, done)) == [2]


def test_citations_of_a_message_in_parts_are_counted_from_their_own_part() -> None:
    deltas = [{"type": "response.output_text.delta", "content_index": place, "delta": "hi"} for place in (0, 1)]
    told = {"type": "response.output_text.annotation.added", "content_index": 1, "annotation": CITATION}
    assert cited(read(*deltas, told)) == [2]


def test_citations_that_no_event_told_are_taken_from_the_item() -> None:
    assert cited(read(*said(0, annotations=[CITATION]), *said(1, annotations=[CITATION]))) == [0, 2]


def test_citations_of_a_message_that_came_at_once_are_given() -> None:
    ends = [said(index, annotations=[CITATION])[1] for index in (0, 1)]
    assert cited(read(*ends)) == [0, 2]


def test_failed_answer_tells_its_usage() -> None:
    usage = {"input_tokens": 3, "output_tokens": 1}
    parts = read({"type": "response.failed", "response": {"usage": usage}, "message": "x"})
    assert parts[0] == Counted(Usage(3, 1))
    assert isinstance(parts[1], Failed)


@pytest.mark.parametrize("data", [b"", b"nothing", b"[]", b"{}", b'{"type":1}'])
def test_what_is_no_event_is_undecodable(data: bytes) -> None:
    with pytest.raises(Undecodable):
        Decoder(ACCOUNT).feed("", data)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"type": "response.audio.delta", "delta": "AA=="}, id="unknown"),
        pytest.param({"type": "response.created"}, id="nothing-in-it"),
        pytest.param({"type": "response.output_text.delta", "delta": ""}, id="no-text"),
        pytest.param({"type": "response.refusal.delta"}, id="no-refusal"),
        pytest.param({"type": "response.reasoning_text.delta"}, id="no-thought"),
        pytest.param({"type": "response.reasoning_summary_part.added", "summary_index": 0}, id="first-thought"),
        pytest.param({"type": "response.function_call_arguments.delta", "delta": "{"}, id="arguments-of-no-call"),
        pytest.param({"type": "response.output_text.annotation.added"}, id="no-annotation"),
        pytest.param({"type": "response.output_text.annotation.added", "annotation": {"type": "x"}}, id="file-cited"),
        pytest.param(
            {"type": "response.output_item.done", "item": {"type": "reasoning", "id": "r"}}, id="no-reasoning"
        ),
        pytest.param(
            {"type": "response.output_item.done", "item": {"type": "message", "content": "x"}}, id="odd-message"
        ),
        pytest.param(
            {"type": "response.output_item.done", "item": {"type": "message", "content": [{"type": "output_text"}]}},
            id="empty-message",
        ),
        pytest.param(
            {"type": "response.output_item.done", "item": {"type": "image_generation_call", "result": None}},
            id="failed-image",
        ),
        pytest.param({"type": "response.output_item.done", "item": {"type": "surprise"}}, id="unknown-item"),
        pytest.param({"type": "response.output_item.done", "item": {}}, id="item-without-a-type"),
    ],
)
def test_event_that_says_nothing_gives_nothing(event: dict[str, Any]) -> None:
    assert read(event) == []


def test_beginning_is_told_once() -> None:
    event = {"type": "response.created", "response": {"id": "r", "model": "m"}}
    assert read(event, {**event, "type": "response.in_progress"}) == [Began("r", "m")]


def test_call_that_comes_whole_is_read() -> None:
    item = {"type": "custom_tool_call", "id": "i", "name": "run", "input": "ls"}
    assert read({"type": "response.output_item.done", "output_index": 2, "item": item}) == [
        ToolBegan(0, "i", "run", custom=True),
        ToolDelta(0, "ls"),
    ]


def test_thought_that_comes_whole_is_read_with_its_signature() -> None:
    item = {
        "type": "reasoning",
        "id": "r",
        "summary": [{"type": "summary_text", "text": "a"}],
        "encrypted_content": "g",
    }
    thought, signed = read({"type": "response.output_item.done", "item": item})
    assert thought == ThinkingDelta("a")
    assert isinstance(signed, ThinkingSigned)
    assert (signed.signature.value, signed.redacted) == ("r.g", False)


def test_thought_that_was_told_is_not_told_again() -> None:
    item = {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "g"}
    told, signed = read(
        {"type": "response.reasoning_text.delta", "delta": "a"}, {"type": "response.output_item.done", "item": item}
    )
    assert told == ThinkingDelta("a")
    assert isinstance(signed, ThinkingSigned)
    assert not signed.redacted


def test_open_thought_has_no_signature() -> None:
    item = {"type": "reasoning", "id": "r", "summary": [], "content": [{"type": "reasoning_text", "text": "a"}]}
    assert read({"type": "response.output_item.done", "item": item}) == [ThinkingDelta("a")]


def test_text_tells_its_logprobs() -> None:
    (text,) = read({"type": "response.output_text.delta", "delta": "a", "logprobs": [{"token": "a", "logprob": -1}]})
    assert isinstance(text, TextDelta)
    assert text.logprobs is not None


def test_terminator_of_chat_does_not_matter() -> None:
    decoder = Decoder(ACCOUNT)
    assert [decoder.feed("", b"[DONE]"), decoder.finish(), decoder.done] == [[], [], False]
    decoder.feed("", b'{"type":"response.completed"}')
    assert decoder.done
