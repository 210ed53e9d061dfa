"""What a source lets go of: nothing that the next process would want, whenever this one ends."""

from __future__ import annotations

from pathlib import Path

from proxy.store.database import Database
from proxy.store.ledgersources import LeftSource
from proxy.store.loader import Loader
from proxy.store.spool import SpoolOptions
from proxy.store.spoolfolder import SpoolFolder, claim_folder, file_path
from proxy.store.spoolreader import PIECE_BYTES
from tests.fakes.clock import StillClock
from tests.fakes.loaded import loaded_ids
from tests.fakes.records import closed, opened, request_id
from tests.fakes.spools import SMALL, make_spool

SMALL_FILES = SpoolOptions(reserve_bytes=4096, file_bytes=2048)


def killed(data_dir: Path, *, begun: int, served: range = range(0), options: SpoolOptions = SMALL) -> None:
    """Leave the files of a process that was killed, with one request under way."""
    spool = make_spool(data_dir, options)
    spool.open(opened(begun))
    for number in served:
        spool.open(opened(number))
        spool.close(closed(number))
    spool.folder.release()


def left_in(data_dir: Path) -> tuple[SpoolFolder, LeftSource]:
    """Take the folder as the next process does."""
    folder = claim_folder(data_dir)
    return folder, LeftSource(folder, folder.end(), is_mine=True)


def loaded_and_let_go(source: LeftSource) -> list[object]:
    """Hand out the next rows, as if they were in the database then; return the ids."""
    rows = source.take()
    if source.loaded():
        source.discard()
    return [row[0] for row in rows or ()]


def test_what_a_process_began_is_kept_until_it_is_loaded_however_many_were_killed_after_it(tmp_path: Path) -> None:
    killed(tmp_path, begun=90_000)
    killed(tmp_path, begun=90_001, served=range(1000))  # longer than what is read at once
    folder, source = left_in(tmp_path)
    assert file_path(folder.path, 2).stat().st_size > 2 * PIECE_BYTES
    assert loaded_and_let_go(source) == []
    assert request_id(0) in loaded_and_let_go(source)
    assert folder.numbers() == [1, 2], "a crash now must find the request of the first file again"
    handed_out: list[object] = []
    while folder.numbers():
        handed_out += loaded_and_let_go(source)
    assert handed_out[-2:] == [request_id(90_000), request_id(90_001)]


def test_files_of_one_process_go_as_they_are_loaded_since_each_repeats_what_is_under_way(tmp_path: Path) -> None:
    killed(tmp_path, begun=90_000, served=range(50), options=SMALL_FILES)
    folder, source = left_in(tmp_path)
    left = folder.numbers()
    assert len(left) > 5
    for number in left:
        loaded_and_let_go(source)
        assert folder.numbers()[0] == number
    assert loaded_and_let_go(source) == [request_id(90_000)]
    assert folder.numbers() == []


async def test_file_of_an_earlier_run_that_cannot_be_read_for_now_is_not_deleted_by_this_run(
    database: Database, tmp_path: Path
) -> None:
    killed(tmp_path, begun=1)
    spool, clock = make_spool(tmp_path), StillClock()
    loader = Loader(database, spool, clock)
    path = file_path(spool.folder.path, 1)
    kept = path.rename(tmp_path / "kept")
    path.symlink_to(tmp_path)  # a folder cannot be read
    for number in range(2, 5):
        spool.open(opened(number))
        spool.close(closed(number))
        clock.now_s += 60
        assert not await loader.load()
    assert spool.end.number > 3
    assert await loaded_ids(database) == [request_id(number) for number in range(2, 5)]
    path.unlink()
    kept.rename(path)
    assert await loader.load()
    assert request_id(1) in await loaded_ids(database)
    assert spool.folder.numbers() == [spool.end.number]
