"""Whole answers of Cohere; each is one that its SDK reads too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from openai.types.chat.chat_completion import ChoiceLogprobs

from proxy.core.conversation import Answer, Finish, Native, Part, Text, Thinking, ToolCall, Vendor
from proxy.core.translation import Undecodable
from proxy.core.usage import Usage
from proxy.translate.cohere.response import decode_answer
from tests.fakes.tools import require_module
from tests.unit.translate.cohere.made import HAS_SDK


def answered(message: dict[str, Any], **members: Any) -> Answer:  # noqa: ANN401 - JSON
    body = {"id": "c1", "finish_reason": "COMPLETE", "message": {"role": "assistant", **message}, **members}
    if HAS_SDK:
        require_module("cohere.v2.types").V2ChatResponse.model_validate(body)
    return decode_answer(json.dumps(body).encode(), "acct")


def call(arguments: str | None) -> dict[str, Any]:
    return {"tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": arguments}}]}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param({"content": [{"type": "text", "text": "Hi"}]}, (Text("Hi"),), id="text"),
        pytest.param(
            {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hi"}]},
            (Thinking("Hm."), Text("Hi")),
            id="thought",
        ),
        pytest.param({"content": [{"type": "text", "text": ""}]}, (), id="empty-text"),
        pytest.param(
            {"tool_plan": "I look.", **call('{"a":1}')},
            (Thinking("I look."), ToolCall("t1", "f", '{"a":1}')),
            id="plan-and-call",
        ),
        pytest.param(call("null"), (ToolCall("t1", "f", "{}"),), id="null-arguments"),
        pytest.param(call(""), (ToolCall("t1", "f", "{}"),), id="empty-arguments"),
        pytest.param(call(None), (ToolCall("t1", "f", "{}"),), id="no-arguments"),
        pytest.param({"tool_calls": [{"id": "t1", "type": "function"}]}, (ToolCall("t1", "", "{}"),), id="no-function"),
        pytest.param(
            {"content": [{"type": "text", "text": "Hi"}], "citations": [{"start": 0}]},
            (Text("Hi"), Native(Vendor.COHERE, "citation", Raw(b'{"start": 0}'))),
            id="citation",
        ),
        pytest.param({}, (), id="nothing"),
    ],
)
def test_a_message_becomes_parts(message: dict[str, Any], expected: tuple[Part, ...]) -> None:
    answer = answered(message)
    assert (answer.id, answer.choices[0].parts) == ("c1", expected)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("COMPLETE", Finish.STOP),
        ("STOP_SEQUENCE", Finish.STOP),
        ("MAX_TOKENS", Finish.LENGTH),
        ("TOOL_CALL", Finish.TOOL_CALLS),
        ("ERROR", Finish.ERROR),
        ("TIMEOUT", Finish.ERROR),
        ("SOMETHING_NEW", Finish.STOP),
    ],
)
def test_why_it_stopped(reason: str, finish: Finish) -> None:
    assert answered({}, finish_reason=reason).choices[0].finish is finish


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        pytest.param(
            {
                "billed_units": {"input_tokens": 12, "output_tokens": 7},
                "tokens": {"input_tokens": 507.0, "output_tokens": 10.0},
                "cached_tokens": 448,
            },
            Usage(12, 7),
            id="what-is-billed",
        ),
        pytest.param({"billed_units": {"input_tokens": 12, "output_tokens": 7}}, Usage(12, 7), id="billed-alone"),
        pytest.param(
            {"billed_units": {"output_tokens": 7}, "tokens": {"input_tokens": 9}}, Usage(0, 7), id="no-input-billed"
        ),
        pytest.param({"tokens": {"input_tokens": 9}, "cached_tokens": 3}, Usage(9, 0, 3), id="used-alone"),
        pytest.param({"tokens": {"input_tokens": 9}, "cached_tokens": 30}, Usage(9, 0, 9), id="more-cached-than-used"),
        pytest.param(
            {"billed_units": {"input_tokens": 0.0}, "tokens": {"input_tokens": 9}}, Usage(9), id="nothing-billed"
        ),
        pytest.param({"tokens": {"input_tokens": 5}}, Usage(5), id="no-output"),
        pytest.param({"tokens": {"output_tokens": 5}}, Usage(0, 5), id="no-input"),
        pytest.param({"tokens": {}}, None, id="nothing"),
        pytest.param({}, None, id="empty"),
        pytest.param(None, None, id="none"),
    ],
)
def test_what_was_counted(counts: dict[str, Any] | None, usage: Usage | None) -> None:
    assert answered({}, usage=counts).usage == usage


def test_log_probabilities_are_openais() -> None:
    items = [{"text": "Hé", "token_ids": [1, 2], "logprobs": [-0.25, -0.5]}, {"token_ids": []}]
    logprobs = answered({}, logprobs=items).choices[0].logprobs
    assert logprobs is not None
    read = ChoiceLogprobs.model_validate_json(bytes(logprobs))
    assert read.content is not None
    assert [(item.token, item.logprob, item.bytes) for item in read.content] == [
        ("Hé", -0.75, [72, 195, 169]),
        ("", 0, []),
    ]


def test_no_log_probabilities() -> None:
    assert answered({}, logprobs=[]).choices[0].logprobs is None


@pytest.mark.parametrize("body", [b'{"message":"no such model"}', b"{}", b"<html>"])
def test_what_is_no_answer_is_told(body: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_answer(body, "acct")
