"""A client on one raw connection: it reads slowly or not at all, leaves at any byte, and sends requests that are none.

    async with WireClient(url) as client:
        heard = await client.ask({"model": "m", ...})

Reads HTTP/1.1 answers with a `content-length` or in chunks, one after the other. Unlike an HTTP library it costs little
and keeps nothing back: bytes that nobody asked for stay in the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit

import httpx

from tests.fakes.heard import Heard
from tests.fakes.rawserver import reset

CHAT = "/v1/chat/completions"
ANSWER_S = 15.0


def chat(model: str, *, stream: bool = False, text: str = "hello", **members: object) -> dict[str, object]:
    """The body of a chat request."""
    return {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream, **members}


class WireClient:
    """One connection.

    Args:
        window_bytes: The size of its receive buffer; None = the system's.
    """

    def __init__(self, url: str, *, window_bytes: int | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._address = (parts.hostname, parts.port)
        self._window_bytes = window_bytes

    async def __aenter__(self) -> Self:
        raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        raw.setblocking(False)
        if self._window_bytes is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._window_bytes)
        try:
            await asyncio.get_running_loop().sock_connect(raw, self._address)
        except OSError:
            raw.close()
            raise
        self.reader, self.writer = await asyncio.open_connection(sock=raw, limit=self._window_bytes or 65_536)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    def close(self) -> None:
        """Leave in good order."""
        self.writer.close()

    def reset(self) -> None:
        """Leave with a TCP reset."""
        reset(self.writer)

    def send(self, body: object, headers: Mapping[str, str] | None = None, *, path: str = CHAT) -> None:
        """Send a request with a JSON body, or with these bytes."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.begin(len(payload), headers, path=path)
        self.writer.write(payload)

    def begin(self, body_bytes: int, headers: Mapping[str, str] | None = None, *, path: str = CHAT) -> None:
        """Send the head of a request whose body is to have so many bytes."""
        usual = {
            "host": f"{self._address[0]}:{self._address[1]}",
            "content-type": "application/json",
            "content-length": str(body_bytes),
        }
        lines = [f"{name}: {value}" for name, value in {**usual, **(headers or {})}.items()]
        self.writer.write("\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode("latin-1"))

    async def head(self) -> tuple[int, httpx.Headers]:
        """Read a status line and its headers."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [line.split(": ", 1) for line in lines[1:] if line]
        return int(lines[0].split()[1]), httpx.Headers([(name, value) for name, value in pairs])

    async def chunk(self) -> bytes:
        """Read one chunk of a chunked body; b"" at its end.

        Raises:
            asyncio.IncompleteReadError: The connection ended first.
        """
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def body(self, headers: httpx.Headers) -> bytes:
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        pieces = []
        while piece := await self.chunk():
            pieces.append(piece)
        return b"".join(pieces)

    async def heard(self, within_s: float = ANSWER_S) -> Heard:
        """Read one answer to its end."""
        async with asyncio.timeout(within_s):
            status, headers = await self.head()
            return Heard(status, headers, await self.body(headers))

    async def hear(self, marker: bytes) -> None:
        """Read up to these bytes."""
        await self.reader.readuntil(marker)

    async def ask(
        self, body: object, headers: Mapping[str, str] | None = None, *, path: str = CHAT, within_s: float = ANSWER_S
    ) -> Heard:
        """Send a request and read its answer."""
        self.send(body, headers, path=path)
        return await self.heard(within_s)


async def ask(url: str, body: object, headers: Mapping[str, str] | None = None, *, path: str = CHAT) -> Heard:
    """Send one request over a connection of its own."""
    async with WireClient(url) as client:
        return await client.ask(body, headers, path=path)
