"""From a snapshot to what its providers say of themselves: runs the probes and prints nothing."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence

import anyio

from proxy.core.snapshot import Provider, Snapshot
from proxy.routing.resolve import REST
from proxy.state.clock import SystemClock
from proxy.upstream.probes import USUAL, Bounds, Probe, Prober
from proxy.upstream.tokens import Tokens

_LOG = logging.getLogger("fairlead.credentials")


def probe_providers(snapshot: Snapshot, providers: Sequence[Provider], bounds: Bounds = USUAL) -> list[Probe]:
    """Ask each of these providers for its model list with each of its credentials."""
    level = _LOG.level
    _LOG.setLevel(logging.CRITICAL)  # what it would tell a log is in the results
    try:
        return anyio.run(_probe, snapshot, providers, bounds)
    finally:
        _LOG.setLevel(level)


def upstream_names(snapshot: Snapshot) -> dict[str, set[str]]:
    """Collect the upstream models that the configuration has of each provider; what a prefix derives is not known."""
    names: dict[str, set[str]] = defaultdict(set)
    for model in snapshot.models.values():
        for candidate in model.candidates:
            if REST not in candidate.model:
                names[candidate.provider.name].add(candidate.model)
    return names


async def _probe(snapshot: Snapshot, providers: Sequence[Provider], bounds: Bounds) -> list[Probe]:
    clock = SystemClock()
    tokens = Tokens(clock)
    try:
        return await Prober(tokens, clock, upstream_names(snapshot), bounds).probe_all(providers)
    finally:
        await tokens.aclose()
