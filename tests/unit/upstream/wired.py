"""A connection between a socket that remembers and a clock that stands still, driven by hand."""

from __future__ import annotations

import asyncio

from proxy.core.failure import Failure, FailureKind
from proxy.core.ports import Wait
from proxy.core.snapshot import Provider
from proxy.upstream.connection import Connection
from proxy.wire.outbox import Outbox
from tests.fakes.clock import StillClock

PLACE = (Provider("p", "openai", "http://127.0.0.1"), "http://127.0.0.1")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
WAIT = Wait(10.0, FailureKind.TIMEOUT_IDLE)


class Socket(asyncio.Transport):
    """Takes writes, and remembers what it was told."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unsent_bytes = 0
        self.aborted = 0
        self.pauses: list[bool] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def abort(self) -> None:
        self.aborted += 1

    def pause_reading(self) -> None:
        self.pauses.append(True)

    def resume_reading(self) -> None:
        self.pauses.append(False)


class Bench:
    """A connection between a socket and a clock."""

    def __init__(self) -> None:
        self.socket = Socket()
        self.clock = StillClock(0.0)
        self.lost: list[Connection] = []
        self.connection = Connection(PLACE, self.clock, self.lost.append, Outbox())
        self.connection.connection_made(self.socket)

    async def send(self, body: bytes = b"") -> Failure | None:
        """Send a request as the transport does."""
        connection = self.connection
        try:
            in_time = await connection.ask(b"head", body, WAIT)
        except BaseException:
            connection.abort()
            raise
        return None if connection.parser.status else connection.no_head(WAIT, in_time=in_time)

    async def answered(self, *pieces: bytes) -> None:
        """Send a request and feed what comes back."""
        sending = asyncio.ensure_future(self.send())
        await asyncio.sleep(0)
        for piece in pieces:
            self.connection.data_received(piece)
        assert await sending is None
