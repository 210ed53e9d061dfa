"""Functions that a client of Responses groups in namespaces, as plain ones for those who know no groups, and back.

A client knows a call by both names, and one that lacks its namespace it refuses. Of a namespace nothing but its name is
kept: its functions describe themselves.

Source: OpenAI Python SDK 3.51.0, types/responses/namespace_tool.py, response_function_tool_call.py; codex-cli 0.169.0
(every MCP server is a namespace; a call without one is of `functions`; github.com/openai/codex/issues/23186), read
2026-11-20.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from proxy.apischema import openai_responses as schema
from proxy.core.conversation import Conversation, Message, NativeTool, Part, Tool, ToolCall, ToolResult
from proxy.translate.openai_responses.tools import decode_tool
from proxy.wire.typedjson import decoded

_KIND = "namespace"
_SIGN = b'"namespace"'
_DEFAULT = "functions"
# What OpenAI, Anthropic, Gemini and Bedrock all take as a function's name.
_MAX_NAME = 64
_DIGEST = 8


class _Tools(Struct):
    tools: list[schema.Namespace] | None = None


_TOOLS = msgspec.json.Decoder(_Tools)
_NAMESPACE = msgspec.json.Decoder(schema.Namespace)


def flat_name(namespace: str, name: str) -> str:
    """Make one name of two; a long one is cut and told apart by a digest."""
    if namespace in ("", _DEFAULT):
        return name
    flat = f"{namespace}__{name}"
    if len(flat) <= _MAX_NAME:
        return flat
    return f"{flat[: _MAX_NAME - _DIGEST - 1]}_{hashlib.sha256(flat.encode()).hexdigest()[:_DIGEST]}"


def namespaces(body: bytes) -> Mapping[str, tuple[str, str]] | None:
    """Give the namespace and the name of each grouped tool of a request that was read before, by its flat name."""
    if _SIGN not in body:
        return None
    return {
        flat_name(group.name, tool.name or ""): (group.name, tool.name or "")
        for group in decoded(_TOOLS, body).tools or ()
        if group.type == _KIND
        for tool in group.tools
    }


def flattened(conversation: Conversation) -> Conversation:
    """Take the groups apart, in the tools and in the calls that were made.

    Raises:
        Undecodable: A group that is not one, or a tool of it without a name.
    """
    if any(_is_group(tool) for tool in conversation.tools):
        tools = tuple([flat for index, tool in enumerate(conversation.tools) for flat in _ungrouped(tool, index)])
        conversation = replace(conversation, tools=tools)
    calls = [part for message in conversation.messages for part in message.parts if isinstance(part, ToolCall)]
    names = {call.id: flat_name(call.namespace, call.name) for call in calls if call.namespace}
    if names:
        conversation = replace(conversation, messages=tuple([_message(part, names) for part in conversation.messages]))
    return conversation


def _is_group(tool: Tool) -> bool:
    return isinstance(tool, NativeTool) and tool.kind == _KIND


def _ungrouped(tool: Tool, index: int) -> list[Tool]:
    if not isinstance(tool, NativeTool) or tool.kind != _KIND:
        return [tool]
    where = f"tools[{index}]"
    group = decoded(_NAMESPACE, tool.value, where)
    tools = [decode_tool(inner, f"{where}.tools[{place}]") for place, inner in enumerate(group.tools)]
    return [replace(inner, name=flat_name(group.name, inner.name)) for inner in tools]


def _message(message: Message, names: Mapping[str, str]) -> Message:
    return replace(message, parts=tuple([_part(part, names) for part in message.parts]))


def _part(part: Part, names: Mapping[str, str]) -> Part:
    match part:
        case ToolCall(id=id_) if id_ in names:
            return replace(part, name=names[id_], namespace="")
        case ToolResult(call_id=id_) if id_ in names:
            return replace(part, name=names[id_])
        case _:
            return part
