"""Reads the files of a spool folder in order, a piece at a time, so that no length of backlog needs much memory.

Never changes a file, and never reads beyond the place it is told: what lies there may be half written.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from proxy.store.spoolfile import Scan, scan
from proxy.store.spoolfolder import Position, file_path, numbers, size

_LOG = logging.getLogger("fairlead.ledger")
PIECE_BYTES = 128 * 1024


class SpoolReader:
    """Where a reader of a folder stands.

    Attributes:
        at: Everything before it was read.
        damaged: Stretches that could not be read so far.
    """

    def __init__(self, path: Path, at: Position) -> None:
        self._path = path
        self.at = at
        self.damaged = 0

    def read(self, end: Position) -> Scan | None:
        """Return the next records before `end`, at least one; None when there are none.

        Raises:
            OSError: A file cannot be read.
        """
        while self.at < end:
            number, offset = self.at
            is_last = number == end.number
            limit = end.offset if is_last else size(self._path, number)
            if offset < limit:
                found = self._scan(offset, limit)
                self.at = Position(number, offset + found.end)
                self._log(found, number, offset)
                if found.records:
                    return found
            elif is_last:
                break
            else:
                self.at = Position(min((n for n in numbers(self._path) if n > number), default=end.number), 0)
        return None

    def _scan(self, offset: int, limit: int) -> Scan:
        """Read a piece; a larger one, where there is no end of a record in it."""
        piece_bytes = PIECE_BYTES
        file = os.open(file_path(self._path, self.at.number), os.O_RDONLY | os.O_CLOEXEC)
        try:
            while True:
                is_last = limit - offset <= piece_bytes
                found = scan(os.pread(file, min(piece_bytes, limit - offset), offset), is_last=is_last)
                if is_last:
                    return found._replace(end=limit - offset)  # though the file may have become shorter
                if found.end:
                    return found
                piece_bytes *= 2
        finally:
            os.close(file)

    def _log(self, found: Scan, number: int, offset: int) -> None:
        if found.damaged:
            self.damaged += found.damaged
            _LOG.error(
                "%s is damaged in %d places after byte %d: what could not be read is left out, all around it is kept",
                file_path(self._path, number),
                found.damaged,
                offset,
                extra={"event": "ledger_damaged"},
            )
        if found.torn_bytes:
            _LOG.warning(
                "%s ends in %d bytes of an unfinished record, which are left out",
                file_path(self._path, number),
                found.torn_bytes,
            )
