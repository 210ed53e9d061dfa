"""Tools as Bedrock's `toolConfig`.

Bedrock refuses a conversation with calls in it and no tools beside it: then a tool stands in that nobody is to call.
`tool_choice: "none"` is not in its words: the tools are left out.

Sources, read 2026-11-20: botocore 1.44.5 bedrock-runtime service-2.json (ToolConfiguration); BerriAI/litellm
add_dummy_tool; live answers recorded in vercel/ai packages/amazon-bedrock/src/__fixtures__ (issue-17267-*);
docs.aws.amazon.com prompt-caching.html, as portkey.ai quotes it (who caches tools), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from proxy.core.conversation import Conversation, FunctionTool, NativeTool, Tool, ToolChoice, ToolChoiceMode
from proxy.translate.bedrock.blocks import Block, BlockWriter
from proxy.translate.bedrock.families import Family, Model
from proxy.translate.bedrock.names import is_tool_name
from proxy.translate.bedrock.schema import ANYTHING, closed, parameters
from proxy.translate.bedrock.unsupported import refused
from proxy.translate.foreign import foreign_tool

_NAMED = ToolChoiceMode.NAMED  # CPython 3.11 calls a Python function to get a member out of its enum
_FORCING = (ToolChoiceMode.REQUIRED, ToolChoiceMode.NAMED)

_STAND_IN: Block = {
    "toolSpec": {
        "name": "unavailable_tool",
        "description": "Stands for tools of earlier turns. Never call it.",
        "inputSchema": {"json": ANYTHING},
    }
}
_NAMING = frozenset({Family.CLAUDE, Family.NOVA, Family.NOVA_2})  # they take the name of the one tool to call
_NO_CHOICE = ToolChoice(ToolChoiceMode.AUTO)


class Tooling(Struct):
    """What a request says of tools.

    Attributes:
        config: `toolConfig`; None = left out.
        fields: Of `additionalModelRequestFields`.
        forced: The model must call one.
        dropped: What was left out.
    """

    config: Block | None = None
    fields: Block = {}
    forced: bool = False
    dropped: tuple[str, ...] = ()


def write_tools(conversation: Conversation, model: Model, writer: BlockWriter, *, has_history: bool) -> Tooling:
    """Write the tools and which of them is to be called.

    Args:
        has_history: Calls or results stand in the messages.

    Raises:
        Untranslatable: A tool that only its vendor has, a name or a choice that cannot be had.
    """
    choice = conversation.tool_choice or _NO_CHOICE
    tools = _offered(conversation.tools, choice, model)
    if choice.mode is ToolChoiceMode.NONE or not tools:
        return Tooling(config={"tools": [_STAND_IN]} if has_history else None)
    config: Block = {"tools": [block for tool in tools for block in _tool(tool, model, writer)]}
    forced = choice.mode in _FORCING
    if forced and not model.takes_force:
        raise refused("tool_choice", "tool_choice")
    named = choice.names[0] if choice.mode is _NAMED else ""
    one_at_a_time = conversation.params.parallel_tool_calls is False
    if one_at_a_time and model.claude is not None:  # Claude's own member, which cannot stand beside Bedrock's
        return Tooling(config, {"tool_choice": _one_at_a_time(named, forced=forced)}, forced)
    if forced:
        config["toolChoice"] = {"tool": {"name": named}} if named and model.family in _NAMING else {"any": {}}
    return Tooling(config, {}, forced, ("parallel_tool_calls",) if one_at_a_time else ())


def _offered(tools: Sequence[Tool], choice: ToolChoice, model: Model) -> list[FunctionTool]:
    """Give the tools that may be called, all of them functions; where the one to call can be named, the others stay."""
    by_name = choice.mode is _NAMED and model.family in _NAMING
    functions: list[FunctionTool] = []
    chosen = 0
    for index, tool in enumerate(tools):
        if isinstance(tool, NativeTool):
            raise foreign_tool(tool.kind, f"tools[{index}]")
        if not isinstance(tool, FunctionTool):
            raise refused("tool_kind", f"tools[{index}]")
        is_chosen = not choice.names or tool.name in choice.names
        chosen += is_chosen
        if is_chosen or by_name:
            if not is_tool_name(tool.name):
                raise refused("tool_name", f"tools[{index}].function.name")
            functions.append(tool)
    if choice.names and not chosen:
        raise refused("tool_choice_name", "tool_choice")
    return functions


def _tool(tool: FunctionTool, model: Model, writer: BlockWriter) -> list[Block]:
    schema = parameters(tool.schema)
    spec: Block = {"name": tool.name, "inputSchema": {"json": schema}}
    if tool.description.strip():
        spec["description"] = tool.description
    if tool.strict and model.takes_strict:
        spec |= {"strict": True, "inputSchema": {"json": closed(schema, "tools")}}
    caches = model.claude is not None  # Nova has no checkpoints among tools
    return [{"toolSpec": spec}, *(writer.cache(tool.cache) if caches else ())]


def _one_at_a_time(named: str, *, forced: bool) -> Block:
    choice: Block = {"type": "tool" if named else "any" if forced else "auto", "disable_parallel_tool_use": True}
    return {**choice, "name": named} if named else choice
