from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    Conversation,
    CustomTool,
    FunctionTool,
    Image,
    Inline,
    JsonFormat,
    Message,
    Native,
    NativeTool,
    Params,
    Reasoning,
    Refusal,
    Role,
    Signature,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
    Vendor,
)
from proxy.core.translation import Undecodable, Untranslatable
from proxy.translate.openai_responses.request import decode_request, encode_request
from tests.fakes.dialects import ACCOUNT, TARGET


def read(**members: Any) -> Conversation:  # noqa: ANN401
    return decode_request(json.dumps({"input": "Hi", **members}).encode(), False)


def written(conversation: Conversation) -> dict[str, Any]:
    body = json.loads(encode_request(conversation, TARGET).body)
    return {name: value for name, value in body.items() if name not in ("model", "store") and value != []}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        pytest.param({"tools": [{"type": "function"}]}, "tools[0].name", id="function-without-a-name"),
        pytest.param({"tools": [{"type": "custom"}]}, "tools[0].name", id="custom-tool-without-a-name"),
        pytest.param({"tools": [{"name": "f"}]}, "tools[0].type", id="tool-without-a-type"),
        pytest.param(
            {"tools": [{"type": "custom", "name": "c", "format": {}}]},
            "tools[0].format.type",
            id="format-without-a-type",
        ),
        pytest.param({"tool_choice": "perhaps"}, "tool_choice", id="unknown-choice"),
        pytest.param({"text": {"format": {"type": "grammar"}}}, "text.format", id="unknown-format"),
    ],
)
def test_what_cannot_be_understood_is_refused(members: dict[str, Any], param: str) -> None:
    with pytest.raises(Undecodable) as caught:
        read(**members)
    assert caught.value.param == param


def test_tool_that_openai_runs_is_kept_and_chosen_by_its_type() -> None:
    conversation = read(tools=[{"type": "web_search"}], tool_choice={"type": "web_search"})
    assert conversation.tools == (NativeTool(Vendor.OPENAI, "web_search", Raw(b'{"type": "web_search"}')),)
    assert written(conversation)["tools"] == [{"type": "web_search"}]
    assert written(conversation)["tool_choice"] == {"type": "web_search"}


def test_effort_in_a_vendors_own_word_is_kept_as_it_is() -> None:
    assert bytes(read(reasoning={"effort": "ultra"}).rest["reasoning"]) == b'{"effort":"ultra"}'


def test_text_is_no_format() -> None:
    assert read(text={"format": {"type": "text"}}).format is None


@pytest.mark.parametrize(
    ("conversation", "members"),
    [
        pytest.param(Conversation(Vendor.GOOGLE, ()), {}, id="nothing"),
        pytest.param(
            Conversation(Vendor.GOOGLE, (), params=Params(max_tokens=4)), {"max_output_tokens": 16}, id="least-limit"
        ),
        pytest.param(
            Conversation(Vendor.GOOGLE, (), reasoning=Reasoning(visible=True)),
            {"reasoning": {"summary": "auto"}},
            id="visible-thoughts",
        ),
        pytest.param(
            Conversation(Vendor.GOOGLE, (), reasoning=Reasoning(summary="detailed")),
            {"reasoning": {"summary": "detailed"}},
            id="summary",
        ),
        pytest.param(
            Conversation(Vendor.GOOGLE, (), format=JsonFormat(Raw(b"{}"))),
            {"text": {"format": {"type": "json_schema", "name": "answer", "schema": {}, "strict": False}}},
            id="format-without-a-name",
        ),
        pytest.param(
            Conversation(Vendor.OPENAI, (), (NativeTool(Vendor.OPENAI, "web_search_options", Raw(b"{}")),)),
            {"tools": [{"type": "web_search"}]},
            id="chats-web-search",
        ),
        pytest.param(
            Conversation(
                Vendor.OPENAI,
                (),
                (CustomTool("c"), FunctionTool("f")),
                ToolChoice(ToolChoiceMode.AUTO, ("c", "f")),
            ),
            {
                "tools": [
                    {"type": "custom", "name": "c"},
                    {
                        "type": "function",
                        "name": "f",
                        "parameters": {"type": "object", "properties": {}},
                        "strict": False,
                    },
                ],
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "custom", "name": "c"}, {"type": "function", "name": "f"}],
                },
            },
            id="allowed-tools",
        ),
        pytest.param(
            Conversation(Vendor.OPENAI, (), (CustomTool("c", "d", Raw(b'{"type":"text"}')),)),
            {"tools": [{"type": "custom", "name": "c", "format": {"type": "text"}, "description": "d"}]},
            id="custom-tool-of-text",
        ),
    ],
)
def test_request_is_written(conversation: Conversation, members: dict[str, Any]) -> None:
    assert written(conversation) == members


def test_items_stand_in_the_order_in_which_they_were_said() -> None:
    own = Signature(Vendor.OPENAI, ACCOUNT, "gAAA")
    parts = (
        Thinking("r", own),
        Text("a"),
        Refusal(""),
        ToolCall("c", "f", ""),
        Native(Vendor.OPENAI, "web_search_call", Raw(b'{"type":"web_search_call"}')),
        Native(Vendor.OPENAI, "annotations", Raw(b"[]")),
        Native(Vendor.ANTHROPIC, "server_tool_use", Raw(b"{}")),
        Text("b"),
    )
    body = written(Conversation(Vendor.OPENAI, (Message(Role.ASSISTANT, parts),)))
    assert body["input"] == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "r"}], "encrypted_content": "gAAA"},
        {"type": "message", "role": "assistant", "content": "a"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "web_search_call"},
        {"type": "message", "role": "assistant", "content": "b"},
    ]


def test_function_keeps_the_members_that_openai_alone_has() -> None:
    members = {"allowed_callers": ["direct"], "defer_loading": True, "output_schema": {"type": "object"}}
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True, **members}
    conversation = decode_request(json.dumps({"input": "a", "tools": [tool]}).encode(), False)
    assert written(conversation)["tools"] == [tool]


def test_members_of_another_vendors_function_are_left_out() -> None:
    own = Native(Vendor.ANTHROPIC, "extras", Raw(b'{"defer_loading":true}'))
    asked = Conversation(Vendor.ANTHROPIC, (Message(Role.USER, (Text("a"),)),), (FunctionTool("f", own=own),))
    assert written(asked)["tools"][0].keys() == {"type", "name", "parameters", "strict"}


def test_phase_of_what_was_said_is_told_again() -> None:
    said = {"type": "message", "role": "assistant", "content": "a", "phase": "commentary"}
    refused = {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "b"}], "phase": "x"}
    conversation = decode_request(json.dumps({"input": [said, refused]}).encode(), False)
    assert written(conversation)["input"] == [said, {"type": "message", "role": "assistant", "content": "b"}]


def test_result_of_a_custom_tool_has_its_own_type() -> None:
    messages = (
        Message(Role.ASSISTANT, (ToolCall("c", "run", "ls", custom=True),)),
        Message(Role.USER, (ToolResult("c", (Text("a"),)),)),
    )
    assert [item["type"] for item in written(Conversation(Vendor.OPENAI, messages))["input"]] == [
        "custom_tool_call",
        "custom_tool_call_output",
    ]


@pytest.mark.parametrize(
    ("conversation", "param", "capability"),
    [
        pytest.param(Conversation(Vendor.GOOGLE, (), params=Params(n=2)), "n", "", id="choices"),
        pytest.param(Conversation(Vendor.GOOGLE, (), params=Params(stop=("a",))), "stop", "", id="stop"),
        pytest.param(
            Conversation(Vendor.GOOGLE, (), params=Params(modalities=("audio",))), "modalities", "audio", id="sound"
        ),
        pytest.param(
            Conversation(Vendor.GOOGLE, (), (NativeTool(Vendor.GOOGLE, "x", Raw(b"{}")),)),
            "tools[0]",
            "tools",
            id="tool",
        ),
        pytest.param(
            Conversation(Vendor.GOOGLE, (Message(Role.ASSISTANT, (Image(Inline("image/png", "AA==")),)),)),
            "messages[0].content[0]",
            "images",
            id="assistants-image",
        ),
    ],
)
def test_what_responses_cannot_do_is_refused(conversation: Conversation, param: str, capability: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        encode_request(conversation, TARGET)
    assert (caught.value.param, caught.value.capability) == (param, capability)


def test_member_that_is_written_anyway_does_not_come_twice() -> None:
    conversation = Conversation(Vendor.OPENAI, (), params=Params(verbosity="low"), rest={"text": Raw(b"{}")})
    assert encode_request(conversation, TARGET).dropped == ("text",)


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        pytest.param(
            NativeTool(Vendor.OPENAI, "web_search_options", Raw(b'{"search_context_size":1}')),
            "web_search_options.search_context_size",
            id="web-search",
        ),
        pytest.param(CustomTool("c", "", Raw(b'{"type":1}')), "tools[0].custom.format.type", id="form"),
        pytest.param(
            CustomTool("c", "", Raw(b'{"type":"grammar","grammar":[]}')), "tools[0].custom.format.grammar", id="grammar"
        ),
    ],
)
def test_tool_of_chat_that_is_not_of_its_form_is_the_clients_fault(tool: Tool, param: str) -> None:
    with pytest.raises(Undecodable) as caught:
        encode_request(Conversation(Vendor.OPENAI, (), (tool,)), TARGET)
    assert caught.value.param == param
