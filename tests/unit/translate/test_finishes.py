"""Every word that a vendor has for an answer's end, as a client of each dialect hears it.

The rows are those of the vendors' own enumerations: anthropic 2.11.0 types/stop_reason.py, google-genai 3.4.0 types.py
(FinishReason), botocore 1.44.5 bedrock-runtime (StopReason), cohere 7.3.1 types/chat_finish_reason.py, ollama 0.6.3,
openai 3.51.0, mistralai 3.7.0, openrouter 1.3.84; read 2026-11-20.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.conversation import Finish
from tests.fakes.dialects import DIALECTS

STOP, LENGTH, CALLS, FILTER, ERROR = Finish.STOP, Finish.LENGTH, Finish.TOOL_CALLS, Finish.CONTENT_FILTER, Finish.ERROR

ENDS: dict[str, dict[Finish, tuple[str, ...]]] = {
    "anthropic": {
        STOP: ("end_turn", "stop_sequence"),
        LENGTH: ("max_tokens", "model_context_window_exceeded", "pause_turn"),
        CALLS: ("tool_use",),
        FILTER: ("refusal",),
    },
    "gemini": {
        STOP: ("STOP", "FINISH_REASON_UNSPECIFIED"),
        LENGTH: ("MAX_TOKENS", "CONTINUATION"),
        FILTER: (
            *("SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
            *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER", "NO_IMAGE"),
            *("MODEL_ARMOR", "ESCALATION"),
        ),
        ERROR: (
            *("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"),
            *("MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE", "OF_A_LATER_VERSION"),
        ),
    },
    "bedrock": {
        STOP: ("end_turn", "stop_sequence"),
        LENGTH: ("max_tokens", "model_context_window_exceeded"),
        CALLS: ("tool_use",),
        FILTER: ("guardrail_intervened", "content_filtered"),
        ERROR: ("malformed_model_output", "malformed_tool_use"),
    },
    "ollama": {STOP: ("stop",), LENGTH: ("length",), ERROR: ("load", "unload")},
    "cohere": {
        STOP: ("COMPLETE", "STOP_SEQUENCE"),
        LENGTH: ("MAX_TOKENS",),
        CALLS: ("TOOL_CALL",),
        ERROR: ("ERROR", "TIMEOUT"),
    },
    "openai_chat": {
        STOP: ("stop", "of_a_later_version"),
        LENGTH: ("length", "model_length"),
        CALLS: ("tool_calls", "function_call"),
        FILTER: ("content_filter",),
        ERROR: ("error", "abort", "insufficient_system_resource"),
    },
}
ROWS = [
    pytest.param(vendor, word, finish, id=f"{vendor}-{word}")
    for vendor, rows in ENDS.items()
    for finish, words in rows.items()
    for word in words
]
# Where a dialect has no word for tool calls, an ordinary end with calls is one.
SILENT = {"gemini": "STOP", "ollama": "stop", "openai_chat": "stop"}
# What clients hear. OpenAI's and Ollama's have no word for a model's own fault.
HEARD: dict[str, dict[Finish, object]] = {
    "openai_chat": {
        **{STOP: "stop", LENGTH: "length", CALLS: "tool_calls"},
        **{FILTER: "content_filter", ERROR: "content_filter"},
    },
    "openai_responses": {
        STOP: ("completed", None),
        LENGTH: ("incomplete", "max_output_tokens"),
        CALLS: ("completed", None),
        FILTER: ("incomplete", "content_filter"),
        ERROR: ("failed", None),
    },
    "anthropic": {STOP: "end_turn", LENGTH: "max_tokens", CALLS: "tool_use", FILTER: "refusal", ERROR: "end_turn"},
    "gemini": {
        **{STOP: "STOP", LENGTH: "MAX_TOKENS", CALLS: "STOP"},
        **{FILTER: "SAFETY", ERROR: "MALFORMED_FUNCTION_CALL"},
    },
    "ollama": {STOP: "stop", LENGTH: "length", CALLS: "stop", FILTER: "stop", ERROR: "stop"},
}


def said(vendor: str, word: str, *, called: bool) -> bytes:
    """An answer that ended so; where it called a tool or ended by calling one, the call is in it."""
    call: dict[str, Any] = {"id": "c", "name": "f"}
    function = {"name": "f", "arguments": "{}"}
    body: dict[str, Any]
    match vendor:
        case "anthropic":
            content = [{"type": "tool_use", **call, "input": {}}] if called else [{"type": "text", "text": "Hi"}]
            body = {"content": content, "stop_reason": word}
        case "gemini":
            part = {"functionCall": {"name": "f", "args": {}}} if called else {"text": "Hi"}
            body = {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": word}]}
        case "bedrock":
            block = {"toolUse": {"toolUseId": "c", "name": "f", "input": {}}} if called else {"text": "Hi"}
            body = {"output": {"message": {"role": "assistant", "content": [block]}}, "stopReason": word}
        case "ollama":
            calls: dict[str, Any] = {"tool_calls": [{"function": {"name": "f", "arguments": {}}}]} if called else {}
            body = {"message": {"role": "assistant", "content": "Hi", **calls}, "done": True, "done_reason": word}
        case "cohere":
            calls = {"tool_calls": [{"id": "c", "type": "function", "function": function}]} if called else {}
            message = {"role": "assistant", "content": [{"type": "text", "text": "Hi"}], **calls}
            body = {"id": "x", "message": message, "finish_reason": word}
        case _:
            calls = {"tool_calls": [{"id": "c", "type": "function", "function": function}]} if called else {}
            body = {"choices": [{"index": 0, "message": {"content": "Hi", **calls}, "finish_reason": word}]}
    return json.dumps(body).encode()


@pytest.mark.parametrize(("vendor", "word", "finish"), ROWS)
def test_each_vendors_word_for_the_end_is_read(vendor: str, word: str, finish: Finish) -> None:
    answer = DIALECTS[vendor].decode_answer(said(vendor, word, called=finish is CALLS))
    assert answer.choices[0].finish is finish


@pytest.mark.parametrize(("vendor", "word"), SILENT.items())
def test_an_ordinary_end_with_a_call_is_one_for_its_sake(vendor: str, word: str) -> None:
    assert DIALECTS[vendor].decode_answer(said(vendor, word, called=True)).choices[0].finish is CALLS


def heard(client: str, body: dict[str, Any]) -> object:
    match client:
        case "openai_chat":
            return body["choices"][0]["finish_reason"]
        case "openai_responses":
            return body["status"], (body["incomplete_details"] or {}).get("reason")
        case "anthropic":
            return body["stop_reason"]
        case "gemini":
            return body["candidates"][0]["finishReason"]
        case _:
            return body["done_reason"]


@pytest.mark.parametrize("client", HEARD)
@pytest.mark.parametrize(("vendor", "word", "finish"), ROWS)
def test_each_client_hears_it_in_its_own_word(client: str, vendor: str, word: str, finish: Finish) -> None:
    answer = DIALECTS[vendor].decode_answer(said(vendor, word, called=finish is CALLS))
    assert heard(client, json.loads(DIALECTS[client].encode_answer(answer))) == HEARD[client][finish]
