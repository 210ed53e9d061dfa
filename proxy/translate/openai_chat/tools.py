"""Tools, the choice among them and the form of the answer: OpenAI chat to and from the hub.

Source: OpenAI Python SDK 3.51.0, types/chat/completion_create_params.py and what it names, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Raw

from proxy.apischema import openai_chat as schema
from proxy.core.conversation import (
    Conversation,
    CustomTool,
    FunctionTool,
    JsonFormat,
    NativeTool,
    Tool,
    ToolChoice,
    ToolChoiceMode,
    Vendor,
)
from proxy.core.translation import Target, Undecodable
from proxy.translate.foreign import foreign_tool
from proxy.translate.openai_chat.parts import decode_cache, encode_cache
from proxy.wire.typedjson import given

_MODES = {
    "auto": ToolChoiceMode.AUTO,
    "none": ToolChoiceMode.NONE,
    "required": ToolChoiceMode.REQUIRED,
    "any": ToolChoiceMode.REQUIRED,  # Mistral
}
WEB_SEARCH = "web_search_options"


def decode_tools(request: schema.Request, raw_tools: Callable[[], Sequence[Raw]]) -> tuple[Tool, ...]:
    """Read the tools; web search, which OpenAI chat asks for by a member of its own, is one of them.

    Args:
        raw_tools: Gives the tools as they came, for those of a type that is not known here.
    """
    tools = [_tool(tool, index, raw_tools) for index, tool in enumerate(request.tools or ())]
    search = given(request.web_search_options)
    if search is not None:
        tools.append(NativeTool(Vendor.OPENAI, WEB_SEARCH, search))
    return tuple(tools)


def _tool(tool: schema.Tool, index: int, raw_tools: Callable[[], Sequence[Raw]]) -> Tool:
    function, custom = tool.function, tool.custom
    if function is not None:
        cache = decode_cache(tool.cache_control, function.cache_control)
        parameters = given(function.parameters)
        return FunctionTool(function.name, function.description or "", parameters, function.strict, cache)
    if custom is not None:
        return CustomTool(custom.name, custom.description or "", given(custom.format))
    if tool.type in ("function", "custom"):
        param = f"tools[{index}].{tool.type}"
        raise Undecodable(f"`{param}` is missing.", param=param)
    return NativeTool(Vendor.OPENAI, tool.type or "", raw_tools()[index])


def decode_choice(choice: str | schema.ToolChoice | None) -> ToolChoice | None:
    """Read `tool_choice` in each of its forms.

    Raises:
        Undecodable: None of them.
    """
    if choice is None:
        return None
    if isinstance(choice, str):
        return ToolChoice(_mode(choice))
    if choice.allowed_tools is not None:
        names = [_name(tool) for tool in choice.allowed_tools.tools]
        return ToolChoice(_mode(choice.allowed_tools.mode), tuple(names))
    return ToolChoice(ToolChoiceMode.NAMED, (_name(choice),))


def _mode(word: str) -> ToolChoiceMode:
    mode = _MODES.get(word)
    if mode is None:
        raise Undecodable("`tool_choice` is not one that is known.", param="tool_choice")
    return mode


def _name(tool: schema.NamedTool) -> str:
    named = tool.function or tool.custom
    if named is None:
        raise Undecodable("`tool_choice` names no tool that can be translated.", param="tool_choice")
    return named.name


def decode_format(form: schema.ResponseFormat | None) -> JsonFormat | None:
    """Read `response_format`; None = text.

    Raises:
        Undecodable: A form that nobody else knows, such as a grammar.
    """
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return JsonFormat()
    if form.type != "json_schema" or form.json_schema is None:
        raise Undecodable("`response_format` is not one that can be translated.", param="response_format")
    asked = form.json_schema
    return JsonFormat(given(asked.schema), asked.name, asked.description or "", asked.strict)


def encode_tools(conversation: Conversation, target: Target) -> dict[str, Any]:
    """Write `tools`, `tool_choice` and `parallel_tool_calls`.

    Raises:
        Untranslatable: A tool that another vendor runs itself.
    """
    members: dict[str, Any] = {}
    tools, choice = conversation.tools, conversation.tool_choice
    allows = "allowed_tools" in target.extensions
    if choice is not None and choice.names and choice.mode is not ToolChoiceMode.NAMED and not allows:
        # Most vendors do not know the list of allowed tools: what may not be called is not offered.
        tools = tuple([tool for tool in tools if isinstance(tool, NativeTool) or tool.name in choice.names])
        choice = ToolChoice(choice.mode)
    written = []
    for index, tool in enumerate(tools):
        if isinstance(tool, NativeTool) and tool.vendor is Vendor.OPENAI and tool.kind == WEB_SEARCH:
            members[WEB_SEARCH] = tool.value
        else:
            written.append(_tool_object(tool, index, caches="cache_control" in target.extensions))
    if not written:
        return members
    members["tools"] = written
    if choice is not None:
        members["tool_choice"] = _choice_object(choice, {tool.name for tool in tools if isinstance(tool, CustomTool)})
    if conversation.params.parallel_tool_calls is not None:
        members["parallel_tool_calls"] = conversation.params.parallel_tool_calls
    return members


def _tool_object(tool: Tool, index: int, *, caches: bool) -> dict[str, Any]:
    if isinstance(tool, NativeTool):
        raise foreign_tool(tool.kind, f"tools[{index}]")
    asked: dict[str, Any] = {"name": tool.name}
    if tool.description:
        asked["description"] = tool.description
    if isinstance(tool, CustomTool):
        if tool.format is not None:
            asked["format"] = tool.format
        return {"type": "custom", "custom": asked}
    if tool.schema is not None:
        asked["parameters"] = tool.schema
    if tool.strict is not None:
        asked["strict"] = tool.strict
    if caches and tool.cache is not None:
        return {"type": "function", "function": asked, "cache_control": encode_cache(tool.cache)}
    return {"type": "function", "function": asked}


def _choice_object(choice: ToolChoice, custom: set[str]) -> str | dict[str, Any]:
    if not choice.names:
        return choice.mode.value
    named = [_named(name, "custom" if name in custom else "function") for name in choice.names]
    if choice.mode is ToolChoiceMode.NAMED:
        return named[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode.value, "tools": named}}


def _named(name: str, kind: str) -> dict[str, Any]:
    return {"type": kind, kind: {"name": name}}


def encode_format(form: JsonFormat | None) -> dict[str, Any]:
    """Write `response_format`."""
    if form is None:
        return {}
    if form.schema is None:
        return {"response_format": {"type": "json_object"}}
    asked: dict[str, Any] = {"name": form.name or "answer", "schema": form.schema}
    if form.description:
        asked["description"] = form.description
    if form.strict is not None:
        asked["strict"] = form.strict
    return {"response_format": {"type": "json_schema", "json_schema": asked}}
