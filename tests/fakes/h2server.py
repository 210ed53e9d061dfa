"""A small scripted HTTP/2 server over TLS on a loopback socket.

    async with H2Server(handler, server_tls(authority, alpn=("h2",))) as server:
        ...  # send a request to server.url

A handler is a coroutine that is given each `Stream`. What it raises is raised again when the server stops.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame


class Stream:
    """One request, seen from the server.

    Attributes:
        connection: 1 for the first connection that the server accepted.
        number: 1 for the first request on a connection, then odd ones.
        headers: Pseudo-headers included.
        cancelled: The client has reset the stream.
    """

    def __init__(self, protocol: Protocol, number: int, headers: dict[bytes, bytes]) -> None:
        self.connection = protocol.number
        self.number = number
        self.headers = headers
        self.cancelled = asyncio.Event()
        self.window = asyncio.Event()
        self.ended = asyncio.Event()
        self.received = b""
        self._protocol = protocol
        self.number = number

    async def body(self) -> bytes:
        await self.ended.wait()
        return self.received

    def respond(self, status: int = 200, *fields: tuple[str, str]) -> None:
        self._protocol.h2.send_headers(self.number, [(":status", str(status)), *fields])
        self._protocol.flush()

    async def send(self, piece: bytes, *, end: bool = False) -> None:
        """Send body bytes as the client's flow control allows."""
        h2 = self._protocol.h2
        while piece:
            size = min(h2.local_flow_control_window(self.number), h2.max_outbound_frame_size)
            if size == 0:
                self.window.clear()
                await self.window.wait()
                continue
            h2.send_data(self.number, piece[:size])
            self._protocol.flush()
            piece = piece[size:]
        if end:
            h2.end_stream(self.number)
            self._protocol.flush()

    def reset(self, error: ErrorCodes = ErrorCodes.INTERNAL_ERROR) -> None:
        self._protocol.h2.reset_stream(self.number, error)
        self._protocol.flush()

    def allow(self, streams: int) -> None:
        """Take no more than so many requests at once on the connection."""
        self._protocol.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: streams})
        self._protocol.flush()

    def hold_uploads(self) -> None:
        """Give no more leave to send."""
        self._protocol.is_taking = False

    def say_farewell(self, last: int, error: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Take no request behind this one on the connection, and go on with those before."""
        self._protocol.transport.write(GoAwayFrame(0, last_stream_id=last, error_code=error).serialize())

    def answer_with_farewell(self, piece: bytes) -> None:
        """Say in one piece that this is the last request that is taken, and its whole answer."""
        h2 = self._protocol.h2
        h2.send_headers(self.number, [(":status", "200")])
        h2.send_data(self.number, piece, end_stream=True)
        farewell = GoAwayFrame(0, last_stream_id=self.number).serialize()
        self._protocol.transport.write(farewell + h2.data_to_send())

    def go_away(self) -> None:
        """End the whole connection in HTTP/2's manner."""
        self._protocol.h2.close_connection()
        self._protocol.flush()
        self._protocol.transport.close()

    def drop(self) -> None:
        """Close the socket."""
        self._protocol.transport.abort()


class Protocol(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self, server: H2Server) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self.is_taking = True
        self._server = server
        self._streams: dict[int, Stream] = {}
        server.accepted += 1
        self.number = server.accepted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._server.open.add(self)
        self.h2.initiate_connection()
        self.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 100})
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.open.discard(self)

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            self._take(event)
        self.flush()

    def flush(self) -> None:
        self.transport.write(self.h2.data_to_send())

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=int(number), headers=headers):
                assert headers is not None
                stream = self._streams[number] = Stream(self, number, dict(headers))
                self._server.start(stream)
            case DataReceived(stream_id=int(number), data=bytes(piece), flow_controlled_length=int(length)):
                self._streams[number].received += piece
                if self.is_taking:
                    self.h2.acknowledge_received_data(length, number)
            case StreamEnded(stream_id=int(number)):
                self._streams[number].ended.set()
            case StreamReset(stream_id=int(number)):
                self._streams[number].cancelled.set()
            case WindowUpdated():
                for stream in self._streams.values():
                    stream.window.set()
            case _:
                pass


class H2Server:
    """Listens from `async with` on.

    Attributes:
        accepted: Connections accepted so far.
        open: Connections open now.
    """

    def __init__(self, handler: Callable[[Stream], Awaitable[None]], tls: ssl.SSLContext) -> None:
        self.accepted = 0
        self.open: set[Protocol] = set()
        self.url = ""
        self._handler = handler
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, stream: Stream) -> None:
        async def run() -> None:
            await self._handler(stream)

        self._tasks.add(asyncio.get_running_loop().create_task(run()))

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Protocol(self), "127.0.0.1", 0, ssl=self._tls)
        self.url = f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for protocol in self.open:
            protocol.transport.abort()
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and error is None:
                raise result
