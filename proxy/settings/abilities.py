"""From providers and the shipped tables to what upstream models can do, and to what must be found out of a request.

What the file says of a model or a candidate is laid over the tables' word. Reads no file of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache

from msgspec.structs import replace

from proxy.core.capabilities import EVERYTHING, NEEDS, UNKNOWN, Capabilities, Scale
from proxy.core.health import CandidateId
from proxy.core.snapshot import Candidate, Model, Provider
from proxy.pricing import catalog
from proxy.pricing.catalog import Catalog
from proxy.providers.abilities import NAMED, capabilities_of
from proxy.routing.resolve import REST
from proxy.settings.model_rows import Models
from proxy.settings.prices import MOST_REMEMBERED


class AbilityBook:
    """Capabilities by candidate. Those that were asked for are remembered."""

    def __init__(self, providers: Mapping[str, Provider], prices: Catalog) -> None:
        """Take what is known.

        Args:
            prices: Where context windows stand; one that has none (of an older version) gives way to the shipped one.
        """
        self._providers = providers
        self._catalog = prices if prices.has_windows else catalog.load()
        self._remembered = lru_cache(maxsize=MOST_REMEMBERED)(self._find)

    def get(self, candidate_id: CandidateId, /) -> Capabilities:
        return self._remembered(candidate_id)

    def _find(self, candidate_id: CandidateId) -> Capabilities:
        provider = self._providers.get(candidate_id.provider)
        if provider is None or REST in candidate_id.model:
            return UNKNOWN
        return capabilities_of(provider, candidate_id.model, self._catalog)


def scales_of(models: Models, *, counts_tokens: bool) -> dict[str | None, Scale | None]:
    """Say for each name that has a model of its own what a request for it must be searched for.

    None as a name is that of a request that names none; None as a scale: nothing must be found out.

    Args:
        counts_tokens: Some provider has a limit of tokens.
    """
    scales: dict[str | None, Scale | None] = {
        name: _scale(_reachable(model, models.exact), counts_tokens=counts_tokens)
        for name, model in models.exact.items()
    }
    aliases = {alias: scales[name] for alias, name in models.aliases.items()}
    return scales | aliases | ({} if models.default is None else {None: scales[models.default]})


def other_scale(models: Models, direct: Iterable[Provider], *, counts_tokens: bool) -> Scale | None:
    """Say what a request for any other name must be searched for: a prefix's or a direct one.

    Args:
        direct: The providers that a client may name itself.
    """
    prefixed = [candidate for prefix in models.prefixes for candidate in _reachable(prefix, models.exact)]
    providers = {*direct, *(candidate.provider for prefix in models.prefixes for candidate in prefix.candidates)}
    if any(provider.kind in NAMED for provider in providers):  # which model it will be, nobody knows yet
        return EVERYTHING if counts_tokens else replace(EVERYTHING, counts_tokens=False)
    return _scale(prefixed, counts_tokens=counts_tokens)


def _reachable(model: Model, models: Mapping[str, Model]) -> list[Candidate]:
    """The candidates that may serve a request for a model: its own, and those of its fallbacks."""
    fallbacks = [models[name] for name in model.fallbacks if name in models]
    return [candidate for each in (model, *fallbacks) for candidate in each.candidates]


def _scale(candidates: Iterable[Candidate], *, counts_tokens: bool) -> Scale | None:
    known = [candidate.capabilities for candidate in candidates]
    lacks = tuple(need for need in NEEDS if any(getattr(each, need) is False for each in known))
    window = min((each.context_window_tokens or math.inf for each in known), default=math.inf)
    scale = Scale(lacks, window, counts_tokens)
    return None if scale == Scale() else scale
