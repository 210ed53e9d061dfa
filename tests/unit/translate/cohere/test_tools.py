"""Tools, the choice among them, and structured answers."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from msgspec import Raw

from proxy.core.conversation import (
    CustomTool,
    Document,
    FunctionTool,
    Inline,
    JsonFormat,
    NativeTool,
    Tool,
    ToolChoice,
    ToolChoiceMode,
    Vendor,
)
from proxy.core.translation import Untranslatable
from tests.unit.translate.cohere.made import sent
from tests.unit.translate.talking import TOOL, talk, user

OTHER = FunctionTool("other")


def body(*tools: Tool, choice: ToolChoice | None = None, format_: JsonFormat | None = None) -> dict[str, Any]:
    return sent(talk(tools=tools, tool_choice=choice, format_=format_))[0]


def names(written: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in written["tools"]]


def test_a_tool_is_written_whole() -> None:
    assert body(TOOL)["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": "Looks a word up.",
                "parameters": {"type": "object", "properties": {"word": {"type": "string"}}},
            },
        }
    ]


def test_a_tool_without_parameters_takes_an_empty_object() -> None:
    assert body(OTHER)["tools"][0]["function"] == {"name": "other", "parameters": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(
    ("choice", "told", "offered"),
    [
        pytest.param(None, None, ["look_up", "other"], id="unsaid"),
        pytest.param(ToolChoice(ToolChoiceMode.AUTO), None, ["look_up", "other"], id="auto"),
        pytest.param(ToolChoice(ToolChoiceMode.NONE), "NONE", ["look_up", "other"], id="none"),
        pytest.param(ToolChoice(ToolChoiceMode.REQUIRED), "REQUIRED", ["look_up", "other"], id="required"),
        pytest.param(ToolChoice(ToolChoiceMode.NAMED, ("other",)), "REQUIRED", ["other"], id="named"),
        pytest.param(ToolChoice(ToolChoiceMode.AUTO, ("other",)), None, ["other"], id="auto-of-some"),
    ],
)
def test_the_choice_of_a_tool(choice: ToolChoice | None, told: str | None, offered: list[str]) -> None:
    written = body(TOOL, OTHER, choice=choice)
    assert (written.get("tool_choice"), names(written)) == (told, offered)


def test_a_choice_without_tools_says_nothing() -> None:
    assert "tool_choice" not in body(choice=ToolChoice(ToolChoiceMode.NONE))


def test_a_choice_of_no_tool_is_refused() -> None:
    with pytest.raises(Untranslatable) as caught:
        body(TOOL, choice=ToolChoice(ToolChoiceMode.NAMED, ("nobody",)))
    assert caught.value.param == "tool_choice"


@pytest.mark.parametrize(("others", "strict"), [(True, True), (None, False)])
def test_tools_are_strict_together(others: bool | None, strict: bool) -> None:
    written = body(FunctionTool("a", strict=True), FunctionTool("b", strict=others))
    assert written.get("strict_tools", False) is strict


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(CustomTool("sh"), id="custom"),
        pytest.param(NativeTool(Vendor.OPENAI, "web_search", Raw(b"{}")), id="another-vendors"),
    ],
)
def test_a_tool_that_cohere_cannot_have_is_refused(tool: Tool) -> None:
    with pytest.raises(Untranslatable) as caught:
        body(TOOL, tool)
    assert (caught.value.param, caught.value.capability) == ("tools[1]", "tools")


@pytest.mark.parametrize(
    ("format_", "written"),
    [
        pytest.param(JsonFormat(), {"type": "json_object"}, id="any-object"),
        pytest.param(
            JsonFormat(Raw(b'{"type":"object"}'), "n"),
            {"type": "json_object", "json_schema": {"type": "object"}},
            id="schema",
        ),
    ],
)
def test_a_structured_answer(format_: JsonFormat, written: dict[str, Any]) -> None:
    assert body(format_=format_)["response_format"] == written


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(Untranslatable, match="not a JSON object"):
        body(format_=JsonFormat(Raw(b"[]")))


def test_a_structured_answer_beside_tools_is_refused() -> None:
    with pytest.raises(Untranslatable) as caught:
        body(TOOL, format_=JsonFormat())
    assert caught.value.param == "response_format"


def test_a_structured_answer_beside_documents_is_refused() -> None:
    note = Document(Inline("text/plain", b64encode(b"a").decode()))
    with pytest.raises(Untranslatable):
        sent(talk(user("a", note), format_=JsonFormat()))
