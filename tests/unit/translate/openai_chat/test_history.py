from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    CacheMark,
    Document,
    Image,
    Inline,
    Message,
    Native,
    Part,
    Refusal,
    Role,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.translation import Undecodable
from proxy.translate.openai_chat.request import decode_request

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def messages(*told: dict[str, Any]) -> tuple[Message, ...]:
    return decode_request(json.dumps({"messages": told}).encode(), False).messages


def said(**members: Any) -> tuple[Part, ...]:  # noqa: ANN401
    return messages({"role": "assistant", **members})[0].parts


@pytest.mark.parametrize(
    ("members", "parts"),
    [
        pytest.param({"content": None}, (), id="nothing"),
        pytest.param({"content": ""}, (), id="empty"),
        pytest.param({"content": "a", "refusal": "b"}, (Text("a"), Refusal("b")), id="refusal-beside-content"),
        pytest.param({"content": [{"type": "refusal", "refusal": "b"}]}, (Refusal("b"),), id="refusal-part"),
        pytest.param({"reasoning": "r", "content": "a"}, (Thinking("r"), Text("a")), id="reasoning"),
        pytest.param(
            {"reasoning_details": [{"type": "reasoning.summary", "summary": "s"}, {"type": "x"}]},
            (Thinking("s"),),
            id="reasoning-details",
        ),
        pytest.param(
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "r"}]}]},
            (Thinking("r"),),
            id="thinking-part",
        ),
        pytest.param({"content": [{"type": "thinking", "thinking": "r"}]}, (Thinking("r"),), id="thinking-text"),
        pytest.param({"thinking_blocks": [{"type": "thinking"}]}, (), id="empty-thinking-block"),
        pytest.param(
            {"reasoning_content": "r", "thinking_blocks": [{"type": "redacted_thinking", "data": "^f.google.a.v"}]},
            (Thinking("r"), Thinking("", Signature(Vendor.GOOGLE, "a", "v"), redacted=True)),
            id="text-beside-a-hidden-block",
        ),
        pytest.param(
            {"thinking_blocks": [{"type": "redacted_thinking", "data": "^f.google.a.v"}]},
            (Thinking("", Signature(Vendor.GOOGLE, "a", "v"), redacted=True),),
            id="sealed-block",
        ),
        pytest.param(
            {"thinking_blocks": [{"type": "thinking", "thinking": "r", "signature": "of nobody"}]},
            (Thinking("r"),),
            id="signature-of-nobody",
        ),
        pytest.param(
            {"extra_content": {"google": {"thought_signature": "v"}}, "tool_calls": [CALL]},
            (Text("", signature=Signature(Vendor.GOOGLE, "", "v")), ToolCall("c1", "f", "{}")),
            id="signature-without-text",
        ),
        pytest.param(
            {"extra_content": {"google": {"thought_signature": "v"}}, "content": "a", "refusal": "b"},
            (Text("a", signature=Signature(Vendor.GOOGLE, "", "v")), Refusal("b")),
            id="signature-of-a-text",
        ),
        pytest.param({"extra_content": {"google": {}}, "content": "a"}, (Text("a"),), id="no-signature"),
        pytest.param({"extra_content": {}, "content": "a"}, (Text("a"),), id="nothing-of-google"),
        pytest.param(
            {"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]},
            (Image(Inline("image/png", "AA==")),),
            id="image",
        ),
        pytest.param({"audio": {"id": "a1"}}, (Native(Vendor.OPENAI, "audio", Raw(b'{"id":"a1"}')),), id="audio"),
        pytest.param({"function_call": {"name": "f", "arguments": "{}"}}, (ToolCall("f", "f", "{}"),), id="old-call"),
        pytest.param({"function_call": {"name": "f"}}, (ToolCall("f", "f", ""),), id="old-call-of-nothing"),
        pytest.param(
            {"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "r", "input": "x"}}]},
            (ToolCall("c", "r", "x", custom=True),),
            id="custom-call",
        ),
        pytest.param(
            {"content": "a", "cache_control": {"type": "ephemeral", "ttl": "5m"}},
            (Text("a", CacheMark("5m")),),
            id="marked-message",
        ),
        pytest.param(
            {"content": "a", "refusal": "b", "cache_control": {}}, (Text("a"), Refusal("b")), id="mark-without-a-place"
        ),
        pytest.param({"content": None, "cache_control": {}}, (), id="mark-of-nothing"),
        pytest.param(
            {"content": [{"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}]},
            (Text("a", CacheMark("1h")),),
            id="openais-mark",
        ),
    ],
)
def test_assistants_message_is_read(members: dict[str, Any], parts: tuple[Part, ...]) -> None:
    assert said(**members) == parts


def test_results_know_the_names_of_their_tools() -> None:
    told = messages(
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "x", "cache_control": {"type": "ephemeral"}},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "y"}]},
        {"role": "function", "name": "g", "content": "z"},
    )
    assert told[1:] == (
        Message(Role.USER, (ToolResult("c1", (Text("x"),), "f", cache=CacheMark()),)),
        Message(Role.USER, (ToolResult("c2", (Text("y"),)),)),
        Message(Role.USER, (ToolResult("g", (Text("z"),), "g"),)),
    )


def test_name_of_who_speaks_is_kept() -> None:
    assert messages({"role": "user", "name": "Ada", "content": "Hi"}) == (Message(Role.USER, (Text("Hi"),), "Ada"),)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        pytest.param({"role": "critic", "content": "x"}, "messages[0].role", id="unknown-role"),
        pytest.param({"content": "x"}, "messages[0].role", id="no-role"),
        pytest.param({"role": "tool", "content": "x"}, "messages[0].tool_call_id", id="result-of-no-call"),
        pytest.param(
            {"role": "tool", "tool_call_id": "c", "content": [{"type": "refusal", "refusal": "x"}]},
            "messages[0].content",
            id="refusal-as-a-result",
        ),
        pytest.param(
            {"role": "assistant", "tool_calls": [{"id": "c", "type": "function"}]},
            "messages[0].tool_calls[0].function.name",
            id="call-of-no-function",
        ),
        pytest.param({"role": 1}, "messages[0].role", id="wrong-type"),
    ],
)
def test_message_that_makes_no_sense_is_refused(message: dict[str, Any], param: str) -> None:
    with pytest.raises(Undecodable) as caught:
        messages(message)
    assert caught.value.param == param


def test_result_may_hold_files() -> None:
    part = {"type": "file", "file": {"filename": "a.pdf", "file_data": "AA=="}}
    (message,) = messages({"role": "tool", "tool_call_id": "c", "content": [part]})
    assert message.parts == (ToolResult("c", (Document(Inline("application/pdf", "AA=="), "a.pdf"),)),)
