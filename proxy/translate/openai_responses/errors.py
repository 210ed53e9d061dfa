"""Errors of OpenAI Responses: OpenAI's body, or the events that end a stream.

Source: OpenAI Python SDK 3.51.0 _streaming.py (raises on a truthy `error` in an event's data),
types/responses/response_error_event.py (the members beside it) and response_error.py; codex-cli 0.169.0 (knows
`response.failed` alone, and says "stream closed" without it), read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

import msgspec

from proxy.core.translation import Envelope, ErrorReply
from proxy.translate.openai_responses.output import response_object

_CODES = frozenset({"rate_limit_exceeded", "server_error"})  # of those that a failed answer may have, what is ours

_ENCODER = msgspec.json.Encoder()


def error_body(reply: ErrorReply) -> bytes:
    """Write OpenAI's error body."""
    return _ENCODER.encode({"error": _error(reply)})


def error_event(reply: ErrorReply) -> bytes:
    """Write an error as the last events of a stream; how many came before is not known here, nor what they said."""
    error = {
        "type": "error",
        "sequence_number": 0,
        "code": reply.code,
        "message": reply.message,
        "param": reply.param,
        "error": _error(reply),
    }
    code = reply.code if reply.code in _CODES else "server_error"
    failed = {
        **response_object(Envelope(reply.request_id, "", 0)),
        "status": "failed",
        "error": {"code": code, "message": reply.message},
    }
    return _event(error) + _event({"type": "response.failed", "sequence_number": 1, "response": failed})


def _event(members: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (members["type"].encode(), _ENCODER.encode(members))


def _error(reply: ErrorReply) -> dict[str, str | None]:
    return {"message": reply.message, "type": reply.type, "param": reply.param, "code": reply.code}
