"""The order inside one priority: the six rotations as pure functions, and when a sticky pointer moves on.

Each rotation takes the members of a group that may be sent to now and returns them in the order to try. None of them
decides whether a candidate may be used; `routing.omit` has done that.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, assert_never

from proxy.core.failure import Failure, FailureKind
from proxy.core.health import CandidateId, Slot, StateView
from proxy.core.plan import Planned
from proxy.core.ports import Setback
from proxy.core.price import TokenRates
from proxy.core.snapshot import Candidate, Model, Rotation
from proxy.routing.view import pick

COUNTING = frozenset({Rotation.ROUND_ROBIN, Rotation.WEIGHTED})
EXPLORATION = 0.05
INPUT_PARTS = 3  # input tokens to one output token: the blend by which prices are compared
SENDS_A_PROVIDER = 2  # at most so many sends to one provider while another is untried
LONGEST_CYCLE = 1_000  # weights are scaled down to a cycle of about this length

MOVING = frozenset({FailureKind.RATE_LIMITED, FailureKind.QUOTA_EXHAUSTED, FailureKind.BILLING, FailureKind.AUTH})


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The candidates of one model with the same priority, in file order.

    `places` is each one's place in the rotation; a fallback's `members` lack those that were named before.
    """

    slot: Slot
    rotation: Rotation
    members: tuple[Planned, ...]
    places: Mapping[CandidateId, int]


class PointerMove(NamedTuple):
    """The arguments of `SharedState.advance`."""

    slot: Slot
    expected: CandidateId
    new: CandidateId
    first: CandidateId


@lru_cache(maxsize=4096)
def groups_of(model: Model, fallback_of: str = "") -> tuple[Group, ...]:
    """Group a model's candidates by priority, lowest number first; a candidate named twice counts once.

    Args:
        fallback_of: The model that was asked for, where this one is its fallback.
    """
    ranks: dict[int, dict[CandidateId, Candidate]] = {}
    seen: set[CandidateId] = set()
    for candidate in sorted(model.candidates, key=lambda candidate: candidate.priority):
        if candidate.id not in seen:
            seen.add(candidate.id)
            ranks.setdefault(candidate.priority, {})[candidate.id] = candidate
    prefix = f"fallback of {fallback_of}: " if fallback_of else ""
    # Requests for the other model would take turns that they hardly ever use. No public model has a NUL in its name.
    name = f"{fallback_of}\0{model.name}" if fallback_of and model.rotation in COUNTING else model.name
    return tuple(
        Group(
            slot=Slot(name, priority),
            rotation=model.rotation,
            members=tuple(
                Planned(candidate, model, f"{prefix}priority {priority}, {model.rotation}")
                for candidate in members.values()
            ),
            places={candidate_id: place for place, candidate_id in enumerate(members)},
        )
        for priority, members in ranks.items()
    )


def arrange(group: Group, free: Sequence[Planned], view: StateView, rng: random.Random) -> Sequence[Planned]:
    """Put the free members of a group (in file order) into the order of its rotation."""
    if len(free) < 2:
        return free
    match group.rotation:
        case Rotation.STICKY:
            return sticky(group, free, view.pointers.get(group.slot))
        case Rotation.ROUND_ROBIN:
            turn = view.turns.get(group.slot, 0) % len(free)
            return [*free[turn:], *free[:turn]]
        case Rotation.WEIGHTED:
            return weighted(free, view.turns.get(group.slot, 0))
        case Rotation.LEAST_BUSY:
            return sorted(free, key=lambda planned: _load(planned.candidate, view))
        case Rotation.LOWEST_LATENCY:
            return lowest_latency(free, view, rng)
        case Rotation.LOWEST_COST:
            return sorted(free, key=lambda planned: _price_key(planned.candidate))
    assert_never(group.rotation)


def sticky(group: Group, free: Sequence[Planned], pointer: CandidateId | None) -> list[Planned]:
    """Start at the pointer's candidate and go round; at the first where the pointer is unset or left the group."""
    start = start_of(group, pointer)
    size = len(group.places)
    return sorted(free, key=lambda planned: (group.places[planned.candidate.id] - start) % size)


def start_of(group: Group, pointer: CandidateId | None) -> int:
    return group.places.get(pointer, 0) if pointer is not None else 0


def weighted(free: Sequence[Planned], turn: int) -> list[Planned]:
    """Smooth weighted round robin: deterministic, each as often as its weight says, spread evenly over the cycle."""
    orders = weighted_orders(tuple(planned.candidate.weight for planned in free))
    return [free[index] for index in orders[turn % len(orders)]]


@lru_cache(maxsize=64)
def weighted_orders(weights: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return, for every turn of the cycle, the indices in the order in which their own turns come next.

    A weight of 0 never has a turn: it comes last. Where all are 0 they count alike.
    """
    shares = _shares(weights)
    total = sum(shares)
    credit = [0] * len(shares)
    cycle = []
    for _ in range(total):
        credit = [have + share for have, share in zip(credit, shares, strict=True)]
        chosen = credit.index(max(credit))
        credit[chosen] -= total
        cycle.append(chosen)
    upcoming = list(dict.fromkeys([*cycle, *range(len(shares))]))
    orders = []
    for chosen in reversed(cycle):
        upcoming.remove(chosen)
        upcoming.insert(0, chosen)
        orders.append(tuple(upcoming))
    return tuple(reversed(orders))


def lowest_latency(free: Sequence[Planned], view: StateView, rng: random.Random) -> list[Planned]:
    """Quickest first token first, untried ones before all; one time in twenty another goes first, to be measured."""
    ordered = sorted(free, key=lambda planned: view.latency_s.get(planned.candidate.id, -1.0))
    if rng.random() < EXPLORATION:
        ordered.insert(0, ordered.pop(rng.randrange(1, len(ordered))))
    return ordered


@lru_cache(maxsize=4096)
def blended_pusd(candidate: Candidate) -> Decimal | None:
    """Price three input tokens and one of output in pico-dollars a token, times the provider's multiplier.

    None when unpriced. Where only one of the two rates is known (embeddings have no output) it counts alone; service
    tiers, long prompts and hours of the day are left aside.
    """
    rates = candidate.price.standard if candidate.price else TokenRates()
    parts = [(INPUT_PARTS, rates.input), (1, rates.output)]
    known = [(part, rate.pusd) for part, rate in parts if rate is not None]
    if not known:
        return None
    blend = Decimal(sum(part * pusd for part, pusd in known)) / sum(part for part, _ in known)
    return blend * candidate.provider.cost_multiplier


def spread(planned: Sequence[Planned]) -> list[Planned]:
    """Put a provider's third and later candidates after every other provider's first.

    This is how `routing.retry` would walk them, so that the plan shows the order in which they are really tried.
    """
    waiting = list(planned)
    sends: dict[str, int] = dict.fromkeys((item.candidate.provider.name for item in waiting), 0)
    ordered: list[Planned] = []
    while waiting:
        is_any_untried = 0 in sends.values()
        following = next(
            item for item in waiting if not is_any_untried or sends[item.candidate.provider.name] < SENDS_A_PROVIDER
        )
        sends[following.candidate.provider.name] += 1
        waiting.remove(following)
        ordered.append(following)
    return ordered


def pointer_move(
    planned: Planned, failure: Failure, setback: Setback, view: StateView, now_s: float
) -> PointerMove | None:
    """Decide whether a failure moves a sticky pointer, and where to.

    Only a limit, quota, billing, auth or breaker-open event does, and only when it leaves the candidate without a
    usable credential. The pointer goes to the next candidate that is not set aside; where there is none it stays.

    Args:
        view: As it is after the failure was counted.
    """
    model = planned.model
    if model.rotation is not Rotation.STICKY or not (failure.kind in MOVING or setback.breaker_opened):
        return None
    group = next(group for group in groups_of(model) if planned.candidate.id in group.places)
    pointer = view.pointers.get(group.slot)
    start = start_of(group, pointer)
    if group.members[start].candidate.id != planned.candidate.id or pick(planned.candidate, view, now_s) is not None:
        return None
    new = next_free(group, start, view, now_s)
    first = group.members[0].candidate.id
    return None if new is None else PointerMove(group.slot, pointer or first, new, first)


def next_free(group: Group, start: int, view: StateView, now_s: float) -> CandidateId | None:
    """Return the next member after `start`, going round, that is enabled and not set aside."""
    members = group.members[start + 1 :] + group.members[:start]
    for member in members:
        provider = member.candidate.provider
        if provider.enabled and provider.name not in view.disabled and pick(member.candidate, view, now_s) is not None:
            return member.candidate.id
    return None


def _shares(weights: Sequence[int]) -> list[int]:
    positive = [max(weight, 0) for weight in weights]
    if not any(positive):
        return [1] * len(positive)
    divisor = math.gcd(*positive)
    shares = [weight // divisor for weight in positive]
    total = sum(shares)
    if total <= LONGEST_CYCLE:
        return shares
    return [share and max(1, round(share * LONGEST_CYCLE / total)) for share in shares]


def _load(candidate: Candidate, view: StateView) -> float:
    busy = view.in_flight.get(candidate.id, 0)
    return busy / candidate.weight if candidate.weight > 0 else math.inf


def _price_key(candidate: Candidate) -> tuple[bool, Decimal]:
    pusd = blended_pusd(candidate)
    return pusd is None, pusd or Decimal(0)
