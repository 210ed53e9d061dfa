from __future__ import annotations

import logging
from pathlib import Path

import pytest

from proxy.core.errors import ConfigError
from proxy.core.snapshot import Server, Snapshot
from proxy.settings.data_dir import doubted_data_dir, open_data_dir, resolve_data_dir


@pytest.mark.parametrize(
    ("written", "environ", "expected"),
    [
        (None, {"HOME": "/home/u"}, "/home/u/.local/state/fairlead"),
        (None, {}, "/.local/state/fairlead"),
        ("~/kept", {"HOME": "/home/u"}, "/home/u/kept"),
        ("/var/lib/fairlead", {"HOME": "/home/u"}, "/var/lib/fairlead"),
        ("kept", {}, "kept"),
    ],
)
def test_the_folder_is_the_written_one_else_the_usual_one(
    written: str | None, environ: dict[str, str], expected: str
) -> None:
    assert resolve_data_dir(written, environ) == expected


def test_the_folder_is_made_for_the_gateway_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert open_data_dir(Snapshot(server=Server(data_dir=str(folder)))) == folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []


def test_a_configured_gateway_needs_its_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"server\.data_dir: a folder that cannot be written"):
        open_data_dir(Snapshot(server=Server(data_dir=str(tmp_path / "file" / "x"))))


def test_a_folder_that_could_hardly_be_made_is_doubted_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert doubted_data_dir(str(tmp_path / "a" / "b"), "here") is None
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
    for folder in ("file", "file/x"):
        problem = doubted_data_dir(str(tmp_path / folder), "here")
        assert problem is not None and (problem.where, problem.warning) == ("here", True)


def test_the_demo_warns_and_keeps_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        assert open_data_dir(Snapshot(source="demo", server=Server(data_dir=str(tmp_path / "file" / "x")))) is None
    assert "the demo keeps nothing" in caplog.text
