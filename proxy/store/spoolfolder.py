"""Whose spool files are whose: folders under `data_dir/spool`, each locked by the one process that writes to it.

A second process on the same data directory, as in a rolling restart, takes the next folder. What a process left behind
is read by whoever takes its folder next. A folder is never deleted: its lock would then be two locks.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = "spool"
MOST = 64
_LOCK = "lock"
_SUFFIX = ".spool"
_TAKEN = (errno.EAGAIN, errno.EACCES)


class Position(NamedTuple):
    """A place in a folder's files: the file's number, and bytes from its beginning."""

    number: int
    offset: int


class SpoolFolder:
    """A folder that this process has the lock of. Its files are numbered in the order they were written."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    def numbers(self) -> list[int]:
        return numbers(self.path)

    def end(self) -> Position:
        return end_of(self.path)

    def create(self, number: int) -> int:
        """Make a file to append to.

        Raises:
            OSError: It cannot be made.
        """
        path = file_path(self.path, number)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def delete(self, number: int) -> None:
        file_path(self.path, number).unlink(missing_ok=True)

    def delete_before(self, number: int, *, since: int = 0) -> None:
        for earlier in self.numbers():
            if since <= earlier < number:
                self.delete(earlier)

    def release(self) -> None:
        """Let another process have it."""
        os.close(self._lock)


def claim_folder(data_dir: Path) -> SpoolFolder:
    """Take the first folder that no living process has.

    Raises:
        OSError: None can be made, or `MOST` processes have one each.
    """
    for number in range(1, MOST + 1):
        folder = _lock_folder(data_dir / FOLDER / str(number))
        if folder is not None:
            return folder
    raise OSError(errno.EBUSY, f"{MOST} processes write to it already")


def adopt_folders(data_dir: Path, mine: SpoolFolder) -> list[SpoolFolder]:
    """Take every other folder with files whose process is gone."""
    return [folder for path in _others(data_dir, mine) if numbers(path) and (folder := _lock_folder(path))]


def foreign_folders(data_dir: Path, mine: SpoolFolder) -> list[Path]:
    """Name every other folder with files."""
    return [path for path in _others(data_dir, mine) if numbers(path)]


def numbers(path: Path) -> list[int]:
    """Which files a folder has, the oldest first."""
    return sorted(int(file.stem) for file in path.glob(f"*{_SUFFIX}") if file.stem.isdigit())


def end_of(path: Path) -> Position:
    """Where the last file of a folder ends; (0, 0) where there is none."""
    last = max(numbers(path), default=0)
    return Position(last, size(path, last))


def file_path(path: Path, number: int) -> Path:
    return path / f"{number:010d}{_SUFFIX}"


def size(path: Path, number: int) -> int:
    """Bytes of a file; 0 where it is not there."""
    try:
        return file_path(path, number).stat().st_size
    except FileNotFoundError:
        return 0


def _others(data_dir: Path, mine: SpoolFolder) -> Iterator[Path]:
    for path in sorted((data_dir / FOLDER).glob("*")):
        if path != mine.path and path.name.isdigit():
            yield path


def _lock_folder(path: Path) -> SpoolFolder | None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(lock)
        if exc.errno in _TAKEN:
            return None
        raise
    return SpoolFolder(path, lock)
