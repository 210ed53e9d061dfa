"""Clients that read slowly or not at all: the upstream waits for them, memory stays small, and they are cut in time."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from starlette.responses import PlainTextResponse

from proxy.core.snapshot import Server
from proxy.edge.connection import ClientConnection
from proxy.edge.exchange import Exchange
from proxy.edge.front import Front
from tests.fakes.gateway import RunningGateway, gateway
from tests.fakes.process import GatewayProcess, gateway_process
from tests.fakes.rawserver import Handler, Peer, RawServer, answer, chunk, response
from tests.fakes.rawstreams import DONE, FINISH, HEAD, ROLE, said
from tests.fakes.serving import serve
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import WireClient, chat

STALL_S = 0.5
SLACK_S = 1.5  # for a busy machine
WINDOW_BYTES = 16 * 1024
MIB = 1024 * 1024
WORDS = said("x" * 32_768)[0]
ENDLESS = 100_000
# What the buffers of the two connections' sockets hold at most; the gateway's own share is far smaller.
ON_THE_WAY_BYTES = 24 * MIB
PER_STREAM_BYTES = 4 * MIB


@dataclass(slots=True)
class Torrent:
    """An upstream that streams so many events as fast as they are read.

    Attributes:
        sent_bytes: What its sockets have taken.
    """

    events: int
    sent_bytes: int = 0

    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD, chunk(ROLE))
        for _ in range(self.events):
            await peer.send(chunk(WORDS))
            self.sent_bytes += len(WORDS)
        await peer.send(chunk(FINISH), chunk(DONE), b"0\r\n\r\n")
        await peer.gone()

    async def has_paused(self) -> bool:
        """Whether nothing more is taken for a while."""
        before = -1
        for _ in range(50):
            if self.sent_bytes and self.sent_bytes == before:
                return True
            before = self.sent_bytes
            await asyncio.sleep(0.2)
        return False


def configuration(url: str, stall_s: float) -> str:
    return f"""
    [server]
    write_stall_s = {stall_s}
    [providers.up]
    kind = "openai_compatible"
    base_url = "{url}"
    [models.m]
    providers = ["up"]
    """


@asynccontextmanager
async def before(upstream: Handler, *, stall_s: float = 60) -> AsyncIterator[tuple[RunningGateway, RawServer]]:
    async with RawServer(upstream) as server, gateway(configuration(server.url, stall_s)) as running:
        yield running, server


def under_way(running: RunningGateway) -> int:
    return running.parts.edge.admission.in_flight


async def last_record(running: RunningGateway) -> dict[str, Any]:
    assert await settles(lambda: running.log.getvalue().endswith("\n"))
    record: dict[str, Any] = json.loads(running.log.getvalue())
    return record


async def test_client_that_stops_reading_a_stream_is_cut_and_its_upstream_freed() -> None:
    async with before(Torrent(ENDLESS), stall_s=STALL_S) as (running, server):
        async with WireClient(running.url, window_bytes=WINDOW_BYTES) as client:
            client.send(chat("m", stream=True))
            assert (await client.head())[0] == 200
            began_s = time.monotonic()
            assert await settles(lambda: under_way(running) == 0, STALL_S + SLACK_S)
            assert time.monotonic() - began_s >= 0.8 * STALL_S
            assert await settles(lambda: server.open == 0, SLACK_S)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                while await client.chunk():
                    pass
        record = await last_record(running)
        assert record["fairlead.end"] == "client_gone"
        # It is not the provider's fault.
        assert not running.parts.state.view.asides
        assert running.metric("streams_truncated_total", provider="up") == 0


async def test_client_that_does_not_read_a_whole_answer_is_cut() -> None:
    body = json.dumps({"object": "chat.completion", "choices": [{"message": {"content": "x" * 40 * MIB}}]}).encode()
    whole = answer(response(body, b"Content-Type: application/json"))
    async with before(whole, stall_s=STALL_S) as (running, _):
        async with WireClient(running.url, window_bytes=WINDOW_BYTES) as client:
            client.send(chat("m"))
            status, headers = await client.head()
            assert (status, headers["content-length"]) == (200, str(len(body)))
            await asyncio.sleep(STALL_S + SLACK_S)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await client.body(headers)


class NarrowConnection(ClientConnection):
    """Has next to nothing of a buffer below that of its transport."""

    settings = staticmethod(lambda: Server(write_stall_s=STALL_S))
    seen: ClassVar[list[NarrowConnection]]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        super().connection_made(transport)
        self.seen.append(self)


LAST = pytest.mark.parametrize("last", [pytest.param("keep-alive", id="kept"), pytest.param("close", id="closing")])


@asynccontextmanager
async def narrow(size_bytes: int, last: str) -> AsyncIterator[tuple[WireClient, NarrowConnection]]:
    """A client that was sent a whole answer of so many bytes, and has read the first of it."""
    app = PlainTextResponse("x" * size_bytes)

    async def unasked(exchange: Exchange) -> None:
        raise AssertionError("all is for the app")

    class Protocol(NarrowConnection):
        front = Front(app, lambda target: None, unasked)
        seen: ClassVar[list[NarrowConnection]] = []

    async with serve(app, protocol=Protocol) as url, WireClient(url, window_bytes=4096) as client:
        client.send(chat("m"), {"connection": last})
        await client.reader.readexactly(1)
        (connection,) = Protocol.seen
        assert 0 < connection.transport.get_write_buffer_size() < size_bytes
        yield client, connection


@LAST
async def test_client_that_does_not_read_the_last_bytes_of_an_answer_is_cut(last: str) -> None:
    """They are too few for the transport to tell that it is stuck."""
    async with narrow(60_000, last) as (_, connection):
        began_s = time.monotonic()
        assert await settles(lambda: connection not in connection.connections, STALL_S + SLACK_S)
        assert time.monotonic() - began_s >= 0.8 * STALL_S


@LAST
async def test_client_that_reads_a_whole_answer_slowly_is_not_cut_and_gets_everything(last: str) -> None:
    """All of it waits from the beginning, for several times as long as a stall may last."""
    async with narrow(600_000, last) as (client, _):
        for _ in range(40):
            assert await client.reader.readexactly(15_000)
            await asyncio.sleep(STALL_S / 10)


@LAST
async def test_client_that_stops_reading_a_whole_answer_in_the_middle_is_cut(last: str) -> None:
    async with narrow(600_000, last) as (client, connection):
        for _ in range(10):
            await client.reader.readexactly(15_000)
            await asyncio.sleep(STALL_S / 10)
        assert await settles(lambda: connection not in connection.connections, 2 * STALL_S + SLACK_S)


async def test_client_that_reads_slowly_is_not_cut_and_gets_everything() -> None:
    """It takes several times as long as a stall may last, and never stops for that long."""
    torrent = Torrent(events=300)
    async with before(torrent, stall_s=STALL_S) as (running, _):
        async with WireClient(running.url, window_bytes=WINDOW_BYTES) as client:
            client.send(chat("m", stream=True))
            assert (await client.head())[0] == 200
            size, began_s = 0, time.monotonic()
            while piece := await client.chunk():
                size += len(piece)
                if time.monotonic() - began_s < 4 * STALL_S:
                    await asyncio.sleep(STALL_S / 10)
            assert size == 300 * len(WORDS) + len(ROLE + FINISH + DONE)
        assert (await last_record(running))["fairlead.end"] == "ok"


async def test_client_that_pauses_pauses_the_upstream_and_then_gets_everything() -> None:
    torrent = Torrent(events=1500)  # 49 MB
    async with before(torrent) as (running, _):
        async with WireClient(running.url, window_bytes=WINDOW_BYTES) as client:
            client.send(chat("m", stream=True))
            status, headers = await client.head()
            assert status == 200
            assert await torrent.has_paused()
            assert torrent.sent_bytes < ON_THE_WAY_BYTES
            body = await client.body(headers)
            assert len(body) == 1500 * len(WORDS) + len(ROLE + FINISH + DONE)


async def test_memory_stays_small_while_many_clients_do_not_read(tmp_path: Path) -> None:
    torrent, clients = Torrent(ENDLESS), 10
    async with RawServer(torrent) as server, gateway_process(tmp_path, configuration(server.url, 60)) as running:
        idle_bytes = resident_bytes(running)
        async with AsyncExitStack() as deaf:
            for _ in range(clients):
                client = await deaf.enter_async_context(WireClient(running.url, window_bytes=WINDOW_BYTES))
                client.send(chat("m", stream=True))
            assert await torrent.has_paused()
            assert torrent.sent_bytes < clients * ON_THE_WAY_BYTES
            assert resident_bytes(running) - idle_bytes < clients * PER_STREAM_BYTES


def resident_bytes(running: GatewayProcess) -> int:
    """What the process has in memory, by Linux's account of it."""
    status = Path(f"/proc/{running.process.pid}/status")
    if not status.exists():
        pytest.skip("needs /proc to see the memory of a process")
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024
