"""What an answer of OpenAI Responses repeats of its request.

Source: OpenAI Python SDK 3.51.0, types/responses/response.py, function_tool.py (both members of a function are
required there, and may be null), read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from proxy.wire.jsonbody import join_object
from proxy.wire.typedjson import decoded

_ECHOED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
)
_NULL = Raw(b"null")
_TOOLS = msgspec.json.Decoder(list[dict[str, Raw]])
_ENCODER = msgspec.json.Encoder()


def echoed(fields: Mapping[str, Raw]) -> dict[str, Raw]:
    """Take from a request that could be decoded what its answer repeats.

    Args:
        fields: Its top-level members.
    """
    echo = {name: fields[name] for name in _ECHOED if name in fields and fields[name] != _NULL}
    if "tools" in echo:
        echo["tools"] = Raw(_ENCODER.encode([_tool(tool) for tool in decoded(_TOOLS, echo["tools"])]))
    return echo


def _tool(tool: dict[str, Raw]) -> Raw:
    is_function = bytes(tool.get("type", _NULL)) == b'"function"'
    return Raw(join_object({"parameters": _NULL, "strict": _NULL, **tool} if is_function else tool))
