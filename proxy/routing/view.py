"""Queries on the read model: may a candidate be sent to now, with which credential, and if not, why and until when.

Reads `StateView`, changes nothing. A target is set aside until `opens_at_s`; from then on it is half-open: one claimed
request goes first and the others pass by. All times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Aside, CandidateId, Slot, StateView, Target
from proxy.core.snapshot import Candidate, Credential, CredentialOrder, Provider

CLAIM_S = 30.0  # a claim older than this admits one more
PROVEN_S = 2.0  # so long without a refusal is a success, for the kinds below
PROBING_S = 1.0  # what recovery counts as while a claim runs
LAST_RESORTS = 8  # at most so many on one candidate at once

REFUSALS = frozenset({FailureKind.RATE_LIMITED, FailureKind.OVERLOADED, FailureKind.QUOTA_EXHAUSTED})
FIRM = frozenset(
    {
        FailureKind.AUTH,
        FailureKind.BILLING,
        FailureKind.QUOTA_EXHAUSTED,
        FailureKind.BLOCKED,
        FailureKind.PERMISSION,
        FailureKind.MODEL_MISSING,
    }
)


class Pick(NamedTuple):
    """A credential that may be used now, and the targets that must be claimed first."""

    credential: Credential | None
    half_open: tuple[Target, ...]


class Block(NamedTuple):
    """Why a candidate cannot be sent to: the cause that keeps its soonest credential. `busy`: it is being probed."""

    recovers_s: float
    kind: FailureKind
    stated: bool
    busy: bool


class Guess(NamedTuple):
    """A last resort: the credential whose guessed set-aside ends first."""

    recovers_s: float
    credential: Credential | None


class Hold(NamedTuple):
    """What holds a pair of candidate and credential: now or later each of `targets` must be claimed."""

    recovers_s: float
    targets: tuple[Target, ...]


class _Door(NamedTuple):
    credential: Credential | None
    credential_id: str
    targets: tuple[Target, ...]


@lru_cache(maxsize=10_000)
def targets_of(candidate: CandidateId, credential: str) -> tuple[Target, ...]:
    """Return everything that must be free for this candidate to be sent to with this credential (its id, or "")."""
    provider, model = candidate
    return (
        Target(Scope.CREDENTIAL_MODEL, provider, credential, model),
        Target(Scope.CREDENTIAL, provider, credential),
        Target(Scope.ACCOUNT, provider, model=model),
        Target(Scope.CANDIDATE, provider, model=model),
        Target(Scope.PROVIDER, provider),
    )


def all_targets(candidate: Candidate) -> set[Target]:
    """Return everything that may keep a candidate from being sent to, with whichever credential."""
    return {target for door in _doors(candidate) for target in door.targets}


@lru_cache(maxsize=10_000)
def breaker_targets(candidate: CandidateId) -> tuple[Target, Target]:
    """Return what an answer of this candidate counts for."""
    return target_of(Scope.CANDIDATE, candidate, ""), target_of(Scope.PROVIDER, candidate, "")


def target_of(scope: Scope, candidate: CandidateId, credential: str) -> Target:
    """Return the one target of that scope."""
    return next(target for target in targets_of(candidate, credential) if target.scope is scope)


def credential_slot(provider: Provider) -> Slot:
    """Where the round robin of a provider's credentials is counted; no public model has a NUL in its name."""
    return Slot(f"\0{provider.name}", 0)


def is_proven(aside: Aside, now_s: float) -> bool:
    """Say whether a running claim has gone without a refusal for so long that the target counts as recovered."""
    return (
        aside.claimed_s is not None
        and aside.kind in REFUSALS
        and not aside.breaker
        and aside.opens_at_s <= now_s
        and now_s - aside.claimed_s >= PROVEN_S
    )


def is_claimable(aside: Aside, now_s: float) -> bool:
    """Say whether the target is half-open and admits one request to probe it."""
    return aside.opens_at_s <= now_s and (aside.claimed_s is None or now_s - aside.claimed_s >= CLAIM_S)


def pick(candidate: Candidate, view: StateView, now_s: float, excluded: Collection[str] = ()) -> Pick | None:
    """Choose the first credential in order that may be used now, half-open ones included; None when there is none.

    Args:
        excluded: Ids of credentials that are out of the question ("" for a provider that needs none).
    """
    asides = view.asides
    for door in _doors_in_order(candidate, view):
        if door.credential_id in excluded:
            continue
        if not asides:
            return Pick(door.credential, ())
        half_open = _half_open(door, view, now_s)
        if half_open is not None:
            return Pick(door.credential, half_open)
    return None


def block(candidate: Candidate, view: StateView, now_s: float) -> Block | None:
    """Say what keeps a candidate from being sent to; None when some credential may be used.

    A credential recovers when the last of its targets does, the candidate when the first of its credentials does.
    """
    soonest: Block | None = None
    for door in _doors(candidate):
        blocks = [_block_of(aside, now_s) for aside in _shut(door, view, now_s)]
        if not blocks:
            return None
        worst = max(blocks)
        soonest = worst if soonest is None else min(soonest, worst)
    return soonest


def guess(candidate: Candidate, view: StateView, now_s: float, excluded: Collection[str] = ()) -> Guess | None:
    """Return the credential to use as a last resort; None where only stated times or firm causes hold them all.

    Waiting for a stated time, and mending what only an operator can mend, spares the upstream (DESIGN.md section 6).
    """
    if view.last_resorts.get(candidate.id, 0) >= LAST_RESORTS:
        return None
    found: Guess | None = None
    for door in _doors(candidate):
        shut = _shut(door, view, now_s)
        is_firm = any(aside.stated or aside.kind in FIRM for aside in shut)
        if not shut or is_firm or door.credential_id in excluded:
            continue
        recovers_s = max(_block_of(aside, now_s).recovers_s for aside in shut)
        if found is None or recovers_s < found.recovers_s:
            found = Guess(recovers_s, door.credential)
    return found


def hold_of(candidate: CandidateId, credential: str, view: StateView, now_s: float) -> Hold:
    """Say what holds this very pair back, for one who wants to send to it again."""
    recovers_s = now_s
    targets: tuple[Target, ...] = ()
    for target in targets_of(candidate, credential):
        aside = view.asides.get(target)
        if aside is not None and not is_proven(aside, now_s):
            targets += (target,)
            if not is_claimable(aside, now_s):
                recovers_s = max(recovers_s, _block_of(aside, now_s).recovers_s)
    return Hold(recovers_s, targets)


@lru_cache(maxsize=4096)
def _doors(candidate: Candidate) -> tuple[_Door, ...]:
    credentials: Sequence[Credential | None] = candidate.provider.credentials or (None,)
    ids = [credential.id if credential else "" for credential in credentials]
    return tuple(
        _Door(credential, credential_id, targets_of(candidate.id, credential_id))
        for credential, credential_id in zip(credentials, ids, strict=True)
    )


def _doors_in_order(candidate: Candidate, view: StateView) -> tuple[_Door, ...]:
    doors = _doors(candidate)
    if len(doors) < 2 or candidate.provider.credential_order is CredentialOrder.ORDERED:
        return doors
    turn = view.turns.get(credential_slot(candidate.provider), 0) % len(doors)
    return doors[turn:] + doors[:turn]


def _half_open(door: _Door, view: StateView, now_s: float) -> tuple[Target, ...] | None:
    """Return what must be claimed to go through; None when something is shut."""
    claims: tuple[Target, ...] = ()
    for target in door.targets:
        aside = view.asides.get(target)
        if aside is None or is_proven(aside, now_s):
            continue
        if not is_claimable(aside, now_s):
            return None
        claims += (target,)
    return claims


def _shut(door: _Door, view: StateView, now_s: float) -> list[Aside]:
    asides = [aside for target in door.targets if (aside := view.asides.get(target)) is not None]
    return [aside for aside in asides if not is_proven(aside, now_s) and not is_claimable(aside, now_s)]


def _block_of(aside: Aside, now_s: float) -> Block:
    """Describe an aside that is neither proven nor claimable."""
    if aside.opens_at_s <= now_s:
        return Block(now_s + PROBING_S, aside.kind, stated=aside.stated, busy=True)
    return Block(aside.until_s, aside.kind, stated=aside.stated, busy=False)
