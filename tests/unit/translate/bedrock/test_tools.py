"""Tools, and which of them is to be called, as each family takes it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    CacheMark,
    CustomTool,
    FunctionTool,
    NativeTool,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
    Vendor,
)
from proxy.core.translation import Untranslatable
from tests.unit.translate.bedrock import made
from tests.unit.translate.bedrock.made import sent
from tests.unit.translate.talking import TOOL, assistant, talk, user

OTHER = FunctionTool("other")
HISTORY = (user("Hi"), assistant(ToolCall("c1", "look_up", "{}")), user(ToolResult("c1", (Text("ok"),))))
REQUIRED, NAMED = ToolChoice(ToolChoiceMode.REQUIRED), ToolChoice(ToolChoiceMode.NAMED, ("other",))
NONE = ToolChoice(ToolChoiceMode.NONE)


def config(*tools: Tool, choice: ToolChoice | None = None, model: str = made.SONNET) -> dict[str, Any]:
    body, _ = sent(talk(tools=tools, tool_choice=choice), model)
    found: dict[str, Any] = body["toolConfig"]
    return found


def names(written: dict[str, Any]) -> list[str]:
    return [tool["toolSpec"]["name"] for tool in written["tools"] if "toolSpec" in tool]


def test_a_tool_is_written_whole() -> None:
    assert config(TOOL) == {
        "tools": [
            {
                "toolSpec": {
                    "name": "look_up",
                    "description": "Looks a word up.",
                    "inputSchema": {"json": {"type": "object", "properties": {"word": {"type": "string"}}}},
                }
            }
        ]
    }


@pytest.mark.parametrize(
    "schema",
    [pytest.param(None, id="none"), pytest.param(Raw(b"null"), id="null"), pytest.param(Raw(b"[]"), id="no-object")],
)
def test_a_tool_without_parameters_takes_an_empty_object(schema: Raw | None) -> None:
    written = config(FunctionTool("f", "  ", schema))["tools"][0]["toolSpec"]
    assert written == {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}


def test_parameters_without_a_type_are_an_objects() -> None:
    written = config(FunctionTool("f", "", Raw(b'{"properties":{"a":{}}}')))["tools"][0]["toolSpec"]
    assert written["inputSchema"]["json"] == {"type": "object", "properties": {"a": {}}}


def test_a_mark_of_the_cache_follows_its_tool() -> None:
    written = config(FunctionTool("f", cache=CacheMark()), OTHER)["tools"]
    assert [next(iter(tool)) for tool in written] == ["toolSpec", "cachePoint", "toolSpec"]


def test_nova_caches_no_tools() -> None:
    written = config(FunctionTool("f", cache=CacheMark()), model=made.NOVA)["tools"]
    assert [next(iter(tool)) for tool in written] == ["toolSpec"]


@pytest.mark.parametrize(
    ("model", "strict"),
    [
        pytest.param(made.SONNET, True, id="claude-4.5"),
        pytest.param(made.OPUS_5, False, id="bedrock-refuses-it-there"),
        pytest.param(made.NOVA, False, id="nova"),
    ],
)
def test_a_tool_is_strict_where_the_model_takes_that(model: str, strict: bool) -> None:
    tool = FunctionTool(
        "f", "", Raw(b'{"type":"object","properties":{"a":{"type":"string","minLength":1}}}'), strict=True
    )
    spec = config(tool, model=model)["tools"][0]["toolSpec"]
    assert spec.get("strict", False) is strict
    assert ("additionalProperties" in spec["inputSchema"]["json"]) is strict


@pytest.mark.parametrize(
    ("choice", "model", "written"),
    [
        pytest.param(None, made.SONNET, None, id="unsaid"),
        pytest.param(ToolChoice(ToolChoiceMode.AUTO), made.SONNET, None, id="auto"),
        pytest.param(REQUIRED, made.SONNET, {"any": {}}, id="required"),
        pytest.param(NAMED, made.SONNET, {"tool": {"name": "other"}}, id="named"),
        pytest.param(NAMED, made.NOVA, {"tool": {"name": "other"}}, id="named-for-nova"),
        pytest.param(NAMED, made.MISTRAL, {"any": {}}, id="named-where-names-are-not-taken"),
    ],
)
def test_the_choice_of_a_tool(choice: ToolChoice | None, model: str, written: dict[str, Any] | None) -> None:
    assert config(TOOL, OTHER, choice=choice, model=model).get("toolChoice") == written


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param(ToolChoice(ToolChoiceMode.AUTO, ("other",)), id="auto-of-some"),
        pytest.param(ToolChoice(ToolChoiceMode.REQUIRED, ("other",)), id="required-of-some"),
    ],
)
def test_only_the_tools_that_may_be_called_are_offered(choice: ToolChoice) -> None:
    assert names(config(TOOL, OTHER, choice=choice)) == ["other"]


@pytest.mark.parametrize(
    ("model", "offered"),
    [
        pytest.param(made.SONNET, ["look_up", "other"], id="named-in-the-choice"),
        pytest.param(made.MISTRAL, ["other"], id="named-by-being-alone"),
    ],
)
def test_the_one_tool_to_call(model: str, offered: list[str]) -> None:
    assert names(config(TOOL, OTHER, choice=NAMED, model=model)) == offered


def test_no_tool_at_all_leaves_them_out() -> None:
    body, _ = sent(talk(tools=[TOOL], tool_choice=NONE))
    assert "toolConfig" not in body


@pytest.mark.parametrize(
    ("tools", "choice"),
    [pytest.param((), None, id="no-tools"), pytest.param((TOOL,), NONE, id="tools-that-may-not-be-called")],
)
def test_calls_in_the_history_need_a_tool_that_stands_in(tools: tuple[Tool, ...], choice: ToolChoice | None) -> None:
    body, _ = sent(talk(*HISTORY, tools=tools, tool_choice=choice))
    assert names(body["toolConfig"]) == ["unavailable_tool"]


@pytest.mark.parametrize("model", [made.LLAMA, made.FABLE])
@pytest.mark.parametrize("choice", [REQUIRED, NAMED])
def test_a_model_that_cannot_be_made_to_call_refuses(model: str, choice: ToolChoice) -> None:
    with pytest.raises(Untranslatable) as caught:
        config(TOOL, OTHER, choice=choice, model=model)
    assert caught.value.param == "tool_choice"


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        pytest.param(None, {"type": "auto", "disable_parallel_tool_use": True}, id="auto"),
        pytest.param(REQUIRED, {"type": "any", "disable_parallel_tool_use": True}, id="required"),
        pytest.param(NAMED, {"type": "tool", "disable_parallel_tool_use": True, "name": "other"}, id="named"),
    ],
)
def test_claude_is_told_in_its_own_words_to_call_one_at_a_time(
    choice: ToolChoice | None, written: dict[str, Any]
) -> None:
    body, dropped = sent(talk(tools=[TOOL, OTHER], tool_choice=choice, parallel_tool_calls=False))
    assert body["additionalModelRequestFields"]["tool_choice"] == written
    assert "toolChoice" not in body["toolConfig"]
    assert dropped == ()


def test_other_families_are_not_told() -> None:
    body, dropped = sent(talk(tools=[TOOL], tool_choice=REQUIRED, parallel_tool_calls=False), made.NOVA)
    assert body["toolConfig"]["toolChoice"] == {"any": {}}
    assert dropped == ("parallel_tool_calls",)


@pytest.mark.parametrize(
    ("tool", "param", "capability"),
    [
        pytest.param(CustomTool("sh"), "tools[1]", "tools", id="custom"),
        pytest.param(NativeTool(Vendor.OPENAI, "web_search", Raw(b"{}")), "tools[1]", "tools", id="another-vendors"),
        pytest.param(FunctionTool("a.b"), "tools[1].function.name", "", id="name"),
    ],
)
def test_a_tool_that_bedrock_cannot_have_is_refused(tool: Tool, param: str, capability: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        config(TOOL, tool)
    assert (caught.value.param, caught.value.capability) == (param, capability)


def test_a_choice_of_no_tool_is_refused() -> None:
    with pytest.raises(Untranslatable, match="No tool"):
        config(TOOL, choice=NAMED)
