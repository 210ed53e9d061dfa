"""Every way a request ends without an answer, and what the client is told.

    GatewayError
    ├── ClientError                what the client sent cannot be served
    │   ├── MalformedRequest 400   ├── NotAuthenticated 401   ├── NotPermitted 403
    │   ├── UnknownModel 404       ├── NotFound 404           ├── MethodNotAllowed 405
    │   ├── BodyReadTimeout 408    ├── BodyTooLarge 413       ├── UnsupportedEncoding 415
    │   ├── RateLimited 429        └── QuotaExhausted 429
    ├── Overloaded 503             this gateway has no room for another request
    ├── LedgerFull 503             what it would cost could not be recorded
    ├── BudgetUnknown 503          what the key has spent is not known yet
    └── UpstreamsExhausted         no candidate succeeded; status and code by `final_error`
    ConfigError                    the configuration cannot be used; carries every problem

A class carries `status` and OpenAI's `type` and `code`; `edge.render` turns it into the endpoint's dialect. Messages
say what to do and never hold a secret, a header value or prompt text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.core.failure import CLIENT_FAULTS, TIMEOUTS, Failure, FailureKind, UpstreamError
from proxy.core.snapshot import Problem

_NAME = re.compile(r"[\w.:-]{1,64}")
UNNAMED = "upstream_refusal"


class GatewayError(Exception):
    """Ends a request. `retry_after_s` becomes `Retry-After`: whole seconds, rounded up, 1 to 3600."""

    status: int = 500
    type: str = "server_error"
    code: str | None = None
    param: str | None = None

    def __init__(self, message: str, *, param: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        self.sent = False  # at least one attempt reached an upstream


def told_name(error: GatewayError) -> str:
    """Name an error for logs and the ledger: its code, else its type; "upstream_refusal" where neither is a plain name.

    Code and type of a client's fault are the upstream's own: any text, which may repeat the client's words.
    """
    return next((name for name in (error.code, error.type) if name and _NAME.fullmatch(name)), UNNAMED)


class ClientError(GatewayError):
    status = 400
    type = "invalid_request_error"


class MalformedRequest(ClientError):
    code = "invalid_request"


class NotAuthenticated(ClientError):
    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class NotPermitted(ClientError):
    status = 403
    type = "permission_error"
    code = "not_permitted"


class NotFound(ClientError):
    status = 404
    code = "not_found"


class UnknownModel(NotFound):
    code = "model_not_found"


class MethodNotAllowed(ClientError):
    status = 405
    code = "method_not_allowed"

    def __init__(self, message: str, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


class BodyReadTimeout(ClientError):
    status = 408
    code = "request_timeout"


class BodyTooLarge(ClientError):
    status = 413
    code = "request_too_large"


class UnsupportedEncoding(ClientError):
    status = 415
    code = "unsupported_content_encoding"


class RateLimited(ClientError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class QuotaExhausted(ClientError):
    """A budget of the client's key does not allow the request."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"


class Overloaded(GatewayError):
    status = 503
    type = "overloaded_error"
    code = "overloaded"


class LedgerFull(GatewayError):
    """The disk has no room for the record of one more request."""

    status = 503
    type = "overloaded_error"
    code = "ledger_full"


class BudgetUnknown(GatewayError):
    """The key has a budget, and the ledger did not say yet what was spent of it."""

    status = 503
    type = "overloaded_error"
    code = "budget_unknown"


class UpstreamsExhausted(GatewayError):
    """No candidate succeeded. `status`, `type` and `code` are set by the instance."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str,
        code: str | None,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, param=param, retry_after_s=retry_after_s)
        self.status, self.type, self.code = status, type, code
        self.body = b""  # the upstream's own error, for a client that speaks its dialect


class ConfigError(Exception):
    """The configuration cannot be used."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why one candidate did not answer: it failed or it was left out.

    `kind` is None where the provider's own limit was reached. `recovers_in_s` counts from now.
    """

    kind: FailureKind | None
    recovers_in_s: float | None = None
    limit: bool = False


LIMITED = frozenset({FailureKind.RATE_LIMITED, FailureKind.QUOTA_EXHAUSTED})
REFUSED = frozenset({FailureKind.AUTH, FailureKind.BILLING})


def retry_after(seconds: float | None) -> int:
    """Turn a recovery time into a `Retry-After` value: whole seconds, rounded up, 1 to 3600."""
    return max(1, min(3600, math.ceil(seconds if seconds is not None else 1)))


def final_error(failures: Sequence[Failure], causes: Sequence[Cause], *, sent: int) -> UpstreamsExhausted:
    """Choose the answer when no candidate succeeded: DESIGN.md section 3's table, first match wins.

    Args:
        failures: Of the attempts made, oldest first.
        causes: One per candidate of the model and its fallbacks that could have served: why it did not.
        sent: How many attempts were sent.
    """
    sent -= sum(failure.kind is FailureKind.UNSUPPORTED for failure in failures)  # those never left
    error = _choose(failures, causes, sent=sent)
    error.sent = sent > 0
    return error


def _choose(failures: Sequence[Failure], causes: Sequence[Cause], *, sent: int) -> UpstreamsExhausted:
    last = failures[-1] if failures else None
    # Who cannot be asked this at all says nothing about when it can be.
    causes = [cause for cause in causes if cause.kind is not FailureKind.UNSUPPORTED]
    kinds = {cause.kind for cause in causes}
    recovery = min((cause.recovers_in_s for cause in causes if cause.recovers_in_s is not None), default=None)
    if failures and not causes and all(failure.kind is FailureKind.UNSUPPORTED for failure in failures):
        return _client_fault(failures[0])
    if last is not None and last.kind in CLIENT_FAULTS:
        return _client_fault(next(f for f in failures if f.kind in CLIENT_FAULTS))
    if causes and all(cause.limit or cause.kind in LIMITED for cause in causes):
        return UpstreamsExhausted(
            "Every provider of this model that could be tried is rate-limited or out of quota. Retry after the time in "
            "Retry-After.",
            status=429,
            type="rate_limit_error",
            code="rate_limit_exceeded",
            retry_after_s=min(cause.recovers_in_s or 1.0 for cause in causes),  # None: nothing holds it
        )
    if causes and kinds <= REFUSED:
        return UpstreamsExhausted(
            "Every upstream credential for this model was refused or has no credit. Your own key is fine; the "
            "gateway's operator must renew the provider's credentials.",
            status=502,
            type="upstream_error",
            code="upstream_credentials_exhausted",
        )
    if causes and kinds == {FailureKind.CONTEXT_TOO_LONG}:
        return _context_too_long(failures)
    if causes and kinds == {FailureKind.MODEL_MISSING}:
        return UpstreamsExhausted(
            "No provider of this model has it. The gateway's operator should check the upstream model names.",
            status=404,
            type="invalid_request_error",
            code="model_not_found",
            param="model",
        )
    if not sent:
        return UpstreamsExhausted(
            "No provider of this model can be used right now. Retry after the time in Retry-After.",
            status=503,
            type="upstream_error",
            code="no_upstream_available",
            retry_after_s=recovery or 1.0,
        )
    if last is not None and last.kind in TIMEOUTS:
        return UpstreamsExhausted(
            "The upstream provider did not answer in time. Try again later, or ask for a shorter answer.",
            status=504,
            type="upstream_error",
            code="upstream_timeout",
        )
    return UpstreamsExhausted(
        "No upstream provider gave a usable answer. Try again later; the gateway's log says what each one did.",
        status=502,
        type="upstream_error",
        code="upstream_error",
    )


def _client_fault(failure: Failure) -> UpstreamsExhausted:
    said = failure.error or UpstreamError("The upstream provider refused this request.")
    error = UpstreamsExhausted(
        said.message,
        status=failure.status if failure.status and 400 <= failure.status < 500 else 400,
        type=said.type or "invalid_request_error",
        code=said.code,
        param=said.param,
    )
    error.body = said.body
    return error


def _context_too_long(failures: Sequence[Failure]) -> UpstreamsExhausted:
    said = next((f.error for f in failures if f.error), None)
    return UpstreamsExhausted(
        said.message if said else "The request is longer than the context window of every provider of this model.",
        status=400,
        type="invalid_request_error",
        code="context_length_exceeded",
        param="messages",
    )
