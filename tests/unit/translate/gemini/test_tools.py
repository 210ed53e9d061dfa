"""Tools and the choice among them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.conversation import CustomTool, FunctionTool, Native, NativeTool, ToolChoice, ToolChoiceMode, Vendor
from proxy.core.translation import Undecodable, Untranslatable
from tests.unit.translate.gemini.making import asked, raw, read, sent

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = FunctionTool("weather", "Tells the weather", raw(SCHEMA))
AUTO, NONE, REQUIRED, NAMED = (
    ToolChoiceMode.AUTO,
    ToolChoiceMode.NONE,
    ToolChoiceMode.REQUIRED,
    ToolChoiceMode.NAMED,
)


def test_functions_are_one_tool() -> None:
    assert sent(asked(tools=(WEATHER, FunctionTool("now"))))["tools"] == [
        {
            "functionDeclarations": [
                {"name": "weather", "description": "Tells the weather", "parametersJsonSchema": SCHEMA},
                {"name": "now"},
            ]
        }
    ]


def test_googles_own_tools_go_back_as_they_came() -> None:
    tools = [{"functionDeclarations": [{"name": "now"}]}, {"googleSearch": {}, "codeExecution": {}}]
    conversation = read({"tools": tools})
    assert [tool.kind for tool in conversation.tools if isinstance(tool, NativeTool)] == [
        "googleSearch",
        "codeExecution",
    ]
    assert sent(conversation)["tools"] == [tools[0], {"googleSearch": {}}, {"codeExecution": {}}]


def test_a_function_keeps_the_members_that_google_alone_has() -> None:
    function = {"name": "now", "behavior": "NON_BLOCKING", "response": {"type": "STRING"}}
    tools = [{"functionDeclarations": [function]}]
    assert sent(read({"tools": tools}))["tools"] == tools


def test_members_of_another_vendors_function_are_left_out() -> None:
    own = Native(Vendor.ANTHROPIC, "extras", raw({"defer_loading": True}))
    assert sent(asked(tools=(FunctionTool("now", own=own),)))["tools"] == [{"functionDeclarations": [{"name": "now"}]}]


def test_tool_that_is_null_is_none() -> None:
    assert read({"tools": [{"functionDeclarations": [{"name": "now"}], "googleSearch": None}]}).tools == (
        FunctionTool("now"),
    )


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(CustomTool("grep"), id="free-text"),
        pytest.param(NativeTool(Vendor.OPENAI, "web_search", raw({})), id="anothers-own"),
    ],
)
def test_other_tools_are_refused(tool: CustomTool | NativeTool) -> None:
    with pytest.raises(Untranslatable) as failure:
        sent(asked(tools=(WEATHER, tool)))
    assert (failure.value.param, failure.value.capability) == ("tools[1]", "tools")


@pytest.mark.parametrize(
    ("declaration", "schema"),
    [
        pytest.param({"parametersJsonSchema": SCHEMA}, SCHEMA, id="json-schema"),
        pytest.param(
            {"parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}}, SCHEMA, id="google-schema"
        ),
        pytest.param({}, None, id="none"),
        pytest.param({"parametersJsonSchema": None}, None, id="null"),
    ],
)
def test_a_declaration_is_read(declaration: dict[str, Any], schema: object) -> None:
    (tool,) = read({"tools": [{"functionDeclarations": [{"name": "f", **declaration}]}]}).tools
    assert isinstance(tool, FunctionTool)
    assert (None if tool.schema is None else json.loads(bytes(tool.schema))) == schema


def test_a_tool_without_declarations_is_none() -> None:
    assert read({"tools": [{"functionDeclarations": None}]}).tools == ()


def test_a_declaration_needs_a_name() -> None:
    with pytest.raises(Undecodable) as failure:
        read({"tools": [{"functionDeclarations": [{}]}]})
    assert failure.value.param == "tools[0].functionDeclarations[0].name"


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        pytest.param(ToolChoice(AUTO), {"mode": "AUTO"}, id="auto"),
        pytest.param(ToolChoice(NONE), {"mode": "NONE"}, id="none"),
        pytest.param(ToolChoice(REQUIRED), {"mode": "ANY"}, id="required"),
        pytest.param(ToolChoice(NAMED, ("a",)), {"mode": "ANY", "allowedFunctionNames": ["a"]}, id="named"),
        pytest.param(
            ToolChoice(REQUIRED, ("a", "b")), {"mode": "ANY", "allowedFunctionNames": ["a", "b"]}, id="one-of-some"
        ),
        pytest.param(
            ToolChoice(AUTO, ("a", "b")), {"mode": "VALIDATED", "allowedFunctionNames": ["a", "b"]}, id="none-or-some"
        ),
    ],
)
def test_a_choice_is_written_and_read_again(choice: ToolChoice, config: dict[str, Any]) -> None:
    body = sent(asked(tools=(WEATHER,), tool_choice=choice))
    assert body["toolConfig"] == {"functionCallingConfig": config}
    assert read({"toolConfig": body["toolConfig"]}).tool_choice == choice


@pytest.mark.parametrize("mode", [None, "MODE_UNSPECIFIED"])
def test_no_mode_is_no_choice(mode: str | None) -> None:
    assert read({"toolConfig": {"functionCallingConfig": {"mode": mode}}}).tool_choice is None


def test_a_mode_is_read_in_any_case() -> None:
    assert read({"toolConfig": {"functionCallingConfig": {"mode": "any"}}}).tool_choice == ToolChoice(REQUIRED)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(Undecodable) as failure:
        read({"toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}})
    assert failure.value.param == "toolConfig.functionCallingConfig.mode"


def test_a_choice_without_functions_is_not_said() -> None:
    assert "toolConfig" not in sent(asked(tool_choice=ToolChoice(AUTO)))


def test_a_call_of_nothing_cannot_be_demanded() -> None:
    with pytest.raises(Untranslatable) as failure:
        sent(asked(tool_choice=ToolChoice(REQUIRED)))
    assert failure.value.param == "tool_choice"


def test_the_rest_of_the_config_goes_back_to_google_alone() -> None:
    config = {"retrievalConfig": {"languageCode": "de"}, "functionCallingConfig": {"mode": "AUTO"}}
    conversation = read({"toolConfig": config, "tools": [{"functionDeclarations": [{"name": "f"}]}]})
    assert json.loads(bytes(conversation.rest["toolConfig"])) == {"retrievalConfig": {"languageCode": "de"}}
    assert sent(conversation)["toolConfig"] == config


def test_a_config_without_a_choice_is_kept() -> None:
    conversation = read({"toolConfig": {"retrievalConfig": {}, "functionCallingConfig": None}})
    assert conversation.tool_choice is None
    assert sent(conversation)["toolConfig"] == {"retrievalConfig": {}}
