"""A disk that is full, for real: files that may not grow, and a file system of half a megabyte."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.core.errors import LedgerFull
from proxy.store.spool import Spool, SpoolOptions
from tests.fakes.records import closed, opened, request_id
from tests.fakes.spools import longest_file, make_spool, spooled
from tests.fakes.upstream_calls import settles

QUICK = SpoolOptions(fsync_s=0.01, reserve_bytes=64 * 1024)


@contextmanager
def running(spool: Spool) -> Iterator[Spool]:
    spool.start(asyncio.get_running_loop().call_soon_threadsafe)
    try:
        yield spool
    finally:
        spool.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "none", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a file system")
    yield disk
    subprocess.run(["umount", disk], check=True)


def begin_until_refused(spool: Spool) -> list[int]:
    begun: list[int] = []
    for number in range(100_000):
        try:
            spool.open(opened(number))
        except LedgerFull:
            return begun
        begun.append(number)
    raise AssertionError("the disk never became full")


async def test_full_disk_refuses_what_begins_keeps_what_ends_and_recovers_by_itself(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(150_000))
    with running(make_spool(small_disk, QUICK)) as spool:
        begun = begin_until_refused(spool)
        assert len(begun) > 100
        ended = begun[:100]
        for number in ended:
            spool.close(closed(number))
        # They are on the disk, in the room that the reserve had, and the log of the disk is whole.
        assert spooled(spool.folder.path) == ([request_id(n) for n in begun], [request_id(n) for n in ended])
        await asyncio.sleep(0.1)
        assert spool.is_full  # nobody made room
        filler.unlink()
        assert await settles(lambda: not spool.is_full, 5.0)
        spool.open(opened(200_000))
        # There is no room for a new file that begins with all that has not ended, and so the old one goes on.
        assert spool.end.number == 1 and spool.dropped == 0
        spool.close(closed(200_000))
        ids = [request_id(n) for n in [*begun, 200_000]]
        assert spooled(spool.folder.path) == (ids, [*ids[:100], ids[-1]])


async def test_ends_beyond_the_reserve_wait_in_memory_for_room(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(350_000))
    with running(make_spool(small_disk, SpoolOptions(fsync_s=0.01, reserve_bytes=4096))) as spool:
        begun = begin_until_refused(spool)
        for number in begun[:400]:
            spool.close(closed(number))
        assert 0 < len(spooled(spool.folder.path)[1]) < 100
        filler.unlink()
        assert await settles(lambda: not spool.is_full, 5.0)
        assert spooled(spool.folder.path)[1] == [request_id(n) for n in begun[:400]]
        assert spool.end.number == 2 and spool.dropped == 0


async def test_file_that_takes_no_more_is_left_for_a_new_one(tmp_path: Path) -> None:
    with longest_file(QUICK.reserve_bytes), running(make_spool(tmp_path, QUICK)) as spool:
        begun = begin_until_refused(spool)
        for number in begun[10:]:
            spool.close(closed(number))
        # A new file is no longer than the old one may be, and need not be: what has not ended is little.
        assert await settles(lambda: not spool.is_full, 5.0)
        assert spool.end.number >= 2
        spool.open(opened(50_000))
        opens, ends = spooled(spool.folder.path)
        assert set(opens) == {request_id(n) for n in [*begun, 50_000]}
        assert sorted(ends) == [request_id(n) for n in begun[10:]]


async def test_recovery_that_fails_is_tried_again(tmp_path: Path) -> None:
    with running(make_spool(tmp_path, SpoolOptions(on_full="drop", fsync_s=0.01, reserve_bytes=512))) as spool:
        with longest_file(600):
            for number in range(20):
                spool.open(opened(number))
            await asyncio.sleep(0.1)
            assert spool.is_full  # there is room for the reserve, and none for a file with all that has begun
        assert await settles(lambda: not spool.is_full, 5.0)
        spool.folder.delete_before(spool.end.number)
        assert spooled(spool.folder.path)[0] == [request_id(n) for n in range(20)]


async def test_what_was_appended_is_synced_and_old_files_are_closed(tmp_path: Path) -> None:
    options = SpoolOptions(fsync_s=0.01, reserve_bytes=512, file_bytes=1000)
    before = len(os.listdir("/proc/self/fd"))
    with running(make_spool(tmp_path, options)) as spool:
        for number in range(50):
            spool.open(opened(number))
            spool.close(closed(number))
        assert spool.end.number > 10
        assert await settles(lambda: len(os.listdir("/proc/self/fd")) == before + 2, 5.0)  # the lock, the present file
    assert len(os.listdir("/proc/self/fd")) == before


async def test_room_that_comes_when_all_is_over_touches_nothing(tmp_path: Path) -> None:
    posted: list[Callable[[], None]] = []
    spool = make_spool(tmp_path, QUICK)
    spool.start(posted.append)
    with longest_file(100):
        begin_until_refused(spool)
    assert await settles(lambda: bool(posted), 5.0)
    spool.stop()
    before = spool.folder.numbers()
    posted[0]()
    assert spool.folder.numbers() == before
    next_one = make_spool(tmp_path)
    next_one.close(closed(1))
    next_one.stop()
