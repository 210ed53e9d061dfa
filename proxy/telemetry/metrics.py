"""From what happens to requests to Prometheus series: every series is declared here (DESIGN.md section 13).

Each method is plain arithmetic on the event loop's thread. What every request brings only waits in lists, one for each
set of labels: added up a few hundred at once it costs a tenth. Labels are configured names
only: who calls maps a client's words with `model_label` first. Never a key, a user, an address or a secret.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from proxy import __version__
from proxy.core.snapshot import Model, Snapshot
from proxy.core.usage import Usage
from proxy.telemetry.inflight import InFlightCollector
from proxy.telemetry.ledgerseries import LedgerCollector, LedgerSource
from proxy.telemetry.params import PARAMS
from proxy.telemetry.series import Counter, Gauge, Histogram
from proxy.telemetry.upstreams import Source, UpstreamCollector

OTHER = "other"  # an ad-hoc `provider/model`
UNKNOWN = "unknown"  # a name that resolves to nothing
OK = "ok"  # the outcome of a send that was answered

MOST_WAITING = 256  # requests

OVERHEADS_S = (5e-05, 1e-04, 1.5e-04, 2e-04, 3e-04, 5e-04, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
FIRST_TOKENS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
DURATIONS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)


def model_label(model: Model | None) -> str:
    """The `model` label of a resolved model: its configured name (a prefix's as it is written, with the `*`), "other"
    if ad-hoc, "unknown" if there is none."""
    if model is None:
        return UNKNOWN
    return model.label or (model.name if model.configured else OTHER)


class _Settling(Collector):
    """Collects nothing itself."""

    def __init__(self, settle: Callable[[], None]) -> None:
        self._settle = settle

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> list[Metric]:
        self._settle()
        return []


class _Collected(Collector):
    """What was collected, to be written."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


class Metrics:
    """Every series of one gateway, in a registry of its own.

    Args:
        source: Gives the snapshot in force, the read model and monotonic seconds, for the series computed at scrape;
            None leaves those out.
        under_way: Gives the model label of each request under way.
    """

    def __init__(self, source: Source | None = None, under_way: Callable[[], Iterable[str]] = tuple) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Settling(self._settle))  # the first to collect: nothing waits while the others do
        self._waiting = 0
        self._finished: defaultdict[tuple[str, str, bool, int], list[tuple[float, float]]] = defaultdict(list)
        self._answered: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self._used: defaultdict[tuple[str, str], list[tuple[Usage, int | None]]] = defaultdict(list)
        self._source = source
        counter, gauge = partial(Counter, self.registry), partial(Gauge, self.registry)
        histogram = partial(Histogram, self.registry)
        self._requests = counter("requests_total", "Requests by final status.", "endpoint", "model", "status")
        self._durations = histogram(
            "request_duration_seconds", "Arrival to last byte.", "endpoint", "model", "stream", bounds=DURATIONS_S
        )
        self._overheads = histogram(
            "overhead_seconds", "Arrival to commit, less the time spent waiting for upstreams.", bounds=OVERHEADS_S
        )
        self._first_tokens = histogram(
            "time_to_first_token_seconds", "Attempt to first output.", "model", "provider", bounds=FIRST_TOKENS_S
        )
        self._attempts = counter("attempts_total", "Sends by how they ended.", "provider", "model", "outcome")
        self._failovers = counter(
            "failovers_total", "Moves to another provider, and why.", "from_provider", "to_provider", "reason"
        )
        self._tokens = counter(
            "tokens_total", "Prompt includes cached, completion includes reasoning.", "provider", "model", "type"
        )
        self._cost = counter("cost_usd_total", "What requests cost.", "provider", "model")
        self._unpriced = counter("unpriced_requests_total", "Requests whose cost is unknown.", "provider", "model")
        self._truncated = counter("streams_truncated_total", "Streams that ended early after their commit.", "provider")
        self._broken = counter("broken_events_total", "Unreadable events dropped from streams.", "provider")
        self._dropped = counter(
            "dropped_params_total", "Members and headers that a provider could not be told.", "provider", "param"
        )
        self._stale = counter("stale_retries_total", "Sent again because a kept connection had died.", "provider")
        self._remaining = gauge(
            "upstream_ratelimit_remaining", "What a provider last said is left of a limit.", "provider", "kind"
        )
        self._attention = gauge("provider_attention", "1 while an operator must act.", "provider", "reason")
        self._version = gauge("config_version", "Version of the configuration in force.")
        self._reload_failed = gauge("config_reload_failed", "1 while the configuration on disk cannot be used.")
        build = gauge("build_info", "Always 1; the labels say what runs.", "version", "python")
        build.cells[__version__, platform.python_version()] = 1.0
        if source is not None:
            self.registry.register(UpstreamCollector(source))
            self.registry.register(InFlightCollector(source, under_way))
        self._forgetful = (
            *(self._requests, self._durations, self._first_tokens, self._attempts, self._failovers, self._tokens),
            *(self._cost, self._unpriced, self._truncated, self._broken, self._dropped, self._stale, self._remaining),
            self._attention,
        )

    def watch_ledger(self, source: LedgerSource) -> None:
        """Export what a ledger says of itself."""
        self.registry.register(LedgerCollector(source))

    def request(
        self, endpoint: str, model: str, stream: bool, status: int, duration_s: float, overhead_s: float
    ) -> None:
        """Count a finished request. `status` is the one the client saw."""
        self._finished[endpoint, model, stream, status].append((duration_s, overhead_s))
        self._waiting += 1
        if self._waiting >= MOST_WAITING:
            self._settle()

    def answered(self, provider: str, model: str, first_token_s: float) -> None:
        """Count a send that was answered. Once a request at most, as `used`: so `request` sees to all that waits."""
        self._answered[provider, model].append(first_token_s)

    def failed(self, provider: str, model: str, outcome: str) -> None:
        """Count a send that was not. `outcome` is a FailureKind."""
        self._attempts.cells[provider, model, outcome] += 1.0

    def failover(self, from_provider: str, to_provider: str, reason: str) -> None:
        self._failovers.cells[from_provider, to_provider, reason] += 1.0

    def used(self, provider: str, model: str, usage: Usage, nusd: int | None) -> None:
        """Count what a request used and what that cost, in nano-dollars; None = nobody knows."""
        self._used[provider, model].append((usage, nusd))

    def truncated(self, provider: str) -> None:
        self._truncated.cells[(provider,)] += 1.0

    def broken_event(self, provider: str) -> None:
        self._broken.cells[(provider,)] += 1.0

    def dropped(self, provider: str, names: Sequence[str]) -> None:
        """Count what was left out of a request; names that no dialect knows count as one."""
        for name in names:
            self._dropped.cells[provider, name if name in PARAMS else OTHER] += 1.0

    def stale_retry(self, provider: str) -> None:
        self._stale.cells[(provider,)] += 1.0

    def rate_limit_remaining(self, provider: str, kind: str, value: float) -> None:
        self._remaining.cells[provider, kind] = value

    def attention(self, provider: str, reason: str, on: bool) -> None:
        self._attention.cells[provider, reason] = float(on)

    def config_version(self, version: int) -> None:
        self._version.cells[()] = float(version)

    def config_reload_failed(self, failed: bool) -> None:
        self._reload_failed.cells[()] = float(failed)

    def forget(self, snapshot: Snapshot) -> None:
        """Drop the series of providers and models that left the configuration."""
        providers = {*snapshot.providers, OTHER}
        prefixes = {model.name for model in snapshot.prefixes}
        models = {*snapshot.models, *prefixes, OTHER, UNKNOWN}
        known = {"provider": providers, "from_provider": providers, "to_provider": providers, "model": models}
        for family in self._forgetful:
            family.forget(known)

    def _settle(self) -> None:
        """Count what waits."""
        for (endpoint, model, stream, status), times in self._finished.items():
            durations_s, overheads_s = zip(*times, strict=True)
            self._requests.cells[endpoint, model, status] += len(times)
            self._durations.observe((endpoint, model, stream), durations_s)
            self._overheads.observe((), overheads_s)
        for (provider, model), first_tokens_s in self._answered.items():
            self._attempts.cells[provider, model, OK] += len(first_tokens_s)
            self._first_tokens.observe((model, provider), first_tokens_s)
        for (provider, model), used in self._used.items():
            self._count_used(provider, model, used)
        self._waiting = 0
        self._finished.clear()
        self._answered.clear()
        self._used.clear()

    def _count_used(self, provider: str, model: str, used: Sequence[tuple[Usage, int | None]]) -> None:
        usages, every_nusd = zip(*used, strict=True)
        costs = [nusd for nusd in every_nusd if nusd is not None]
        if costs:  # a counter is a float: what must be exact is the ledger's
            self._cost.cells[provider, model] += sum(costs) / 1e9
        if len(costs) < len(used):
            self._unpriced.cells[provider, model] += len(used) - len(costs)
        cells = self._tokens.cells
        cells[provider, model, "prompt"] += sum([usage.prompt_tokens for usage in usages])
        cells[provider, model, "completion"] += sum([usage.completion_tokens for usage in usages])
        for kind, count in (
            ("cached", sum([usage.cached_tokens for usage in usages])),
            ("reasoning", sum([usage.reasoning_tokens for usage in usages])),
        ):
            if count:
                cells[provider, model, kind] += count

    def scrape(self) -> Callable[[], bytes]:
        """Collect every series as it is now, and return what writes them in Prometheus' text format.

        Writing takes four times as long, a tenth of a second for 200 models, and may be done in another thread.
        """
        self._settle()
        if self._source is not None:
            self.forget(self._source()[0])
        return partial(generate_latest, _Collected(list(self.registry.collect())))
