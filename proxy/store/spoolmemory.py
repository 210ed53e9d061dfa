"""`[ledger] mode = "memory"`: records wait in memory for the database, and nothing is written before.

What has not been loaded when the process ends is lost; so is what no longer fits.
"""

from __future__ import annotations

from collections import deque

from proxy.core.records import CloseRecord, OpenRecord

LONGEST = 100_000  # some 100 MB


class SpoolMemory:
    """A `UsageSink` without a disk.

    Attributes:
        recent: What has not been taken by the loader.
        closed: How many requests this run has recorded.
        dropped: Requests whose record is lost.
    """

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self.recent: deque[CloseRecord] = deque()
        self.closed = 0
        self.dropped = 0

    def open(self, record: OpenRecord) -> None:
        """An end without memory of its beginning is whole all the same."""

    def close(self, record: CloseRecord) -> None:
        if len(self.recent) >= self._longest:
            self.dropped += 1
            return
        self.closed += 1
        self.recent.append(record)

    def stop(self) -> None:
        """There is nothing to let go."""
