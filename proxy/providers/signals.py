"""What an upstream's error means: status, headers and body turned into a `Failure` by tables of signals.

Pure: the clock is an argument. Never decides what to do next, and never puts a secret or a client's words into a
`Failure`'s detail. Order: the operator's quota markers, the vendor's rows, rows shared by vendors, bare statuses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from proxy.core.call import Headers
from proxy.core.failure import CLIENT_FAULTS, Failure, FailureKind, Scope, UpstreamError
from proxy.core.snapshot import Provider, QuotaMarker
from proxy.providers.delays import stated_delay, window_delay
from proxy.providers.envelope import effective_status, told_error
from proxy.providers.errorbody import ErrorBody, read_error
from proxy.providers.kinds import KINDS, Kind
from proxy.providers.optional import droppable
from proxy.providers.redaction import NOTHING, SECRET_NAME, Known, cut, redact
from proxy.providers.signal import Signal
from proxy.providers.signalrows.shared import COMMON_SIGNALS, STATUS_SIGNALS
from proxy.wire.jsonbody import split_object

_USUAL_SCOPE: Mapping[FailureKind, Scope] = {
    FailureKind.RATE_LIMITED: Scope.CREDENTIAL_MODEL,
    FailureKind.QUOTA_EXHAUSTED: Scope.CREDENTIAL_MODEL,
    FailureKind.PERMISSION: Scope.CREDENTIAL_MODEL,
    FailureKind.BILLING: Scope.CREDENTIAL,
    FailureKind.AUTH: Scope.CREDENTIAL,
    FailureKind.BLOCKED: Scope.PROVIDER,
}
_TIMED = frozenset({FailureKind.RATE_LIMITED, FailureKind.QUOTA_EXHAUSTED, FailureKind.BILLING, FailureKind.OVERLOADED})
_TOLD = CLIENT_FAULTS | {FailureKind.CONTEXT_TOO_LONG}
_EDITABLE = frozenset({FailureKind.REJECTED, FailureKind.INVALID_REQUEST})

_MARKED = Signal(FailureKind.QUOTA_EXHAUSTED, note="a quota marker of the configuration")
_MAX_MESSAGE_BYTES = 3 * 1024
_MAX_FIELD_BYTES = 256
_MAX_VERBATIM_BYTES = 4 * 1024

_compiled = lru_cache(maxsize=None)(re.compile)


@dataclass(frozen=True, slots=True, eq=False)
class SignalRows:
    """A provider's tables.

    Attributes:
        rows: First match first; the last matches everything.
        markers: The operator's own signals of an exhausted quota; they come before `rows`.
        known: Masks the provider's secrets in whatever a client is told.
        limits_by_account: A rate limit concerns every credential of the provider.
    """

    rows: tuple[Signal, ...]
    markers: tuple[QuotaMarker, ...] = ()
    known: Known = NOTHING
    limits_by_account: bool = False


def rows_for(provider: Provider) -> SignalRows:
    """Give the tables that a provider's errors are judged by; the same value for the same provider."""
    return rows_of(KINDS[provider.kind], provider)


def secrets_of(provider: Provider) -> list[str]:
    """Give what a provider is sent, or was started with, and no client may be told."""
    hidden = [word for name, value in provider.headers if SECRET_NAME.search(name) for word in value.split()]
    held = [secret.reveal() for credential in provider.credentials for secret in credential.secrets]
    if provider.process is not None:  # which may say what it was refused with
        held += provider.process.secrets_where(SECRET_NAME.search)
    return [*held, *hidden]


@lru_cache(maxsize=1024)
def rows_of(kind: Kind, provider: Provider) -> SignalRows:
    """Give the tables as for a provider of this kind; see `rows_for`."""
    return SignalRows(
        rows=(*kind.signals, *COMMON_SIGNALS, *STATUS_SIGNALS),
        markers=provider.quota_markers,
        known=Known(secrets_of(provider)),
        limits_by_account=provider.limits_by_account,
    )


def classify(rows: SignalRows, status: int, headers: Headers, body_head: bytes, now_s: float) -> Failure:
    """Say what a refusal means.

    Args:
        status: Of the answer; not a success.
        headers: Names in lower case.
        body_head: The body or its beginning; a cut body counts as none.
        now_s: Wall clock, Unix seconds.
    """
    return _judge(rows, status, headers, read_error(body_head, headers), now_s)


def unserved(rows: SignalRows, failure: Failure, headers: Headers, body_head: bytes) -> Failure:
    """Take a refusal for what this provider does not have: it sets nothing aside, and the client is told its words."""
    error = _client_words(rows, failure.status or 404, read_error(body_head, headers))
    return replace(
        failure, kind=FailureKind.UNSUPPORTED, scope=Scope.CANDIDATE, delay_s=None, stated=False, error=error, edit=()
    )


def verbatim(rows: SignalRows, failure: Failure, body: bytes) -> Failure:
    """Keep a client's fault in the vendor's own bytes, for a client that speaks its dialect.

    Not where they hold a secret, are no JSON object, or are larger than an error may be.
    """
    if failure.error is None or len(body) > _MAX_VERBATIM_BYTES:
        return failure
    try:
        split_object(body)
    except ValueError:
        return failure
    text = body.decode("utf-8", "replace")
    if redact(text, rows.known) != text:
        return failure
    return replace(failure, error=replace(failure.error, body=body))


def envelope_failure(rows: SignalRows, payload: bytes, headers: Headers, now_s: float) -> Failure | None:
    """Look for an error inside a success: a whole answer, or the payload of one stream frame.

    Args:
        payload: JSON; what is not JSON holds no error here.
        headers: Of the answer, names in lower case.
        now_s: Wall clock, Unix seconds.

    Returns:
        None where there is none; else the failure, with the status that it would have had.
    """
    told = told_error(payload)
    if told is None:
        return None
    error = read_error(told)
    return _judge(rows, effective_status(error), headers, error, now_s)


def _judge(rows: SignalRows, status: int, headers: Headers, error: ErrorBody, now_s: float) -> Failure:
    delay_s = stated_delay(headers, error, now_s)
    marked = any(_is_marked(marker, error) for marker in rows.markers)
    signal = _MARKED if marked else next(row for row in rows.rows if _matches(row, status, error, delay_s))
    kind, edit = signal.kind, signal.edit
    if kind in _EDITABLE and status in (400, 422) and not edit:
        edit = droppable(error)
        kind = FailureKind.INVALID_REQUEST if edit else kind
    stated = delay_s is not None
    if signal.window and not stated:
        delay_s = window_delay(signal.window, now_s)
    timed = kind in _TIMED
    return Failure(
        kind=kind,
        scope=_scope(rows, signal),
        status=status,
        delay_s=delay_s if timed else None,
        stated=stated and timed,
        detail=signal.note or f"status {status}",
        error=_client_words(rows, status, error) if kind in _TOLD else None,
        edit=edit,
    )


def _matches(row: Signal, status: int, error: ErrorBody, delay_s: float | None) -> bool:
    if row.status and status not in row.status:
        return False
    if row.delayed is not None and row.delayed != (delay_s is not None):
        return False
    if row.code is not None:
        pattern = _compiled(row.code, re.IGNORECASE)
        if not any(pattern.fullmatch(name) for name in error.names):
            return False
    return row.text is None or _compiled(row.text, re.IGNORECASE).search(error.message) is not None


def _scope(rows: SignalRows, signal: Signal) -> Scope:
    if signal.scope is not None:
        return signal.scope
    if signal.kind is FailureKind.RATE_LIMITED and rows.limits_by_account:
        return Scope.ACCOUNT
    return _USUAL_SCOPE.get(signal.kind, Scope.CANDIDATE)


def _is_marked(marker: QuotaMarker, error: ErrorBody) -> bool:
    if marker.text and (marker.text in error.message or marker.text.encode() in error.body):
        return True
    return marker.subset is not None and _contains(error.decoded, marker.subset)


def _contains(whole: object, part: object) -> bool:
    """Tell whether a JSON value holds another: each member of an object, any element of a list."""
    if isinstance(part, Mapping):
        if isinstance(whole, list):
            return any(_contains(item, part) for item in whole)
        return isinstance(whole, dict) and all(key in whole and _contains(whole[key], part[key]) for key in part)
    return whole == part


def _client_words(rows: SignalRows, status: int, error: ErrorBody) -> UpstreamError:
    def fit(text: str | None, limit_bytes: int) -> str | None:
        return None if text is None else cut(redact(text, rows.known), limit_bytes)

    return UpstreamError(
        message=fit(error.message, _MAX_MESSAGE_BYTES) or f"The upstream provider refused this request ({status}).",
        type=fit(error.type, _MAX_FIELD_BYTES),
        param=fit(error.param, _MAX_FIELD_BYTES),
        code=fit(error.code, _MAX_FIELD_BYTES),
    )
