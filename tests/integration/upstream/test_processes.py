"""Providers that Fairlead runs: real processes, started, watched, restarted and stopped."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from proxy.core.call import Headers
from proxy.core.failure import Failure, FailureKind
from proxy.core.localprocess import LocalProcess, Stage
from proxy.core.ports import Sink, UpstreamRequest, UpstreamResponse, UpstreamRoute, UpstreamTunnel, Wait
from proxy.core.secret import Secret
from proxy.core.snapshot import Snapshot
from proxy.upstream.processes import LocalTransport
from tests.fakes.localprocesses import CLOCK, ask, is_running, local, running, stage, until


async def test_process_is_started_by_the_first_request_and_answers_it() -> None:
    provider = local()
    async with running(provider) as transports:
        assert stage(transports.processes) is Stage.STOPPED
        said = await ask(transports, provider)
        report = transports.processes.reports()["local"]
        assert said == f"pid {report.pid} at 127.0.0.1:{report.port}"
        assert report.stage is Stage.READY
    assert report.pid is not None and not is_running(report.pid)


async def test_eager_process_is_started_with_fairlead() -> None:
    async with running(local(eager=True)) as transports:
        await until(lambda: stage(transports.processes) is Stage.READY)


async def test_port_that_comes_late_is_waited_for() -> None:
    provider = local("late=0.7")
    async with running(provider) as transports:
        assert isinstance(await ask(transports, provider), str)


async def test_request_that_cannot_wait_so_long_fails_over_while_the_process_goes_on_starting() -> None:
    provider = local("late=1.0")
    async with running(provider) as transports:
        failure = await ask(transports, provider, wait_s=0.2)
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.request_sent) == (FailureKind.CONNECT, False)
        assert isinstance(await ask(transports, provider), str)


async def test_crash_is_a_connect_failure_and_the_process_is_started_again() -> None:
    provider = local()
    async with running(provider) as transports:
        first = await ask(transports, provider)
        await ask(transports, provider, "die")
        await until(lambda: stage(transports.processes) is Stage.RESTARTING)
        failure = await ask(transports, provider)
        assert isinstance(failure, Failure) and failure.kind is FailureKind.CONNECT
        assert "exit code 3" in failure.detail
        await until(lambda: stage(transports.processes) is Stage.READY)
        second = await ask(transports, provider)
        assert isinstance(second, str) and second != first
        assert transports.processes.reports()["local"].restarts == 1


async def test_command_that_ends_at_once_says_so() -> None:
    provider = local("crash=7")
    async with running(provider) as transports:
        failure = await ask(transports, provider)
    assert isinstance(failure, Failure)
    assert "ended before its port answered (exit code 7)" in failure.detail


async def test_command_that_does_not_exist_says_so() -> None:
    provider = replace(local(), process=LocalProcess("/no/such/program"))
    async with running(provider) as transports:
        failure = await ask(transports, provider)
    assert isinstance(failure, Failure)
    assert "cannot be started" in failure.detail


async def test_process_that_hangs_at_start_is_ended() -> None:
    provider = local("hang", start_s=0.5)
    async with running(provider) as transports:
        failure = await ask(transports, provider)
        assert isinstance(failure, Failure)
        assert "did not answer on its port" in failure.detail


async def test_process_that_ignores_sigterm_is_killed() -> None:
    provider = local("deaf")
    async with running(provider) as transports:
        await ask(transports, provider)
        pid = transports.processes.reports()["local"].pid
    assert pid is not None and not is_running(pid)


@pytest.mark.parametrize("kind", ["child", "stray"])
async def test_children_are_stopped_with_it_even_in_a_session_of_their_own(kind: str, tmp_path: Path) -> None:
    provider = local(f"{kind}={tmp_path / 'pid'}")
    async with running(provider) as transports:
        await ask(transports, provider)
        child = int((tmp_path / "pid").read_text())
        assert is_running(child)
    await until(lambda: not is_running(child))


async def test_idle_process_is_stopped_and_started_again_by_the_next_request() -> None:
    provider = local(idle_stop_s=0.3)
    async with running(provider) as transports:
        first = await ask(transports, provider)
        await until(lambda: stage(transports.processes) is Stage.STOPPED)
        second = await ask(transports, provider)
        assert isinstance(first, str) and isinstance(second, str) and first != second


async def test_environment_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-provider")
    written = tmp_path / "env.json"
    before = dict(os.environ)
    provider = local(f"env={written}", env=(("QWEN_API_KEY", Secret("own-secret-value")), ("HOME", Secret("/own"))))
    async with running(provider) as transports:
        await ask(transports, provider)
    seen = json.loads(written.read_text())
    assert {"QWEN_API_KEY", "PATH", "HOME"} <= seen.keys()
    assert (seen["QWEN_API_KEY"], seen["HOME"]) == ("own-secret-value", "/own")
    assert "OPENAI_API_KEY" not in seen
    assert dict(os.environ) == before


async def test_each_stage_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fairlead.process")
    provider = local()
    async with running(provider) as transports:
        await ask(transports, provider)
    stages = [message.partition(":")[0] for message in caplog.messages if message.startswith("the process of")]
    said = ["starting", "ready", "stopped"]
    assert stages == [f"the process of provider local is {stage}" for stage in said]


async def test_log_says_whether_fairlead_or_a_new_configuration_stopped_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fairlead.process")
    provider = local()
    async with running(provider) as transports:
        await ask(transports, provider)
    assert caplog.messages[-1] == "the process of provider local is stopped: Fairlead stops"
    async with running(provider) as transports:
        await ask(transports, provider)
        transports.retire(Snapshot())
        await until(lambda: caplog.messages[-1].endswith("is stopped: no longer configured so"))


async def test_output_reaches_the_log_in_pieces_of_bounded_length(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fairlead.process")
    provider = local("print", env=(("QWEN_API_KEY", Secret("own-secret-value")),))
    async with running(provider) as transports:
        await ask(transports, provider)
        await until(lambda: any("local: started with" in message for message in caplog.messages))
    assert max(map(len, caplog.messages)) < 3 * 8 * 1024


async def test_changed_command_replaces_the_process() -> None:
    first, second = local(), local("late=0.01")
    async with running(first) as transports:
        await ask(transports, first)
        pid = transports.processes.reports()["local"].pid
        transports.retire(Snapshot(providers={"local": second}))
        assert isinstance(await ask(transports, second), str)
        assert pid is not None
        await until(lambda: not is_running(pid))


async def test_removed_provider_stops_its_process() -> None:
    provider = local()
    async with running(provider) as transports:
        await ask(transports, provider)
        pid = transports.processes.reports()["local"].pid
        transports.retire(Snapshot())
        assert pid is not None
        await until(lambda: not is_running(pid))
        assert transports.processes.reports() == {}


async def test_cancelled_request_leaves_the_process_alone() -> None:
    provider = local("late=0.5")
    async with running(provider) as transports:
        with anyio.move_on_after(0.1):
            await ask(transports, provider)
        assert isinstance(await ask(transports, provider), str)


class Tunnelling:
    """In the native transport's place: accepts every WebSocket, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[UpstreamRequest] = []
        self.written: list[bytes] = []
        self.status = 101
        self.headers: Headers = ()

    async def send(self, request: UpstreamRequest, connect: Wait, head: Wait) -> UpstreamResponse:
        self.asked.append(request)
        return self

    async def read(self, wait: Wait) -> bytes | Failure:
        return b""

    def take_whole(self) -> bytes | None:
        return None

    def hand_to(self, sink: Sink | None) -> None:
        """Nothing comes."""

    def write(self, data: bytes) -> None:
        self.written.append(data)

    async def drained(self) -> None:
        """It always is."""

    async def aclose(self) -> None:
        """Nothing is open."""


async def test_websocket_of_a_process_is_one_at_its_port() -> None:
    provider, native = local(), Tunnelling()
    async with running(provider) as transports:
        through = LocalTransport(transports.processes, native)
        route = UpstreamRoute(provider, "GET", "ws://127.0.0.1", "/v1/realtime?model=m", ((b"host", b"127.0.0.1"),))
        wait = Wait(CLOCK.now() + 10.0, FailureKind.TIMEOUT_CONNECT)
        answer = await through.send(UpstreamRequest(route, (), b""), wait, wait)
        assert isinstance(answer, UpstreamTunnel)
        answer.write(b"x")
        await answer.drained()
        await answer.aclose()
        origin = native.asked[0].route.origin
    assert origin.startswith("ws://127.0.0.1:")
    assert native.written == [b"x"]
