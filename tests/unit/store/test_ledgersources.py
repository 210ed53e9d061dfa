"""What the loader is handed, without a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.store.ledgersources import SLICE, LiveSource
from proxy.store.spool import Spool, SpoolOptions
from tests.fakes.records import closed, opened, request_id
from tests.fakes.spools import longest_file, make_spool


def serve(spool: Spool, numbers: range) -> None:
    for number in numbers:
        spool.open(opened(number))
        spool.close(closed(number))


def taken(source: LiveSource) -> set[object]:
    found: set[object] = set()
    while (rows := source.take()) is not None:
        found.update(row[0] for row in rows)
    return found


def test_what_is_read_a_second_time_makes_nothing_loaded_that_was_not_handed_out(tmp_path: Path) -> None:
    spool = make_spool(tmp_path, SpoolOptions("drop", reserve_bytes=4096, recent=10))
    source = LiveSource(spool)
    with longest_file(4096):
        serve(spool, range(50))
    found = taken(source)  # some of them from memory
    serve(spool, range(50, 70))  # there is room again: those come into the file too, and behind them more than is held
    source.loaded()
    found.update(row[0] for row in source.take() or ())
    with longest_file(spool.end.offset):
        serve(spool, range(70, 85))
    source.loaded()
    found |= taken(source)
    source.loaded()
    assert source.backlog == 0
    assert found == {request_id(number) for number in range(85)}


def test_what_is_handed_out_first_makes_no_more_loaded_than_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = make_spool(tmp_path, SpoolOptions("drop", reserve_bytes=4096, recent=10))
    source = LiveSource(spool)
    with longest_file(0):
        serve(spool, range(SLICE + 50))
        for number in range(1_000, 1_100):  # nothing was sent for these
            spool.close(closed(number))
        assert len(source.take() or ()) == SLICE
        source.loaded()
        caplog.clear()
        spool.stop()
    assert [line.message.partition(" are")[0] for line in caplog.records] == ["50 records"]
