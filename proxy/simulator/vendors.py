"""Each vendor's error bodies, as a table: cause -> status and words, vendor -> the JSON around them.

The words carry the signals that tell one cause from another; the rest of each sentence is ours. Where a vendor has no
row of its own for a cause, OpenAI's row is put into the vendor's shape. Nothing here echoes a request.

Source: the error documentation and SDKs of the vendors named in `behaviour.Vendor`, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from proxy.simulator.behaviour import Cause, Vendor

Json = dict[str, Any]


class Row(NamedTuple):
    """`more` is merged into the error object; for Gemini it is the list `details`."""

    status: int
    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    more: Mapping[str, Any] = {}


_INVALID = "invalid_request_error"
_OPENAI: Mapping[Cause, Row] = {
    Cause.RATE_LIMIT: Row(
        429, "Rate limit reached for requests: limit 60 a minute.", "requests", "rate_limit_exceeded"
    ),
    Cause.DAILY_QUOTA: Row(
        429, "Rate limit reached on requests per day (RPD): limit 200, used 200.", "requests", "rate_limit_exceeded"
    ),
    Cause.QUOTA: Row(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    Cause.BILLING: Row(429, "The credit balance is exhausted.", "insufficient_quota", "credit_balance_exhausted"),
    Cause.AUTH: Row(401, "Incorrect API key provided.", _INVALID, "invalid_api_key"),
    Cause.PERMISSION: Row(403, "This project has no access to the model.", _INVALID, "insufficient_permissions"),
    Cause.BLOCKED: Row(
        403, "Country, region, or territory not supported.", "request_forbidden", "unsupported_country_region_territory"
    ),
    Cause.OVERLOAD: Row(503, "The server is overloaded.", "service_unavailable_error", "server_is_overloaded"),
    Cause.SERVER: Row(500, "The server had an error while processing the request.", "server_error"),
    Cause.CONTEXT: Row(
        400,
        "This model's maximum context length is 8192 tokens.",
        _INVALID,
        "context_length_exceeded",
        "messages",
    ),
    Cause.POLICY: Row(400, "The safety system rejected the request.", _INVALID, "content_policy_violation"),
    Cause.MISSING: Row(
        404, "The model does not exist or you have no access to it.", _INVALID, "model_not_found", "model"
    ),
    Cause.INVALID: Row(400, "Invalid value for 'temperature'.", _INVALID, "invalid_value", "temperature"),
}
_ROWS: Mapping[Vendor, Mapping[Cause, Row]] = {
    Vendor.OPENAI: _OPENAI,
    Vendor.AZURE: {
        Cause.RATE_LIMIT: Row(
            429, "Requests to this deployment have been limited. Rate limit is exceeded.", None, "429"
        ),
        Cause.DAILY_QUOTA: Row(
            429, "Requests to this deployment have been limited. Rate limit is exceeded.", None, "429"
        ),
        Cause.OVERLOAD: Row(429, "System is experiencing high demand.", None, "429"),
        Cause.AUTH: Row(401, "Access denied due to invalid subscription key or wrong API endpoint.", None, "401"),
        Cause.BLOCKED: Row(403, "The resource has been temporarily blocked.", None, "403"),
        Cause.MISSING: Row(404, "The API deployment for this resource does not exist.", None, "DeploymentNotFound"),
        Cause.POLICY: Row(
            400,
            "The content management policy filtered the prompt.",
            None,
            "content_filter",
            "prompt",
            {"innererror": {"code": "ResponsibleAIPolicyViolation"}},
        ),
    },
    Vendor.ANTHROPIC: {
        Cause.RATE_LIMIT: Row(429, "This request would exceed your rate limit.", "rate_limit_error"),
        Cause.DAILY_QUOTA: Row(429, "This request would exceed your daily limit.", "rate_limit_error"),
        Cause.QUOTA: Row(
            429,
            "The spend limit has been reached.",
            "rate_limit_error",
            more={"details": {"error_code": "enforced_spend_limit_reached"}},
        ),
        Cause.BILLING: Row(400, "Your credit balance is too low to access the API.", _INVALID),
        Cause.AUTH: Row(401, "invalid x-api-key", "authentication_error"),
        Cause.PERMISSION: Row(403, "Your key may not use this model.", "permission_error"),
        Cause.OVERLOAD: Row(529, "Overloaded", "overloaded_error"),
        Cause.SERVER: Row(500, "Internal server error", "api_error"),
        Cause.CONTEXT: Row(400, "prompt is too long: 210000 tokens > 200000 maximum", _INVALID),
        Cause.MISSING: Row(404, "model: not found", "not_found_error"),
    },
    Vendor.DEEPSEEK: {
        Cause.RATE_LIMIT: Row(429, "Rate limit reached.", "rate_limit_reached_error"),
        Cause.BILLING: Row(402, "Insufficient Balance", "unknown_error", _INVALID),
        Cause.AUTH: Row(401, "Authentication Fails: the key is invalid.", "authentication_error", _INVALID),
        Cause.INVALID: Row(422, "A parameter is invalid.", _INVALID, _INVALID),
    },
    Vendor.FIREWORKS: {
        Cause.RATE_LIMIT: Row(429, "Rate limit exceeded.", "error", "RATE_LIMIT_EXCEEDED"),
        Cause.BILLING: Row(412, "The account is suspended: the monthly spending limit was reached.", "error"),
        Cause.OVERLOAD: Row(503, "The service is overloaded.", "error"),
        Cause.MISSING: Row(404, "Model not found, inaccessible, and/or not deployed", "error", "NOT_FOUND"),
    },
    Vendor.GEMINI: {
        Cause.RATE_LIMIT: Row(
            429,
            "Quota exceeded for requests per minute.",
            "RESOURCE_EXHAUSTED",
            more={"QuotaFailure": {"violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]}},
        ),
        Cause.DAILY_QUOTA: Row(
            429,
            "Quota exceeded for requests per day.",
            "RESOURCE_EXHAUSTED",
            more={"QuotaFailure": {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}},
        ),
        Cause.QUOTA: Row(429, "You exceeded your current quota, please check your plan.", "RESOURCE_EXHAUSTED"),
        Cause.BILLING: Row(402, "Your prepayment credits are depleted.", "RESOURCE_EXHAUSTED"),
        Cause.AUTH: Row(
            400,
            "API key not valid. Please pass a valid API key.",
            "INVALID_ARGUMENT",
            more={"ErrorInfo": {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}},
        ),
        Cause.PERMISSION: Row(403, "The caller does not have permission.", "PERMISSION_DENIED"),
        Cause.BLOCKED: Row(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"),
        Cause.OVERLOAD: Row(503, "The model is overloaded.", "UNAVAILABLE"),
        Cause.SERVER: Row(500, "An internal error has occurred.", "INTERNAL"),
        Cause.CONTEXT: Row(
            400, "The input token count exceeds the maximum number of tokens allowed (1048576).", "INVALID_ARGUMENT"
        ),
        Cause.MISSING: Row(404, "The model is not found for this API version.", "NOT_FOUND"),
        Cause.INVALID: Row(400, "Request contains an invalid argument.", "INVALID_ARGUMENT"),
    },
    Vendor.GROQ: {
        Cause.RATE_LIMIT: Row(
            429, "Rate limit reached on tokens per minute (TPM): limit 6000.", "tokens", "rate_limit_exceeded"
        ),
        Cause.BILLING: Row(400, "The organization's spend limit was reached.", _INVALID, "blocked_api_access"),
        Cause.DAILY_QUOTA: Row(
            429, "Rate limit reached on requests per day (RPD): limit 1000.", "requests", "rate_limit_exceeded"
        ),
        Cause.CONTEXT: Row(413, "Request too large on tokens per minute (TPM).", "tokens", "rate_limit_exceeded"),
    },
    Vendor.MISTRAL: {
        Cause.RATE_LIMIT: Row(429, "Requests rate limit exceeded", "rate_limited", "1300"),
        Cause.BILLING: Row(402, "The account has no credit.", "payment_required"),
        Cause.AUTH: Row(401, "Unauthorized", "unauthorized"),
        Cause.OVERLOAD: Row(
            429, "Service tier capacity exceeded for this model.", "service_tier_capacity_exceeded", "3505"
        ),
        Cause.MISSING: Row(404, "The model does not exist.", "invalid_model", "unknown_model"),
        Cause.INVALID: Row(422, "A field is not permitted.", _INVALID),
    },
    Vendor.OLLAMA: {
        Cause.MISSING: Row(404, "model not found", "not_found_error"),
        Cause.OVERLOAD: Row(503, "server busy, please try again.", "api_error"),
        Cause.SERVER: Row(500, "the model runner has stopped", "api_error"),
    },
    Vendor.OPENROUTER: {
        Cause.RATE_LIMIT: Row(
            429,
            "Provider returned error",
            more={"error_type": "rate_limit_exceeded", "provider_name": "Simulated"},
        ),
        Cause.DAILY_QUOTA: Row(429, "Rate limit exceeded: free-models-per-day."),
        Cause.BILLING: Row(
            402, "Insufficient credits.", more={"error_type": "payment_required", "limit_source": "openrouter_credits"}
        ),
        Cause.AUTH: Row(401, "No auth credentials found.", more={"error_type": "authentication"}),
        Cause.POLICY: Row(403, "The input was flagged.", more={"reasons": ["simulated"], "flagged_input": ""}),
        Cause.OVERLOAD: Row(503, "The provider is overloaded.", more={"error_type": "provider_overloaded"}),
        Cause.SERVER: Row(502, "The provider failed.", more={"error_type": "provider_unavailable"}),
        Cause.CONTEXT: Row(
            400,
            "This endpoint's maximum context length is 8192 tokens.",
            more={"error_type": "context_length_exceeded"},
        ),
        Cause.MISSING: Row(404, "No endpoints found for this model."),
    },
    Vendor.QWEN: {
        Cause.RATE_LIMIT: Row(429, "You exceeded your current requests list.", "limit_requests", "limit_requests"),
        Cause.DAILY_QUOTA: Row(
            403, "The free tier of the model has been exhausted.", None, "AllocationQuota.FreeTierOnly"
        ),
        Cause.BILLING: Row(
            400, "Access denied, please make sure your account is in good standing.", "Arrearage", "Arrearage"
        ),
        Cause.PERMISSION: Row(
            403, "The model was not purchased.", "AccessDenied.Unpurchased", "AccessDenied.Unpurchased"
        ),
        Cause.CONTEXT: Row(400, "Range of input length should be [1, 30720]", _INVALID, "invalid_parameter_error"),
        Cause.POLICY: Row(
            400, "Input may contain inappropriate content.", "data_inspection_failed", "data_inspection_failed"
        ),
    },
    Vendor.TOGETHER: {
        Cause.BILLING: Row(402, "The monthly spend limit was reached.", "credit_limit", "credit_limit"),
        Cause.CONTEXT: Row(403, "Input tokens and max_tokens exceed the context length.", _INVALID),
        Cause.OVERLOAD: Row(503, "The engine is overloaded.", "service_unavailable"),
    },
    Vendor.VLLM: {
        Cause.CONTEXT: Row(400, "This model's maximum context length is 8192 tokens.", "BadRequestError"),
        Cause.MISSING: Row(404, "The model does not exist.", "NotFoundError"),
        Cause.INVALID: Row(400, "A value is out of bounds.", "BadRequestError"),
        Cause.AUTH: Row(401, "Unauthorized", "AuthenticationError"),
    },
    Vendor.XAI: {
        Cause.RATE_LIMIT: Row(429, "Too many requests for this model.", None, "resource-exhausted"),
        Cause.BILLING: Row(
            403,
            "The team has either used all available credits or reached its monthly spending limit.",
            None,
            "permission-denied",
        ),
        Cause.AUTH: Row(400, "Incorrect API key provided.", None, "invalid-argument"),
        Cause.OVERLOAD: Row(503, "The service is overloaded.", None, "unavailable"),
    },
}
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
    cause = cause or _CAUSES.get(status or 0)
    if cause is None:
        kind = "server_error" if (status or 500) >= 500 else _INVALID
        return Row(status or 500, f"Simulated status {status}.", kind)
    rows = _ROWS[vendor]
    row = rows.get(cause) or rows.get(_NEAREST.get(cause, cause)) or _OPENAI[cause]
    return row._replace(status=status or row.status)


def error_body(vendor: Vendor, row: Row, metadata: Mapping[str, Any]) -> Json:
    """Return the JSON object the vendor sends for a row.

    Args:
        metadata: What the recovery forms add: details by name for Gemini, members of `metadata` for OpenRouter.
    """
    return _SHAPES.get(vendor, _openai)(row, metadata)


def _openai(row: Row, metadata: Mapping[str, Any]) -> Json:
    details = {"details": _details(metadata)} if metadata else {}
    error = {"message": row.message, "type": row.type, "param": row.param, "code": row.code}
    return {"error": {**error, **row.more, **details}}


def _anthropic(row: Row, _: Mapping[str, Any]) -> Json:
    error = {"type": row.type or _INVALID, "message": row.message, **row.more}
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


def _xai(row: Row, _: Mapping[str, Any]) -> Json:
    return {"code": row.code, "error": row.message}


def _details(named: Mapping[str, Any]) -> list[Json]:
    return [{"@type": f"type.googleapis.com/google.rpc.{name}", **value} for name, value in named.items()]


_SHAPES: Mapping[Vendor, Callable[[Row, Mapping[str, Any]], Json]] = {
    Vendor.ANTHROPIC: _anthropic,
    Vendor.FIREWORKS: _fireworks,
    Vendor.GEMINI: _gemini,
    Vendor.MISTRAL: _mistral,
    Vendor.OPENROUTER: _openrouter,
    Vendor.VLLM: _vllm,
    Vendor.XAI: _xai,
}
