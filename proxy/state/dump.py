"""Between the read model and what outlives the process: rotation pointers, operator disables, long set-asides.

Kept times are Unix time, since a monotonic clock means nothing to the next process. Never keeps a secret; a credential
is known by its fingerprint, a provider by its name and a mark, so that a changed one starts afresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import msgspec

from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Aside, CandidateId, Slot, StateView, Target
from proxy.core.snapshot import Provider
from proxy.routing.place import mark_of, present_id

T = TypeVar("T")

VERSION = 1
SHORTEST_S = 60.0  # what ends sooner is not kept
LONGEST_S = 31 * 86_400.0  # no kept time is believed beyond this


class KeptPointer(msgspec.Struct, frozen=True):
    model: str
    priority: int
    provider: str
    upstream_model: str


class KeptAside(msgspec.Struct, frozen=True):
    """Times are Unix time in seconds."""

    scope: Scope
    provider: str
    credential: str
    upstream_model: str
    place: str  # see `routing.place.mark_of`
    kind: FailureKind
    since: float
    opens_at: float
    until: float
    stated: bool
    breaker: bool


class Restored(NamedTuple):
    """What could be read and is still configured so. `skipped` counts rows that could not be read."""

    pointers: Mapping[Slot, CandidateId]
    asides: Mapping[Target, Aside]
    disabled: frozenset[str]
    skipped: int


def dump(view: StateView, providers: Mapping[str, Provider], now_s: float, wall_s: float) -> dict[str, object]:
    """Write what is worth keeping, in JSON's terms.

    Args:
        providers: Those that the view tells of.
        now_s: Monotonic seconds, the view's clock.
        wall_s: Unix time at the same moment.
    """
    shift_s = wall_s - now_s
    pointers = [KeptPointer(*slot, *pointer) for slot, pointer in view.pointers.items()]
    asides = [
        KeptAside(
            *target,
            place=mark_of(providers[target.provider], target.credential),
            kind=aside.kind,
            since=aside.since_s + shift_s,
            opens_at=aside.opens_at_s + shift_s,
            until=aside.until_s + shift_s,
            stated=aside.stated,
            breaker=aside.breaker,
        )
        for target, aside in view.asides.items()
        if aside.until_s - now_s > SHORTEST_S and target.provider in providers
    ]
    kept = {"pointers": pointers, "asides": asides, "disabled": sorted(view.disabled)}
    return {"version": VERSION, **{name: msgspec.to_builtins(rows) for name, rows in kept.items()}}


def parse(kept: Mapping[str, object], providers: Mapping[str, Provider], now_s: float, wall_s: float) -> Restored:
    """Read what `dump` wrote, row by row, whatever else is there. Never raises.

    Args:
        providers: Those of now: what was held against others is left out.
    """
    shift_s = wall_s - now_s
    pointers, bad_pointers = _rows(kept, "pointers", KeptPointer)
    asides, bad_asides = _rows(kept, "asides", KeptAside)
    disabled, bad_names = _rows(kept, "disabled", str)
    return Restored(
        {Slot(row.model, row.priority): CandidateId(row.provider, row.upstream_model) for row in pointers},
        {
            Target(
                row.scope, row.provider, present_id(providers[row.provider], row.credential), row.upstream_model
            ): Aside(
                row.kind,
                min(row.since - shift_s, now_s),
                min(row.opens_at - shift_s, now_s + LONGEST_S),
                min(row.until - shift_s, now_s + LONGEST_S),
                stated=row.stated,
                breaker=row.breaker,
            )
            for row in asides
            if row.provider in providers and row.place == mark_of(providers[row.provider], row.credential)
        },
        frozenset(disabled),
        bad_pointers + bad_asides + bad_names,
    )


def _rows(kept: Mapping[str, object], name: str, shape: type[T]) -> tuple[list[T], int]:
    found = kept.get(name, [])
    if not isinstance(found, list):
        return [], 1
    rows = []
    for row in found:
        try:
            rows.append(msgspec.convert(row, shape))
        except msgspec.ValidationError:
            continue
    return rows, len(found) - len(rows)
