"""Which remembered targets an operator's words mean, and which the configuration still knows."""

from __future__ import annotations

from typing import NamedTuple

from proxy.core.health import CandidateId, Slot, Target, credential_name
from proxy.core.snapshot import Snapshot


class Wanted(NamedTuple):
    """What an operator wants cleared; None = all. `candidates` are those of a model, `credential` is a name."""

    provider: str | None
    candidates: frozenset[CandidateId] | None
    credential: str | None

    def has(self, target: Target) -> bool:
        return (
            self.provider in (None, target.provider)
            and self.credential in (None, credential_name(target.credential))
            and (self.candidates is None or any(_concerns(target, candidate) for candidate in self.candidates))
        )


def _concerns(target: Target, candidate: CandidateId) -> bool:
    return target.provider == candidate.provider and target.model in ("", candidate.model)


def is_member(slot: Slot, pointer: CandidateId, snapshot: Snapshot) -> bool:
    """Say whether a pointer still names a candidate of its model; one of no configured model, of its provider."""
    model = snapshot.models.get(slot.model)
    if model is None:
        return pointer.provider in snapshot.providers
    return any(candidate.id == pointer and candidate.priority == slot.priority for candidate in model.candidates)
