"""The shared state of one process: cooldowns, breakers, rotation, limits and what is in flight, in memory.

Implements `core.ports.SharedState`. What follows from an event is decided by `routing`; this keeps it, bounded. It
reads no clock (every call brings the monotonic time), does no I/O and never waits, so no two calls can interleave.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from msgspec import Struct

from proxy.core.failure import Failure, FailureKind
from proxy.core.health import Aside, CandidateId, Ladder, Slot, StateView, Target
from proxy.core.ports import Grant, Setback
from proxy.core.snapshot import Candidate, CredentialOrder, Model, Provider, Rotation, Snapshot
from proxy.routing.breaker import Breaker, after_good
from proxy.routing.budget import BudgetMark
from proxy.routing.health import BREAKER_SCOPES, FRESH, UNREACHED, Memory, after_end, after_failure, after_success
from proxy.routing.order import LATER, groups_of, next_free, start_of
from proxy.routing.place import Change
from proxy.routing.view import (
    LAST_RESORTS,
    breaker_targets,
    credential_slot,
    is_claimable,
    is_proven,
    targets_of,
)
from proxy.state.dump import dump, parse
from proxy.state.keylimits import KeyLimitsState, OnMark
from proxy.state.lru import Lru
from proxy.state.providerlimits import ProviderLimits
from proxy.state.rows import rows
from proxy.state.select import Wanted, is_member

CAP = 10_000  # entries in each map
_ROUND_ROBIN = CredentialOrder.ROUND_ROBIN  # CPython 3.11 takes a function call to get a member out of its enum
NOTHING_BEFORE: Mapping[str, Provider] = MappingProxyType({})
SMOOTHING = 0.3  # weight of the newest time to first token

K = TypeVar("K")


def _untold(_mark: BudgetMark) -> None:
    """Nobody is told of budgets."""


class _Tally(Struct, eq=False):
    """The two breakers that count a candidate's answers, and until when they may be counted in place."""

    of_candidate: Breaker
    of_provider: Breaker
    ends_s: float


class MemoryState:
    """Implements `SharedState`. `changes` rises whenever what `dump` returns may have changed."""

    def __init__(self, rng: random.Random, cap: int = CAP, on_mark: OnMark = _untold) -> None:
        self._rng = rng
        self.keys = KeyLimitsState(on_mark, cap)
        self.reserve, self.settle, self.count = self.keys.reserve, self.keys.settle, self.keys.count
        self.key_budget = self.keys.key_budget
        self._asides: Lru[Target, Aside] = Lru(cap)
        self._ladders: Lru[Target, Mapping[FailureKind, Ladder]] = Lru(cap)
        self._breakers: Lru[Target, Breaker] = Lru(cap)
        self._overloads: Lru[Target, tuple[float, ...]] = Lru(cap)
        self._tallies: Lru[CandidateId, _Tally] = Lru(cap)
        self._memory = Memory(self._asides, self._ladders, self._breakers, self._overloads)
        self._pointers: Lru[Slot, CandidateId] = Lru(cap)
        self._turns: Lru[Slot, int] = Lru(cap)
        self._latency_s: Lru[CandidateId, float] = Lru(cap)
        self._limits = ProviderLimits()
        self._limit_free_s = self._limits.free_s
        self._in_flight: dict[CandidateId, int] = {}  # these three hold only what is under way: that bounds them
        self._provider_in_flight: dict[str, int] = {}
        self._last_resorts: dict[CandidateId, int] = {}
        self._disabled: set[str] = set()
        self.changes = 0
        self.view = StateView(
            asides=self._asides,
            pointers=self._pointers,
            turns=self._turns,
            in_flight=self._in_flight,
            provider_in_flight=self._provider_in_flight,
            latency_s=self._latency_s,
            limit_free_s=self._limit_free_s,
            disabled=self._disabled,
            last_resorts=self._last_resorts,
        )

    async def claim(self, grant: Grant) -> bool:
        """Admit an attempt, or not. All that is half-open by now is claimed, planned to be probed or not."""
        candidate, now_s = grant.candidate, grant.began_s
        candidate_id, provider = candidate.id, candidate.provider
        name, limits = provider.name, provider.limits
        at_once = self._provider_in_flight.get(name, 0)
        if limits.parallel is not None and at_once >= limits.parallel:
            return False
        if self._limit_free_s and self._limit_free_s.get(name, now_s) > now_s:
            return False
        if (self._asides or grant.last_resort) and not self._claims(grant):
            return False
        if limits.rpm or limits.tpm:
            self._limits.charge(provider, now_s, 1, grant.tokens)
        if provider.credential_order is _ROUND_ROBIN:
            self._take_turn(credential_slot(provider))
        if grant.last_resort:
            self._last_resorts[candidate_id] = self._last_resorts.get(candidate_id, 0) + 1
        self._provider_in_flight[name] = at_once + 1
        self._in_flight[candidate_id] = self._in_flight.get(candidate_id, 0) + 1
        return True

    def succeeded(self, grant: Grant, now_s: float, first_token_s: float, *, goes_on: bool = False) -> None:
        """Free what the attempt proved; count it in the candidate's latency and, if it is over, in breakers."""
        candidate_id = grant.candidate.id
        if (self._asides or self._ladders) and self._is_noted(grant):
            change = after_success(self._memory, grant, now_s, goes_on=goes_on)
            self._set_breakers(change.breakers)
            if change.freed:
                self._free(change.freed)
        elif not goes_on:  # as nearly always: there is nothing to prove, so that only the breakers count it
            self._count_good(grant, now_s)
        before_s = self._latency_s.get(candidate_id)
        if before_s is None:
            self._latency_s.put(candidate_id, first_token_s)
        else:
            self._latency_s[candidate_id] = before_s + SMOOTHING * (first_token_s - before_s)

    def finished(self, grant: Grant, now_s: float) -> None:
        """Count the attempt in breakers, but not in those of what was set aside meanwhile."""
        if self._asides and any(target in self._asides for target in breaker_targets(grant.candidate.id)):
            self._set_breakers(after_end(self._memory, grant, now_s))
        else:
            self._count_good(grant, now_s)

    async def failed(self, grant: Grant, failure: Failure, now_s: float) -> Setback:
        """Set aside what the failure says."""
        change = after_failure(self._memory, grant, failure, now_s, self._rng)
        self._set_breakers(change.breakers)
        for target, ladders in change.ladders.items():
            self._ladders.put(target, ladders)
        for target, overloads in change.overloads.items():
            self._overloads.put(target, overloads)
        for target, aside in change.asides.items():
            self._asides.put(target, aside)
            self.changes += 1
        return change.setback

    def release(self, grant: Grant, now_s: float, tokens: int | None = None) -> None:
        """Give the attempt's place and its open claims back. A second call does nothing."""
        if grant.released:
            return
        grant.released = True
        candidate, provider = grant.candidate, grant.candidate.provider
        _count_down(self._in_flight, candidate.id)
        _count_down(self._provider_in_flight, provider.name)
        if grant.last_resort:
            _count_down(self._last_resorts, candidate.id)
        for target in grant.claimed:
            aside = self._asides.get(target)
            if aside is not None and aside.claimed_s == grant.began_s:
                self._asides[target] = replace(aside, claimed_s=None)
        if tokens is not None and provider.limits.tpm:
            self._limits.charge(provider, now_s, 0, tokens - grant.tokens)

    def take_turn(self, slot: Slot) -> None:
        self._take_turn(slot)

    async def advance(self, slot: Slot, expected: CandidateId, new: CandidateId, first: CandidateId) -> bool:
        if self._pointers.get(slot, first) != expected:
            return False
        self._pointers.put(slot, new)
        self.changes += 1
        return True

    def clear(self, provider: str | None = None, model: Model | None = None, credential: str | None = None) -> int:
        """End what is set aside, and forget how it came to be; absent arguments mean all.

        Args:
            model: Everything that keeps one of its candidates from serving, so provider and credentials too.
            credential: Its name.

        Returns:
            How many targets were set aside.
        """
        wanted = Wanted(provider, frozenset(c.id for c in model.candidates) if model else None, credential)
        return self._forget(lambda target: not wanted.has(target))

    def reached(self, provider: str) -> None:
        """End what sets a provider aside only because it could not be connected to, and count it anew: it can be."""

        def is_over(target: Target) -> bool:
            aside = self._asides.get(target)
            is_unreached = aside is None or aside.kind in UNREACHED
            return target.provider == provider and target.scope in BREAKER_SCOPES and is_unreached

        self._forget(lambda target: not is_over(target))

    def advance_pointer(self, model: Model, now_s: float, priority: int | None = None) -> dict[int, CandidateId]:
        """Move a model's pointers on by hand, each to the next candidate that is not set aside, else to the next.

        Returns:
            The new pointer of each sticky priority that has another candidate to move to.
        """
        moved: dict[int, CandidateId] = {}
        for group in groups_of(model):
            is_meant = group.rotation is Rotation.STICKY and priority in (None, group.slot.priority)
            if is_meant and len(group.members) > 1:
                start = start_of(group, self._pointers.get(group.slot))
                new = next_free(group, start, self.view, now_s)
                if new is None:
                    new = group.members[(start + 1) % len(group.members)].candidate.id
                self._pointers.put(group.slot, new)
                moved[group.slot.priority] = new
        self.changes += len(moved)
        return moved

    def reset(self, model: str | None = None, priority: int | None = None) -> int:
        """Put rotations back to their beginning; return how many had moved."""
        slots = {
            slot
            for slot in (*self._pointers, *self._turns)
            if model in (None, slot.model.removesuffix(LATER)) and priority in (None, slot.priority)
        }
        for slot in slots:
            self._pointers.pop(slot, None)
            self._turns.pop(slot, None)
        self.changes += len(slots)
        return len({slot._replace(model=slot.model.removesuffix(LATER)) for slot in slots})

    def disable(self, provider: str) -> None:
        """Keep a provider out of every plan until it is enabled again."""
        self._disabled.add(provider)
        self.changes += 1

    def enable(self, provider: str) -> None:
        self._disabled.discard(provider)
        self.changes += 1

    def rows(self, snapshot: Snapshot, now_s: float) -> dict[str, object]:
        """Describe everything for an operator, in JSON's terms; credentials by name."""
        return rows(self.view, snapshot, now_s)

    def dump(self, snapshot: Snapshot, now_s: float, wall_s: float) -> dict[str, object]:
        """Return what outlives the process, in JSON's terms; its times are Unix time."""
        return dump(self.view, snapshot.providers, now_s, wall_s)

    def restore(self, kept: Mapping[str, object], snapshot: Snapshot, now_s: float, wall_s: float) -> int:
        """Take over what `dump` returned once and still is so. Return how many rows made no sense."""
        restored = parse(kept, snapshot.providers, now_s, wall_s)
        for slot, pointer in restored.pointers.items():
            self._pointers.put(slot, pointer)
        for target, aside in restored.asides.items():
            self._asides.put(target, aside)
        self._disabled |= restored.disabled
        return restored.skipped

    def forget(self, snapshot: Snapshot, now_s: float, before: Mapping[str, Provider] = NOTHING_BEFORE) -> None:
        """Drop what is remembered of providers, credentials and candidates that the configuration no longer has.

        Args:
            before: The providers of the one that was in force until now.
        """
        change = Change(before, snapshot)
        for entries in (self._asides, self._ladders):
            _rename(entries, change)
        self._forget(lambda target: change.keeps(target, self._asides.get(target)))
        for candidate_id in [known for known in self._latency_s if not change.is_same(known.provider)]:
            del self._latency_s[candidate_id]
        self._limits.adapt(snapshot.providers, now_s)
        gone = [slot for slot, pointer in self._pointers.items() if not is_member(slot, pointer, snapshot)]
        for slot in gone:
            del self._pointers[slot]
        self.changes += 1

    def _claims(self, grant: Grant) -> bool:
        """Claim what this attempt is to probe; False when something is shut, or too many last resorts are under way."""
        if grant.last_resort:
            return self._last_resorts.get(grant.candidate.id, 0) < LAST_RESORTS
        claims = self._claimable(grant.candidate, grant.credential, grant.began_s)
        if claims is None:
            return False
        for target in claims:
            self._asides[target] = replace(self._asides[target], claimed_s=grant.began_s)
        grant.claimed = claims
        return True

    def _claimable(self, candidate: Candidate, credential: str, now_s: float) -> tuple[Target, ...] | None:
        """Return what this attempt must claim; None when something is shut. What a claim has proven is freed here."""
        claims: tuple[Target, ...] = ()
        for target in targets_of(candidate.id, credential):
            aside = self._asides.get(target)
            if aside is None:
                continue
            if is_proven(aside, now_s):
                self._free((target,))
            elif is_claimable(aside, now_s):
                claims += (target,)
            else:
                return None
        return claims

    def _is_noted(self, grant: Grant) -> bool:
        """Say whether anything is held against what an attempt was sent to, or was lately."""
        for target in targets_of(grant.candidate.id, grant.credential):  # no any(): a generator would cost twice this
            if target in self._asides or target in self._ladders:
                return True
        return False

    def _count_good(self, grant: Grant, now_s: float) -> None:
        tally = self._tallies.get(grant.candidate.id)
        if tally is not None and now_s < tally.ends_s:
            tally.of_candidate.good += 1
            tally.of_provider.good += 1
        else:
            self._count_anew(grant, now_s)

    def _count_anew(self, grant: Grant, now_s: float) -> None:
        policy = grant.candidate.provider.breaker
        if policy is None:
            return
        counted = []
        for target in breaker_targets(grant.candidate.id):
            breaker = self._breakers.get(target, FRESH)
            if now_s < breaker.ends_s:
                breaker.good += 1
            else:
                breaker = after_good(breaker, policy, now_s)
                self._breakers.put(target, breaker)
            counted.append(breaker)
        # Both buckets end at once: they are the provider's, counted from zero.
        self._tallies.put(grant.candidate.id, _Tally(counted[0], counted[1], counted[0].ends_s))

    def _set_breakers(self, breakers: Mapping[Target, Breaker]) -> None:
        for target, breaker in breakers.items():
            self._breakers.put(target, breaker)
        if breakers:  # some tallies may count by breakers that are no longer
            self._tallies.clear()

    def _take_turn(self, slot: Slot) -> None:
        self._turns.put(slot, self._turns.get(slot, 0) + 1)

    def _free(self, targets: Iterable[Target]) -> None:
        for target in targets:
            self._asides.pop(target, None)
            self._ladders.pop(target, None)
        self.changes += 1

    def _forget(self, is_kept: Callable[[Target], bool]) -> int:
        maps: tuple[Lru[Target, Any], ...] = (self._asides, self._ladders, self._breakers, self._overloads)
        gone = {target for entries in maps for target in entries if not is_kept(target)}
        ended = sum(target in self._asides for target in gone)
        for entries in maps:
            for target in gone:
                entries.pop(target, None)
        self._tallies.clear()
        self.changes += ended
        return ended


def _rename(entries: Lru[Target, Any], change: Change) -> None:
    """Keep what is remembered of credentials by the ids that they have now."""
    for target in [*entries]:
        credential = change.id_of(target.provider, target.credential)
        if credential != target.credential:
            entries[target._replace(credential=credential)] = entries.pop(target)


def _count_down(counts: dict[K, int], key: K) -> None:
    """A count of nothing is no entry."""
    count = counts.pop(key, 0)
    if count > 1:
        counts[key] = count - 1
