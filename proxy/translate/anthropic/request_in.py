"""A client's Messages request, as a conversation of the hub."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw

from proxy.apischema import anthropic as wire
from proxy.core.conversation import (
    CacheMark,
    Conversation,
    FunctionTool,
    JsonFormat,
    Message,
    Native,
    NativeTool,
    Params,
    Reasoning,
    Role,
    Signature,
    Tool,
    ToolChoice,
    ToolChoiceMode,
    Vendor,
)
from proxy.core.signature import opened
from proxy.core.translation import Undecodable
from proxy.translate.anthropic.blocks import BlockReader
from proxy.translate.anthropic.reading import given
from proxy.translate.anthropic.vocab import CHOICES, EFFORTS, ROLES, SERVICE_TIERS_IN
from proxy.translate.foreign import EXTRAS
from proxy.wire.typedjson import decoded

_REQUEST = msgspec.json.Decoder(wire.Request)
_TOOL = msgspec.json.Decoder(wire.ToolHead)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_KNOWN = frozenset(wire.Request.__struct_fields__) - {"output_config"} | {"model", "stream"}
_OWN_OF_TOOLS = ("allowed_callers", "defer_loading", "eager_input_streaming", "input_examples")
_KNOWN_OUTPUT = frozenset(wire.OutputConfig.__struct_fields__)


def decode_request(body: bytes, stream: bool) -> Conversation:
    """Read a client's request.

    Raises:
        Undecodable: It is not of this dialect; `param` says where.
    """
    request = decoded(_REQUEST, body)
    choice = request.tool_choice
    return Conversation(
        dialect_vendor=Vendor.ANTHROPIC,
        messages=_messages(request),
        tools=tuple(_tool(tool, index) for index, tool in enumerate(request.tools or ())),
        tool_choice=None if choice is None else _choice(choice),
        format=_format(request),
        reasoning=_reasoning(request),
        params=_params(request),
        stream=stream,
        rest=_rest(body),
    )


def _messages(request: wire.Request) -> tuple[Message, ...]:
    reader = BlockReader(_opened)
    messages: list[Message] = []
    if isinstance(request.system, Raw) and given(request.system):
        messages.append(Message(Role.SYSTEM, reader.parts(request.system, "system")))
    for index, message in enumerate(request.messages):
        role = ROLES.get(message.role)
        if role is None:
            raise Undecodable("A message's role is user, assistant or system.", param=f"messages[{index}].role")
        messages.append(Message(role, reader.parts(message.content, f"messages[{index}].content")))
    return tuple(messages)


def _opened(text: str) -> Signature:
    return opened(text, Vendor.ANTHROPIC)


def _tool(raw: Raw, index: int) -> Tool:
    tool = decoded(_TOOL, raw, f"tools[{index}]")
    if tool.type is not None and tool.type != "custom":
        return NativeTool(Vendor.ANTHROPIC, tool.type, raw)
    if not tool.name:
        raise Undecodable("A tool has a name.", param=f"tools[{index}].name")
    return FunctionTool(
        tool.name,
        tool.description or "",
        schema=tool.input_schema if isinstance(tool.input_schema, Raw) else None,
        strict=tool.strict,
        cache=None if tool.cache_control is None else CacheMark(tool.cache_control.ttl or ""),
        own=_own_members(tool),
    )


def _own_members(tool: wire.ToolHead) -> Native | None:
    if (
        tool.allowed_callers is UNSET
        and tool.defer_loading is UNSET
        and tool.eager_input_streaming is UNSET
        and tool.input_examples is UNSET
    ):  # as nearly always
        return None
    members = {name: value for name in _OWN_OF_TOOLS if given(value := getattr(tool, name))}
    return Native(Vendor.ANTHROPIC, EXTRAS, Raw(msgspec.json.encode(members))) if members else None


def _choice(choice: wire.ToolChoice) -> ToolChoice:
    mode = CHOICES.get(choice.type)
    if mode is None or (mode is ToolChoiceMode.NAMED and not choice.name):
        raise Undecodable("tool_choice is auto, any, none, or tool with a name.", param="tool_choice")
    return ToolChoice(mode, (choice.name,) if mode is ToolChoiceMode.NAMED and choice.name else ())


def _format(request: wire.Request) -> JsonFormat | None:
    config = request.output_config
    wanted = (config.format if config else None) or request.output_format
    if wanted is None or wanted.schema is UNSET:
        return None
    return JsonFormat(wanted.schema, strict=True)


def _reasoning(request: wire.Request) -> Reasoning:
    config, thinking = request.output_config, request.thinking
    effort = None
    if config is not None and config.effort is not None:
        effort = EFFORTS.get(config.effort)
        if effort is None:
            raise Undecodable("output_config.effort: unknown level.", param="output_config.effort")
    if thinking is None:
        return Reasoning(effort)
    visible = None if thinking.display is None else thinking.display != "omitted"
    match thinking.type:
        case "adaptive":
            return Reasoning(effort, adaptive=True, visible=visible)
        case "enabled":
            return Reasoning(effort, thinking.budget_tokens or -1, visible=visible)
        case "disabled" | "between_tools":
            return Reasoning(effort, 0)
    raise Undecodable("thinking.type: unknown.", param="thinking.type")


def _params(request: wire.Request) -> Params:
    choice = request.tool_choice
    return Params(
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop=tuple(request.stop_sequences or ()),
        user=(request.metadata.user_id or "") if request.metadata else "",
        service_tier=SERVICE_TIERS_IN.get(request.service_tier or "", ""),
        parallel_tool_calls=False if choice and choice.disable_parallel_tool_use else None,
    )


def _rest(body: bytes) -> dict[str, Raw]:
    """Keep what has no place in the hub: other members, and those of `output_config` that are not read."""
    rest = {name: value for name, value in decoded(_MEMBERS, body).items() if name not in _KNOWN and given(value)}
    if "output_config" in rest:
        config = rest.pop("output_config")
        members = decoded(_MEMBERS, config, "output_config")
        if others := {name: value for name, value in members.items() if name not in _KNOWN_OUTPUT}:
            rest["output_config"] = Raw(msgspec.json.encode(others))
    return rest
