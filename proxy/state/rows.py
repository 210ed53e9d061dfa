"""From the read model to what an operator is shown: JSON's terms, seconds from now, names instead of ids.

Never shows a secret or its fingerprint.
"""

from __future__ import annotations

from proxy.core.health import Aside, CandidateId, StateView, Target, credential_name
from proxy.core.snapshot import Rotation, Snapshot
from proxy.routing.order import Group, groups_of, start_of
from proxy.routing.view import is_proven


def rows(view: StateView, snapshot: Snapshot, now_s: float) -> dict[str, object]:
    """Describe what is set aside, where each rotation stands, what is in flight and what is switched off.

    Args:
        now_s: Monotonic seconds, the view's clock.
    """
    groups = [group for model in snapshot.models.values() for group in groups_of(model)]
    return {
        "set_aside": [
            _aside(target, aside, now_s) for target, aside in view.asides.items() if not is_proven(aside, now_s)
        ],
        "rotation": [_rotation(group, view) for group in groups],
        "in_flight": [{**_candidate(key), "requests": count} for key, count in view.in_flight.items()],
        "first_token": [{**_candidate(key), "seconds": round(s, 3)} for key, s in view.latency_s.items()],
        "disabled": sorted(view.disabled),
    }


def _candidate(candidate: CandidateId) -> dict[str, object]:
    return {"provider": candidate.provider, "upstream_model": candidate.model}


def _aside(target: Target, aside: Aside, now_s: float) -> dict[str, object]:
    return {
        "scope": str(target.scope),
        "provider": target.provider,
        "upstream_model": target.model or None,
        "credential": credential_name(target.credential),
        "cause": str(aside.kind),
        "breaker": aside.breaker,
        "stated": aside.stated,
        "seconds_left": round(max(0.0, aside.until_s - now_s), 1),
        "next_try_s": round(max(0.0, aside.opens_at_s - now_s), 1),
        "half_open": aside.opens_at_s <= now_s,
        "probing": aside.opens_at_s <= now_s and aside.claimed_s is not None,
    }


def _rotation(group: Group, view: StateView) -> dict[str, object]:
    pointer = group.members[start_of(group, view.pointers.get(group.slot))].candidate.id
    return {
        "model": group.slot.model,
        "priority": group.slot.priority,
        "rotation": str(group.rotation),
        "pointer": _candidate(pointer) if group.rotation is Rotation.STICKY else None,
        "turns": view.turns.get(group.slot, 0) + view.turns.get(group.later, 0),
        "candidates": [_candidate(planned.candidate.id) for planned in group.members],
    }
