"""The spool's thread: what may take long on a disk, so that the event loop never waits for it.

Syncs files to disk, closes those that were left for a new one, and keeps a reserve of disk space: a file of zeros whose
room is given back the moment the disk is full, so that requests under way can still be recorded.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from proxy.store.spoolfolder import SpoolFolder

_LOG = logging.getLogger("fairlead.ledger")
RESERVE = "reserve"
LOOK_S = 1.0  # how soon a full disk that has room again is noticed

# Runs a function on the event loop's thread: `loop.call_soon_threadsafe`.
Post = Callable[[Callable[[], None]], object]


class SpoolKeeper:
    """Belongs to one spool. `retire`, `spend_reserve` and `has_reserve` are for the event loop's thread.

    Args:
        written: Gives the file that is being appended to and its length.
        fsync_s: Seconds between two syncs; 0 = never.
    """

    def __init__(
        self, folder: SpoolFolder, written: Callable[[], tuple[int, int]], *, fsync_s: float, reserve_bytes: int
    ) -> None:
        self._folder = folder
        self._written = written
        self._fsync_s = fsync_s
        self._reserve_bytes = reserve_bytes
        self._retired: deque[int] = deque()
        self._synced = (-1, 0)
        self._sync_failed = False
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.has_reserve = False

    def start(self, post: Post, on_room: Callable[[], None]) -> None:
        """Begin; `on_room` is called on the event loop's thread when the reserve could be made again."""
        self._thread = threading.Thread(target=self._run, args=(post, on_room), name="fairlead-spool", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Sync for the last time and end. The file that is being appended to stays open."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self.sync()

    def retire(self, file: int) -> None:
        """Nothing more is written to it: sync it, then close it."""
        self._retired.append(file)

    def make_reserve(self) -> bool:
        """Take the disk space, or tell that there is none."""
        try:
            _fill(self._reserve, self._reserve_bytes)
        except OSError:
            with suppress(OSError):
                self._reserve.unlink()
            return False
        self.has_reserve = True
        return True

    def spend_reserve(self) -> None:
        """Give its room to the records. Never raises."""
        try:
            os.truncate(self._reserve, 0)
        except OSError as exc:
            _LOG.error("the ledger's reserve of disk space cannot be released: %s", exc.strerror)
        self.has_reserve = False  # not before: the thread would look, and find the old one still whole

    def sync(self) -> None:
        """Bring what was appended so far to the disk. Never raises: what fails is logged once, and tried again."""
        try:
            self._sync()
        except OSError as exc:
            if not self._sync_failed:
                _LOG.error("the ledger's spool cannot be synced to disk: %s", exc.strerror)
            self._sync_failed = True
        else:
            self._sync_failed = False

    def _sync(self) -> None:
        while self._retired:
            file = self._retired.popleft()
            try:
                self._fsync(file)
            finally:
                os.close(file)
        written = self._written()
        if written != self._synced:
            self._fsync(written[0])
            if written[0] != self._synced[0]:
                self._fsync_folder()
            self._synced = written

    @property
    def _reserve(self) -> Path:
        return self._folder.path / RESERVE

    def _run(self, post: Post, on_room: Callable[[], None]) -> None:
        beat_s = min(self._fsync_s or LOOK_S, LOOK_S)
        synced_s = time.monotonic()
        while not self._stopped.wait(beat_s):
            if time.monotonic() - synced_s >= self._fsync_s:
                self.sync()
                synced_s = time.monotonic()
            if not self.has_reserve and self.make_reserve():
                post(on_room)

    def _fsync(self, file: int) -> None:
        if self._fsync_s:
            os.fsync(file)

    def _fsync_folder(self) -> None:
        """Bring the names of new files to the disk."""
        folder = os.open(self._folder.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._fsync(folder)
        finally:
            os.close(folder)


def _fill(path: Path, size_bytes: int) -> None:
    """Write zeros, which take room on every file system, as a sparse file would not.

    Raises:
        OSError: There is no room.
    """
    if path.exists() and path.stat().st_size == size_bytes:
        return
    disk = os.statvfs(path.parent)
    if disk.f_bavail * disk.f_frsize < 2 * size_bytes:  # do not take the last bytes from the records, only to fail
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(bytes(size_bytes))
        file.flush()
        os.fsync(file.fileno())
