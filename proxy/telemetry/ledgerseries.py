"""The ledger's own two series, read at each scrape."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

# Records that are not in the database yet, and records that are lost.
LedgerSource = Callable[[], tuple[int, int]]


class LedgerCollector(Collector):
    """`ledger_spool_records` and `ledger_dropped_total`."""

    def __init__(self, source: LedgerSource) -> None:
        self._source = source

    def describe(self) -> list[GaugeMetricFamily | CounterMetricFamily]:
        return [
            GaugeMetricFamily("fairlead_ledger_spool_records", "Requests recorded, not in the database yet."),
            CounterMetricFamily("fairlead_ledger_dropped", "Requests whose record is lost."),
        ]

    def collect(self) -> list[GaugeMetricFamily | CounterMetricFamily]:
        families = self.describe()
        for family, value in zip(families, self._source(), strict=True):
            family.add_metric([], value)
        return families
