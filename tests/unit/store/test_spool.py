from __future__ import annotations

import logging
from pathlib import Path

import pytest

from proxy.core.errors import LedgerFull
from proxy.store.spool import Spool, SpoolOptions
from proxy.store.spoolfolder import file_path
from proxy.store.spoolrecord import write_close, write_open
from tests.fakes.records import closed, opened, request_id
from tests.fakes.spools import SMALL, longest_file, make_spool, spooled

ONE = len(write_open(opened(1)))
OTHER = len(write_close(closed(1)))


def ids(*numbers: int) -> list[str]:
    return [request_id(number) for number in numbers]


def recent_ids(spool: Spool) -> list[str] | None:
    return None if spool.recent is None else [record.request_id for record in spool.recent]


def fill(spool: Spool, first: int = 100) -> int:
    """Begin requests until one is refused; return how many were begun."""
    for number in range(first, first + 10_000):
        try:
            spool.open(opened(number))
        except LedgerFull:
            return number - first
    raise AssertionError("the disk never became full")


def test_a_record_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    spool.open(opened(1))
    assert spooled(spool.folder.path) == (ids(1), [])
    spool.close(closed(1))
    assert spooled(spool.folder.path) == (ids(1), ids(1))
    assert spool.end.offset == file_path(spool.folder.path, 1).stat().st_size == ONE + OTHER
    assert (spool.closed, spool.dropped, spool.in_flight) == (1, 0, 0)


def test_a_run_writes_no_file_of_an_earlier_run(tmp_path: Path) -> None:
    first = make_spool(tmp_path)
    first.open(opened(1))
    first.stop()
    second = make_spool(tmp_path)
    assert (first.first, second.first, second.folder.numbers()) == (1, 2, [1, 2])


def test_a_file_without_a_record_does_not_stay(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    spool.stop()
    assert spool.folder.numbers() == []


def test_a_new_file_begins_with_what_has_not_ended(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, SpoolOptions(reserve_bytes=4096, file_bytes=3 * ONE))
    for number in (1, 2, 3):
        spool.open(opened(number))
    assert spool.end == (2, 3 * ONE)  # 3 was begun by the very call that made the file too long
    spool.folder.delete_before(2)
    assert spooled(spool.folder.path) == (ids(1, 2, 3), [])


def test_a_new_file_has_nothing_of_what_has_ended(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, SpoolOptions(reserve_bytes=4096, file_bytes=2 * ONE + OTHER))
    spool.open(opened(1))
    spool.open(opened(2))
    spool.close(closed(1))
    assert spool.end == (2, ONE)
    spool.folder.delete_before(2)
    assert spooled(spool.folder.path) == (ids(2), [])


def test_files_are_turned_over_only_when_something_new_is_in_them(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    assert spool.turn_over() and spool.end == (1, 0)
    spool.open(opened(1))
    assert spool.turn_over() and spool.end == (2, ONE)
    assert spool.turn_over() and spool.end == (2, ONE)


def test_where_no_new_file_can_be_made_the_old_one_goes_on(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, SpoolOptions(reserve_bytes=4096, file_bytes=ONE))
    file_path(spool.folder.path, 2).mkdir()
    spool.open(opened(1))
    spool.open(opened(2))
    assert spool.end == (1, 2 * ONE) and not spool.is_full


def test_a_file_that_cannot_begin_with_all_that_has_not_ended_is_not_begun(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    for number in range(100):
        spool.open(opened(number))
    for limit in (50 * ONE, 0):
        with longest_file(limit):
            assert not spool.turn_over()
    assert spool.folder.numbers() == [1] and spool.end == (1, 100 * ONE)


def test_a_full_disk_refuses_requests_and_says_what_to_do(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = make_spool(tmp_path)
    with longest_file(10 * ONE + 5):
        assert fill(spool) == 10
        with pytest.raises(LedgerFull, match="free space in its data_dir, or set") as refusal:
            spool.open(opened(1))
    assert (refusal.value.status, refusal.value.retry_after_s) == (503, 5.0)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]  # once, not once a request
    assert spool.in_flight == 10


def test_a_record_for_half_of_which_there_was_room_is_taken_back(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    with longest_file(10 * ONE + 5):
        fill(spool)
    assert file_path(spool.folder.path, 1).stat().st_size == spool.end.offset == 10 * ONE


def test_the_end_of_a_request_never_fails_and_is_written_when_there_is_room(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    with longest_file(10 * ONE):
        fill(spool, 0)
        for number in range(9):
            spool.close(closed(number))
        assert spooled(spool.folder.path)[1] == []
    spool.close(closed(9))  # with it goes what waited
    assert spooled(spool.folder.path)[1] == ids(*range(10)) and spool.dropped == 0
    assert spool.in_flight == 0


def test_what_waits_is_written_at_the_stop(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    with longest_file(ONE):
        spool.open(opened(1))
        spool.close(closed(1))
    spool.stop()
    assert spooled(spool.folder.path) == (ids(1), ids(1))


def test_a_full_disk_has_the_reserve_for_what_ends(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    reserve = spool.folder.path / "reserve"
    assert reserve.stat().st_size == 4096
    with longest_file(ONE):
        fill(spool)
    assert reserve.stat().st_size == 0


def test_there_is_no_room_for_a_request_where_there_is_none_for_the_reserve(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, SpoolOptions(reserve_bytes=2**62))
    assert spool.is_full and fill(spool) == 0
    assert not (spool.folder.path / "reserve").exists()


def test_where_full_means_drop_requests_go_on_and_nothing_that_fits_in_memory_is_lost(tmp_path: Path) -> None:
    options = SpoolOptions(on_full="drop", reserve_bytes=4096, unwritten_bytes=3 * OTHER)
    spool = make_spool(tmp_path, options)
    with longest_file(ONE):
        for number in range(5):
            spool.open(opened(number))
            spool.close(closed(number))
    assert spool.dropped == 2 and spool.is_full
    spool.open(opened(9))
    spool.close(closed(9))
    assert spooled(spool.folder.path)[1] == ids(0, 1, 2, 9) and spool.dropped == 2


@pytest.mark.parametrize(("on_full", "so"), [("refuse", "requests are refused"), ("drop", "records wait in memory")])
def test_a_disk_that_is_full_at_the_start_is_told(
    on_full: str, so: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_spool(tmp_path, SpoolOptions(on_full, reserve_bytes=2**62))
    (line,) = caplog.records
    assert (line.levelname, vars(line)["event"]) == ("ERROR", "ledger_full")
    assert so in line.message and str(tmp_path) in line.message


def test_what_neither_disk_nor_database_took_is_said_to_be_lost_at_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = make_spool(tmp_path)
    for number in range(4):
        spool.open(opened(number))
    with longest_file(4 * ONE):
        for number in range(4):
            spool.close(closed(number))
        spool.loaded(1)  # the database has one of them
        caplog.clear()
        spool.stop()
    (line,) = caplog.records
    assert (line.levelname, vars(line)["event"]) == ("ERROR", "ledger_full")
    assert line.message.startswith("3 records")


def test_a_full_disk_has_no_room_for_requests_that_were_never_sent(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, SpoolOptions(reserve_bytes=2**62, recent=1))
    spool.close(closed(1))
    assert recent_ids(spool) == ids(1) and spool.dropped == 0  # it can be loaded all the same
    spool.close(closed(2))
    spool.close(closed(3))
    assert recent_ids(spool) is None and spool.dropped == 2
    assert spooled(spool.folder.path) == ([], [])


def test_what_is_in_the_database_already_need_not_be_written(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    for number in range(4):
        spool.open(opened(number))
    with longest_file(4 * ONE):
        for number in range(3):
            spool.close(closed(number))
        spool.loaded(2)
    spool.close(closed(3))
    assert spooled(spool.folder.path)[1] == ids(2, 3)


def test_what_the_file_lacks_is_handed_out_where_recent_records_became_too_many(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, SpoolOptions(reserve_bytes=4096, recent=2))
    for number in range(5):
        spool.open(opened(number))
    with longest_file(5 * ONE):
        for number in range(4):
            spool.close(closed(number))
        assert recent_ids(spool) is None and spooled(spool.folder.path)[1] == []
        behind, records = spool.take()
        assert (behind, [record.request_id for record in records]) == (0, ids(0, 1, 2, 3))
        assert recent_ids(spool) == []
    spool.close(closed(4))
    assert spooled(spool.folder.path)[1] == ids(0, 1, 2, 3, 4)


def test_recent_records_are_held_until_they_are_too_many(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, SpoolOptions(reserve_bytes=4096, recent=2))
    spool.close(closed(1))
    spool.close(closed(2))
    assert recent_ids(spool) == ids(1, 2)
    spool.close(closed(3))
    spool.close(closed(4))
    assert recent_ids(spool) is None and spool.take()[0] == 4
    spool.close(closed(5))
    assert recent_ids(spool) == ids(5)
    assert spooled(spool.folder.path)[1] == ids(1, 2, 3, 4, 5)


def test_a_folder_that_is_deleted_stops_no_request(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, SpoolOptions(reserve_bytes=4096, file_bytes=ONE))
    for path in (file_path(spool.folder.path, 1), spool.folder.path / "reserve", spool.folder.path / "lock"):
        path.unlink()
    spool.folder.path.rmdir()
    spool.open(opened(1))
    spool.close(closed(1))
    assert not spool.is_full
    spool.stop()


def test_what_ends_after_the_stop_raises_nothing_and_writes_nowhere(tmp_path: Path) -> None:
    spool = make_spool(tmp_path)
    spool.open(opened(1))
    spool.stop()
    spool.close(closed(1))
    assert spooled(spool.folder.path) == (ids(1), [])


def test_the_usual_options_are_those_of_the_configuration() -> None:
    assert (SpoolOptions().on_full, SpoolOptions().fsync_s) == ("refuse", 1.0)
    assert SMALL.file_bytes == SpoolOptions().file_bytes
