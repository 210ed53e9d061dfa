"""From a model and its fallbacks to the line-up: all that a plan needs and no request changes, worked out once.

Never looks at a request or at state, so one line-up serves every request for its model until the configuration changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from proxy.core.call import UNMETERED, Call, Operation
from proxy.core.capabilities import NEEDS, Capabilities
from proxy.core.health import Target
from proxy.core.plan import OmitReason, Omitted, Plan, Planned, Send
from proxy.core.price import Price
from proxy.core.snapshot import Candidate, CredentialOrder, Model, Rotation, Snapshot
from proxy.routing.order import Group, groups_of, spread
from proxy.routing.view import all_targets

EMBEDDINGS = Operation.EMBEDDINGS  # CPython 3.11 takes a function call to get a member out of its enum
_FREE, _RANKING = Operation.COUNT_TOKENS, Operation.RERANK
_ANSWERING = frozenset({Operation.CHAT, Operation.COMPLETIONS})  # their output is charged; that of others is not


@dataclass(frozen=True, slots=True, eq=False)
class Lineup:
    """The groups of a model, then those of its fallbacks, and what holds for all of their candidates alike.

    Attributes:
        duplicates: Candidates of fallbacks that were named before.
        is_enabled: All providers are.
        targets: All that can be set aside of them.
        lacks: The capabilities that some candidate is known to lack.
        operations: Those that every provider serves.
        window_tokens: The smallest known context window.
        body_limit_bytes: The smallest known limit.
        parallel: The name of each provider that limits requests at once, and its limit.
        plans: For a single sticky group, the plan where all are free, for each place of the pointer; else None.
        priced: Operations whose tokens every candidate has a price for.
        is_crowded: Some provider has more than two candidates.
        is_mixed: The asked model's upstream models differ, so their vectors cannot be mixed.
    """

    groups: tuple[Group, ...]
    duplicates: tuple[Omitted, ...]
    is_enabled: bool
    targets: frozenset[Target]
    lacks: tuple[str, ...]
    operations: frozenset[str]
    window_tokens: float
    body_limit_bytes: float
    parallel: tuple[tuple[str, int], ...]
    plans: tuple[Plan, ...] | None
    priced: frozenset[Operation]
    is_crowded: bool
    is_mixed: bool


def lineup_of(call: Call, model: Model, snapshot: Snapshot) -> Lineup:
    """Return the line-up for a request: fallbacks to the first depth, and never for embeddings."""
    if not model.fallbacks or call.endpoint.operation is EMBEDDINGS:
        return _lineup(model, ())
    names = (snapshot.aliases.get(name, name) for name in model.fallbacks)
    return _lineup(model, tuple(snapshot.models[name] for name in names if name in snapshot.models))


def known(planned: Planned) -> Capabilities:
    """Return what is known of a candidate's capabilities: its own word, else its model's."""
    return _known(planned.candidate, planned.model)


def is_priced(price: Price | None, operation: Operation) -> bool:
    """Say whether the tokens that an operation uses have a rate at all times."""
    if operation is _FREE:
        return True
    if price is None or operation in UNMETERED:
        return False
    if operation is _RANKING and price.search_nusd is not None:
        return True
    standards = (price.standard, *(change.price.standard for change in price.changes))
    return all(
        rates.input is not None and (rates.output is not None or operation not in _ANSWERING) for rates in standards
    )


@lru_cache(maxsize=4096)
def _known(candidate: Candidate, model: Model) -> Capabilities:
    return candidate.capabilities.over(model.capabilities)


@lru_cache(maxsize=4096)
def _lineup(model: Model, fallbacks: tuple[Model, ...]) -> Lineup:
    groups, duplicates = _without_duplicates(model, fallbacks)
    members = [planned for group in groups for planned in group.members]
    providers = tuple({planned.candidate.provider.name: planned.candidate.provider for planned in members}.values())
    capabilities = [known(planned) for planned in members]
    names = [planned.candidate.provider.name for planned in members]
    return Lineup(
        groups=groups,
        duplicates=duplicates,
        is_enabled=all(provider.enabled for provider in providers),
        targets=frozenset().union(*(all_targets(planned.candidate) for planned in members)),
        lacks=tuple(need for need in NEEDS if any(getattr(known, need) is False for known in capabilities)),
        operations=frozenset.intersection(*(provider.operations for provider in providers))
        if providers
        else frozenset(),
        window_tokens=min((known.context_window_tokens or math.inf for known in capabilities), default=math.inf),
        body_limit_bytes=min((provider.body_limit_bytes or math.inf for provider in providers), default=math.inf),
        parallel=tuple([(p.name, p.limits.parallel) for p in providers if p.limits.parallel is not None]),
        plans=_plans(model, groups, duplicates),
        priced=frozenset(
            operation
            for operation in Operation
            if all(is_priced(planned.candidate.price, operation) for planned in members)
        ),
        is_crowded=any(names.count(name) > 2 for name in names),
        is_mixed=not model.same_vectors and len({candidate.model for candidate in model.candidates}) > 1,
    )


def _without_duplicates(model: Model, fallbacks: Sequence[Model]) -> tuple[tuple[Group, ...], tuple[Omitted, ...]]:
    groups = list(groups_of(model))
    duplicates = []
    seen = {candidate.id for candidate in model.candidates}
    for fallback in fallbacks:
        for group in groups_of(fallback, model.name):
            members = tuple(planned for planned in group.members if planned.candidate.id not in seen)
            duplicates += [
                Omitted(planned.candidate, fallback, OmitReason.DUPLICATE, "named before")
                for planned in group.members
                if planned.candidate.id in seen
            ]
            if members:
                groups.append(replace(group, members=members))
        seen.update(candidate.id for candidate in fallback.candidates)
    return tuple(groups), tuple(duplicates)


def _plans(model: Model, groups: Sequence[Group], duplicates: tuple[Omitted, ...]) -> tuple[Plan, ...] | None:
    if len(groups) != 1 or groups[0].rotation is not Rotation.STICKY:
        return None
    members = groups[0].members
    turned = [tuple(spread(members[start:] + members[:start])) for start in range(len(members))]
    return tuple([Plan(model, planned, duplicates, first=_first(planned[0])) for planned in turned])


def _first(planned: Planned) -> Send | None:
    """The first send to a candidate that is free; None where the credential is a matter of turns."""
    provider = planned.candidate.provider
    if len(provider.credentials) > 1 and provider.credential_order is not CredentialOrder.ORDERED:
        return None
    return Send(planned, provider.credentials[0] if provider.credentials else None)
