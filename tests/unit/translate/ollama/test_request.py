from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from proxy.core.conversation import (
    Conversation,
    CustomTool,
    Document,
    Effort,
    FunctionTool,
    Image,
    Inline,
    Link,
    Message,
    NativeTool,
    Params,
    Part,
    Reasoning,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
    Vendor,
)
from proxy.core.translation import Undecodable, Untranslatable
from proxy.translate.ollama.request import decode_request, encode_request
from tests.fakes.dialects import TARGET

TOOL = FunctionTool("f")
TOOL_PART = {
    "type": "function",
    "function": {"name": "f", "description": "", "parameters": {"type": "object", "properties": {}}},
}


def read(**members: Any) -> Conversation:  # noqa: ANN401
    return decode_request(json.dumps({"messages": [], **members}).encode(), True)


def written(conversation: Conversation, model: str = "llama3.2") -> dict[str, Any]:
    body = json.loads(encode_request(conversation, replace(TARGET, model=model)).body)
    return {name: value for name, value in body.items() if name not in ("model", "messages", "stream")}


def messages(role: Role, *parts: Part) -> Any:  # noqa: ANN401
    conversation = Conversation(Vendor.ANTHROPIC, (Message(role, parts),))
    return json.loads(encode_request(conversation, TARGET).body)["messages"]


@pytest.mark.parametrize(
    ("think", "reasoning"),
    [
        (None, Reasoning()),
        (True, Reasoning(adaptive=True, visible=True)),
        (False, Reasoning(budget_tokens=0)),
        ("low", Reasoning(Effort.LOW, visible=True)),
    ],
)
def test_thinking_is_read(think: object, reasoning: Reasoning) -> None:
    assert read(think=think).reasoning == reasoning


@pytest.mark.parametrize(
    ("reasoning", "model", "think"),
    [
        (Reasoning(), "qwen3", None),
        (Reasoning(adaptive=True), "qwen3", True),
        (Reasoning(budget_tokens=-1), "qwen3", True),
        (Reasoning(Effort.HIGH), "qwen3", True),
        (Reasoning(Effort.NONE), "qwen3", False),
        (Reasoning(budget_tokens=0), "qwen3", False),
        (Reasoning(adaptive=True), "gpt-oss:20b", None),
        (Reasoning(Effort.MAX), "gpt-oss:20b", "high"),
        (Reasoning(budget_tokens=0), "gpt-oss:20b", None),
    ],
)
def test_thinking_is_written(reasoning: Reasoning, model: str, think: object) -> None:
    members = {} if think is None else {"think": think}
    assert written(Conversation(Vendor.OPENAI, (), reasoning=reasoning), model) == members


@pytest.mark.parametrize(("model", "dropped"), [("gpt-oss:20b", ("reasoning_effort",)), ("qwen3", ())])
def test_who_cannot_stop_thinking_is_named(model: str, dropped: tuple[str, ...]) -> None:
    asked = Conversation(Vendor.OPENAI, (), reasoning=Reasoning(Effort.NONE))
    assert encode_request(asked, replace(TARGET, model=model)).dropped == dropped


def test_tools_that_are_no_functions_are_not_read() -> None:
    assert read(tools=[{"type": "other"}, {"function": {"name": "f"}}]).tools == (TOOL,)


def test_options_of_its_own_go_back() -> None:
    conversation = read(options={"num_ctx": 1, "top_k": 2}, keep_alive="5m", shift=None)
    assert conversation.params.top_k == 2
    assert written(conversation) == {"options": {"top_k": 2, "num_ctx": 1}, "keep_alive": "5m"}


def test_members_of_its_own_may_come_without_options() -> None:
    assert written(read(keep_alive=0)) == {"keep_alive": 0}


@pytest.mark.parametrize("options", [1, {"temperature": "hot"}])
def test_options_that_make_no_sense_are_refused(options: object) -> None:
    with pytest.raises(Undecodable) as caught:
        read(options=options)
    assert (caught.value.param or "").startswith("options")


@pytest.mark.parametrize(
    ("choice", "tools"),
    [
        pytest.param(None, [TOOL_PART], id="not-said"),
        pytest.param(ToolChoice(ToolChoiceMode.AUTO), [TOOL_PART], id="auto"),
        pytest.param(ToolChoice(ToolChoiceMode.AUTO, ("f",)), [TOOL_PART], id="allowed"),
        pytest.param(ToolChoice(ToolChoiceMode.AUTO, ("g",)), None, id="not-allowed"),
        pytest.param(ToolChoice(ToolChoiceMode.NONE), None, id="none"),
    ],
)
def test_choice_decides_which_tools_are_offered(choice: ToolChoice | None, tools: object) -> None:
    assert written(Conversation(Vendor.OPENAI, (), (TOOL,), choice)) == ({} if tools is None else {"tools": tools})


def test_choice_without_tools_does_not_matter() -> None:
    assert written(Conversation(Vendor.OPENAI, (), (), ToolChoice(ToolChoiceMode.REQUIRED))) == {}


@pytest.mark.parametrize(
    ("conversation", "param", "capability"),
    [
        pytest.param(Conversation(Vendor.OPENAI, (), (CustomTool("c"),)), "tools[0]", "tools", id="custom"),
        pytest.param(
            Conversation(Vendor.OPENAI, (), (NativeTool(Vendor.OPENAI, "x", Raw(b"{}")),)),
            "tools[0]",
            "tools",
            id="hosted",
        ),
        pytest.param(
            Conversation(Vendor.OPENAI, (Message(Role.USER, (Image(Link("https://x")),)),)),
            "messages[0].content",
            "images",
            id="image-by-url",
        ),
        pytest.param(
            Conversation(Vendor.OPENAI, (Message(Role.USER, (Document(Inline("text/plain", "abc")),)),)),
            "messages[0].content",
            "",
            id="text-that-is-no-base64",
        ),
    ],
)
def test_what_ollama_cannot_do_is_refused(conversation: Conversation, param: str, capability: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        encode_request(conversation, TARGET)
    assert (caught.value.param, caught.value.capability) == (param, capability)


def test_results_stand_before_what_was_said_with_them() -> None:
    image = Image(Inline("image/png", "AA=="))
    assert messages(Role.USER, Text("Look:"), ToolResult("c", (Text("a"), image))) == [
        {"role": "tool", "content": "a", "images": ["AA=="], "tool_call_id": "c"},
        {"role": "user", "content": "Look:"},
    ]
    assert len(messages(Role.USER, ToolResult("c", (), "f"))) == 1


def test_documents_of_words_are_text() -> None:
    assert messages(Role.USER, Text("a"), Document(Inline("text/plain", "Yg=="))) == [
        {"role": "user", "content": "a\n\nb"}
    ]


def test_calls_are_counted_among_themselves() -> None:
    (message,) = messages(Role.ASSISTANT, Thinking("r"), ToolCall("a", "f", ""), ToolCall("b", "f", "[1]"))
    assert message == {
        "role": "assistant",
        "content": "",
        "thinking": "r",
        "tool_calls": [
            {"id": "a", "function": {"index": 0, "name": "f", "arguments": {}}},
            {"id": "b", "function": {"index": 1, "name": "f", "arguments": {"input": "[1]"}}},
        ],
    }


def test_empty_message_stays() -> None:
    assert messages(Role.USER) == [{"role": "user", "content": ""}]


def test_tokens_without_a_limit_are_not_told() -> None:
    assert [read(options={"num_predict": count}).params for count in (-1, -2, 0)] == 3 * [Params()]
