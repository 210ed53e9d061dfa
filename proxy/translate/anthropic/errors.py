"""Errors as Anthropic's clients expect them, as a body and inside a stream.

Source: anthropic SDK 2.11.0 types/shared/error_response.py, _exceptions.py (`error.details.error_code`) and
_streaming.py (raises on an event named `error`). By `prompt is too long` claude-code 2.1.197, langchain-anthropic 1.7.7
and litellm 1.83.0 know that a conversation must be made shorter; read 2026-11-20.
"""

from __future__ import annotations

import msgspec

from proxy.core.translation import ErrorReply
from proxy.translate.anthropic.vocab import error_type

_TOO_LONG = "prompt is too long"

_ENCODER = msgspec.json.Encoder()


def error_body(reply: ErrorReply) -> bytes:
    """Write an error as a body: its type follows from the status, its code stands in `details`."""
    error: dict[str, object] = {"type": error_type(reply.status), "message": _message(reply)}
    if reply.code:
        error["details"] = {"error_code": reply.code}
    return _ENCODER.encode({"type": "error", "error": error, "request_id": reply.request_id or None})


def _message(reply: ErrorReply) -> str:
    if reply.code != "context_length_exceeded" or _TOO_LONG in reply.message.lower():
        return reply.message
    return f"{_TOO_LONG}: {reply.message}"


def error_event(reply: ErrorReply) -> bytes:
    """Write an error as an event of a stream."""
    return b"event: error\ndata: " + error_body(reply) + b"\n\n"
