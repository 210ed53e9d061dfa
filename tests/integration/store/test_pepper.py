"""Where the secrets that client keys are hashed under come from: the environment, or a file that is made once."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxy.core.errors import ConfigError
from proxy.core.secret import Secret
from proxy.store.pepper import NAME, VARIABLE, load_ring

ONE, TWO = "planted-secret-0123456789", "planted-secret-9876543210"


def load(folder: Path, written: str | None = None, *, is_sqlite: bool = True) -> Secret:
    return load_ring({} if written is None else {VARIABLE: written}, folder, is_sqlite=is_sqlite)


@pytest.mark.parametrize(
    ("written", "ring"),
    [
        pytest.param(ONE, ONE, id="one"),
        pytest.param(f"{ONE},{TWO}", f"{ONE},{TWO}", id="two"),
        pytest.param(f" {TWO} , {ONE}\n", f"{TWO},{ONE}", id="with-blanks"),
        pytest.param(f"{ONE},{TWO},{ONE}", f"{ONE},{TWO}", id="one-twice"),
    ],
)
@pytest.mark.parametrize("is_sqlite", [True, False], ids=["sqlite", "postgres"])
def test_the_ring_of_the_environment_counts_and_no_file_is_made(
    written: str, ring: str, is_sqlite: bool, tmp_path: Path
) -> None:
    assert load(tmp_path, written, is_sqlite=is_sqlite) == Secret(ring)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", ["short", f"{ONE},short", f"{ONE},", f",{ONE}", f"{ONE},,{TWO}"])
def test_a_secret_that_is_too_short_is_told_without_showing_any(written: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, written)
    (problem,) = caught.value.problems
    assert (problem.where, problem.expected) == (VARIABLE, "at least 16 characters each")
    assert "openssl rand -hex 32" in problem.fix
    assert "planted" not in str(problem) + repr(problem)


@pytest.mark.parametrize("written", [None, "", "  "])
def test_postgres_needs_the_variable_and_is_told_so(written: str | None, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^FAIRLEAD_SECRET_KEYS: nothing; expected a secret.* set FAIRLEAD_SECRET"):
        load(tmp_path, written, is_sqlite=False)
    assert list(tmp_path.iterdir()) == []


def test_sqlite_gets_a_secret_of_its_own_made_once_for_this_user_alone(tmp_path: Path) -> None:
    made = load(tmp_path, "")
    assert load(tmp_path) == made
    assert len(made.reveal()) == 64
    (path,) = tmp_path.iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == (NAME, 0o600)
    assert path.read_text() == made.reveal() + "\n"


def test_two_folders_get_two_secrets(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert load(tmp_path) != load(tmp_path / "other")


def test_who_makes_it_at_once_all_read_the_same(tmp_path: Path) -> None:
    for round_number in range(20):
        folder = tmp_path / str(round_number)
        folder.mkdir()
        with ThreadPoolExecutor(8) as pool:
            rings = {ring.reveal() for ring in pool.map(load, [folder] * 8)}
        assert len(rings) == 1
        assert [path.name for path in folder.iterdir()] == [NAME]


def test_processes_that_make_it_at_once_all_read_the_same(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from proxy.store.pepper import load_ring\n"
        "folder = Path(sys.argv[1])\n"
        "(folder / f'ready-{sys.argv[2]}').touch()\n"
        "while len(list(folder.glob('ready-*'))) < 4: time.sleep(0.001)\n"
        "print(load_ring({}, folder / 'kept', is_sqlite=True).reveal())"
    )
    (tmp_path / "kept").mkdir()
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(n)], stdout=subprocess.PIPE, text=True)
        for n in range(4)
    ]
    told = [process.communicate(timeout=15)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert set(told) == {(tmp_path / "kept" / NAME).read_text()}
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [NAME]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"short\n", f"{ONE},{TWO}\n".encode()], ids=["empty", "a-line", "short", "a-ring"]
)
def test_a_file_that_holds_no_secret_of_ours_is_refused_and_kept(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="put it back from a backup") as caught:
        load(tmp_path)
    assert path.read_bytes() == content
    assert "planted" not in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"\xff" * 32)
    with pytest.raises(ConfigError, match=r"cannot be used \(no text\)"):
        load(tmp_path)


@pytest.mark.parametrize("kind", ["a-folder-that-is-not-there", "a-folder-in-its-place"])
def test_a_file_that_cannot_be_made_or_read_is_refused_with_what_to_set(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    if kind == "a-folder-in-its-place":
        (folder / NAME).mkdir(parents=True)
    with pytest.raises(ConfigError, match="or set FAIRLEAD_SECRET_KEYS"):
        load(folder)


def test_the_log_says_that_it_was_made_and_not_what(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        made = load(tmp_path)
        load(tmp_path)
    assert len(caplog.messages) == 1
    assert made.reveal() not in caplog.text + repr(made)
