"""From the requests under way to a gauge by model, counted at each scrape, so that no request pays for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from proxy.telemetry.upstreams import Source


class InFlightCollector(Collector):
    """`in_flight_requests`: each configured model, and what else is under way.

    Args:
        under_way: Gives the model label of each request under way.
    """

    def __init__(self, source: Source, under_way: Callable[[], Iterable[str]]) -> None:
        self._source = source
        self._under_way = under_way

    def describe(self) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily("fairlead_in_flight_requests", "Requests under way.", labels=["model"])]

    def collect(self) -> list[GaugeMetricFamily]:
        (family,) = self.describe()
        snapshot, _, _ = self._source()
        counts = dict.fromkeys((*snapshot.models, *(prefix.name for prefix in snapshot.prefixes)), 0)
        for label in self._under_way():
            counts[label] = counts.get(label, 0) + 1
        for label, count in counts.items():
            family.add_metric([label], count)
        return [family]
