"""Tools and the choice among them, as the Messages API takes them.

Source: anthropic SDK 2.11.0 (types/tool_param.py, types/tool_choice_*_param.py), read 2026-11-20.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from msgspec import Raw

from proxy.core.conversation import (
    Conversation,
    CustomTool,
    FunctionTool,
    NativeTool,
    Tool,
    ToolChoiceMode,
    Vendor,
)
from proxy.translate.anthropic.schema import parameters, strict_schema
from proxy.translate.anthropic.turns import AnyBlock, mark
from proxy.translate.anthropic.unsupported import refused
from proxy.translate.anthropic.vocab import CHOICE_TYPES
from proxy.translate.claude import Generation
from proxy.translate.foreign import foreign_tool

_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def write_tools(
    conversation: Conversation, takes: Generation, marked: list[dict[str, object]], called: Iterable[str]
) -> list[AnyBlock]:
    """Write the tools that may be called.

    Args:
        marked: Gets the tools that end a cached stretch of the prompt.
        called: The tools that the conversation calls: one that offers none must still name these.

    Raises:
        Untranslatable: A tool is none of Claude's, or its name is none it takes.
    """
    choice = conversation.tool_choice
    names = choice.names if choice and choice.mode is not ToolChoiceMode.NAMED else ()
    written: list[AnyBlock] = []
    for index, tool in enumerate(conversation.tools):
        if names and _name(tool) not in names:
            continue
        block = _tool(tool, takes, f"tools[{index}]")
        if isinstance(tool, FunctionTool) and tool.cache is not None and isinstance(block, dict):
            mark(block, tool.cache)
            marked.append(block)
        written.append(block)
    if not conversation.tools:
        written += [{"name": name, "input_schema": parameters(None, "tools")} for name in called]
    return written


def write_choice(conversation: Conversation, takes: Generation) -> dict[str, object] | None:
    """Write the choice among the tools; None = the model's own.

    Raises:
        Untranslatable: The model cannot be made to call a tool.
    """
    choice, parallel = conversation.tool_choice, conversation.params.parallel_tool_calls
    if not conversation.tools:
        return {"type": "none"}  # where tools are named at all, it is because they were called before
    mode = choice.mode if choice else ToolChoiceMode.AUTO
    names = choice.names if choice else ()
    if is_forced(conversation) and not takes.forced_tools:
        raise refused("tool_choice", "tool_choice")
    if mode is ToolChoiceMode.REQUIRED and len(names) == 1:
        mode = ToolChoiceMode.NAMED
    written: dict[str, object] = {"type": CHOICE_TYPES[mode]}
    if mode is ToolChoiceMode.NAMED:
        written["name"] = names[0]
    if parallel is False and mode is not ToolChoiceMode.NONE:
        written["disable_parallel_tool_use"] = True
    return written if choice or len(written) > 1 else None


def is_forced(conversation: Conversation) -> bool:
    """Say whether the model must call a tool."""
    choice = conversation.tool_choice
    return choice is not None and choice.mode in (ToolChoiceMode.REQUIRED, ToolChoiceMode.NAMED)


def loses_strict(conversation: Conversation, takes: Generation) -> bool:
    """Say whether a tool's arguments were to be checked, by a model that cannot."""
    return not takes.json_schema and any(isinstance(tool, FunctionTool) and tool.strict for tool in conversation.tools)


def _name(tool: Tool) -> str:
    return tool.kind if isinstance(tool, NativeTool) else tool.name


def _tool(tool: Tool, takes: Generation, where: str) -> dict[str, object] | Raw:
    if isinstance(tool, CustomTool):
        raise refused("custom_tools", where)
    if isinstance(tool, NativeTool):
        if tool.vendor is not Vendor.ANTHROPIC:
            raise foreign_tool(tool.kind, where)
        return tool.value
    if not _NAME.fullmatch(tool.name):
        raise refused("tool_name", where)
    schema = parameters(tool.schema, where)
    block: dict[str, object] = {"name": tool.name, "input_schema": schema}
    if tool.description:
        block["description"] = tool.description
    if tool.own is not None and tool.own.vendor is Vendor.ANTHROPIC:
        block |= _MEMBERS.decode(tool.own.value)
    if tool.strict and takes.json_schema:
        block["input_schema"] = strict_schema(schema, where)
        block["strict"] = True
    return block
