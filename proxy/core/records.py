"""What the ledger is told of a request: `core.ports.UsageSink` takes it, the spool holds it, the loader reads it.

They are written as arrays: a member is only ever added at the end, with a default.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from proxy.core.usage import Usage


class AttemptRecord(Struct, frozen=True, array_like=True):
    """One send, for the ledger and the trail."""

    provider: str
    model: str
    credential: str
    outcome: str  # "ok" or a FailureKind
    status: int | None
    began_s: float
    ended_s: float
    maybe_billed: bool


class OpenRecord(Struct, frozen=True, eq=False, array_like=True):
    """Appended before the first upstream byte: a request that may cost money has begun.

    It is all that is known of the request if the process dies before `close`; then it is "interrupted", its usage an
    estimate.

    Attributes:
        request_id: `req_` and a UUIDv7 in hex; the ledger's key.
        started_at_s: Unix time.
        endpoint: The metric label.
        model: The public name.
        key: The client key's name; "" in open mode.
        provider, upstream_model: Of the candidate that is tried first.
        prompt_tokens: Estimate.
        estimated_nusd: What the prompt alone would cost there; None where it has no price.
    """

    request_id: str
    started_at_s: float
    endpoint: str
    model: str
    key: str
    tags: tuple[str, ...]
    stream: bool
    provider: str
    upstream_model: str
    prompt_tokens: int
    estimated_nusd: int | None


class CloseRecord(Struct, frozen=True, eq=False, array_like=True):
    """Appended before the last downstream bytes: the whole record, whether `open` was written or not.

    Attributes:
        ended_at_s: Unix time.
        end: "ok", "truncated", "client_gone" or "failed".
        provider, upstream_model: Who answered last; "" when nothing was sent.
        status: What the client got, 499 if it left first.
        first_token_s: Seconds from arrival to commit; None when nothing was committed.
        attempts: Their times are seconds since the request's arrival.
        cost_nusd: Nano-dollars; None where no price is known or no usage.
        price: Which price that was (`core.price.Price.source`).
        error: OpenAI's code of the error that the client got; "" for none.
    """

    request_id: str
    started_at_s: float
    ended_at_s: float
    endpoint: str
    model: str
    key: str
    tags: tuple[str, ...]
    stream: bool
    end: str
    provider: str
    upstream_model: str
    status: int
    first_token_s: float | None
    attempts: Sequence[AttemptRecord]
    usage: Usage | None
    cost_nusd: int | None
    price: str
    error: str
