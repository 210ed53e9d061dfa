"""Which remembered targets an operator's words mean, and which the configuration still knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from proxy.core.health import Aside, CandidateId, Slot, Target
from proxy.core.snapshot import Provider, Snapshot
from proxy.routing.health import BROKEN
from proxy.routing.place import has_moved, has_new_key


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


def credential_name(credential_id: str) -> str | None:
    """Return the name in a credential's id; None where a target names no credential."""
    return credential_id.rpartition("#")[0] if credential_id else None


class Change:
    """From the providers that were configured to those that are: of whom what is remembered still tells."""

    def __init__(self, before: Mapping[str, Provider], snapshot: Snapshot) -> None:
        self._now = snapshot.providers
        pairs = [(before[name], provider) for name, provider in self._now.items() if name in before]
        self._moved = {now.name for old, now in pairs if has_moved(old, now)}
        self._with_new_key = {now.name for old, now in pairs if has_new_key(old, now)}

    def is_same(self, provider: str) -> bool:
        """Say whether a provider still exists, where it was."""
        return provider in self._now and provider not in self._moved

    def keeps(self, target: Target, aside: Aside | None) -> bool:
        """Say whether what is remembered of a target still holds; a credential whose secret changed is another one.

        Model names are not looked at: clients may send a provider's own.

        Args:
            aside: How the target is set aside, if it is.
        """
        name = target.provider
        if not self.is_same(name):
            return False
        if target.credential:
            return any(credential.id == target.credential for credential in self._now[name].credentials)
        # A new key may be of another account, of which limits, rights and blocks say nothing.
        return name not in self._with_new_key or aside is None or aside.breaker or aside.kind in BROKEN


def is_member(slot: Slot, pointer: CandidateId, snapshot: Snapshot) -> bool:
    """Say whether a pointer still names a candidate of its model; one of no configured model, of its provider."""
    model = snapshot.models.get(slot.model)
    if model is None:
        return pointer.provider in snapshot.providers
    return any(candidate.id == pointer and candidate.priority == slot.priority for candidate in model.candidates)
