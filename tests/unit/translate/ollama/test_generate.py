"""Ollama's older `/api/generate`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from ollama import GenerateResponse

from proxy.core.conversation import (
    Answer,
    Choice,
    Finish,
    Image,
    Inline,
    Message,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolCall,
)
from proxy.core.streamparts import (
    Began,
    Counted,
    Finished,
    RefusalDelta,
    StreamPart,
    TextDelta,
    ThinkingDelta,
    ToolBegan,
)
from proxy.core.translation import Undecodable, Untranslatable
from proxy.core.usage import Usage
from proxy.translate.ollama.generate import Encoder, decode_request, encode_answer, encode_loaded, is_empty
from proxy.wire.jsonbody import split_object
from tests.fakes.dialects import ENVELOPE

HEAD = {"model": "public-model", "created_at": "2026-09-21T14:13:20Z"}
LOGPROBS = Raw(b'{"content":[{"token":"a","logprob":-1.0,"top_logprobs":[]}]}')


def lines(*parts: StreamPart) -> list[Any]:
    encoder = Encoder(ENVELOPE)
    return [json.loads(line) for line in b"".join([*map(encoder.feed, parts), encoder.finish()]).splitlines()]


def written(*parts: Part, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - members of a choice
    answer = Answer((Choice(parts, Finish.STOP, **more),), "", "up", 0, Usage(3, 2))
    body: dict[str, Any] = json.loads(encode_answer(answer, ENVELOPE))
    GenerateResponse.model_validate(body)
    return body


def test_prompt_becomes_a_chat() -> None:
    body = {"model": "m", "prompt": "hi", "system": "be brief", "images": ["/9j/AA"], "options": {"num_ctx": 9}}
    conversation = decode_request(json.dumps({**body, "keep_alive": "5m", "raw": False, "context": []}).encode(), True)
    assert conversation.messages == (
        Message(Role.SYSTEM, (Text("be brief"),)),
        Message(Role.USER, (Text("hi"), Image(Inline("image/jpeg", "/9j/AA")))),
    )
    assert (conversation.stream, set(conversation.rest)) == (True, {"options", "keep_alive"})


def test_prompt_alone_is_one_message() -> None:
    assert decode_request(b'{"prompt":"hi"}', False).messages == (Message(Role.USER, (Text("hi"),)),)


@pytest.mark.parametrize(
    ("name", "value"), [("raw", True), ("suffix", "x"), ("template", "{{ .Prompt }}"), ("context", [1])]
)
def test_prompt_that_is_no_chat_is_refused_with_the_member_at_fault(name: str, value: object) -> None:
    with pytest.raises(Untranslatable) as caught:
        decode_request(json.dumps({"prompt": "hi", name: value}).encode(), False)
    assert caught.value.param == name


@pytest.mark.parametrize("body", [b"{}", b'{"prompt":""}', b'{"prompt":1}', b"[]"])
def test_request_without_a_prompt_is_undecodable(body: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_request(body, False)


@pytest.mark.parametrize(
    ("body", "is_only_loading"),
    [
        (b'{"model":"m"}', True),
        (b'{"model":"m","prompt":"","images":[],"keep_alive":0}', True),
        (b'{"prompt":null}', True),
        (b'{"prompt":"a"}', False),
        (b'{"images":["a"]}', False),
    ],
    ids=str,
)
def test_request_without_a_prompt_only_loads_the_model(body: bytes, is_only_loading: bool) -> None:
    assert is_empty(split_object(body)) is is_only_loading


def test_loading_is_answered_as_ollama_does() -> None:
    assert json.loads(encode_loaded(ENVELOPE)) == {**HEAD, "response": "", "done": True, "done_reason": "load"}


def test_answer_is_text() -> None:
    assert written(Text("a"), Refusal("b"), ToolCall("i", "f", "{}")) == {
        **HEAD,
        "response": "ab",
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 3,
        "eval_count": 2,
    }


def test_answer_has_thoughts_and_log_probabilities_where_they_are() -> None:
    body = written(Thinking("hm"), Text("a"), logprobs=LOGPROBS)
    assert (body["thinking"], body["response"], body["logprobs"][0]["token"]) == ("hm", "a", "a")


def test_answer_without_choices_ends_all_the_same() -> None:
    body = json.loads(encode_answer(Answer((), "", "up", 0, None), ENVELOPE))
    assert body == {**HEAD, "response": "", "done": True, "done_reason": "stop"}


def test_stream_is_lines_and_the_counts_at_its_end() -> None:
    found = lines(
        Began("id", "up"),
        ThinkingDelta("hm"),
        TextDelta("a", logprobs=LOGPROBS),
        RefusalDelta("b"),
        Finished(Finish.LENGTH),
        Counted(Usage(3, 2)),
    )
    assert [(line["response"], line["done"]) for line in found] == [("", False), ("a", False), ("b", False), ("", True)]
    assert (found[0]["thinking"], found[1]["logprobs"][0]["token"]) == ("hm", "a")
    end = {"done": True, "done_reason": "length", "prompt_eval_count": 3, "eval_count": 2}
    assert found[-1] == {**HEAD, "response": "", **end}
    for line in found:
        GenerateResponse.model_validate(line)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(TextDelta(""), id="no-text"),
        pytest.param(TextDelta("a", choice=1), id="second-choice"),
        pytest.param(RefusalDelta("a", choice=1), id="second-refusal"),
        pytest.param(ThinkingDelta("a", choice=1), id="second-thought"),
        pytest.param(Finished(Finish.LENGTH, choice=1), id="second-end"),
        pytest.param(ToolBegan(0, "i", "f"), id="call"),
    ],
)
def test_what_has_no_place_is_left_out(part: StreamPart) -> None:
    assert lines(part) == [{**HEAD, "response": "", "done": True, "done_reason": "stop"}]
