"""From the read model of upstream health to the gauges computed at each scrape: up, breakers, cooldowns.

Reads the snapshot and the view, keeps nothing. Only configured providers appear; what is no configured candidate (an
ad-hoc `provider/model`, what a prefix matched) shares its provider's model label "other".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from proxy.core.failure import Scope
from proxy.core.health import Aside, CandidateId, StateView, Target
from proxy.core.snapshot import Provider, Snapshot

Source = Callable[[], tuple[Snapshot, StateView, float]]

CLOSED, HALF_OPEN, OPEN = 0.0, 1.0, 2.0


class UpstreamCollector(Collector):
    """`provider_up`, `breaker_state` and `cooldown_seconds`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def describe(self) -> list[GaugeMetricFamily]:
        return [
            GaugeMetricFamily(
                "fairlead_provider_up", "1 while some request could be sent to the provider.", labels=["provider"]
            ),
            GaugeMetricFamily("fairlead_breaker_state", "0 closed, 1 half-open, 2 open.", labels=["provider", "model"]),
            GaugeMetricFamily(
                "fairlead_cooldown_seconds",
                "Time until the last target of this provider, scope and reason recovers.",
                labels=["provider", "scope", "reason"],
            ),
        ]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        snapshot, view, now_s = self._source()
        up, breakers, cooldowns = self.describe()
        candidates = configured_candidates(snapshot)
        for provider in snapshot.providers.values():
            up.add_metric([provider.name], float(is_up(provider, candidates, view, now_s)))
        for candidate, state in breaker_states(snapshot, candidates, view, now_s).items():
            breakers.add_metric(candidate, state)
        for labels, left_s in cooldowns_left_s(snapshot, view, now_s).items():
            cooldowns.add_metric(labels, left_s)
        yield from (up, breakers, cooldowns)


def configured_candidates(snapshot: Snapshot) -> frozenset[CandidateId]:
    """Return every candidate that a configured model or prefix names."""
    models = (*snapshot.models.values(), *snapshot.prefixes)
    return frozenset(candidate.id for model in models for candidate in model.candidates)


def is_up(provider: Provider, candidates: frozenset[CandidateId], view: StateView, now_s: float) -> bool:
    """Say whether some request could be sent to the provider now. Half-open counts as yes: a request would go.

    Args:
        candidates: All configured ones; a provider without any is judged by itself and its credentials.
        now_s: Monotonic seconds.
    """

    def is_free(scope: Scope, credential: str = "", model: str = "") -> bool:
        aside = view.asides.get(Target(scope, provider.name, credential, model))
        return aside is None or aside.opens_at_s <= now_s

    if not provider.enabled or provider.name in view.disabled or not is_free(Scope.PROVIDER):
        return False
    names = [credential.id for credential in provider.credentials] or [""]
    credentials = [name for name in names if is_free(Scope.CREDENTIAL, name)]
    models = [candidate.model for candidate in candidates if candidate.provider == provider.name]
    if not models:
        return bool(credentials)
    return any(
        is_free(Scope.CANDIDATE, model=model)
        and is_free(Scope.ACCOUNT, model=model)
        and any(is_free(Scope.CREDENTIAL_MODEL, credential, model) for credential in credentials)
        for model in models
    )


def breaker_states(
    snapshot: Snapshot, candidates: frozenset[CandidateId], view: StateView, now_s: float
) -> dict[tuple[str, str], float]:
    """Return the breaker that a request to each candidate would meet: the worse of its own and its provider's."""
    states: dict[tuple[str, str], float] = dict.fromkeys(candidates, CLOSED)
    for target, aside in view.asides.items():
        if not aside.breaker or target.provider not in snapshot.providers:
            continue
        if target.scope is Scope.PROVIDER:
            met = [candidate for candidate in candidates if candidate.provider == target.provider]
        else:
            own = CandidateId(target.provider, target.model)
            met = [own if own in candidates else CandidateId(target.provider, "other")]
        for candidate in met:
            states[candidate] = max(states.get(candidate, CLOSED), _state(aside, now_s))
    return states


def cooldowns_left_s(snapshot: Snapshot, view: StateView, now_s: float) -> dict[tuple[str, str, str], float]:
    """Return the longest time to recovery by provider, scope and reason; what has recovered is left out."""
    left: dict[tuple[str, str, str], float] = {}
    for target, aside in view.asides.items():
        if aside.until_s > now_s and target.provider in snapshot.providers:
            labels = (target.provider, str(target.scope), str(aside.kind))
            left[labels] = max(left.get(labels, 0.0), aside.until_s - now_s)
    return left


def _state(aside: Aside, now_s: float) -> float:
    return OPEN if now_s < aside.opens_at_s else HALF_OPEN
