"""What can go wrong with one attempt, as values.

A `Failure` says what happened, whose fault it is and how far it reaches. It never says what to do next: that is decided
by `routing.retry`, and what is set aside by `routing.health` (DESIGN.md section 6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class FailureKind(StrEnum):
    """The taxonomy. The comments name who is at fault."""

    __hash__ = str.__hash__  # Enum's own is a Python function, called for every look-up

    RATE_LIMITED = "rate_limited"  # our credential, for seconds to minutes
    QUOTA_EXHAUSTED = "quota_exhausted"  # our credential, for a day, a month or a plan window
    BILLING = "billing"  # our account has no credit
    AUTH = "auth"  # our credential is refused
    PERMISSION = "permission"  # our credential may not use this model
    MODEL_MISSING = "model_missing"  # the vendor does not have this model
    BLOCKED = "blocked"  # region, address or suspended account
    OVERLOADED = "overloaded"  # the vendor lacks capacity
    SERVER_ERROR = "server_error"  # the vendor failed
    PROTOCOL = "protocol"  # the vendor's answer cannot be understood
    CONNECT = "connect"  # refused, unreachable, DNS or TLS
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_HEADERS = "timeout_headers"
    TIMEOUT_FIRST_OUTPUT = "timeout_first_output"
    TIMEOUT_IDLE = "timeout_idle"
    TIMEOUT_RESPONSE = "timeout_response"
    CONFLICT = "conflict"  # a passing fault of this one request: 408, 409, 424, 425, 498, a failed tool use
    CONTEXT_TOO_LONG = "context_too_long"  # the client's request is too large for this model
    INVALID_REQUEST = "invalid_request"  # the client's fault, recognised by a signal row
    REJECTED = "rejected"  # a 400 or 422 that no signal row recognises
    CONTENT_POLICY = "content_policy"  # the vendor's policy refuses the content
    UNSUPPORTED = "unsupported"  # what the client asks for cannot be said in this vendor's dialect; nothing was sent
    TRUNCATED = "truncated"  # the answer ended early after its commit
    CLIENT_GONE = "client_gone"  # the client left


TIMEOUTS = frozenset(
    {
        FailureKind.TIMEOUT_CONNECT,
        FailureKind.TIMEOUT_HEADERS,
        FailureKind.TIMEOUT_FIRST_OUTPUT,
        FailureKind.TIMEOUT_IDLE,
        FailureKind.TIMEOUT_RESPONSE,
    }
)
CLIENT_FAULTS = frozenset({FailureKind.INVALID_REQUEST, FailureKind.REJECTED, FailureKind.CONTENT_POLICY})


# Stands among the names of an edit for every signature in the request, and for the thoughts that need one.
SIGNATURES = "(signatures)"


class Scope(StrEnum):
    """How far a failure reaches; see `core.health.Target` for the key each scope is remembered under."""

    __hash__ = str.__hash__  # as above

    CREDENTIAL_MODEL = "credential_model"
    CREDENTIAL = "credential"
    ACCOUNT = "account"  # every credential of a provider, for one model: the vendor counts by account
    CANDIDATE = "candidate"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class UpstreamError:
    """The vendor's own words, for a client whose fault it is. At most 4 KiB together, secrets redacted.

    Attributes:
        body: The whole error as it came, for a client that speaks the vendor's dialect and matches on its wording; b""
            where the client speaks another, or a secret was in it.
    """

    message: str
    type: str | None = None
    param: str | None = None
    code: str | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one attempt gave no answer.

    Attributes:
        scope: What the failure says something about; ignored where the kind sets nothing aside.
        status: The upstream's HTTP status; None when no status line came.
        request_sent: Whether any byte of the request may have reached the upstream's application.
        delay_s: Seconds until the upstream expects to serve again; None when unknown.
        stated: `delay_s` is the upstream's own word, not a vendor's usual window.
        detail: A short English phrase for logs; never a secret, a header value or prompt text.
        error: What the client may be told, when it is the client's fault.
        edit: Top-level request fields, and beta flags as `anthropic-beta=FLAG`, to leave out in one resend to the same
            candidate; empty = no resend.
        renewed: The credential was refused and has been made anew: one resend with it.
    """

    kind: FailureKind
    scope: Scope = Scope.CANDIDATE
    status: int | None = None
    request_sent: bool = True
    delay_s: float | None = None
    stated: bool = False
    detail: str = ""
    error: UpstreamError | None = field(default=None, repr=False)  # it may repeat what the client wrote
    edit: tuple[str, ...] = ()
    renewed: bool = False
