"""The members that the Responses API takes, as tables.

Source: openai 3.51.0, `types/responses/response_create_params.py`, `response_input_item_param.py` and the types
that they name; `client_metadata`: what codex-cli 0.169.0 sends; the length of `user`:
github.com/maximhq/bifrost/pull/1000, read 2026-11-20.
"""

from __future__ import annotations

from proxy.simulator.shapes import (
    Kind,
    Path,
    anything,
    either,
    flag,
    many,
    mapping,
    matching,
    named,
    nullable,
    number,
    one_of,
    shape,
    tagged,
    text,
    whole,
)

_STATUS = nullable(one_of("in_progress", "completed", "incomplete"))
_INPUT = {
    "input_text": shape({"type": text, "text": text, "prompt_cache_breakpoint": anything}, ("text",)),
    "input_image": shape(
        {
            "type": text,
            "image_url": nullable(text),
            "file_id": nullable(text),
            "detail": nullable(one_of("low", "high", "auto", "original")),
            "prompt_cache_breakpoint": anything,
        }
    ),
    "input_file": shape(
        {
            "type": text,
            **{name: nullable(text) for name in ("file_id", "file_data", "file_url", "filename", "detail")},
            "prompt_cache_breakpoint": anything,
        }
    ),
}
_OUTPUT = {
    "output_text": shape(
        {"type": text, "text": text, "annotations": nullable(many(mapping)), "logprobs": nullable(many(mapping))},
        ("text",),
    ),
    "refusal": shape({"type": text, "refusal": text}, ("refusal",)),
}
_SAID = either(text, many(tagged("type", _INPUT)))
_ANSWERED = either(text, many(tagged("type", _OUTPUT)))


def _message(content: Kind) -> Kind:
    return shape(
        {
            "type": one_of("message"),
            "role": text,
            "content": content,
            "id": nullable(text),
            "status": _STATUS,
            "phase": nullable(text),
        },
        ("role", "content"),
    )


_MESSAGE = tagged(
    "role",
    {
        **{role: _message(_SAID) for role in ("user", "system", "developer")},
        "assistant": _message(_ANSWERED),
    },
)
_CALLED: dict[str, Kind] = {
    "type": text,
    "id": nullable(text),
    "call_id": matching(".{1,64}"),
    "status": _STATUS,
    "caller": nullable(mapping),
}
_ITEMS: dict[str, Kind] = {
    "message": _MESSAGE,
    "function_call": shape(
        {**_CALLED, "name": text, "arguments": text, "namespace": nullable(text)}, ("call_id", "name", "arguments")
    ),
    "function_call_output": shape({**_CALLED, "output": _SAID}, ("call_id", "output")),
    "custom_tool_call": shape({**_CALLED, "name": text, "input": text}, ("call_id", "name", "input")),
    "custom_tool_call_output": shape({**_CALLED, "output": _SAID}, ("call_id", "output")),
    "reasoning": shape(
        {
            "type": text,
            "id": nullable(text),
            "summary": many(shape({"type": one_of("summary_text"), "text": text}, ("type", "text"))),
            "content": nullable(many(shape({"type": one_of("reasoning_text"), "text": text}, ("type", "text")))),
            "encrypted_content": nullable(text),
            "status": _STATUS,
        },
        ("summary",),
    ),
    "item_reference": shape({"type": text, "id": text}, ("id",)),
    **{
        name: mapping
        for name in (
            *("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "compaction"),
            *("mcp_call", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "computer_call"),
            *("computer_call_output", "shell_call", "shell_call_output", "local_shell_call", "local_shell_call_output"),
        )
    },
}
_TYPED = tagged("type", _ITEMS)


def _item(value: object, path: Path) -> None:
    """Take an input item; one without a type is a message."""
    mapping(value, path)
    is_plain = isinstance(value, dict) and value.get("type") is None
    (_MESSAGE if is_plain else _TYPED)(value, path)


_FUNCTION = shape(
    {
        "type": text,
        "name": matching("[a-zA-Z0-9_-]{1,64}"),
        "description": nullable(text),
        "parameters": nullable(mapping),
        "strict": nullable(flag),
        "defer_loading": flag,
        "output_schema": nullable(mapping),
        "allowed_callers": nullable(many(text)),
        "async": nullable(flag),
    },
    ("name",),
)
_CUSTOM = shape({"type": text, "name": text, "description": text, "format": mapping, "defer_loading": flag}, ("name",))
_CHOICE = tagged(
    "type",
    {
        "function": shape({"type": text, "name": text}, ("name",)),
        "custom": shape({"type": text, "name": text}, ("name",)),
        "allowed_tools": shape(
            {"type": text, "mode": one_of("auto", "required"), "tools": many(mapping)}, ("mode", "tools")
        ),
    },
    other=mapping,
)
_FORMAT = tagged(
    "type",
    {
        "text": shape({"type": text}),
        "json_object": shape({"type": text}),
        "json_schema": shape(
            {
                "type": text,
                "name": matching("[a-zA-Z0-9_-]{1,64}"),
                "schema": mapping,
                "strict": nullable(flag),
                "description": text,
            },
            ("name", "schema"),
        ),
    },
)
_INCLUDED = one_of(
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
    "message.input_image.image_url",
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
)
CREATE = shape(
    {
        "model": text,
        "input": either(text, many(_item, least=1)),
        "instructions": nullable(text),
        "stream": nullable(flag),
        "stream_options": nullable(shape({"include_obfuscation": flag})),
        "tools": many(tagged("type", {"function": _FUNCTION, "custom": _CUSTOM}, other=mapping)),
        "tool_choice": either(one_of("auto", "none", "required"), _CHOICE),
        "parallel_tool_calls": nullable(flag),
        "max_tool_calls": nullable(whole(1)),
        "max_output_tokens": nullable(whole(16)),
        "text": shape({"format": _FORMAT, "verbosity": nullable(one_of("low", "medium", "high"))}),
        "reasoning": nullable(
            shape(
                {
                    "effort": nullable(one_of("none", "minimal", "low", "medium", "high", "xhigh", "max")),
                    "summary": nullable(one_of("auto", "concise", "detailed")),
                    "generate_summary": nullable(text),
                    "context": anything,
                    "mode": anything,
                }
            )
        ),
        "include": nullable(many(_INCLUDED)),
        "temperature": nullable(number(0, 2)),
        "top_p": nullable(number(0, 1)),
        "top_logprobs": nullable(whole(0, 20)),
        "metadata": nullable(named(text)),
        "client_metadata": nullable(named(text)),
        "service_tier": nullable(one_of("auto", "default", "flex", "scale", "priority", "fast")),
        "truncation": nullable(one_of("auto", "disabled")),
        "conversation": nullable(either(text, mapping)),
        **{name: nullable(flag) for name in ("store", "background")},
        **{
            name: nullable(text)
            for name in (
                "previous_response_id",
                "prompt_cache_key",
                "prompt_cache_retention",
                "safety_identifier",
            )
        },
        "user": nullable(matching(".{0,64}")),
        **{
            name: nullable(anything)
            for name in (
                "context_management",
                "access_programs",
                "image",
                "moderation",
                "prompt",
                "prompt_cache_options",
            )
        },
    },
    ("model", "input"),
)
