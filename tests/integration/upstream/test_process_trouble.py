"""Processes that misbehave: what they print, what they leave behind, whom they leave their port to."""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from proxy.core.failure import Failure
from proxy.core.localprocess import Stage
from proxy.core.secret import Secret
from proxy.core.snapshot import Snapshot
from proxy.upstream import process
from proxy.upstream.process import Supervised, free_port
from proxy.upstream.process_family import Holder, family, holder
from tests.fakes.localprocesses import ask, is_running, local, running, stage, until
from tests.fakes.upstream_calls import open_files

SECRET = "own-secret-value-0123456789"
WITH_SECRET = (("QWEN_API_KEY", Secret(SECRET)),)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses between starts."""
    monkeypatch.setattr(process, "SHORTEST_PAUSE_S", 0.02)
    monkeypatch.setattr(process, "LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(process, "POLL_S", 0.02)


async def test_secret_that_is_cut_is_masked_in_both_halves(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fairlead.process")
    provider = local("halves", "say=own-secret-value-0123456789 at first", env=WITH_SECRET)
    async with running(provider) as transports:
        await ask(transports, provider)
        await until(lambda: any(message.endswith("z") for message in caplog.messages))
    half = len(SECRET) // 2
    said = "\n".join(caplog.messages)
    assert SECRET[:half] not in said and SECRET[half:] not in said
    assert "local: [redacted] at first" in said
    assert "local: [redacted] whole" in said
    assert "local: begins [redacted]\n" in said
    assert "local: [redacted] ends" in said


async def test_secret_of_several_lines_is_masked_line_by_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fairlead.process")
    pem = "-----BEGIN PLANTED-----\nMIIplantedone\nMIIplantedtwo\n"
    provider = local("print", env=(("QWEN_API_KEY", Secret(pem)),))
    async with running(provider) as transports:
        await ask(transports, provider)
        await until(lambda: any("xxx" in message for message in caplog.messages))
    assert "lanted" not in "".join(caplog.messages)


async def test_control_characters_do_not_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fairlead.process")
    provider = local("say=\x1b[2Jone\rtwo\x9b")
    async with running(provider) as transports:
        await ask(transports, provider)
        await until(lambda: any("two" in message for message in caplog.messages))
    assert "local: \\x1b[2Jone" in caplog.messages
    assert "local: two\\x9b" in caplog.messages


async def test_process_that_prints_too_many_lines_serves_and_is_cut_short(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fairlead.process")
    provider = local("lines=20000")
    async with running(provider) as transports:
        assert isinstance(await ask(transports, provider), str)
    lines = [message for message in caplog.messages if message.startswith("local: line ")]
    assert 500 <= len(lines) < 2000
    assert any("lines were left out: it prints too much" in message for message in caplog.messages)


async def test_endless_line_costs_neither_memory_nor_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fairlead.process")
    provider = local("endless")
    async with running(provider) as transports:
        assert isinstance(await ask(transports, provider), str)
        began_s, used_s = time.monotonic(), time.process_time()
        while time.monotonic() < began_s + 1.0:
            asked_s = time.monotonic()
            assert isinstance(await ask(transports, provider), str)
            assert time.monotonic() - asked_s < 1.0
        assert time.process_time() - used_s < 0.9
    assert sum(map(len, caplog.messages)) < 20 * 1024 * 1024


async def test_port_is_told_to_the_process_by_its_environment_too(tmp_path: Path) -> None:
    written = tmp_path / "env.json"
    provider = local(f"env={written}", env=(("PORT", Secret("{port}")),))
    async with running(provider) as transports:
        await ask(transports, provider)
        assert json.loads(written.read_text())["PORT"] == str(transports.processes.reports()["local"].port)


async def test_process_gets_no_open_file_of_ours(tmp_path: Path) -> None:
    written = tmp_path / "files.json"
    provider = local(f"files={written}")
    with socket.create_server(("127.0.0.1", 0)) as server, (tmp_path / "ours").open("w") as file:
        os.set_inheritable(server.fileno(), True)
        os.set_inheritable(file.fileno(), True)
        async with running(provider) as transports:
            await ask(transports, provider)
    found = json.loads(written.read_text())
    assert found["0"] == "/dev/null" and found["1"] == found["2"]
    assert set(found.values()) == {"/dev/null", found["1"]}


async def test_command_is_looked_up_in_the_path_of_the_process(tmp_path: Path) -> None:
    (tmp_path / "my-program").symlink_to(sys.executable)
    provider = local()
    assert provider.process is not None
    own = replace(provider.process, command="my-program", env=(("PATH", Secret(str(tmp_path))),))
    provider = replace(provider, process=own)
    async with running(provider) as transports:
        assert isinstance(await ask(transports, provider), str)


@pytest.mark.usefixtures("quick")
async def test_program_that_goes_to_the_background_is_told_to_stay_and_leaves_nothing() -> None:
    provider = local("background", "late=0.3")
    async with running(provider) as transports:
        failure = await ask(transports, provider)
    assert isinstance(failure, Failure)
    assert "exit code 0: it must stay in the foreground" in failure.detail


@pytest.mark.usefixtures("quick")
async def test_port_that_a_stranger_took_gets_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted: list[bytes] = []

    async def steal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(await reader.read())
        writer.close()

    thief = await asyncio.start_server(steal, "127.0.0.1", 0)
    stolen = thief.sockets[0].getsockname()[1]
    ports = iter([stolen])
    monkeypatch.setattr(process, "free_port", lambda: next(ports, None) or free_port())
    provider = local("late=0.5")
    async with thief, running(provider) as transports:
        failure = await ask(transports, provider)
        assert isinstance(failure, Failure)
        assert "left its port to a program that it did not start" in failure.detail
        await until(lambda: stage(transports.processes) is Stage.READY)
        assert isinstance(await ask(transports, provider), str)
    assert set(accepted) == {b""}


async def test_process_that_others_can_reach_is_told(caplog: pytest.LogCaptureFixture) -> None:
    provider = local("everywhere")
    async with running(provider) as transports:
        assert isinstance(await ask(transports, provider), str)
    assert "the process of provider local can be reached from other machines" in caplog.messages


def test_holder_of_a_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert holder(port, os.getsid(0), "no-mark") in (Holder.OWN, Holder.STRANGER)
        assert holder(port, 2**22 + 1, "no-mark") is Holder.STRANGER
    assert holder(port, 2**22 + 1, "no-mark") is Holder.NOBODY


def test_family_holds_children_in_sessions_of_their_own() -> None:
    program = "import subprocess, sys; p = subprocess.Popen(['sleep', '60'], env={}, start_new_session=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", program], start_new_session=True) as parent:
        try:
            end_s = time.monotonic() + 5
            while len(found := family(parent.pid, "no-mark")) < 2:
                assert time.monotonic() < end_s
                time.sleep(0.02)
            (child,) = found - {parent.pid}
        finally:
            parent.kill()
        os.kill(child, 9)


@pytest.mark.usefixtures("quick")
async def test_no_file_descriptor_nor_zombie_is_left_by_many_restarts() -> None:
    provider = local(eager=True)
    assert provider.process is not None
    provider = replace(provider, process=replace(provider.process, command="/bin/false", args=()))
    async with running(provider) as transports:
        await until(lambda: transports.processes.reports()["local"].restarts >= 5)
        before = open_files()
        await until(lambda: transports.processes.reports()["local"].restarts >= 60, 15)
        assert open_files() <= before + 4
        zombies = [pid for pid in children_of(os.getpid()) if not is_running(pid)]
        assert len(zombies) <= 1


def children_of(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(folder.name))
    return found


@pytest.mark.usefixtures("quick")
async def test_trouble_of_the_supervisor_is_that_of_the_provider_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = iter([OSError(24, "Too many open files"), RuntimeError("whatever")])

    def port() -> int:
        trouble = next(failing, None)
        if trouble is not None:
            raise trouble
        return free_port()

    monkeypatch.setattr(process, "free_port", port)
    provider = local()
    async with running(provider) as transports:
        failure = await ask(transports, provider)
        assert isinstance(failure, Failure) and "Too many open files" in failure.detail
        await until(lambda: stage(transports.processes) is Stage.READY)
        assert isinstance(await ask(transports, provider), str)


async def test_pause_before_the_next_start_is_told_and_grows() -> None:
    provider = local("crash=1", eager=True)
    async with running(provider) as transports:
        reports = transports.processes.reports
        await until(lambda: "exit code 1); started again after 1 s" in reports()["local"].why)
        await until(lambda: "exit code 1); started again after 2 s" in reports()["local"].why)
        assert reports()["local"].restarts == 2


async def test_request_on_its_way_survives_a_reload_that_takes_its_process_away() -> None:
    provider = local("late=0.01")
    async with running(provider) as transports:
        await ask(transports, provider)
        pid = transports.processes.reports()["local"].pid
        supervised = transports.processes._running["local"]
        assert isinstance(supervised, Supervised) and pid is not None
        supervised.take()
        transports.retire(Snapshot())
        await asyncio.sleep(0.3)
        assert is_running(pid)
        supervised.give_back()
        await until(lambda: not is_running(pid))


async def test_request_with_an_old_configuration_starts_nothing_that_nobody_would_stop() -> None:
    provider = local()
    async with running(provider) as transports:
        transports.retire(Snapshot())
        assert isinstance(await ask(transports, provider), Failure)
        assert transports.processes.reports() == {}


async def test_request_that_waits_for_a_process_gets_the_one_that_a_reload_brings_instead() -> None:
    provider = local("late=15")
    async with running(provider) as transports:
        asking = asyncio.create_task(ask(transports, provider))
        await until(lambda: stage(transports.processes) is Stage.STARTING)
        transports.retire(Snapshot(providers={"local": local()}))
        assert isinstance(await asking, str)


async def test_request_that_waits_for_a_process_that_a_reload_takes_away_waits_no_longer() -> None:
    provider = local("late=15")
    async with running(provider) as transports:
        asking = asyncio.create_task(ask(transports, provider))
        await until(lambda: stage(transports.processes) is Stage.STARTING)
        transports.retire(Snapshot())
        failure = await asking
        assert isinstance(failure, Failure)
        assert "it has no process now" in failure.detail


async def test_unchanged_provider_keeps_its_process_over_a_reload() -> None:
    first, second = local(env=WITH_SECRET), local(env=WITH_SECRET)
    async with running(first) as transports:
        said = await ask(transports, first)
        transports.retire(Snapshot(providers={"local": second}))
        assert await ask(transports, second) == said


async def test_request_that_comes_while_an_idle_process_is_stopped_waits_for_the_next() -> None:
    provider = local("deaf", idle_stop_s=0.2)
    async with running(provider) as transports:
        first = await ask(transports, provider)
        await until(lambda: stage(transports.processes) is Stage.STOPPED)
        transports.processes.hurry()
        second = await ask(transports, provider)
        assert isinstance(first, str) and isinstance(second, str) and first != second
        assert transports.processes.reports()["local"].restarts == 0


async def test_cancelled_start_leaves_no_process(tmp_path: Path) -> None:
    for wait_s in (0.0, 0.001, 0.005, 0.02, 0.05):
        written = tmp_path / f"child-{wait_s}"
        async with running(local(f"child={written}", "hang", eager=True)):
            await anyio.sleep(wait_s)
        if written.exists() and written.read_text():
            assert not is_running(int(written.read_text()))


@pytest.fixture
def first_process() -> Iterator[None]:
    """Let orphans become this process's children, as PID 1 of a container has them."""
    prctl = ctypes.CDLL(None).prctl
    set_subreaper = 36
    assert prctl(set_subreaper, 1, 0, 0, 0) == 0
    yield
    prctl(set_subreaper, 0, 0, 0, 0)


@pytest.mark.usefixtures("first_process")
@pytest.mark.parametrize("kind", ["child", "stray"])
async def test_children_are_buried_where_nobody_else_does(kind: str, tmp_path: Path) -> None:
    provider = local(f"{kind}={tmp_path / 'pid'}")
    async with running(provider) as transports:
        await ask(transports, provider)
        child = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{child}").exists()


@pytest.mark.usefixtures("quick")
async def test_child_that_nobody_finds_holds_no_file_of_ours_open(tmp_path: Path) -> None:
    """It has left the session, the environment and its parent, and keeps the output open."""
    steps = (
        "import os, time",
        "os.fork() and (time.sleep(0.5), os._exit(0))",
        "os.setsid()",
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))",
        "os.execve('/bin/sleep', ['sleep', '60'], {})",
    )
    hidden = "; ".join(steps)
    provider = local()
    assert provider.process is not None
    own = replace(provider.process, command="/usr/bin/env", args=("-i", sys.executable, "-c", hidden))
    provider = replace(provider, process=own)
    counts = []
    for _ in range(3):
        async with running(provider) as transports:
            await ask(transports, provider)
            await until(lambda: transports.processes.reports()["local"].restarts >= 1)
            stray = int((tmp_path / "pid").read_text())
        with suppress(ProcessLookupError):
            os.kill(stray, 9)
        await asyncio.sleep(0.05)
        counts.append(open_files())
    assert counts[2] <= counts[0]  # the first start makes what the loop keeps
