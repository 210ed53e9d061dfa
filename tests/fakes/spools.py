"""Spools in a folder of a test, what is in their files, and a disk that is full."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proxy.store.spool import Spool, SpoolOptions
from proxy.store.spoolfile import CLOSE, OPEN
from proxy.store.spoolfolder import Position, claim_folder, end_of
from proxy.store.spoolreader import SpoolReader
from proxy.store.spoolrecord import read_close, read_open

SMALL = SpoolOptions(reserve_bytes=4096)


def make_spool(data_dir: Path, options: SpoolOptions = SMALL) -> Spool:
    return Spool(data_dir, claim_folder(data_dir), options)


def spooled(folder: Path) -> tuple[list[str], list[str]]:
    """The ids in the files of a folder: of what began, and of what ended."""
    reader = SpoolReader(folder, Position(0, 0))
    begun: list[str] = []
    ended: list[str] = []
    while (found := reader.read(end_of(folder))) is not None:
        for kind, payload in found.records:
            if kind == OPEN and (opened := read_open(payload)) is not None:
                begun.append(opened.request_id)
            if kind == CLOSE and (closed := read_close(payload)) is not None:
                ended.append(closed.request_id)
    return begun, ended


@contextmanager
def longest_file(size_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond a length: the write that would is short, the next one an error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
