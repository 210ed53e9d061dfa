"""From `[ledger]` to how usage is kept. A reload changes how long; the rest belongs to files that are open."""

from __future__ import annotations

from dataclasses import replace

from proxy.core.snapshot import Ledger, Snapshot
from proxy.settings.problems import Report, Severity
from proxy.settings.schema import LedgerSection

_RESTART = ("mode", "on_full", "fsync_s")


def build_ledger(section: LedgerSection, running: Snapshot | None, report: Report) -> Ledger:
    """Take the section over; what only a restart can change goes to the report.

    Args:
        running: The snapshot in force, at a reload.
    """
    ledger = Ledger(**section.model_dump())
    if running is None:
        return ledger
    for name in _RESTART:
        if getattr(ledger, name) != getattr(running.ledger, name):
            found, expected = "a new value", "the value in force until a restart"
            report.add(Severity.WARNING, ("ledger", name), found=found, expected=expected, fix="restart to change it")
    return replace(running.ledger, retention_days=ledger.retention_days)
