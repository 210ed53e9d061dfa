"""Errors in Google's words: a status name for each HTTP status, and an event that its SDKs raise on.

Sources, read 2026-11-20: https://cloud.google.com/service-control/reference/rpc/google.rpc (Code: which name belongs to
which status); google-genai SDK 3.4.0, google/genai/_api_client.py (request_streamed looks for `error` as the first
member, and for a numeric `code` in it); langchain-google-genai 4.4.2, chat_models.py (knows by Google's words alone
that a conversation must be made shorter).
"""

from __future__ import annotations

from typing import Any

import msgspec

from proxy.core.translation import ErrorReply

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
DOMAIN = "fairlead"
_TOO_LONG = "exceeds the maximum number of tokens allowed"
_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_REQUEST = "type.googleapis.com/google.rpc.RequestInfo"

_ENCODER = msgspec.json.Encoder()


def error_body(reply: ErrorReply) -> bytes:
    """Write an error as the body of an answer."""
    name = STATUS_NAMES.get(reply.status) or ("INVALID_ARGUMENT" if reply.status < 500 else "INTERNAL")
    error: dict[str, Any] = {"code": reply.status, "message": _message(reply), "status": name}
    details = _details(reply)
    if details:
        error["details"] = details
    return _ENCODER.encode({"error": error})


def _message(reply: ErrorReply) -> str:
    if reply.code != "context_length_exceeded" or _TOO_LONG in reply.message:
        return reply.message
    return f"The input token count {_TOO_LONG}: {reply.message}"


def error_event(reply: ErrorReply) -> bytes:
    """Write an error as an event of a stream."""
    return b"data: " + error_body(reply) + b"\n\n"


def _details(reply: ErrorReply) -> list[dict[str, Any]]:
    details: list[dict[str, Any]] = []
    if reply.code:
        metadata = {"param": reply.param} if reply.param else {}
        details.append({"@type": _INFO, "reason": reply.code.upper(), "domain": DOMAIN, "metadata": metadata})
    if reply.request_id:
        details.append({"@type": _REQUEST, "requestId": reply.request_id})
    return details
