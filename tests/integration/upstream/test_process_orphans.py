"""What a Fairlead that was killed left running."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.upstream import process_orphans
from proxy.upstream.process_family import MARK
from proxy.upstream.process_orphans import end_orphans, new_mark, orphans
from tests.fakes.localprocesses import ask, is_running, local, running

# A namespace of these tests' own: another gateway of this machine would end what bears the usual mark.
NAMESPACE = secrets.token_hex(8)
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
MEEK = "import time; print(flush=True); time.sleep(60)"
_, PID, BEGAN, TOKEN = new_mark().split("-")
RUNNING = f"{NAMESPACE}-{PID}-{BEGAN}-{TOKEN}"
OF_A_DEAD_ONE = f"{NAMESPACE}-{PID}-{int(BEGAN) - 1}-{TOKEN}"


@pytest.fixture(autouse=True)
def namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_orphans, "_namespace", lambda: NAMESPACE)


class Sleepers:
    """Programs that bear marks."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, mark: str | None, program: str = MEEK) -> int:
        env = {**os.environ, **({} if mark is None else {MARK: mark})}
        child = subprocess.Popen([sys.executable, "-c", program], env=env, stdout=subprocess.PIPE)
        self.started.append(child)
        assert child.stdout is not None
        child.stdout.readline()
        return child.pid


@pytest.fixture
def sleepers() -> Iterator[Sleepers]:
    made = Sleepers()
    yield made
    for child in made.started:
        child.kill()
        child.communicate()


@pytest.mark.parametrize(
    "mark",
    [
        pytest.param(None, id="none"),
        pytest.param(RUNNING, id="of-one-that-runs"),
        pytest.param(f"1{NAMESPACE}-{PID}-{int(BEGAN) - 1}-{TOKEN}", id="of-another-namespace"),
        pytest.param("", id="empty"),
        pytest.param("0123456789abcdef", id="of-an-older-release"),
        pytest.param(f"{NAMESPACE}-x-1-{TOKEN}", id="odd"),
    ],
)
def test_only_the_mark_of_a_fairlead_that_ended_makes_an_orphan(sleepers: Sleepers, mark: str | None) -> None:
    left = sleepers.start(OF_A_DEAD_ONE)
    other = sleepers.start(mark)
    assert orphans() & {left, other} == {left}


def test_what_started_this_one_is_left_alone(sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a Fairlead that a provider of another runs would end its own parents."""
    left = sleepers.start(OF_A_DEAD_ONE)
    monkeypatch.setenv(MARK, OF_A_DEAD_ONE)
    assert left not in orphans()


@pytest.mark.parametrize(("is_told", "found"), [(True, {5}), (False, set())], ids=["gone", "unreadable"])
def test_only_who_is_known_to_have_ended_leaves_orphans(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_told: bool, found: set[int]
) -> None:
    """A table that cannot be read says nothing: what it hides may run, and so may what it has started."""
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "environ").write_text(f"{MARK}={NAMESPACE}-7-1-x")
    if not is_told:
        (tmp_path / "7" / "stat").mkdir(parents=True)
    monkeypatch.setattr(process_orphans, "_PROC", tmp_path)
    assert orphans() == found


def test_where_no_namespace_can_be_told_nothing_is_an_orphan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "environ").write_text(f"{MARK}=-7-1-x")
    monkeypatch.setattr(process_orphans, "_PROC", tmp_path)
    monkeypatch.setattr(process_orphans, "_namespace", lambda: "")
    assert orphans() == frozenset()


async def test_orphans_are_ended_also_those_that_do_not_listen(
    sleepers: Sleepers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(process_orphans, "TERM_S", 0.3)
    left = [sleepers.start(OF_A_DEAD_ONE), sleepers.start(OF_A_DEAD_ONE, DEAF)]
    own = sleepers.start(RUNNING)
    await end_orphans(lambda: False)
    assert [child.wait(5) for child in sleepers.started[:2]] == [-15, -9]
    assert not any(map(is_running, left))
    assert is_running(own)
    assert "2 processes that a Fairlead before this one left running were ended" in caplog.messages


async def test_nothing_is_said_where_nothing_was_left(caplog: pytest.LogCaptureFixture) -> None:
    await end_orphans(lambda: False)
    assert not caplog.messages


async def test_without_a_table_of_processes_nothing_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(process_orphans, "_PROC", tmp_path / "none")
    process_orphans._owner.cache_clear()
    assert new_mark().startswith(f"-{os.getpid()}--")
    assert orphans() == frozenset()
    process_orphans._owner.cache_clear()


async def test_processes_are_started_where_nothing_can_be_looked_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> frozenset[int]:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(process_orphans, "orphans", broken)
    provider = local()
    async with running(provider) as transports:
        assert isinstance(await ask(transports, provider), str)
    assert "what a Fairlead before this one left running cannot be looked for" in caplog.messages
