"""A client's WebSocket, passed on: its handshake, then bytes both ways, and a farewell where one may be said.

Bytes stay as they came. What comes while nobody takes it is held up to a bound; then the client is not read. Frames are
followed only to know where a Close frame of our own fits, and whether the two sides have said theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec import field
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from proxy.edge.exchange import Exchange
from proxy.wire.websocket import GOING_AWAY, FrameTracker, close_frame

_SWITCHING = b"connection: Upgrade\r\nupgrade: websocket\r\n"


def offers_websocket(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether a request's header offers a WebSocket, and no body that would be taken for its first bytes."""
    has_body = b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip(b"0") != b""
    return headers.get(b"upgrade", b"").strip().lower() == b"websocket" and not has_body


class TunnelExchange(Exchange, eq=False):
    """A handshake being answered, and what comes of it. Until `switch` it is answered as any request is.

    Attributes:
        sent, heard: The frames to and from the client.
    """

    sent: FrameTracker = field(default_factory=FrameTracker)
    heard: FrameTracker = field(default_factory=FrameTracker)
    _inbox: list[bytes] = field(default_factory=list)
    _inbox_bytes: int = 0
    _expected: asyncio.Future[None] | None = None

    @property
    def is_over(self) -> bool:
        """Whether one side has said its farewell."""
        return self.sent.is_closed or self.heard.is_closed

    def feed(self, data: bytes) -> None:
        """Bytes have come from the client."""
        if self.ended or not data:
            return
        self.heard.feed(data)
        self._inbox.append(data)
        self._inbox_bytes += len(data)
        if self._inbox_bytes > HIGH_WATER_LIMIT:
            self.wire.pause_reading()
        if self._expected is not None and not self._expected.done():
            self._expected.set_result(None)

    async def receive(self) -> bytes:
        """Return the next bytes from the client; waits for some."""
        while not self._inbox:
            self._expected = asyncio.get_running_loop().create_future()
            await self._expected
        data = b"".join(self._inbox)
        self._inbox, self._inbox_bytes = [], 0
        self.wire.resume_reading()
        return data

    async def switch(self, lines: bytes) -> None:
        """Accept the handshake, with these header lines: from here on bytes pass as they are."""
        self.keep_alive = True  # for the header alone
        head = self._opening(101, _SWITCHING + lines) + b"\r\n"
        self.keep_alive = False
        self.status, self.started = 101, True
        await self._write(head)

    async def write(self, body: bytes) -> None:
        self.sent.feed(body)
        await self._write(body)

    async def end(self, body: bytes = b"") -> None:
        """Leave in the middle, for a reason of this gateway's own. `body`, an event of a stream, has no place here."""
        await self.leave(GOING_AWAY)

    async def leave(self, code: int | None = None) -> None:
        """Close the connection, with a Close frame of this code where nobody has said one and it fits."""
        self.ended = True
        is_said = code is None or self.sent.is_closed or not self.sent.is_between
        if not self.wire.is_writable:
            await self.wire.drained()
        self.wire.finish(b"" if is_said or code is None else close_frame(code))

    async def _write(self, data: bytes) -> None:
        if not self.wire.is_writable:
            await self.wire.drained()
        if self.wire.is_writable:  # else the client has left
            self.wire.write(data)
