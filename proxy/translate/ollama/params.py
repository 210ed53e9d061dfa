"""Options, thinking, tools and the form of the answer: Ollama to and from the hub.

Source: ollama 0.6.3 _types.py; docs.ollama.com/capabilities/thinking (gpt-oss takes levels and cannot be stopped, other
models take true and false), read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from proxy.apischema import ollama as schema
from proxy.core.conversation import (
    Conversation,
    CustomTool,
    Effort,
    FunctionTool,
    JsonFormat,
    NativeTool,
    Params,
    Reasoning,
    Tool,
    ToolChoiceMode,
)
from proxy.core.translation import Target
from proxy.translate.effort import read_effort, wanted_effort
from proxy.translate.foreign import foreign_tool
from proxy.translate.ollama.unsupported import UNSUPPORTED, refused
from proxy.wire.typedjson import decoded, given

_OPTIONS = msgspec.json.Decoder(schema.Options)
_NO_OPTIONS = schema.Options()
_SAME = ("temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty")
_LEVELS = {
    Effort.MINIMAL: "low",
    Effort.LOW: "low",
    Effort.MEDIUM: "medium",
    Effort.HIGH: "high",
    Effort.XHIGH: "high",
    Effort.MAX: "high",
}
_LEVELLED = "gpt-oss"
_USUAL: Mapping[str, tuple[object, ...]] = {  # what happens anyhow
    "parallel_tool_calls": (True,),
    "service_tier": ("auto", "default"),
}


def decode_params(request: schema.Request) -> Params:
    """Read the options that other vendors know too. -1 and -2 tokens mean no limit."""
    raw_options = given(request.options)
    options = _NO_OPTIONS if raw_options is None else decoded(_OPTIONS, raw_options, "options")
    stop, largest = options.stop, options.num_predict
    return Params(
        max_tokens=largest if largest is not None and largest > 0 else None,
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        seed=options.seed,
        presence_penalty=options.presence_penalty,
        frequency_penalty=options.frequency_penalty,
        logprobs=request.logprobs,
        top_logprobs=request.top_logprobs,
    )


def decode_reasoning(think: bool | str | None) -> Reasoning:
    """Read `think`: off, on, or how much."""
    if think is None:
        return Reasoning()
    if isinstance(think, str):
        return Reasoning(effort=read_effort(think), visible=True)
    return Reasoning(adaptive=True, visible=True) if think else Reasoning(budget_tokens=0)


def decode_format(form: Raw) -> JsonFormat | None:
    """Read `format`: the word "json" or a schema."""
    asked = given(form)
    if asked is None or asked == Raw(b'""'):
        return None
    return JsonFormat(asked) if bytes(asked)[:1] == b"{" else JsonFormat()


def decode_tools(tools: Sequence[schema.Tool]) -> tuple[Tool, ...]:
    """Read the tools; Ollama knows functions alone."""
    return tuple(
        [
            FunctionTool(tool.function.name, tool.function.description or "", given(tool.function.parameters))
            for tool in tools
            if tool.function is not None
        ]
    )


def encode_params(conversation: Conversation, target: Target) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Write parameters: top-level members, options, and the names of those that have no place.

    Raises:
        Untranslatable: Several answers or sound are asked for.
    """
    params = conversation.params
    UNSUPPORTED.refuse_more_than_a_text(params)
    options = {name: value for name in _SAME if (value := getattr(params, name)) is not None}
    if params.max_tokens is not None:
        options["num_predict"] = params.max_tokens
    if params.stop:
        options["stop"] = list(params.stop)
    members: dict[str, Any] = {}
    for name in ("logprobs", "top_logprobs"):
        if (value := getattr(params, name)) is not None:
            members[name] = value
    if conversation.format is not None:
        members["format"] = conversation.format.schema or "json"
    if (think := _think(conversation.reasoning, target.model)) is not None:
        members["think"] = think
    dropped = [name for name in UNSUPPORTED.hints if getattr(params, name) not in (None, "", *_USUAL.get(name, ()))]
    if _LEVELLED in target.model and wanted_effort(conversation.reasoning) is Effort.NONE:
        dropped.append("reasoning_effort")  # it always thinks
    return members, options, dropped


def _think(reasoning: Reasoning, model: str) -> bool | str | None:
    effort = wanted_effort(reasoning)
    if effort is None and not (reasoning.adaptive or reasoning.budget_tokens):
        return None
    if _LEVELLED in model:
        return None if effort is None else _LEVELS.get(effort)
    return effort is not Effort.NONE


def encode_tools(conversation: Conversation) -> list[dict[str, Any]]:
    """Write the tools that may be called.

    Raises:
        Untranslatable: A tool that is no function, or one that must be called.
    """
    choice, tools = conversation.tool_choice, conversation.tools
    if choice is not None and tools:
        if choice.mode is ToolChoiceMode.NONE:
            return []
        if choice.mode is not ToolChoiceMode.AUTO:
            raise refused("tool_choice", "tool_choice")
        if choice.names:
            tools = tuple([tool for tool in tools if isinstance(tool, FunctionTool) and tool.name in choice.names])
    return [_tool(tool, index) for index, tool in enumerate(tools)]


def _tool(tool: Tool, index: int) -> dict[str, Any]:
    if isinstance(tool, NativeTool):
        raise foreign_tool(tool.kind, f"tools[{index}]")
    if isinstance(tool, CustomTool):
        raise refused("custom_tool", f"tools[{index}]")
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema or {"type": "object", "properties": {}},
    }
    return {"type": "function", "function": function}
