from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from proxy.store.spoolfolder import (
    MOST,
    Position,
    adopt_folders,
    claim_folder,
    end_of,
    file_path,
    foreign_folders,
    numbers,
    size,
)


def left_file(data_dir: Path, folder: int, number: int, content: bytes = b"x") -> Path:
    path = file_path(data_dir / "spool" / str(folder), number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_each_process_has_a_folder_of_its_own(tmp_path: Path) -> None:
    first, second = claim_folder(tmp_path), claim_folder(tmp_path)
    assert (first.path, second.path) == (tmp_path / "spool" / "1", tmp_path / "spool" / "2")
    first.release()
    assert claim_folder(tmp_path).path == first.path


def test_folders_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = claim_folder(tmp_path)
    os.close(folder.create(1))
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(file_path(folder.path, 1).stat().st_mode) == 0o600


def test_more_processes_than_anybody_runs_are_an_error(tmp_path: Path) -> None:
    held = [claim_folder(tmp_path) for _ in range(MOST)]
    with pytest.raises(OSError, match="64 processes"):
        claim_folder(tmp_path)
    assert len({folder.path for folder in held}) == MOST


def test_a_data_directory_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    with pytest.raises(OSError):
        claim_folder(tmp_path)


def test_files_are_numbered_and_other_files_are_none_of_its(tmp_path: Path) -> None:
    folder = claim_folder(tmp_path)
    left_file(tmp_path, 1, 10, b"abc")
    left_file(tmp_path, 1, 9)
    (folder.path / "notes.spool").touch()
    assert folder.numbers() == [9, 10] and folder.end() == Position(10, 3)
    folder.delete_before(10)
    assert folder.numbers() == [10]
    folder.delete(10)
    folder.delete(10)
    assert folder.end() == Position(0, 0)


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    folder = claim_folder(tmp_path)
    left_file(tmp_path, 1, 3)
    with pytest.raises(FileExistsError):
        folder.create(3)


def test_what_a_dead_process_left_is_adopted_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    living, mine = claim_folder(tmp_path), claim_folder(tmp_path)
    left_file(tmp_path, 1, 1)
    left_file(tmp_path, 2, 1)
    left_file(tmp_path, 3, 1)
    (tmp_path / "spool" / "4").mkdir()
    (tmp_path / "spool" / "lost+found").mkdir()
    adopted = adopt_folders(tmp_path, mine)
    assert [folder.path.name for folder in adopted] == ["3"]
    assert [path.name for path in foreign_folders(tmp_path, mine)] == ["1", "3"]
    assert adopt_folders(tmp_path, mine) == []  # they are taken
    living.release()
    assert [folder.path.name for folder in adopt_folders(tmp_path, mine)] == ["1"]


def test_a_folder_that_is_gone_has_nothing(tmp_path: Path) -> None:
    assert numbers(tmp_path / "gone") == [] and size(tmp_path / "gone", 1) == 0
    assert end_of(tmp_path / "gone") == Position(0, 0)
