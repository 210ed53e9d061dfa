"""The members that Anthropic's Messages API takes, as tables.

Source: anthropic 2.11.0, `types/message_create_params.py`, `types/beta/message_create_params.py` and the block types
they name, read 2026-11-20.
"""

from __future__ import annotations

from proxy.simulator.shapes import (
    Kind,
    anything,
    either,
    flag,
    later,
    many,
    mapping,
    matching,
    nullable,
    number,
    one_of,
    shape,
    tagged,
    text,
    whole,
)

TOOL_ID = "[a-zA-Z0-9_-]+"
_CACHE = nullable(shape({"type": one_of("ephemeral"), "ttl": one_of("5m", "1h")}, ("type",)))
_IMAGES = one_of("image/jpeg", "image/png", "image/gif", "image/webp")


def _block(required: dict[str, Kind], optional: dict[str, Kind] | None = None) -> Kind:
    members = {"type": text, "cache_control": _CACHE, **required, **(optional or {})}
    return shape(members, ("type", *required))


_TEXT = _block({"text": text}, {"citations": nullable(many(mapping))})
_IMAGE = _block(
    {
        "source": tagged(
            "type",
            {
                "base64": shape({"type": text, "media_type": _IMAGES, "data": text}, ("media_type", "data")),
                "url": shape({"type": text, "url": text}, ("url",)),
                "file": shape({"type": text, "file_id": text}, ("file_id",)),
            },
        )
    },
    {"transformations": nullable(mapping)},
)
_DOCUMENT = _block(
    {
        "source": tagged(
            "type",
            {
                "base64": shape(
                    {"type": text, "media_type": one_of("application/pdf"), "data": text}, ("media_type", "data")
                ),
                "text": shape({"type": text, "media_type": one_of("text/plain"), "data": text}, ("media_type", "data")),
                "url": shape({"type": text, "url": text}, ("url",)),
                "file": shape({"type": text, "file_id": text}, ("file_id",)),
                "content": shape({"type": text, "content": anything}, ("content",)),
            },
        )
    },
    {"title": nullable(text), "context": nullable(text), "citations": nullable(mapping)},
)
_SEARCH_RESULT = _block({"source": text, "title": text, "content": many(_TEXT)}, {"citations": mapping})
_RESULT_BLOCKS = {
    "text": _TEXT,
    "image": _IMAGE,
    "document": _DOCUMENT,
    "search_result": _SEARCH_RESULT,
    "tool_reference": _block({"tool_name": text}),
}
_BLOCKS = {
    "text": _TEXT,
    "image": _IMAGE,
    "document": _DOCUMENT,
    "search_result": _SEARCH_RESULT,
    "tool_use": _block(
        {"id": matching(TOOL_ID), "name": text, "input": mapping}, {"caller": mapping, "toolset_name": nullable(text)}
    ),
    "tool_result": _block(
        {"tool_use_id": matching(TOOL_ID)},
        {
            "content": either(text, many(tagged("type", _RESULT_BLOCKS))),
            "is_error": flag,
            "toolset_name": nullable(text),
        },
    ),
    "thinking": shape({"type": text, "thinking": text, "signature": text}, ("thinking", "signature")),
    "redacted_thinking": shape({"type": text, "data": text}, ("data",)),
    # What the vendor's own tools leave in a history.
    **{
        name: mapping
        for name in (
            "server_tool_use",
            "web_search_tool_result",
            "web_fetch_tool_result",
            "code_execution_tool_result",
            "bash_code_execution_tool_result",
            "text_editor_code_execution_tool_result",
            "tool_search_tool_result",
            "container_upload",
            "mcp_tool_use",
            "mcp_tool_result",
            "compaction",
        )
    },
}
_MESSAGE = shape(
    {"role": one_of("user", "assistant", "system"), "content": either(text, many(tagged("type", _BLOCKS)))},
    ("role", "content"),
)
_CUSTOM_TOOL = shape(
    {
        "type": nullable(one_of("custom")),
        "name": matching("[a-zA-Z0-9_-]{1,128}"),
        "description": text,
        "input_schema": shape({"type": one_of("object")}, ("type",), closed=False),
        "cache_control": _CACHE,
        "strict": flag,
        "defer_loading": flag,
        "eager_input_streaming": nullable(flag),
        "allowed_callers": many(text),
        "input_examples": many(mapping),
    },
    ("name", "input_schema"),
)
_VENDORS_TOOL = shape({"type": matching(r"[a-z0-9_]+_20\d{6}")}, ("type",), closed=False)


def _tool(value: object, path: tuple[str | int, ...]) -> None:
    mapping(value, path)
    kind = value.get("type") if isinstance(value, dict) else None
    (_CUSTOM_TOOL if kind in (None, "custom") else _VENDORS_TOOL)(value, path)


_PARALLEL: dict[str, Kind] = {"type": text, "disable_parallel_tool_use": flag}
_DISPLAY = nullable(one_of("summarized", "omitted"))
_COUNTED: dict[str, Kind] = {
    "model": text,
    "messages": many(_MESSAGE, least=1),
    "system": either(text, many(_TEXT)),
    "tools": many(later(lambda: _tool)),
    "tool_choice": tagged(
        "type",
        {
            "auto": shape(_PARALLEL),
            "any": shape(_PARALLEL),
            "tool": shape({**_PARALLEL, "name": text}, ("name",)),
            "none": shape({"type": text}),
        },
    ),
    "thinking": tagged(
        "type",
        {
            "enabled": shape(
                {"type": text, "budget_tokens": whole(1024), "display": _DISPLAY, "between_tools": anything},
                ("budget_tokens",),
            ),
            "adaptive": shape({"type": text, "display": _DISPLAY}),
            "between_tools": shape({"type": text}),
            "disabled": shape({"type": text}),
        },
    ),
    "output_config": shape(
        {
            "effort": nullable(one_of("low", "medium", "high", "xhigh", "max")),
            "format": nullable(shape({"type": one_of("json_schema"), "schema": mapping}, ("type", "schema"))),
            "task_budget": nullable(mapping),
        }
    ),
    "cache_control": _CACHE,
    "speed": nullable(one_of("standard", "fast")),
    "user_profile_id": text,
    "workspace_id": text,
}
_CREATED: dict[str, Kind] = {
    **_COUNTED,
    "max_tokens": whole(1),
    "stream": flag,
    "stop_sequences": many(text),
    "temperature": number(0, 1),
    "top_p": number(0, 1),
    "top_k": whole(0),
    "metadata": shape({"user_id": nullable(text)}),
    "service_tier": one_of("auto", "standard_only"),
    "container": anything,
    "inference_geo": nullable(text),
    "diagnostics": nullable(mapping),
}
# What a beta header, or the query `beta=true`, opens.
_BETA: dict[str, Kind] = {
    "mcp_servers": many(mapping),
    "context_management": nullable(mapping),
    "compaction": nullable(mapping),
    "billing_policy": nullable(mapping),
    "fallbacks": anything,
    "fallback_credit_token": anything,
    "thread": nullable(mapping),
    "output_format": nullable(mapping),
}

MESSAGES = shape(_CREATED, ("model", "max_tokens", "messages"))
BETA_MESSAGES = shape({**_CREATED, **_BETA}, ("model", "max_tokens", "messages"))
COUNT_TOKENS = shape(_COUNTED, ("model", "messages"))
BETA_COUNT_TOKENS = shape({**_COUNTED, **_BETA}, ("model", "messages"))
_HOSTED = {name: kind for name, kind in _CREATED.items() if name not in ("model", "service_tier")}
_VERTEX = {**_HOSTED, "anthropic_version": text, "anthropic_beta": many(text)}
_VERTEX_NEEDS = ("anthropic_version", "max_tokens", "messages")
VERTEX_MESSAGES = shape(_VERTEX, _VERTEX_NEEDS)
VERTEX_MANAGED_MESSAGES = shape({**_VERTEX, "context_management": nullable(mapping)}, _VERTEX_NEEDS)
VERTEX_COUNT_TOKENS = shape(
    {**_COUNTED, "anthropic_version": text, "anthropic_beta": many(text)}, ("model", "messages")
)
CONTEXT_MANAGEMENT = "context-management-2025-06-27"
# Flags that Vertex is known to refuse. Source: github.com/anthropics/claude-code/issues/21625 and 34802,
# github.com/QuantumNous/new-api/issues/2975; litellm 1.83.0, anthropic_beta_headers_config.json, read 2026-11-20.
VERTEX_REFUSES = frozenset(
    {
        "adaptive-thinking-2026-01-28",
        "code-execution-2025-08-25",
        "compact-2026-01-12",
        "effort-2025-11-24",
        "fast-mode-2026-02-01",
        "files-api-2025-04-14",
        "fine-grained-tool-streaming-2025-05-14",
        "mcp-client-2025-11-20",
        "prompt-caching-scope-2026-01-05",
        "skills-2025-10-02",
        "structured-outputs-2025-11-13",
        "structured-outputs-2025-12-15",
        "web-fetch-2025-09-10",
    }
)
