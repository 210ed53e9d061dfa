"""Tools and the choice among them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    CacheMark,
    CustomTool,
    FunctionTool,
    Native,
    NativeTool,
    Params,
    Tool,
    ToolCall,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
    Vendor,
)
from tests.unit.translate.anthropic.said import body, offering, received, refusal, sent, talk
from tests.unit.translate.talking import assistant, user

SCHEMA = Raw(b'{"type":"object","properties":{"n":{"type":"integer","minimum":1}}}')
F, G = FunctionTool("f", "Does it.", SCHEMA), FunctionTool("g")
SEARCH = NativeTool(Vendor.ANTHROPIC, "web_search_20260209", Raw(b'{"type":"web_search_20260209","name":"web_search"}'))
EMPTY = {"type": "object", "properties": {}}
AUTO, NONE, REQUIRED, NAMED = ToolChoiceMode
CHOOSING = "claude-opus-5"


def test_a_function_is_offered_with_its_schema_as_it_is() -> None:
    assert body(offering(F))["tools"] == [
        {
            "name": "f",
            "description": "Does it.",
            "input_schema": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}},
        }
    ]


def test_a_function_keeps_the_members_that_its_vendor_alone_has() -> None:
    members = {"defer_loading": True, "allowed_callers": ["direct"], "input_examples": [{}]}
    tool = {"name": "f", "input_schema": EMPTY, **members, "eager_input_streaming": True}
    assert body(received(tools=[tool]))["tools"] == [tool]


def test_members_of_another_vendors_function_are_left_out() -> None:
    own = Native(Vendor.OPENAI, "extras", Raw(b'{"defer_loading":true}'))
    assert body(offering(FunctionTool("f", own=own)))["tools"] == [{"name": "f", "input_schema": EMPTY}]


def test_a_function_without_a_schema_takes_nothing() -> None:
    assert body(offering(G))["tools"] == [{"name": "g", "input_schema": EMPTY}]


def test_a_strict_function_gets_an_enforceable_schema() -> None:
    tool = body(offering(FunctionTool("f", schema=SCHEMA, strict=True)))["tools"][0]
    assert tool["strict"] is True
    assert tool["input_schema"] == {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": '{"minimum":1}'}},
        "additionalProperties": False,
    }


def test_strictness_is_named_where_the_model_has_none() -> None:
    encoded = sent(offering(FunctionTool("f", strict=True)), "claude-sonnet-4-0")
    assert encoded.dropped == ("strict",)
    assert b"strict" not in encoded.body


def test_the_vendors_own_tool_goes_as_it_is() -> None:
    assert body(offering(SEARCH))["tools"] == [{"type": "web_search_20260209", "name": "web_search"}]


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(CustomTool("c"), id="free-text"),
        pytest.param(NativeTool(Vendor.OPENAI, "web_search", Raw(b"{}")), id="another-vendors"),
        pytest.param(FunctionTool("a.b"), id="name"),
        pytest.param(FunctionTool("f" * 129), id="long-name"),
    ],
)
def test_a_tool_that_is_not_claudes_is_refused_with_its_place(tool: Tool) -> None:
    assert refusal(offering(G, tool)).param == "tools[1]"


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        pytest.param(None, None, None, id="unsaid"),
        pytest.param(None, True, None, id="parallel-is-the-default"),
        pytest.param(None, False, {"type": "auto", "disable_parallel_tool_use": True}, id="one-at-a-time"),
        pytest.param(ToolChoice(AUTO), None, {"type": "auto"}, id="auto"),
        pytest.param(ToolChoice(NONE), False, {"type": "none"}, id="none"),
        pytest.param(ToolChoice(REQUIRED), None, {"type": "any"}, id="required"),
        pytest.param(ToolChoice(REQUIRED), False, {"type": "any", "disable_parallel_tool_use": True}, id="exactly-one"),
        pytest.param(ToolChoice(NAMED, ("f",)), None, {"type": "tool", "name": "f"}, id="named"),
        pytest.param(ToolChoice(REQUIRED, ("f",)), None, {"type": "tool", "name": "f"}, id="required-among-one"),
        pytest.param(ToolChoice(REQUIRED, ("f", "g")), None, {"type": "any"}, id="required-among-some"),
    ],
)
def test_the_choice_is_said_in_claudes_words(
    choice: ToolChoice | None, parallel: bool | None, expected: object
) -> None:
    conversation = offering(F, G, tool_choice=choice, params=Params(parallel_tool_calls=parallel))
    assert body(conversation, CHOOSING).get("tool_choice") == expected


@pytest.mark.parametrize(
    ("names", "offered"),
    [
        (("f",), ["f"]),
        (("g", "f"), ["f", "g"]),
        (("web_search_20260209",), ["web_search"]),
        ((), ["f", "g", "web_search"]),
    ],
)
def test_only_allowed_tools_are_offered(names: tuple[str, ...], offered: list[str]) -> None:
    tools = body(offering(F, G, SEARCH, tool_choice=ToolChoice(AUTO, names)))["tools"]
    assert [tool["name"] for tool in tools] == offered


@pytest.mark.parametrize("choice", [ToolChoice(REQUIRED), ToolChoice(NAMED, ("f",))])
def test_the_newest_models_cannot_be_made_to_call(choice: ToolChoice) -> None:
    assert refusal(offering(F, tool_choice=choice)).param == "tool_choice"


def test_tools_that_were_called_are_named_though_none_is_offered() -> None:
    call: tuple[Any, ...] = (user("go"), assistant(ToolCall("c", "old", "{}")), user(ToolResult("c", ())))
    written = body(talk(*call))
    assert written["tools"] == [{"name": "old", "input_schema": EMPTY}]
    assert written["tool_choice"] == {"type": "none"}


def test_without_tools_there_is_nothing_to_choose() -> None:
    assert not {"tools", "tool_choice"} & set(body(talk(tool_choice=ToolChoice(AUTO))))


def test_a_tool_may_end_a_cached_stretch() -> None:
    tool = body(offering(FunctionTool("f", cache=CacheMark("1h"))))["tools"][0]
    assert tool["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
