"""Each vendor's error bodies: the words of `vendorrows` in the JSON that the vendor puts round them, and its headers.

Where a vendor has no row of its own for a cause, OpenAI's row is put into the vendor's shape.

Source: the error documentation and SDKs of the vendors named in `behaviour.Vendor`, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy.core.errors import GatewayError
from proxy.simulator.behaviour import Cause, Vendor
from proxy.simulator.replies import HeaderList
from proxy.simulator.shapes import Json
from proxy.simulator.vendorrows import INVALID, OPENAI, ROWS, TYPES, Row


class Refused(GatewayError):
    """A request that the simulated vendor refuses in words of its own."""

    def __init__(self, row: Row) -> None:
        super().__init__(row.message, param=row.param)
        self.row, self.status = row, row.status


_CAUSES: Mapping[int, Cause] = {
    400: Cause.INVALID,
    401: Cause.AUTH,
    402: Cause.BILLING,
    403: Cause.PERMISSION,
    404: Cause.MISSING,
    422: Cause.INVALID,
    429: Cause.RATE_LIMIT,
    500: Cause.SERVER,
    503: Cause.OVERLOAD,
    529: Cause.OVERLOAD,
}
# What stands in for a cause the vendor does not tell apart, before OpenAI's row does.
_NEAREST: Mapping[Cause, Cause] = {Cause.DAILY_QUOTA: Cause.RATE_LIMIT}


def error_row(vendor: Vendor, cause: Cause | None, status: int | None) -> Row:
    """Return the vendor's words for a cause, or for a status alone; a given status wins over the row's own."""
    cause = cause or _cause(vendor, status or 500)
    if cause is None:
        code = status or 500
        types = TYPES.get(vendor, {0: INVALID, 500: "server_error"})
        return Row(code, f"Simulated status {status}.", types.get(code) or types[500 if code >= 500 else 0])
    rows = ROWS[vendor]
    row = rows.get(cause) or rows.get(_NEAREST.get(cause, cause)) or OPENAI[cause]
    return row._replace(status=status or row.status)


def refusal_row(vendor: Vendor, error: GatewayError) -> Row:
    """Return the vendor's row for a request that cannot be served, in the error's own words."""
    if isinstance(error, Refused):
        return error.row
    row = error_row(vendor, None, error.status)
    return row._replace(message=error.message, param=error.param, code=error.code, more={})


def error_headers(vendor: Vendor, row: Row) -> HeaderList:
    """Return the headers that tell what the error is."""
    if vendor is not Vendor.BEDROCK:
        return ()
    return (("x-amzn-errortype", f"{row.type}:http://internal.amazon.com/coral/com.amazon.bedrock/"),)


def error_body(vendor: Vendor, row: Row, metadata: Mapping[str, Any]) -> Json:
    """Return the JSON object the vendor sends for a row.

    Args:
        metadata: What the recovery forms add: details by name for Gemini, members of `metadata` for OpenRouter.
    """
    return _SHAPES.get(vendor, _openai)(row, metadata)


def _cause(vendor: Vendor, status: int) -> Cause | None:
    return None if status in TYPES.get(vendor, ()) and status != 500 else _CAUSES.get(status)


def _openai(row: Row, metadata: Mapping[str, Any]) -> Json:
    details = {"details": _details(metadata)} if metadata else {}
    error = {"message": row.message, "type": row.type, "param": row.param, "code": row.code}
    return {"error": {**error, **row.more, **details}}


def _anthropic(row: Row, _: Mapping[str, Any]) -> Json:
    error = {"type": row.type or INVALID, "message": row.message, **row.more}
    return {"type": "error", "error": error, "request_id": "req_simulated"}


def _fireworks(row: Row, _: Mapping[str, Any]) -> Json:
    return {"error": {"object": "error", "type": row.type, "code": row.code, "message": row.message}}


def _gemini(row: Row, metadata: Mapping[str, Any]) -> Json:
    details = _details({**row.more, **metadata})
    error = {"code": row.status, "message": row.message, "status": row.type, "details": details}
    return {"error": error}


def _mistral(row: Row, _: Mapping[str, Any]) -> Json:
    return {"object": "error", "message": row.message, "type": row.type, "param": row.param, "code": row.code}


def _openrouter(row: Row, metadata: Mapping[str, Any]) -> Json:
    return {"error": {"code": row.status, "message": row.message, "metadata": {**row.more, **metadata}}}


def _vllm(row: Row, _: Mapping[str, Any]) -> Json:
    return {"error": {"message": row.message, "type": row.type, "param": row.param, "code": row.status}}


def _message(row: Row, _: Mapping[str, Any]) -> Json:
    return {"message": row.message}


def _xai(row: Row, _: Mapping[str, Any]) -> Json:
    return {"code": row.code, "error": row.message}


def _details(named: Mapping[str, Any]) -> list[Json]:
    return [{"@type": f"type.googleapis.com/google.rpc.{name}", **value} for name, value in named.items()]


_SHAPES: Mapping[Vendor, Callable[[Row, Mapping[str, Any]], Json]] = {
    Vendor.ANTHROPIC: _anthropic,
    Vendor.BEDROCK: _message,
    Vendor.COHERE: _message,
    Vendor.FIREWORKS: _fireworks,
    Vendor.GEMINI: _gemini,
    Vendor.MISTRAL: _mistral,
    Vendor.OPENROUTER: _openrouter,
    Vendor.VERTEX: _gemini,
    Vendor.VLLM: _vllm,
    Vendor.XAI: _xai,
}
