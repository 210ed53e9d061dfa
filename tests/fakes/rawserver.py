"""A scripted server on a raw loopback socket, for faults that no HTTP library would commit.

    async with RawServer(cut_after(OK, 20)) as server:
        ...  # send a request to server.url

A handler is a coroutine that is given each accepted connection as a `Peer`. It may read requests, send any bytes at any
pace, and close or reset. What a handler raises, but for a client that went away, is raised again when the server stops.
Never listens on anything but 127.0.0.1; everything still open is closed at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import trustme

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n" + b'{"ok":true}'
OK_BODY = b'{"ok":true}'
BLINK_S = 0.02  # long enough on loopback for what was sent to be read before the next thing happens


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came: `head` ends with its blank line."""

    head: bytes
    body: bytes


class Gone(Exception):
    """The client closed its connection."""


class Peer:
    """One accepted connection, seen from the server.

    Attributes:
        number: 1 for the first connection that the server accepted.
    """

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self._reader = reader
        self._writer = writer

    async def head(self) -> bytes:
        """Read a request up to its blank line."""
        try:
            return await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Gone from error

    async def request(self) -> Received:
        """Read a whole request whose body, if any, has a `content-length`."""
        head = await self.head()
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return Received(head, await self.read(length))

    async def read(self, size_bytes: int) -> bytes:
        try:
            return await self._reader.readexactly(size_bytes)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Gone from error

    async def some(self) -> bytes:
        """Read what is there, b"" at the end."""
        try:
            return await self._reader.read(65536)
        except OSError as error:
            raise Gone from error

    async def send(self, *pieces: bytes, gap_s: float = 0.0) -> None:
        """Send pieces, each on its own when there is a gap."""
        for piece in pieces:
            try:
                self._writer.write(piece)
                await self._writer.drain()
            except (OSError, RuntimeError) as error:  # uvloop raises the latter for a closed socket
                raise Gone from error
            if gap_s:
                await asyncio.sleep(gap_s)

    def finish(self) -> None:
        """Close our direction only."""
        self._writer.write_eof()

    def close(self) -> None:
        """Close both directions, after what was sent."""
        self._writer.close()

    def reset(self) -> None:
        """Close with a TCP reset instead of an end."""
        reset(self._writer)

    async def gone(self) -> None:
        """Wait until the client closes, throwing away what it sends."""
        with contextlib.suppress(OSError):
            while await self._reader.read(65536):
                pass


Handler = Callable[[Peer], Awaitable[None]]


class RawServer:
    """Listens from `async with` on.

    Attributes:
        accepted: Connections accepted so far.
        open: Connections whose handler still runs.
        listening: The socket that accepts.
    """

    def __init__(self, handler: Handler, *, tls: ssl.SSLContext | None = None) -> None:
        self.accepted = 0
        self.open = 0
        self.port = 0
        self._handler = handler
        self._tls = tls
        self.listening: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self.listening = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls, backlog=1024)
        self.port = self.listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self.listening is not None
        for _ in range(5):  # a connection that the event loop is just accepting would leak if we closed now
            await asyncio.sleep(0)
        self.listening.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)
        if self._errors and error is None:
            raise self._errors[0]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.get_running_loop().create_task(self._serve(Peer(self.accepted, reader, writer), writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, peer: Peer, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            await self._handler(peer)
        except (Gone, asyncio.CancelledError):
            pass
        except BaseException as error:
            self._errors.append(error)
        finally:
            self.open -= 1
            if not writer.is_closing():
                writer.transport.abort()


def answer(response: bytes = OK) -> Handler:
    """Answer every request of a connection the same way."""

    async def handle(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(response)

    return handle


def answer_once(*pieces: bytes, gap_s: float = 0.0) -> Handler:
    """Read one request, send pieces, close."""

    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(*pieces, gap_s=gap_s)
        peer.close()

    return handle


def silence() -> Handler:
    """Take the request and never say anything."""
    return stall_after(b"", 0)


def slow(response: bytes = OK, *, gap_s: float) -> Handler:
    """Send a response byte by byte."""
    return answer_once(*split(response), gap_s=gap_s)


def cut_after(response: bytes, size_bytes: int) -> Handler:
    """Send so much of a response, then end the connection in good order."""
    return answer_once(response[:size_bytes])


def reset_after(response: bytes, size_bytes: int) -> Handler:
    """Send so much of a response, then reset the connection."""

    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(response[:size_bytes])
        await asyncio.sleep(BLINK_S)
        peer.reset()

    return handle


def stall_after(response: bytes, size_bytes: int) -> Handler:
    """Send so much of a response, then nothing, with the connection open."""

    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(response[:size_bytes])
        await peer.gone()

    return handle


def early(response: bytes, *, after_bytes: int, lingering: bool) -> Handler:
    """Answer when so much of the body has come; then read on to its end, or stop reading and wait."""

    async def handle(peer: Peer) -> None:
        await peer.head()
        await peer.read(after_bytes)
        await peer.send(response)
        await (peer.gone() if lingering else asyncio.sleep(3600))

    return handle


def stale_after(requests: int, *, reset: bool, response: bytes = OK) -> Handler:
    """Answer so many requests on the first connection and drop the next one unanswered; serve the others well."""

    async def handle(peer: Peer) -> None:
        served = 0
        while peer.number > 1 or served < requests:
            await peer.request()
            await peer.send(response)
            served += 1
        await peer.request()
        if reset:
            peer.reset()
        else:
            peer.close()

    return handle


def chunk(*pieces: bytes) -> bytes:
    """Frame pieces of a body as a chunk each."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def chunked(*pieces: bytes, trailers: bytes = b"") -> bytes:
    """Build a chunked response; each piece becomes one chunk."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + chunk(*pieces) + b"0\r\n" + trailers + b"\r\n"


def response(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """Build a response with a `content-length`; fields are whole lines, `b"name: value"`."""
    return b"\r\n".join([b"HTTP/1.1 " + status, *fields, b"Content-Length: %d" % len(body), b"", body])


def split(message: bytes, *positions: int) -> Iterable[bytes]:
    """Cut a message at the given positions; at every byte when there is none."""
    if not positions:
        return [message[i : i + 1] for i in range(len(message))]
    ends = (*positions, len(message))
    return [message[start:end] for start, end in zip((0, *positions), ends, strict=True)]


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a TCP reset."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def refused_url() -> str:
    """Return the URL of a loopback port on which nothing listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{holder.getsockname()[1]}"


def server_tls(authority: trustme.CA, *names: str, alpn: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
    """Build a server's TLS context with a certificate for `names` (127.0.0.1 by default)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
    context.set_alpn_protocols(list(alpn))
    return context
