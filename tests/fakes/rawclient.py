"""A client on a raw socket: it can leave at any byte, in good order or not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from typing import Self
from urllib.parse import urlsplit


class RawClient:
    """One connection to a gateway. Leaving the `async with` closes it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), parts.port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self.heard = b""

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def ask(self, *, stream: bool, keep_back_bytes: int = 0) -> None:
        """Send a chat request for the model `m`, all of it but its last bytes."""
        members = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hello"}]}
        body = json.dumps(members).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        request = b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        self._writer.write(request[: len(request) - keep_back_bytes])

    async def hear(self, marker: bytes) -> None:
        """Read until so many bytes have come that they hold `marker`."""
        while marker not in self.heard:
            piece = await self._reader.read(65536)
            if not piece:
                raise EOFError(self.heard)
            self.heard += piece

    def close(self) -> None:
        """Leave in good order."""
        self._writer.close()

    def reset(self) -> None:
        """Leave with a TCP reset."""
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
