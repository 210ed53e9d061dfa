"""Where the loader finds rows to load: this run's records, in memory or in its files, and files that others left.

A source hands out each row once. What it has handed out is let go only when all of it is in the database (`loaded`);
until then a crash finds it again in the files.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Protocol

from proxy.core.records import CloseRecord, OpenRecord
from proxy.store.ledgerrows import Row, interrupted_row, request_row
from proxy.store.spend import Place
from proxy.store.spool import Spool
from proxy.store.spoolfile import CLOSE, OPEN, Scan
from proxy.store.spoolfolder import Position, SpoolFolder, size
from proxy.store.spoolmemory import SpoolMemory
from proxy.store.spoolreader import SpoolReader
from proxy.store.spoolrecord import read_close, read_open

SLICE = 256  # rows made in one go: half a millisecond
TURN_OVER_S = 60.0
GUESSED_BYTES = 500  # of a request in a file


class Source(Protocol):
    @property
    def backlog(self) -> int:
        """Requests that are not in the database yet."""
        ...

    def take(self) -> list[Row] | None:
        """Hand out the next rows, few at a time and perhaps none; None when there are no more for now.

        Raises:
            OSError: A file cannot be read.
        """
        ...

    def loaded(self) -> bool:
        """All that was handed out is in the database. Returns whether there are files to `discard`."""
        ...

    def discard(self) -> None:
        """Delete files that nothing needs any more, since a power loss would not undo what is in the database."""
        ...

    def finish(self, now_s: float) -> bool:
        """Nothing is left to hand out, and all is in the database. Returns whether there may be more later."""
        ...


class LiveSource:
    """What this run records on disk.

    Rows come from the records that the spool still has in memory, or from its files when those became too many because
    the database was away or slow; then what no disk had room for, from memory again. `_reader.at` is where
    `Spool.recent` begins.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._grabbed: Iterator[CloseRecord] = iter(())
        self._reader = SpoolReader(spool.folder.path, Position(spool.first, 0))
        self._taken = self._loaded = 0  # ordinals
        self._first = spool.first
        self._turned_s = 0.0

    @property
    def backlog(self) -> int:
        return self._spool.closed - self._loaded

    def take(self) -> list[Row] | None:
        if rows := self._slice():
            return rows
        spool = self._spool
        if spool.recent is None and (found := self._reader.read(spool.end)) is not None:
            rows = [request_row(record) for record in _closes(found)]
            # Some may have been handed out from memory before the disk had room for them: no more is loaded for that.
            self._taken = min(self._taken + len(rows), spool.written)
            return rows
        self._taken, self._grabbed = spool.take()
        self._reader.at = spool.end
        return self._slice() or None

    def loaded(self) -> bool:
        self._loaded = self._taken
        self._spool.loaded(self._loaded)
        return self._reader.at.number != self._first

    def discard(self) -> None:
        self._first = self._reader.at.number
        # Never files of earlier runs: `LeftSource` may not have come to them, or cannot read them for now.
        self._spool.folder.delete_before(self._first, since=self._spool.first)

    def finish(self, now_s: float) -> bool:
        """Begin a new file now and then, so that little is loaded a second time after a crash."""
        if now_s - self._turned_s >= TURN_OVER_S:
            self._turned_s = now_s
            self._spool.turn_over()
        return True

    def _slice(self) -> list[Row]:
        rows = [request_row(record) for record in islice(self._grabbed, SLICE)]
        self._taken += len(rows)
        return rows


class LeftSource:
    """Files of processes that are gone. What they began and did not end was interrupted."""

    def __init__(self, folder: SpoolFolder, end: Position, *, is_mine: bool) -> None:
        self.place = Place(folder.path, end, is_foreign=False)
        self.is_mine = is_mine
        self._folder = folder
        self._end = end
        self._reader = SpoolReader(folder.path, Position(0, 0))
        self._bytes = sum(size(folder.path, number) for number in folder.numbers() if number <= end.number)
        self._open: dict[str, tuple[OpenRecord, int]] = {}  # with the number of the last file that has it
        self._seen_s = 0.0
        self._first = 0
        self._is_over = False

    @property
    def backlog(self) -> int:
        """A guess from the length of the files."""
        return -(-self._bytes // GUESSED_BYTES)

    def take(self) -> list[Row] | None:
        found = self._reader.read(self._end)
        if found is None:
            rows = [interrupted_row(record, self._seen_s) for record, _ in self._open.values()]
            self._open = {}
            self._bytes = 0
            self._is_over = True
            return rows or None
        self._bytes -= found.end
        for payload in (payload for kind, payload in found.records if kind == OPEN):
            if (opened := read_open(payload)) is not None:
                self._open[opened.request_id] = opened, self._reader.at.number
                self._seen_s = max(self._seen_s, opened.started_at_s)
        rows = []
        for record in _closes(found):
            self._open.pop(record.request_id, None)
            self._seen_s = max(self._seen_s, record.ended_at_s)
            rows.append(request_row(record))
        return rows

    def loaded(self) -> bool:
        return self._needed() > self._first

    def discard(self) -> None:
        self._first = self._needed()
        self._folder.delete_before(self._first)

    def _needed(self) -> int:
        """Name the first file that a crash would want again.

        That is no later than the oldest with the last trace of a request whose `close` did not come: of several
        processes that were killed one after the other, none wrote down what those before it had begun.
        """
        if self._is_over:
            return self._end.number + 1
        return min([self._reader.at.number, *(number for _, number in self._open.values())])

    def finish(self, now_s: float) -> bool:
        if not self.is_mine:
            self._folder.release()
        return False


class MemorySource:
    """What this run records in memory."""

    def __init__(self, spool: SpoolMemory) -> None:
        self._spool = spool
        self._taken = self._loaded = 0

    @property
    def backlog(self) -> int:
        return self._spool.closed - self._loaded

    def take(self) -> list[Row] | None:
        recent = self._spool.recent
        rows = [request_row(recent.popleft()) for _ in range(min(SLICE, len(recent)))]
        self._taken += len(rows)
        return rows or None

    def loaded(self) -> bool:
        self._loaded = self._taken
        return False

    def discard(self) -> None:
        """There are no files."""

    def finish(self, now_s: float) -> bool:
        return True


def _closes(found: Scan) -> Iterator[CloseRecord]:
    for kind, payload in found.records:
        if kind == CLOSE and (record := read_close(payload)) is not None:
            yield record
