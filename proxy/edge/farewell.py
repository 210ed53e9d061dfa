"""How a connection is closed whose client may still be sending: so that it reads what was said to it last."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.edge.patience import PatientProtocol
from proxy.wire.headers import field_lines

_AT_ONCE = struct.pack("ii", 1, 0)  # what is unsent is thrown away, and the other side is told by a reset
_PLAIN = b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"


class Deaf:
    """In the parser's place once a client has sent what is no request, or nothing that it sends counts any more.

    Reading goes on, since a connection that is not read does not tell that its client left.
    """

    def feed_data(self, data: bytes) -> None:
        pass


class Parting:
    """In the transport's place for what uvicorn answers, which would close it at once."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.write, self.is_closing, self.close = transport.write, transport.is_closing, close


class FarewellProtocol(PatientProtocol):
    """A connection that is closed in two steps where bytes of its client are still to come.

    A socket that is closed at once resets its client for each of them, and a reset takes away what the client has not
    read yet: why it was refused (RFC 9112 section 9.6). Clients that send all of a request before they read anything,
    as Python's own does and nginx, would never know.
    """

    _farewell_timer: asyncio.TimerHandle | None = None

    def send_400_response(self, msg: str) -> None:
        """Say why what comes is no request, and hang up."""
        head = STATUS_LINE[400] + field_lines(tuple(self.server_state.default_headers)) + _PLAIN
        self.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(msg), msg.encode()))
        self.hang_up()

    def hang_up(self) -> None:
        """Say that nothing more comes; close once the client has, at the latest when a body would have had to be there.

        Until then what it sends is thrown away.
        """
        self.parser = Deaf()  # type: ignore[assignment] # for good
        self.flow.resume_reading()
        transport = self.transport
        if transport.is_closing():
            return
        try:
            transport.write_eof()
        except OSError:  # it left meanwhile, and nobody was told yet
            transport.abort()
        else:
            self._farewell_timer = self.loop.call_later(self.settings().body_read_s, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._farewell_timer is not None:  # which would keep the transport
            self._farewell_timer.cancel()

    def reset(self) -> None:
        """Drop the connection so that its client cannot mistake that for an end in good order."""
        if not self.transport.is_closing():
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.transport.abort()
