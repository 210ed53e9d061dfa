"""What the attempt loop is told to do next, and what it tells of what it did."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from proxy.core.failure import Failure
from proxy.core.health import CandidateId
from proxy.core.plan import Send
from proxy.core.snapshot import Snapshot


class StopReason(StrEnum):
    EXHAUSTED = "exhausted"  # every candidate was tried or cannot be used
    CLIENT_FAULT = "client_fault"
    CLIENT_GONE = "client_gone"
    DEADLINE = "deadline"
    BUDGET = "budget"  # `max_attempts` sends
    NOT_REPEATABLE = "not_repeatable"  # an upstream may have begun a request that must not run twice
    NO_FAILOVER = "no_failover"  # the client forbade it


@dataclass(frozen=True, slots=True)
class Wait:
    """Sleep, then do `then` if `Walk.may_repeat` still allows it: nothing else is left, the stated delay is short."""

    delay_s: float
    then: Send


@dataclass(frozen=True, slots=True)
class Stop:
    reason: StopReason


Step = Send | Wait | Stop


class Tried(NamedTuple):
    """One send that failed."""

    send: Send
    failure: Failure
    began_s: float


class AttemptPolicy(Struct, frozen=True, eq=False):
    """The bounds of one request's attempts.

    Attributes:
        deadline_at_s: Monotonic; none starts with under 1 s left.
        repeatable: See `core.call.EndpointSpec`.
        current: The snapshot in force now: providers, candidates and credentials that it no longer has, or has
            disabled, are not sent to.
        refused: Candidate and credential id of sends that the shared state did not admit in this request.
    """

    max_attempts: int
    deadline_at_s: float
    current: Snapshot
    repeatable: bool = True
    failover: bool = True
    content_policy_failover: bool = False
    refused: Collection[tuple[CandidateId, str]] = ()
