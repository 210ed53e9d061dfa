"""Tools and the choice among them, between Google's `tools` and `toolConfig` and the hub.

Google's own tools (search, code execution, maps) are members of a tool beside `functionDeclarations`; each is a
`NativeTool` with the whole member in it.

Source: google-genai SDK 3.4.0, google/genai/types.py (Tool, FunctionDeclaration, FunctionCallingConfig), read
2026-11-20.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, UnsetType

from proxy.apischema.gemini import FunctionCallingConfig, FunctionDeclaration
from proxy.core.conversation import (
    CustomTool,
    FunctionTool,
    NativeTool,
    Tool,
    ToolChoice,
    ToolChoiceMode,
    Vendor,
)
from proxy.core.translation import Undecodable, Untranslatable
from proxy.translate.foreign import foreign_tool
from proxy.translate.gemini.parts import own_members
from proxy.translate.gemini.schemas import to_json_schema
from proxy.wire.typedjson import decoded, given

DECLARATIONS = "functionDeclarations"
CALLING = "functionCallingConfig"

_TOOLS: msgspec.json.Decoder[list[dict[str, Raw]]] = msgspec.json.Decoder(list[dict[str, Raw]])
_DECLARED: msgspec.json.Decoder[list[FunctionDeclaration] | None] = msgspec.json.Decoder(
    list[FunctionDeclaration] | None
)
_CONFIG = msgspec.json.Decoder(dict[str, Raw])
_CALLING: msgspec.json.Decoder[FunctionCallingConfig | None] = msgspec.json.Decoder(FunctionCallingConfig | None)
_ENCODER = msgspec.json.Encoder()

_OWN = {"behavior": "behavior", "response": "response", "response_json_schema": "responseJsonSchema"}
_MODES = {
    "": None,
    "MODE_UNSPECIFIED": None,
    "AUTO": ToolChoiceMode.AUTO,
    "VALIDATED": ToolChoiceMode.AUTO,
    "ANY": ToolChoiceMode.REQUIRED,
    "NONE": ToolChoiceMode.NONE,
}
_WRITTEN_MODES = {
    ToolChoiceMode.AUTO: "AUTO",
    ToolChoiceMode.NONE: "NONE",
    ToolChoiceMode.REQUIRED: "ANY",
    ToolChoiceMode.NAMED: "ANY",
}
_FORCED = frozenset({ToolChoiceMode.REQUIRED, ToolChoiceMode.NAMED})


def read_tools(member: Raw) -> tuple[Tool, ...]:
    """Read `tools`.

    Raises:
        Undecodable: It is no list of tools.
    """
    tools: list[Tool] = []
    members: list[dict[str, Raw]] = decoded(_TOOLS, member, "tools")
    for at, tool in enumerate(members):
        for name, value in tool.items():
            where = f"tools[{at}].{name}"
            if name == DECLARATIONS:
                tools += [_declared(function, where) for function in decoded(_DECLARED, value, where) or ()]
            elif given(value) is not None:
                tools.append(NativeTool(Vendor.GOOGLE, name, Raw(_ENCODER.encode({name: value}))))
    return tuple(tools)


def read_tool_config(member: Raw) -> tuple[ToolChoice | None, dict[str, Raw]]:
    """Read `toolConfig`: the choice, and what of it only Google understands.

    Raises:
        Undecodable: It is not what it should be, or its mode is none that exists.
    """
    config = decoded(_CONFIG, member, "toolConfig")
    calling = config.pop(CALLING, None)
    choice = decoded(_CALLING, calling, f"toolConfig.{CALLING}") if calling is not None else None
    return (_choice(choice) if choice is not None else None), config


def write_tools(tools: Sequence[Tool]) -> list[Any]:
    """Write `tools`.

    Raises:
        Untranslatable: A tool that takes free text, or that another vendor runs.
    """
    declarations = [_declaration(tool) for tool in tools if isinstance(tool, FunctionTool)]
    written: list[Any] = [{DECLARATIONS: declarations}] if declarations else []
    for at, tool in enumerate(tools):
        if isinstance(tool, CustomTool):
            raise Untranslatable(
                "Gemini models have no custom tools; declare a function with a text argument instead.",
                param=f"tools[{at}]",
                capability="tools",
            )
        if isinstance(tool, NativeTool):
            if tool.vendor is not Vendor.GOOGLE:
                raise foreign_tool(tool.kind, f"tools[{at}]")
            written.append(tool.value)
    return written


def write_tool_choice(choice: ToolChoice | None, tools: Sequence[Tool]) -> dict[str, Any] | None:
    """Write `functionCallingConfig`; None where nothing is to be said.

    Raises:
        Untranslatable: A call is demanded, and there is no function to call.
    """
    if choice is None:
        return None
    if not any(isinstance(tool, FunctionTool) for tool in tools):
        if choice.mode in _FORCED:
            raise Untranslatable("A tool call is demanded, and there is no function to call.", param="tool_choice")
        return None
    mode = _WRITTEN_MODES[choice.mode]
    if not choice.names or choice.mode is ToolChoiceMode.NONE:
        return {"mode": mode}
    # AUTO takes no names: VALIDATED is the mode that may call, or not, one of those named.
    return {"mode": "VALIDATED" if mode == "AUTO" else mode, "allowedFunctionNames": choice.names}


def _declared(function: FunctionDeclaration, where: str) -> FunctionTool:
    schema: Raw | None = None
    if not isinstance(function.parameters_json_schema, UnsetType):
        schema = function.parameters_json_schema
    elif not isinstance(function.parameters, UnsetType):
        schema = to_json_schema(function.parameters, where)
    if schema is not None and bytes(schema) == b"null":
        schema = None
    return FunctionTool(function.name, function.description or "", schema, own=own_members(function, _OWN))


def _declaration(tool: FunctionTool) -> dict[str, Any]:
    written: dict[str, Any] = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    if tool.schema is not None:
        written["parametersJsonSchema"] = tool.schema
    if tool.own is not None and tool.own.vendor is Vendor.GOOGLE:
        written |= _CONFIG.decode(tool.own.value)
    return written


def _choice(config: FunctionCallingConfig) -> ToolChoice | None:
    mode_name = (config.mode or "").upper()
    if mode_name not in _MODES:
        raise Undecodable("This mode of function calling is not known.", param=f"toolConfig.{CALLING}.mode")
    mode = _MODES[mode_name]
    names = tuple(config.allowed_function_names or ())
    if mode is ToolChoiceMode.REQUIRED and len(names) == 1:
        mode = ToolChoiceMode.NAMED
    return ToolChoice(mode, names) if mode is not None else None
