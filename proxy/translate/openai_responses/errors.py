"""Errors of OpenAI Responses: OpenAI's body, or an event of a stream.

Source: OpenAI Python SDK 3.51.0 _streaming.py (raises on a truthy `error` in an event's data) and
types/responses/response_error_event.py (the members beside it), read 2026-11-20.
"""

from __future__ import annotations

import msgspec

from proxy.core.translation import ErrorReply

_ENCODER = msgspec.json.Encoder()


def error_body(reply: ErrorReply) -> bytes:
    """Write OpenAI's error body."""
    return _ENCODER.encode({"error": _error(reply)})


def error_event(reply: ErrorReply) -> bytes:
    """Write an error as the last event of a stream; how many came before is not known here."""
    event = {
        "type": "error",
        "sequence_number": 0,
        "code": reply.code,
        "message": reply.message,
        "param": reply.param,
        "error": _error(reply),
    }
    return b"event: error\ndata: " + _ENCODER.encode(event) + b"\n\n"


def _error(reply: ErrorReply) -> dict[str, str | None]:
    return {"message": reply.message, "type": reply.type, "param": reply.param, "code": reply.code}
