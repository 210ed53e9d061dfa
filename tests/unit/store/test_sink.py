from __future__ import annotations

from pathlib import Path

import pytest

from proxy.core.errors import ConfigError, LedgerFull
from proxy.core.snapshot import Ledger
from proxy.store.off import LedgerOff
from proxy.store.sink import open_sink
from proxy.store.spool import Spool
from proxy.store.spoolmemory import SpoolMemory
from tests.fakes.records import closed, opened
from tests.fakes.spools import longest_file


def test_requests_are_spooled_in_the_data_directory(tmp_path: Path) -> None:
    sink = open_sink(Ledger(), tmp_path)
    assert isinstance(sink, Spool) and sink.folder.path == tmp_path / "spool" / "1"
    sink.stop()


@pytest.mark.parametrize(("on_full", "refuses"), [("refuse", True), ("drop", False)])
def test_the_section_says_what_a_full_disk_means(tmp_path: Path, on_full: str, refuses: bool) -> None:
    sink = open_sink(Ledger(on_full=on_full), tmp_path)
    assert isinstance(sink, Spool)
    with longest_file(1):
        if refuses:
            with pytest.raises(LedgerFull):
                sink.open(opened(1))
        else:
            sink.open(opened(1))
    sink.stop()


def test_without_a_data_directory_requests_are_held_in_memory() -> None:
    assert isinstance(open_sink(Ledger(), None), SpoolMemory)


def test_the_other_modes_write_nothing(tmp_path: Path) -> None:
    memory, off = open_sink(Ledger(mode="memory"), tmp_path), open_sink(Ledger(mode="off"), tmp_path)
    assert isinstance(memory, SpoolMemory) and isinstance(off, LedgerOff)
    for sink in (memory, off):
        sink.open(opened(1))
        sink.close(closed(1))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_problem_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    with pytest.raises(ConfigError) as refusal:
        open_sink(Ledger(), tmp_path)
    (problem,) = refusal.value.problems
    assert problem.where == "server.data_dir" and 'ledger.mode to "memory"' in problem.fix
