"""Tools, the choice among them and the form of the answer: OpenAI Responses to and from the hub.

The hub keeps a custom tool's grammar as chat writes it; here it is flat.

Source: OpenAI Python SDK 3.51.0, types/responses/tool_param.py, tool_choice_*_param.py, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from proxy.apischema import openai_responses as schema
from proxy.core.conversation import (
    Conversation,
    CustomTool,
    FunctionTool,
    JsonFormat,
    Native,
    NativeTool,
    Tool,
    ToolChoice,
    ToolChoiceMode,
    Vendor,
)
from proxy.core.translation import Undecodable
from proxy.translate.foreign import EXTRAS, foreign_tool
from proxy.wire.jsonbody import raw
from proxy.wire.typedjson import decoded, given

_MODES = {"auto": ToolChoiceMode.AUTO, "none": ToolChoiceMode.NONE, "required": ToolChoiceMode.REQUIRED}
_CHAT_SEARCH = "web_search_options"
_OWN = ("allowed_callers", "defer_loading", "output_schema")
_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')

_GRAMMAR = msgspec.json.Decoder(schema.Grammar)
_CHAT_GRAMMAR = msgspec.json.Decoder(schema.ChatGrammar)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_SEARCH = msgspec.json.Decoder(schema.ChatSearch)


def decode_tools(request: schema.Request, raw_tools: Callable[[], Sequence[Raw]]) -> tuple[Tool, ...]:
    """Read the tools.

    Args:
        raw_tools: Gives the tools as they came, for those of a type that is not known here.

    Raises:
        Undecodable: A function or a custom tool without a name.
    """
    return tuple([_tool(tool, index, raw_tools) for index, tool in enumerate(request.tools or ())])


def _tool(tool: schema.Tool, index: int, raw_tools: Callable[[], Sequence[Raw]]) -> Tool:
    if tool.type not in ("function", "custom"):
        return NativeTool(Vendor.OPENAI, tool.type, raw_tools()[index])
    return decode_tool(tool, f"tools[{index}]")


def decode_tool(tool: schema.Tool, where: str) -> FunctionTool | CustomTool:
    """Read a tool that the client runs.

    Raises:
        Undecodable: It has no name.
    """
    if not tool.name:
        raise Undecodable(f"`{where}.name` is missing.", param=f"{where}.name")
    if tool.type == "function":
        return FunctionTool(
            tool.name, tool.description or "", given(tool.parameters), tool.strict, own=_own_members(tool)
        )
    form = given(tool.format)
    return CustomTool(tool.name, tool.description or "", None if form is None else _nested(form, where))


def _own_members(tool: schema.Tool) -> Native | None:
    members = {name: value for name in _OWN if (value := given(getattr(tool, name))) is not None}
    return Native(Vendor.OPENAI, EXTRAS, raw(members)) if members else None


def _nested(form: Raw, where: str) -> Raw:
    grammar = decoded(_GRAMMAR, form, f"{where}.format")
    if grammar.type != "grammar":
        return form
    return raw({"type": "grammar", "grammar": {"syntax": grammar.syntax, "definition": grammar.definition}})


def _flat(form: Raw, where: str) -> Raw:
    nested = given(decoded(_CHAT_GRAMMAR, form, where).grammar)
    if nested is None:
        return form
    grammar = decoded(_MEMBERS, nested, f"{where}.grammar")
    return raw({"type": "grammar", **grammar})


def decode_choice(choice: str | schema.ToolChoice | None) -> ToolChoice | None:
    """Read `tool_choice`; a tool that the provider runs is named by its type.

    Raises:
        Undecodable: A word that is not known.
    """
    if choice is None:
        return None
    if isinstance(choice, str):
        return ToolChoice(_mode(choice))
    if choice.type == "allowed_tools":
        return ToolChoice(_mode(choice.mode), tuple([tool.name or tool.type for tool in choice.tools]))
    return ToolChoice(ToolChoiceMode.NAMED, (choice.name or choice.type,))


def _mode(word: str) -> ToolChoiceMode:
    mode = _MODES.get(word)
    if mode is None:
        raise Undecodable("`tool_choice` is not one that is known.", param="tool_choice")
    return mode


def decode_format(form: schema.Format | None) -> JsonFormat | None:
    """Read `text.format`; None = text.

    Raises:
        Undecodable: A form that nobody else knows.
    """
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return JsonFormat()
    if form.type != "json_schema":
        raise Undecodable("`text.format` is not one that can be translated.", param="text.format")
    return JsonFormat(given(form.schema), form.name, form.description or "", form.strict)


def encode_tools(conversation: Conversation) -> dict[str, Any]:
    """Write `tools`, `tool_choice` and `parallel_tool_calls`.

    Raises:
        Untranslatable: A tool that another vendor runs itself.
    """
    if not conversation.tools:
        return {}
    members: dict[str, Any] = {"tools": [_written(tool, index) for index, tool in enumerate(conversation.tools)]}
    if conversation.tool_choice is not None:
        members["tool_choice"] = _choice_object(conversation.tool_choice, conversation.tools)
    if conversation.params.parallel_tool_calls is not None:
        members["parallel_tool_calls"] = conversation.params.parallel_tool_calls
    return members


def _written(tool: Tool, index: int) -> dict[str, Any] | Raw:
    if isinstance(tool, NativeTool):
        if tool.vendor is not Vendor.OPENAI:
            raise foreign_tool(tool.kind, f"tools[{index}]")
        return _search_object(tool.value) if tool.kind == _CHAT_SEARCH else tool.value
    if isinstance(tool, CustomTool):
        written: dict[str, Any] = {"type": "custom", "name": tool.name}
        if tool.format is not None:
            written["format"] = _flat(tool.format, f"tools[{index}].custom.format")
    else:
        # Without a word Responses is strict and chat is not.
        written = {
            "type": "function",
            "name": tool.name,
            "parameters": tool.schema or _NO_PARAMETERS,
            "strict": bool(tool.strict),
        }
        if tool.own is not None and tool.own.vendor is Vendor.OPENAI:
            written |= _MEMBERS.decode(tool.own.value)
    if tool.description:
        written["description"] = tool.description
    return written


def _search_object(options: Raw) -> dict[str, Any]:
    """Write chat's web search as a tool."""
    asked = decoded(_SEARCH, options, _CHAT_SEARCH)
    written: dict[str, Any] = {"type": "web_search"}
    if asked.search_context_size:
        written["search_context_size"] = asked.search_context_size
    if asked.user_location is not None and asked.user_location.approximate is not None:
        written["user_location"] = {"type": "approximate", **asked.user_location.approximate}
    return written


def _choice_object(choice: ToolChoice, tools: Sequence[Tool]) -> str | dict[str, Any]:
    if not choice.names:
        return choice.mode.value
    kinds = {tool.name: "custom" for tool in tools if isinstance(tool, CustomTool)}
    hosted = {tool.kind for tool in tools if isinstance(tool, NativeTool)}
    named = [
        {"type": name} if name in hosted else {"type": kinds.get(name, "function"), "name": name}
        for name in choice.names
    ]
    if choice.mode is ToolChoiceMode.NAMED:
        return named[0]
    return {"type": "allowed_tools", "mode": choice.mode.value, "tools": named}


def encode_format(form: JsonFormat) -> dict[str, Any]:
    """Write the member `format` of `text`."""
    if form.schema is None:
        return {"type": "json_object"}
    asked: dict[str, Any] = {"type": "json_schema", "name": form.name or "answer", "schema": form.schema}
    if form.description:
        asked["description"] = form.description
    asked["strict"] = bool(form.strict)
    return asked
