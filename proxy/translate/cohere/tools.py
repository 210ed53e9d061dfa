"""Tools and structured answers as Cohere's `tools`, `tool_choice`, `strict_tools` and `response_format`.

Source: cohere 7.3.1 types/tool_v2.py, json_object_response_format_v2, v2/raw_client.py (strict_tools: all tools or
none; JSON answers not beside tools or documents), read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw
from msgspec.json import Decoder

from proxy.core.conversation import Conversation, FunctionTool, NativeTool, ToolChoice, ToolChoiceMode
from proxy.core.translation import Undecodable
from proxy.translate.cohere.messages import Block
from proxy.translate.cohere.unsupported import refused
from proxy.translate.cohere.vocab import CHOICES
from proxy.translate.foreign import foreign_tool
from proxy.wire.typedjson import decoded

_ANYTHING: dict[str, Any] = {"type": "object", "properties": {}}
_NO_CHOICE = ToolChoice(ToolChoiceMode.AUTO)
_OBJECT = Decoder(dict[str, Raw])


def write_tools(conversation: Conversation) -> Block:
    """Write the tools and which of them is to be called.

    Raises:
        Untranslatable: A tool that only its vendor has, or a choice of none that there is.
    """
    choice = conversation.tool_choice or _NO_CHOICE
    tools = _chosen(conversation, choice)
    if not tools:
        return {}
    body: Block = {"tools": [_tool(tool) for tool in tools]}
    if told := CHOICES[choice.mode]:
        body["tool_choice"] = told
    if all(tool.strict for tool in tools):
        body["strict_tools"] = True
    return body


def write_format(conversation: Conversation, *, beside: bool) -> Block:
    """Write `response_format`.

    Args:
        beside: There are tools or documents, with which Cohere refuses it.

    Raises:
        Untranslatable: Refused so, or the schema is none.
    """
    wanted = conversation.format
    if wanted is None:
        return {}
    if beside:
        raise refused("format_beside", "response_format")
    form: Block = {"type": "json_object"}
    if wanted.schema is not None:
        try:
            form["json_schema"] = decoded(_OBJECT, bytes(wanted.schema))
        except Undecodable as exc:
            raise refused("schema", "response_format") from exc
    return {"response_format": form}


def _chosen(conversation: Conversation, choice: ToolChoice) -> list[FunctionTool]:
    functions = []
    for index, tool in enumerate(conversation.tools):
        if isinstance(tool, NativeTool):
            raise foreign_tool(tool.kind, f"tools[{index}]")
        if not isinstance(tool, FunctionTool):
            raise refused("tool_kind", f"tools[{index}]")
        if not choice.names or tool.name in choice.names:
            functions.append(tool)
    if choice.names and not functions:
        raise refused("tool_choice_name", "tool_choice")
    return functions


def _tool(tool: FunctionTool) -> Block:
    function: Block = {"name": tool.name, "parameters": tool.schema if tool.schema is not None else _ANYTHING}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}
