"""The ordered candidates of one request, with the reason for each place and each omission."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from proxy.core.failure import FailureKind
from proxy.core.health import Slot, Target
from proxy.core.snapshot import Candidate, Credential, Model


class OmitReason(StrEnum):
    """Why a candidate of the model is not in the plan."""

    DISABLED = "disabled"  # by the configuration
    OPERATOR_DISABLED = "operator_disabled"  # by `fairlead state disable`
    NOT_PERMITTED = "not_permitted"  # the key may not use the provider or the fallback model
    NOT_PINNED = "not_pinned"  # `x-fairlead-provider` names another
    UNSUPPORTED = "unsupported"  # the provider's kind has no such endpoint
    LACKS_CAPABILITY = "lacks_capability"
    BODY_TOO_LARGE = "body_too_large"
    UNPRICED = "unpriced"  # its price is unknown, and the key has a budget
    LIMIT_REACHED = "limit_reached"  # the provider's own `limits`
    SET_ASIDE = "set_aside"  # a cooldown or an open breaker
    HALF_OPEN_BUSY = "half_open_busy"  # another request is probing it
    DUPLICATE = "duplicate"  # already planned by the model or an earlier fallback


@dataclass(frozen=True, slots=True)
class Planned:
    """A candidate at its place. `model` is the public model it serves: the asked one or a fallback."""

    candidate: Candidate
    model: Model
    reason: str
    half_open: bool = False


@dataclass(frozen=True, slots=True)
class Omitted:
    """A candidate left out. `kind` and `recovers_s` (monotonic) are known where it is set aside or at a limit."""

    candidate: Candidate
    model: Model
    reason: OmitReason
    detail: str
    kind: FailureKind | None = None
    recovers_s: float | None = None
    stated: bool = False


class Send(Struct, frozen=True):
    """Send to this candidate with this credential.

    Attributes:
        credential: None for a provider that needs none.
        half_open: Targets this attempt must claim first.
        edit: Top-level request fields to leave out.
        last_resort: Everything is set aside; see `Plan.last_resort`.
    """

    planned: Planned
    credential: Credential | None
    half_open: tuple[Target, ...] = ()
    edit: tuple[str, ...] = ()
    last_resort: bool = False


class Plan(Struct, frozen=True):
    """What the attempt loop walks.

    Attributes:
        candidates: In the order they will be tried; the asked model's first, then its fallbacks'.
        last_resort: Tried only if nothing was sent and nothing in `candidates` can be: the candidate whose guessed
            set-aside ends first. None when stated times or the causes of DESIGN.md section 6 forbid it.
        turns: Counting rotations that this plan used; each is counted once when the plan is walked.
        first: The first step, where nothing was set aside or at a limit when the plan was made: what
            `routing.retry.next_step` would say then. None = ask it.
    """

    model: Model
    candidates: tuple[Planned, ...]
    omitted: tuple[Omitted, ...] = ()
    last_resort: Planned | None = None
    turns: tuple[Slot, ...] = ()
    first: Send | None = None
