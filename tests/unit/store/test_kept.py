from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from proxy.store.kept import BROKEN_NAME, LARGEST_BYTES, NAME, KeptState


def files(of: Path) -> set[str]:
    return {path.name for path in of.iterdir()}


def test_what_was_saved_is_loaded_again(tmp_path: Path) -> None:
    KeptState(tmp_path).save({"disabled": ["a"], "n": 1})
    assert KeptState(tmp_path).load() == {"disabled": ["a"], "n": 1}


def test_a_first_start_has_nothing_to_load_and_nothing_to_say(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert KeptState(tmp_path).load() == {} and caplog.records == []


def test_the_file_is_for_its_owner_alone_and_leaves_no_draft(tmp_path: Path) -> None:
    KeptState(tmp_path).save({})
    assert files(tmp_path) == {NAME}
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_a_draft_of_a_process_of_the_same_number_in_another_container_is_left_alone(tmp_path: Path) -> None:
    draft = tmp_path / f"{NAME}.{os.getpid()}.new"
    draft.write_text("half")
    KeptState(tmp_path).save({"a": 1})
    assert KeptState(tmp_path).load() == {"a": 1} and draft.read_text() == "half"


def test_a_draft_that_a_killed_process_left_goes_at_a_later_start(tmp_path: Path) -> None:
    draft = tmp_path / f"{NAME}.{os.getpid()}.new"
    draft.write_text("half")
    KeptState(tmp_path).load()
    assert draft.exists()
    os.utime(draft, (1_000_000_000, 1_000_000_000))
    KeptState(tmp_path).load()
    assert files(tmp_path) == set()


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    kept = KeptState(tmp_path)
    kept.save({"a": 1})
    (tmp_path / NAME).unlink()
    kept.save({"a": 1})
    assert files(tmp_path) == set()
    kept.save({"a": 2})
    assert files(tmp_path) == {NAME}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"a": ', id="cut-off"),
        pytest.param(b"[1]", id="no-object"),
        pytest.param(b'{"a": "\xff\xfe"}', id="no-utf-8"),
        pytest.param(bytes(range(256)), id="no-text"),
        pytest.param(b'{"a":' + b"[" * 100_000, id="too-deep"),
    ],
)
def test_a_broken_file_is_put_aside_and_the_start_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert KeptState(tmp_path).load() == {}
    assert (tmp_path / BROKEN_NAME).read_bytes() == content and files(tmp_path) == {BROKEN_NAME}
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_giant_file_is_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (tmp_path / NAME).open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    assert KeptState(tmp_path).load() == {}
    assert "too large" in caplog.text and files(tmp_path) == {BROKEN_NAME}


def test_a_broken_file_that_cannot_be_renamed_stops_no_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / NAME).write_text("{")
    (tmp_path / BROKEN_NAME).mkdir()
    assert KeptState(tmp_path).load() == {}
    assert "cannot be renamed" in caplog.text


def test_a_file_that_cannot_be_read_stops_no_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / NAME).mkdir()
    assert KeptState(tmp_path).load() == {}
    assert "cannot be read" in caplog.text


def test_a_directory_that_is_gone_is_an_error_to_the_caller(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        KeptState(tmp_path / "gone").save({})


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    kept = KeptState(tmp_path)
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "in-the-way").touch()
    with pytest.raises(OSError):
        kept.save({"a": 1})
    assert files(tmp_path) == {NAME}
