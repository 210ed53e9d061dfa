"""`[ledger] mode = "off"`: usage goes to the metrics and the log, and is kept nowhere."""

from __future__ import annotations

from proxy.core.records import CloseRecord, OpenRecord


class LedgerOff:
    """A `UsageSink` that keeps nothing."""

    __slots__ = ()

    def open(self, record: OpenRecord) -> None:
        """Nothing is kept."""

    def close(self, record: CloseRecord) -> None:
        """Nothing is kept."""
