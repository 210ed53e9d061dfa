"""Errors in the endpoint's dialect: status, headers and body, or one event of a stream that has begun."""

from __future__ import annotations

from proxy.core.call import EndpointSpec
from proxy.core.errors import (
    GatewayError,
    MethodNotAllowed,
    NotAuthenticated,
    QuotaExhausted,
    UpstreamsExhausted,
    retry_after,
)
from proxy.core.translation import ErrorReply
from proxy.providers import dialects
from proxy.translate.openai_chat import errors

JSON_TYPE = (b"content-type", b"application/json")
# An SDK obeys this header above the status; without it its own retries would multiply those made here.
DO_NOT_RETRY = (b"x-should-retry", b"false")
PATIENT_S = 60


def error_headers(error: GatewayError) -> list[tuple[bytes, bytes]]:
    """`Retry-After`, `Allow` and `x-should-retry` where they apply (DESIGN.md section 3)."""
    headers = [JSON_TYPE]
    seconds = None if error.retry_after_s is None else retry_after(error.retry_after_s)
    if seconds is not None:
        headers.append((b"retry-after", b"%d" % seconds))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allow.encode()))
    may_retry = error.status in (429, 503) and seconds is not None and seconds <= PATIENT_S
    # A wrong key stays wrong and a spent budget spent, but Claude Code tries ten times for three minutes unless told.
    is_for_long = error.sent or isinstance(error, QuotaExhausted)
    if (is_for_long and not may_retry) or isinstance(error, NotAuthenticated):
        headers.append(DO_NOT_RETRY)
    return headers


def error_body(error: GatewayError, endpoint: EndpointSpec | None = None, request_id: str = "") -> bytes:
    """Write the error as a whole answer.

    Args:
        endpoint: Whose dialect the client speaks; None = OpenAI's.
    """
    if isinstance(error, UpstreamsExhausted) and error.body:
        return error.body
    reply = _reply(error, request_id)
    return errors.error_body(reply) if endpoint is None else dialects.error_body(endpoint, reply)


def error_as_event(
    error: GatewayError, endpoint: EndpointSpec, request_id: str = "", *, is_first: bool = False
) -> bytes:
    """Write the error into a stream that has begun; `is_first`: nothing was written into it yet."""
    return dialects.error_event(endpoint, _reply(error, request_id), is_first=is_first)


def _reply(error: GatewayError, request_id: str) -> ErrorReply:
    return ErrorReply(error.status, error.message, error.type, error.code, error.param, request_id)
