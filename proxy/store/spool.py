"""The ledger's first stop: every record appended to a local file before the request goes on.

One `os.write` an append, in order, without a lock or a sync: what is written survives this process, whatever ends it.
Reads nothing and knows no database; `loader` takes the records on. All calls come from the event loop's thread.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from proxy.core.errors import LedgerFull
from proxy.core.records import CloseRecord, OpenRecord
from proxy.store.spoolfile import HEAD_BYTES, frame
from proxy.store.spoolfolder import Position, SpoolFolder
from proxy.store.spoolkeeper import Post, SpoolKeeper
from proxy.store.spoolrecord import read_close, write_close, write_open

_LOG = logging.getLogger("fairlead.ledger")
RETRY_AFTER_S = 5.0

_PROBE = frame(0, bytes(1024))  # of a kind that nobody reads, and longer than most

_write = os.write


@dataclass(frozen=True, slots=True)
class SpoolOptions:
    """How to spool.

    Attributes:
        on_full: "refuse" or "drop".
        fsync_s: Seconds between two syncs to disk; 0 = never.
        file_bytes: From which length on a new file is begun. A file goes as a whole when all of it is loaded.
        reserve_bytes: Disk space kept for the ends of requests under way: of 2,000 requests with 2 KB each.
        unwritten_bytes: Records that wait in memory for room on the disk.
        recent: Records held in memory as well, to spare the loader reading the file.
    """

    on_full: str = "refuse"
    fsync_s: float = 1.0
    file_bytes: int = 8 * 1024 * 1024
    reserve_bytes: int = 4 * 1024 * 1024
    unwritten_bytes: int = 16 * 1024 * 1024
    recent: int = 8192


USUAL = SpoolOptions()


class Spool:
    """A `UsageSink` that writes to a folder of its own.

    A new file begins with every `open` whose `close` has not come, so that an older file is not needed for them.

    Attributes:
        first: The number of the first file of this run; earlier ones are of runs before it.
        closed: How many requests this run has recorded: the ordinal of the latest.
        dropped: Requests whose record is lost.
        recent: Every record since a place in the file that the loader knows; None when they became too many.
        is_full: Nothing can be written; no request may begin where it also `refuses`: unless `on_full` is "drop".

    Raises:
        OSError: The folder cannot be written.
    """

    def __init__(self, data_dir: Path, folder: SpoolFolder, options: SpoolOptions = USUAL) -> None:
        self.data_dir = data_dir
        self.folder = folder
        self.first = self._number = folder.end().number + 1
        self.closed = 0
        self.dropped = 0
        self.recent: deque[CloseRecord] | None = deque()
        self._options = options
        self.refuses = options.on_full == "refuse"
        self._file_bytes = options.file_bytes
        self._most_recent = options.recent
        self._file = folder.create(self._number)
        self._size = 0
        self._carried = 0
        self._open: dict[str, bytes] = {}
        self._unwritten: deque[tuple[int, bytes]] = deque()  # with their ordinals
        self._unwritten_bytes = 0
        self._keeper = SpoolKeeper(
            folder,
            lambda: (self._file, self._size),
            fsync_s=options.fsync_s,
            reserve_bytes=options.reserve_bytes,
        )
        self.is_full = not self._keeper.make_reserve()
        if self.is_full:
            self._tell_full("no room for its reserve")

    def start(self, post: Post) -> None:
        """Begin to sync and to look for room on a full disk.

        Args:
            post: Runs a function on the event loop's thread.
        """
        self._keeper.start(post, self._resume)

    def stop(self) -> None:
        """Bring everything to the disk and let the folder go; nothing can be appended any more."""
        if not self._flush():
            _LOG.error(
                "%d records are lost: neither the disk nor the database took them before the end",
                len(self._unwritten),
                extra={"event": "ledger_full"},
            )
        self._keeper.stop()
        os.close(self._file)
        self._file = -1  # and never another file that gets its number
        if not self._size:
            self.folder.delete(self._number)
        self.folder.release()

    @property
    def end(self) -> Position:
        """Where the last record that was written ends."""
        return Position(self._number, self._size)

    @property
    def written(self) -> int:
        """The ordinal up to which nothing waits for room on the disk."""
        return self._unwritten[0][0] - 1 if self._unwritten else self.closed

    @property
    def in_flight(self) -> int:
        """Requests with an `open` and no `close`."""
        return len(self._open)

    def open(self, record: OpenRecord) -> None:
        line = write_open(record)
        self._open[record.request_id] = line  # before it is written, in case that begins a new file
        if (self.is_full or not self._append(line)) and self.refuses:
            del self._open[record.request_id]
            _refuse()

    def close(self, record: CloseRecord) -> None:
        begun = self._open.pop(record.request_id, None)
        self.closed += 1
        recent = self.recent
        if recent is not None:
            recent.append(record)
            if len(recent) > self._most_recent:
                self.recent = None
        if self.is_full and begun is None:  # nothing was sent for it; what room is left is for what costs money
            self.dropped += self.recent is None
            return
        line = write_close(record)
        if self._unwritten or not self._append(line):
            self._keep(line)

    def take(self) -> tuple[int, Iterator[CloseRecord]]:
        """Hand out the records that the loader does not have yet, and keep those to come in `recent`.

        Where `recent` became too many, the loader has read them in the file: what is left is what the file lacks.

        Returns:
            The ordinal that they come behind, and the records.
        """
        recent, self.recent = self.recent, deque()
        if recent is not None:
            return self.closed - len(recent), _emptied(recent)
        lines = [line for _, line in self._unwritten]
        # One by one, as they are wanted: they may be many.
        return self.written, filter(None, (read_close(line[HEAD_BYTES:]) for line in lines))

    def loaded(self, ordinal: int) -> None:
        """Everything up to this ordinal is in the database: no need to write what is not on the disk yet."""
        while self._unwritten and self._unwritten[0][0] <= ordinal:
            self._pop_unwritten()

    def turn_over(self) -> bool:
        """Go on in a new file, if anything but what it began with is in this one."""
        return self._size == self._carried or self._rotate()

    def _append(self, line: bytes) -> bool:
        try:
            written = _write(self._file, line)
        except OSError as exc:
            self._fail(exc.strerror)
            return False
        if written != len(line):
            self._fail("no room for a whole record")
            return False
        self._size += written
        if self._size >= self._file_bytes:
            self._rotate()
        return True

    def _rotate(self) -> bool:
        """Begin a new file. Where that cannot be, this one goes on."""
        carried = b"".join(self._open.values())
        try:
            file = self.folder.create(self._number + 1)
        except OSError:
            return False
        try:
            is_whole = _write(file, carried) == len(carried)
        except OSError:
            is_whole = False
        if not is_whole:
            os.close(file)
            self.folder.delete(self._number + 1)
            return False
        self._keeper.retire(self._file)
        self._file = file
        self._number += 1
        self._size = self._carried = len(carried)
        return True

    def _fail(self, why: str | None) -> None:
        """Take back what was written of a record, and let the ends of requests have the reserve."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:  # the torn record stays, and will be skipped
            with suppress(OSError):
                self._size = os.lseek(self._file, 0, os.SEEK_END)
        if not self.is_full:
            self._tell_full(why)
        self.is_full = True
        if self._keeper.has_reserve:
            self._keeper.spend_reserve()

    def _tell_full(self, why: str | None) -> None:
        _LOG.error(
            "the ledger cannot be written (%s): %s until there is room in %s",
            why,
            "requests are refused" if self.refuses else "records wait in memory",
            self.folder.path,
            extra={"event": "ledger_full"},
        )

    def _keep(self, line: bytes) -> None:
        """Write what could not be written at once, after what waits already; else hold it in memory."""
        if self._flush() and self._append(line):  # there may be room by now, or the reserve
            return
        if self._unwritten_bytes + len(line) > self._options.unwritten_bytes:
            self.dropped += 1
            return
        self._unwritten.append((self.closed, line))
        self._unwritten_bytes += len(line)

    def _flush(self) -> bool:
        while self._unwritten:
            if not self._append(self._unwritten[0][1]):
                return False
            self._pop_unwritten()
        return True

    def _pop_unwritten(self) -> None:
        self._unwritten_bytes -= len(self._unwritten.popleft()[1])

    def _resume(self) -> None:
        """There is room again: go on in a new file, since the trouble may have been with the old one, or in that."""
        if self._file < 0:  # it was stopped meanwhile, and the folder may be another's
            return
        if (self._rotate() or self._append(_PROBE)) and self._flush():
            self.is_full = False
            _LOG.warning("the ledger can be written again", extra={"event": "ledger_resumed"})
        else:
            self._keeper.has_reserve = False  # it will be looked at again


def _emptied(recent: deque[CloseRecord]) -> Iterator[CloseRecord]:
    while recent:
        yield recent.popleft()


def _refuse() -> NoReturn:
    raise LedgerFull(
        "The gateway's disk is full, and no request is served that could not be recorded. Retry later; the gateway's "
        'operator must free space in its data_dir, or set [ledger] on_full = "drop".',
        retry_after_s=RETRY_AFTER_S,
    )
