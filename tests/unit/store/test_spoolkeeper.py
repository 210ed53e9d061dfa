from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.store.spoolfolder import SpoolFolder, claim_folder
from proxy.store.spoolkeeper import RESERVE, SpoolKeeper


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[SpoolFolder]:
    claimed = claim_folder(tmp_path)
    yield claimed
    claimed.release()


def keeper(folder: SpoolFolder, file: int = -1, *, fsync_s: float = 1.0, reserve_bytes: int = 4096) -> SpoolKeeper:
    return SpoolKeeper(folder, lambda: (file, 1), fsync_s=fsync_s, reserve_bytes=reserve_bytes)


def test_the_reserve_takes_its_room_and_gives_it_back(folder: SpoolFolder) -> None:
    kept, path = keeper(folder), folder.path / RESERVE
    for _ in range(2):
        assert kept.make_reserve()
        assert (path.stat().st_size, path.stat().st_blocks * 512 >= 4096) == (4096, True)  # not a hole
        kept.spend_reserve()
        assert path.stat().st_size == 0


class Watched(SpoolKeeper):
    """Notes how large the reserve is whenever it is told whether there is one."""

    sizes: list[tuple[object, int]]

    def __setattr__(self, name: str, value: object) -> None:
        if name == "has_reserve" and hasattr(self, "sizes"):
            self.sizes.append((value, self._reserve.stat().st_size))
        super().__setattr__(name, value)


def test_a_reserve_is_spent_before_its_thread_may_look_for_it(folder: SpoolFolder) -> None:
    kept = Watched(folder, lambda: (-1, 1), fsync_s=1.0, reserve_bytes=4096)
    kept.sizes = []
    kept.make_reserve()
    kept.spend_reserve()
    assert kept.sizes == [(True, 4096), (False, 0)]


def test_a_reserve_of_an_earlier_run_is_taken_over(folder: SpoolFolder) -> None:
    keeper(folder).make_reserve()
    before = (folder.path / RESERVE).stat()
    kept = keeper(folder)
    assert kept.make_reserve()
    assert kept.has_reserve
    assert (folder.path / RESERVE).stat().st_mtime_ns == before.st_mtime_ns


def test_a_reserve_that_the_disk_has_no_room_for_leaves_nothing(folder: SpoolFolder) -> None:
    kept = keeper(folder, reserve_bytes=2**62)
    assert not kept.make_reserve() and not kept.has_reserve
    assert not (folder.path / RESERVE).exists()


def test_a_reserve_that_cannot_be_made_raises_nothing(folder: SpoolFolder) -> None:
    (folder.path / RESERVE).mkdir()
    assert not keeper(folder, reserve_bytes=10_000).make_reserve()


def test_a_reserve_that_is_gone_raises_nothing(folder: SpoolFolder, caplog: pytest.LogCaptureFixture) -> None:
    kept = keeper(folder)
    kept.make_reserve()
    (folder.path / RESERVE).unlink()
    kept.spend_reserve()
    assert not kept.has_reserve and "cannot be released" in caplog.text


def test_a_sync_that_fails_is_logged_once(folder: SpoolFolder, caplog: pytest.LogCaptureFixture) -> None:
    reading, writing = os.pipe()  # nothing that could be synced
    kept = keeper(folder, writing)
    for _ in range(3):
        kept.retire(os.dup(writing))
        kept.sync()
    assert [(record.levelno, "cannot be synced" in record.message) for record in caplog.records] == [
        (logging.ERROR, True)
    ]
    os.close(reading)
    os.close(writing)


def test_nothing_is_synced_where_that_is_left_to_the_system(
    folder: SpoolFolder, caplog: pytest.LogCaptureFixture
) -> None:
    reading, writing = os.pipe()
    kept = keeper(folder, writing, fsync_s=0)
    kept.retire(reading)
    kept.stop()
    assert caplog.records == []
    with pytest.raises(OSError):
        os.fstat(reading)  # closed all the same
    os.close(writing)
