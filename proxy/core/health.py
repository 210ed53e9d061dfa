"""What is remembered about upstreams: the values that `routing` decides on and `state` keeps.

Times are monotonic seconds, from the clock that the caller passes around; nothing here reads one.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from proxy.core.failure import FailureKind, Scope


class CandidateId(NamedTuple):
    """A candidate's identity for all health state: the provider and the upstream model name."""

    provider: str
    model: str


class Target(NamedTuple):
    """Something that can be set aside. Fields that the scope does not use are empty.

    credential_model: provider, credential, model. credential: provider, credential. account: provider, model.
    candidate: provider, model. provider: provider.
    """

    scope: Scope
    provider: str
    credential: str = ""
    model: str = ""


def credential_name(credential_id: str) -> str | None:
    """Return the name in a credential's id; None where a target names no credential."""
    return credential_id.rpartition("#")[0] if credential_id else None


class Slot(NamedTuple):
    """Where a rotation keeps its place: one priority of one public model."""

    model: str
    priority: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """How far the unstated delays of one cause have grown on one target."""

    step: int
    last_s: float


@dataclass(frozen=True, slots=True)
class Aside:
    """One target set aside.

    From `since_s` to `opens_at_s` nobody is sent there. From `opens_at_s` on it is half-open: one claimed request goes
    first. `until_s` is the recovery that is told to clients; it is later than `opens_at_s` where long set-asides are
    probed on the way (quota, billing).

    Attributes:
        stated: `until_s` is the upstream's own word.
        breaker: An open breaker is (also) the reason.
        claimed_s: When the present half-open claim was taken; None when none is.
    """

    kind: FailureKind
    since_s: float
    opens_at_s: float
    until_s: float
    stated: bool = False
    breaker: bool = False
    claimed_s: float | None = None


@dataclass(slots=True)
class StateView:
    """The read model a plan is made from. `state` owns the maps and changes them between plans, never during one.

    Attributes:
        asides: Targets set aside or half-open; an absent target is free.
        pointers: The candidate each sticky rotation stays with; absent = the first.
        turns: How many requests each counting rotation (round robin, weighted) has ordered so far; those in whose plan
            it did not come first, under a slot of their own.
        in_flight: Requests under way per candidate.
        provider_in_flight: Requests under way per provider.
        latency_s: Smoothed time to first token per candidate.
        limit_free_s: When a provider's own rpm or tpm limit next admits a request; absent = now.
        disabled: Providers an operator has switched off.
        last_resorts: Last-resort requests in flight per candidate.
    """

    asides: Mapping[Target, Aside] = field(default_factory=dict)
    pointers: Mapping[Slot, CandidateId] = field(default_factory=dict)
    turns: Mapping[Slot, int] = field(default_factory=dict)
    in_flight: Mapping[CandidateId, int] = field(default_factory=dict)
    provider_in_flight: Mapping[str, int] = field(default_factory=dict)
    latency_s: Mapping[CandidateId, float] = field(default_factory=dict)
    limit_free_s: Mapping[str, float] = field(default_factory=dict)
    disabled: Set[str] = frozenset()
    last_resorts: Mapping[CandidateId, int] = field(default_factory=dict)
