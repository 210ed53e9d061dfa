"""Connections of clients: uvicorn's protocol with cheaper answers, and a cut for clients that hold a connection up.

Turns bytes of HTTP/1.1 into ASGI calls and back; knows nothing of what is asked or answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from proxy.core.snapshot import Server as Listening
from proxy.edge.exchange import WRITE_NOW

# Of a request's head: its lines, trailers included, and its bytes after the first read, which brings 256 KiB at most.
# A line costs twenty times its size, and whoever reaches the port may send some.
MAX_FIELDS = 200
MAX_HEAD_BYTES = 64 * 1024


class LeanCycle(RequestResponseCycle):
    """uvicorn's request-response cycle with its sending half written for many small answers.

    The head waits for the first body bytes and leaves in one write with them, and is checked as a whole instead of
    field by field: of uvicorn's own cost for an answer with ten headers, less than half stays.
    """

    _head = b""

    def write_now(self, body: bytes) -> bool:
        """Write more of a chunked answer without waiting; False where `send` would wait or has more to say."""
        if self.flow.write_paused or self.disconnected or not self.chunked_encoding or self.response_complete:
            return False
        self.transport.write(self._head + b"%x\r\n%b\r\n" % (len(body), body))
        self._head = b""
        return True

    async def send(self, message: Any) -> None:  # noqa: ANN401 - ASGI messages are open dicts
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._begin(message["status"], message["headers"])
            return
        if self.response_complete:
            raise RuntimeError("a message was sent after the answer was complete")
        body: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        if self.chunked_encoding:
            framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body = framed if more else framed + b"0\r\n\r\n"
        elif self.scope["method"] == "HEAD":
            body = b""
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (self.expected_content_length and not more):
                raise RuntimeError("the answer's body is not as long as its content-length")
        self.transport.write(self._head + body)
        self._head = b""
        if not more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()

    def _begin(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.waiting_for_100_continue = False
        fields = [*self.default_headers, *headers]
        self.chunked_encoding = self.scope["method"] != "HEAD" and status not in (204, 304)
        for name, value in fields:
            if name == b"content-length":
                self.expected_content_length = int(value) if self.chunked_encoding else 0
                self.chunked_encoding = False
        if self.chunked_encoding:
            fields.append((b"transfer-encoding", b"chunked"))
        if not self.keep_alive:
            fields.append((b"connection", b"close"))
        lines = [b": ".join(field) for field in fields]
        head = STATUS_LINE[status] + b"\r\n".join(lines) + b"\r\n\r\n"
        # A stray line break in any field would make more of them than there are lines.
        if head.count(b"\n") != len(lines) + 2 or head.count(b"\r") != len(lines) + 2 or b"\0" in head:
            raise RuntimeError("a header of the answer holds a line break or a NUL")
        self._head = head
        self.response_started = True


class StallCutter(HttpToolsProtocol):
    """A connection whose client stops reading for `write_stall_s` is closed, whatever is still unsent.

    So is one whose request's head is too long, or not there when an idle connection would be closed.
    """

    settings: Callable[[], Listening] = staticmethod(Listening)
    _stall_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _running: RequestResponseCycle | None = None  # not `cycle`, which may be one that waits behind it

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._idle_since_s = monotonic()
        self._set_keep_alive(self.timeout_keep_alive)

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            self._decline(offer, data)
        except HttpParserError:
            return self._refuse()
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope:  # no head is half read
            self._head_bytes = 0
            if len(self.headers) <= MAX_FIELDS:
                return
        self._head_bytes = self._head_bytes + len(data) if self._head_bytes else 1
        if len(self.headers or ()) > MAX_FIELDS:
            self.transport.abort()
        elif self._head_bytes > MAX_HEAD_BYTES:
            self.send_400_response("The head of this request is too long.")

    def _should_upgrade(self) -> bool:
        """Make uvicorn leave a request alone that offers another protocol; what CONNECT wants is none."""
        return self.scope["method"] != "CONNECT"

    def _decline(self, offer: HttpParserUpgrade, data: bytes) -> None:
        """Read a request that offers another protocol again, without the offer (RFC 9110 section 7.8).

        uvicorn would lose its body, and Java's own client offers HTTP/2 with each of its unencrypted requests.
        """
        while True:
            start = f"{self.scope['method']} ".encode() + self.url + f" HTTP/{self.scope['http_version']}".encode()
            fields = [b": ".join(field) for field in self.headers if field[0] != b"upgrade"]
            data = b"\r\n".join([start, *fields, b"", data[offer.args[0] :]])
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
            try:
                return self.parser.feed_data(data)
            except HttpParserUpgrade as another:
                offer = another
            except HttpParserError:
                return self._refuse()

    def _refuse(self) -> None:
        self.logger.warning("Invalid HTTP request received.")
        self.send_400_response("Invalid HTTP request received.")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - uvicorn's signature
        cycle.__class__ = LeanCycle
        self._running = cycle
        cycle.scope["extensions"] = {WRITE_NOW: {"call": cast(LeanCycle, cycle).write_now}}
        super()._start_asgi_task(cycle, app)

    # uvicorn sets and cancels a keep-alive timer for every request; here one is set and looks again when it fires.

    def _unset_keepalive_if_required(self) -> None:
        """Data came: the timer stays and finds out."""

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since_s = monotonic()
        if self.timeout_keep_alive_task is None:
            self._set_keep_alive(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self.cycle is not None and not self.cycle.response_complete:
            return  # the end of that answer sets it again
        left_s = self._idle_since_s + self.timeout_keep_alive - monotonic()
        if left_s > 0:
            self._set_keep_alive(left_s)
        else:
            super().timeout_keep_alive_handler()

    def _set_keep_alive(self, delay_s: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(delay_s, self.timeout_keep_alive_handler)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(self.settings().write_stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_stall()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_stall()
        super().connection_lost(exc)
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def _forget_stall(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


def client_protocol(settings: Callable[[], Listening]) -> type[StallCutter]:
    """The protocol of connections of clients, under the settings in force."""
    return type("ClientProtocol", (StallCutter,), {"settings": staticmethod(settings)})
