"""`fairlead serve` with a provider that is a command: served, failed over, told, masked, and gone at the end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import localprovider
from tests.fakes.localprocesses import is_running, until
from tests.fakes.process import GatewayProcess, gateway_process, run_command
from tests.fakes.wireclient import ask, chat

PROGRAM = str(Path(localprovider.__file__))
TOKEN = "admin-token-0123456789"
ADMIN = {"authorization": f"Bearer {TOKEN}"}
SECRET = "own-planted-secret-0123456789"
SLACK_S = 1.5


def configuration(*tricks: str, more: str = "", server: str = "drain_delay_s = 0") -> str:
    """A command that serves the model `m`, with a simulated provider behind it."""
    args = json.dumps([PROGRAM, "{port}", *tricks])
    return f"""
    [server]
    {server}
    [auth]
    mode = "none"
    admin_token = "{TOKEN}"
    [providers.local]
    kind = "openai_compatible"
    command = "{sys.executable}"
    args = {args}
    env = {{ QWEN_API_KEY = "${{PLANTED}}" }}
    {more}
    [providers.spare]
    kind = "simulator"
    [models.m]
    candidates = [
      {{ provider = "local", model = "qwen", priority = 1 }},
      {{ provider = "spare", model = "sim-ok", priority = 2 }},
    ]
    """


def serving(folder: Path, toml: str) -> Any:  # noqa: ANN401 - what gateway_process gives
    return gateway_process(folder, toml, {"PLANTED": SECRET, "OPENAI_API_KEY": "sk-of-nobody"}, headers=ADMIN)


async def process_of(gateway: GatewayProcess) -> dict[str, Any]:
    """What /health says of the process."""
    row: dict[str, Any] = (await gateway.client.get("/health")).json()["providers"]["local"]["process"]
    return row


async def becomes(gateway: GatewayProcess, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    end_s = time.monotonic() + 10
    while not is_so(row := await process_of(gateway)):
        assert time.monotonic() < end_s, row
        await asyncio.sleep(0.05)
    return row


async def shown(gateway: GatewayProcess) -> str:
    """What `fairlead state show` prints."""
    environ = {"FAIRLEAD_URL": gateway.url, "FAIRLEAD_ADMIN_TOKEN": TOKEN}
    ended = await run_command(gateway.folder, "state", "show", environ=environ)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


async def test_command_serves_and_is_stopped_with_the_gateway(tmp_path: Path) -> None:
    pids = tmp_path / "child", tmp_path / "stray", tmp_path / "env.json"
    tricks = f"child={pids[0]}", f"stray={pids[1]}", f"env={pids[2]}", "print", "halves"
    async with serving(tmp_path, configuration(*tricks)) as gateway:
        assert (await process_of(gateway))["why"] == "not used yet"
        heard = await ask(gateway.url, chat("m"))
        assert heard.trail == "local=ok"
        row = await process_of(gateway)
        assert (row["stage"], row["restarts"]) == ("ready", 0)
        assert f"pid {row['pid']} at 127.0.0.1:" in heard.text
        assert "ready" in await shown(gateway)
        before = Path(f"/proc/{gateway.process.pid}/environ").read_bytes()
        running = [row["pid"], int(pids[0].read_text()), int(pids[1].read_text())]
        assert all(map(is_running, running))
        assert await gateway.stop(signal.SIGTERM) == 0
        assert not any(map(is_running, running))
    seen = json.loads(pids[2].read_text())
    assert seen["QWEN_API_KEY"] == SECRET
    assert not {"OPENAI_API_KEY", "PLANTED", "FAIRLEAD_DATA_DIR"} & seen.keys()
    assert b"QWEN_API_KEY" not in before
    said = gateway.err + gateway.out
    assert "started with [redacted]" in said
    half = len(SECRET) // 2
    assert SECRET[:half] not in said and SECRET[half:] not in said
    assert "Traceback" not in said


async def test_traffic_fails_over_while_it_starts_and_comes_back(tmp_path: Path) -> None:
    more = "timeouts = { connect_s = 0.3 }"
    async with serving(tmp_path, configuration("late=3", more=more)) as gateway:
        assert (await ask(gateway.url, chat("m"))).trail == "local=connect;spare=ok"
        assert (await process_of(gateway))["stage"] == "starting"
        assert "its port does not answer yet" in await shown(gateway)
        await becomes(gateway, lambda row: row["stage"] == "ready")
        assert (await ask(gateway.url, chat("m"))).trail == "local=ok"
        assert await gateway.stop() == 0


async def test_many_requests_while_it_starts_cost_it_nothing_once_it_is_ready(tmp_path: Path) -> None:
    """Each of them is a failed connection, and some of them open breakers."""
    more = "timeouts = { connect_s = 0.2 }\nbreaker = { consecutive = 2, open_s = 300 }"
    async with serving(tmp_path, configuration("late=2", more=more)) as gateway:
        first = await asyncio.gather(*(ask(gateway.url, chat("m")) for _ in range(8)))
        assert {heard.trail for heard in first} == {"local=connect;spare=ok"}
        health = (await gateway.client.get("/health")).json()["providers"]["local"]
        assert {(row["scope"], row["reason"]) for row in health["set_aside"]} == {
            ("candidate", "connect"),
            ("provider", "connect"),
        }
        await becomes(gateway, lambda row: row["stage"] == "ready")
        assert "set_aside" not in (await gateway.client.get("/health")).json()["providers"]["local"]
        assert {(await ask(gateway.url, chat("m"))).trail for _ in range(3)} == {"local=ok"}
        assert await gateway.stop() == 0


async def test_crash_is_told_and_traffic_fails_over_until_it_runs_again(tmp_path: Path) -> None:
    async with serving(tmp_path, configuration()) as gateway:
        assert (await ask(gateway.url, chat("m"))).trail == "local=ok"
        pid = (await process_of(gateway))["pid"]
        os.kill(pid, signal.SIGKILL)
        row = await becomes(gateway, lambda row: row["stage"] == "restarting")
        assert row["why"] == "ended (signal SIGKILL); started again after 1 s"
        heard = await ask(gateway.url, chat("m"))
        assert heard.trail == "local=connect;spare=ok"
        health = (await gateway.client.get("/health")).json()["providers"]["local"]
        assert {aside["reason"] for aside in health["set_aside"]} == {"connect"}
        row = await becomes(gateway, lambda row: row["stage"] == "ready")
        assert row["restarts"] == 1 and row["pid"] != pid
        assert (await ask(gateway.url, chat("m"))).trail == "local=ok"
        assert await gateway.stop() == 0


async def test_what_a_killed_gateway_leaves_running_is_ended_by_the_next_one(tmp_path: Path) -> None:
    pids = tmp_path / "child", tmp_path / "stray"
    tricks = f"child={pids[0]}", f"stray={pids[1]}", "deaf"
    async with serving(tmp_path, configuration(*tricks)) as gateway:
        await ask(gateway.url, chat("m"))
        left = [(await process_of(gateway))["pid"], int(pids[0].read_text()), int(pids[1].read_text())]
        gateway.send(signal.SIGKILL)
        await gateway.ended(within_s=SLACK_S)
        assert is_running(left[0])
    async with serving(tmp_path, configuration()) as gateway:
        await until(lambda: not any(map(is_running, left)))
        assert (await ask(gateway.url, chat("m"))).trail == "local=ok"
        assert await gateway.stop() == 0


async def test_processes_of_another_gateway_that_runs_are_left_alone(tmp_path: Path) -> None:
    folders = tmp_path / "one", tmp_path / "other"
    for folder in folders:
        folder.mkdir()
    async with serving(folders[0], configuration()) as one:
        await ask(one.url, chat("m"))
        pid = (await process_of(one))["pid"]
        async with serving(folders[1], configuration()) as other:
            assert (await ask(other.url, chat("m"))).trail == "local=ok"
            assert await other.stop() == 0
        assert is_running(pid)
        assert await one.stop() == 0


async def test_death_in_a_stream_is_an_error_event(tmp_path: Path) -> None:
    async with serving(tmp_path, configuration()) as gateway:
        asked = {**chat("m", stream=True), "messages": [{"role": "user", "content": "die"}]}
        heard = await ask(gateway.url, asked)
        assert heard.status == 200
        assert heard.text.startswith("word0 ")
        assert "error" in heard.chunks[-1] and "[DONE]" not in heard.events
        assert await gateway.stop() == 0


async def test_command_that_cannot_be_started_is_told_everywhere(tmp_path: Path) -> None:
    toml = configuration().replace(sys.executable, "/no/such/program")
    async with serving(tmp_path, toml) as gateway:
        assert (await ask(gateway.url, chat("m"))).trail == "local=connect;spare=ok"
        row = await becomes(gateway, lambda row: row["stage"] == "restarting")
        assert row["why"].startswith("cannot be started or watched (No such file or directory)")
        assert "No such file or directory" in (await shown(gateway)).replace("\n", " ")
        assert await gateway.stop() == 0


@pytest.mark.parametrize("apart_s", [pytest.param(0.3, id="in-the-drain"), pytest.param(1.5, id="in-the-stop")])
async def test_second_signal_leaves_no_process_behind(tmp_path: Path, apart_s: float) -> None:
    """The process is deaf, so that Fairlead waits for it when the second signal comes."""
    server = "drain_delay_s = 0\ndrain_s = 0.8"
    async with serving(tmp_path, configuration("deaf", f"stray={tmp_path / 'pid'}", server=server)) as gateway:
        await ask(gateway.url, chat("m"))
        pid = (await process_of(gateway))["pid"]
        streaming = asyncio.create_task(ask(gateway.url, chat("m", stream=True)))
        await asyncio.sleep(0.3)
        gateway.send(signal.SIGTERM)
        await asyncio.sleep(apart_s)
        assert gateway.process.poll() is None
        gateway.send(signal.SIGTERM)
        assert await gateway.ended(within_s=SLACK_S) == 0
        assert not is_running(pid)
        assert not is_running(int((tmp_path / "pid").read_text()))
        assert "[DONE]" not in (await streaming).events
    own = [line for line in gateway.err.splitlines() if "local: " not in line]  # the process may complain
    assert not any("Traceback" in line for line in own)


async def test_reload_takes_its_process_away_only_when_its_requests_are_over(tmp_path: Path) -> None:
    async with serving(tmp_path, configuration()) as gateway:
        streaming = asyncio.create_task(ask(gateway.url, chat("m", stream=True)))
        row = await becomes(gateway, lambda row: row["stage"] == "ready")
        await asyncio.sleep(0.3)
        gateway.path.write_text(configuration("late=0.01"))
        gateway.send(signal.SIGHUP)
        await gateway.metric_becomes("config_version", 2, within_s=3)
        heard = await streaming
        assert heard.trail == "local=ok"
        assert heard.text.endswith("word19 ") and "error" not in heard.chunks[-1]
        await until(lambda: not is_running(row["pid"]))
        assert (await ask(gateway.url, chat("m"))).trail == "local=ok"
        assert (await process_of(gateway))["pid"] != row["pid"]
        assert await gateway.stop() == 0
