"""The listening side in this process, told of signals by hand: what each leads to, and that nothing is left over."""

from __future__ import annotations

import asyncio
import io
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from proxy.app import Parts, assemble
from proxy.edge.server import DrainingServer, QuietServer, listen, server_config, side_config
from proxy.simulator.app import simulator_app
from proxy.telemetry.logs import AccessLog
from proxy.telemetry.redact import Redactor
from tests.fakes.gateway import load
from tests.fakes.rawserver import Peer, RawServer
from tests.fakes.serving import serve
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import WireClient, ask, chat

TERM, INT = signal.SIGTERM, signal.SIGINT
SLACK_S = 1.0


@dataclass(slots=True)
class Listening:
    server: DrainingServer
    parts: Parts
    url: str
    serving: asyncio.Task[None]
    started: list[str]

    async def under_way(self, count: int) -> bool:
        return await settles(lambda: self.parts.edge.admission.in_flight == count)

    async def ends(self, within_s: float) -> bool:
        await asyncio.wait([self.serving], timeout=within_s)
        return self.serving.done()


@asynccontextmanager
async def listening(delay_s: float, drain_s: float) -> AsyncIterator[Listening]:
    async with serve(simulator_app()) as simulator_url:
        toml = f"""
        [server]
        drain_delay_s = {delay_s}
        drain_s = {drain_s}
        [providers.sim]
        kind = "simulator"
        [models.plain]
        model = "sim-ok"
        providers = ["sim"]
        [models.brief]
        model = "sim-delay-0.3"
        providers = ["sim"]
        [models.slow]
        model = "sim-delay-30"
        providers = ["sim"]
        """
        log = AccessLog(io.StringIO(), "json", Redactor())
        log.start()
        parts = assemble(load(toml, simulator_url=simulator_url), log, Redactor())
        listener = listen("127.0.0.1", 0)
        server = DrainingServer(server_config(parts.front, parts.settings), parts.settings, parts.edge.admission)
        started: list[str] = []
        server.on_started = lambda: started.append("started")
        serving = asyncio.create_task(server.serve([listener]))
        assert await settles(lambda: server.started)
        yield Listening(server, parts, f"http://127.0.0.1:{listener.getsockname()[1]}", serving, started)
        server.handle_exit(TERM, None)
        server.handle_exit(TERM, None)
        await serving
        await parts.aclose()
        log.close()


async def test_a_terminated_server_is_not_ready_but_serves_until_the_delay_is_over() -> None:
    async with listening(0.5, 5) as running:
        assert running.started == ["started"]
        running.server.handle_exit(TERM, None)
        assert running.parts.edge.admission.draining
        (await ask(running.url, chat("plain"))).check_whole(by="sim")
        assert not running.serving.done()
        assert await running.ends(0.5 + SLACK_S)
        with pytest.raises(ConnectionRefusedError):
            await ask(running.url, chat("plain"))


async def test_requests_under_way_are_answered_and_the_last_of_their_connections() -> None:
    async with listening(0, 5) as running, WireClient(running.url) as client, WireClient(running.url) as idle:
        client.send(chat("brief"))
        client.send(chat("plain"))
        (await idle.ask(chat("plain"))).check_whole(by="sim")
        assert await running.under_way(1)
        running.server.handle_exit(TERM, None)
        for _ in range(2):
            (await client.heard()).check_whole(by="sim")
        assert await client.reader.read() == b""
        assert await idle.reader.read() == b""
        assert await running.ends(SLACK_S)


async def test_requests_that_outlast_the_drain_are_told() -> None:
    async with listening(0, 0.5) as running:
        waiting = asyncio.create_task(ask(running.url, chat("slow")))
        assert await running.under_way(1)
        running.server.handle_exit(TERM, None)
        assert await running.ends(0.5 + SLACK_S)
        assert (await waiting).status == 503


async def test_requests_that_wait_are_not_begun_when_the_drain_is_over() -> None:
    async with listening(0, 0.5) as running, WireClient(running.url) as client:
        for _ in range(3):
            client.send(chat("slow"))
        assert await running.under_way(1)
        running.server.handle_exit(TERM, None)
        assert await running.ends(0.5 + SLACK_S)
        assert [(await client.heard()).status for _ in range(3)] == [503] * 3
        assert await client.reader.read() == b""


async def test_an_interrupted_server_does_not_wait_for_the_delay() -> None:
    async with listening(30, 60) as running:
        running.server.handle_exit(INT, None)
        assert await running.ends(SLACK_S)


async def test_a_second_signal_ends_everything_and_drops_who_does_not_read() -> None:
    async def torrent(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        event = b'data: {"choices":[{"delta":{"content":"' + b"x" * 100_000 + b'"}}]}\n\n'
        while True:
            await peer.send(event)

    async with RawServer(torrent) as upstream, listening(30, 60) as running:
        raw = f'[providers.sim]\nkind = "openai_compatible"\nbase_url = "{upstream.url}"\n[models.plain]\n'
        running.parts.publish(load(raw + 'providers = ["sim"]'))
        async with WireClient(running.url, window_bytes=16_384) as deaf:
            deaf.send(chat("plain", stream=True))
            assert (await deaf.head())[0] == 200
            running.server.handle_exit(TERM, None)
            running.server.handle_exit(TERM, None)
            began_s = time.monotonic()
            assert await running.ends(2 * SLACK_S)
            assert time.monotonic() - began_s < 2 * SLACK_S
        assert not running.server.server_state.tasks
        assert not running.server.server_state.connections


async def test_a_head_that_does_not_come_is_not_waited_for_longer_than_an_idle_connection_is_kept() -> None:
    async with listening(0, 0) as running:
        running.server.config.timeout_keep_alive = 0.3  # type: ignore[assignment] # of whole seconds by its type only
        for begun in (b"", b"POST /v1/chat", b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX: "):
            async with WireClient(running.url) as client:
                client.writer.write(begun)
                began_s = time.monotonic()
                assert await client.reader.read() == b""
                assert 0.2 < time.monotonic() - began_s < 0.3 + SLACK_S
        async with WireClient(running.url) as client:  # the next head on a connection that was used
            (await client.ask(chat("plain"))).check_whole(by="sim")
            client.writer.write(b"POST /v1/chat")
            assert await asyncio.wait_for(client.reader.read(), 0.3 + SLACK_S) == b""


async def test_a_side_server_that_is_cancelled_leaves_no_request_behind() -> None:
    listener = listen("127.0.0.1", 0)
    side = QuietServer(side_config(simulator_app(), "127.0.0.1", 0))
    serving = asyncio.create_task(side.serve([listener]))
    assert await settles(lambda: side.started)
    async with WireClient(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
        client.send(chat("sim-silent"))
        assert await settles(lambda: bool(side.server_state.tasks))
        serving.cancel()
        await asyncio.wait([serving])
        assert not side.server_state.tasks
        assert await client.reader.read() == b""
    listener.close()


async def test_an_address_that_is_taken_is_an_error_at_once() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        first.listen()
        listen("127.0.0.1", first.getsockname()[1])
