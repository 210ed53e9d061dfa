"""The listening side: uvicorn with a cut for clients that stop reading, and a drain that ends in time.

Turns SIGTERM into: not ready at once, accept for `drain_delay_s` more, close; what runs `drain_s` after the signal
is ended with an error of its dialect. A second signal ends at once. Ctrl-C skips the delay, since nobody routes to it.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any, cast

import anyio
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from proxy.core.snapshot import Server as Listening
from proxy.edge.admission import Admission
from proxy.edge.exchange import WRITE_NOW

# Longer than load balancers keep idle connections, so that none is reused while it closes here.
KEEP_ALIVE_S = 75
# Of a request's head: its lines, trailers included, and its bytes after the first read, which brings 256 KiB at most.
# A line costs twenty times its size, and whoever reaches the port may send some.
MAX_FIELDS = 200
MAX_HEAD_BYTES = 64 * 1024
LAST_WORDS_S = 5.0  # for error events to leave after the drain
HASTY_WORDS_S = 0.2  # the same after a second signal
NOTICE_S = 1.0  # for a request to notice that its connection is gone
TICK_S = 0.02


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
        self.response_started = True
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


class StallCutter(HttpToolsProtocol):
    """A connection whose client stops reading for `write_stall_s` is closed, whatever is still unsent.

    So is one whose request's head is too long, or not there when an idle connection would be closed.
    """

    settings: Callable[[], Listening] = staticmethod(Listening)
    _stall_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._idle_since_s = monotonic()
        self._set_keep_alive(self.timeout_keep_alive)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
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

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - uvicorn's signature
        cycle.__class__ = LeanCycle
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
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def _forget_stall(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


class QuietServer(uvicorn.Server):
    """A server beside the main one: it leaves signals alone; cancelled, it drops what it still serves."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def main_loop(self) -> None:
        try:
            await super().main_loop()
        finally:
            with anyio.CancelScope(shield=True):
                await _drop_connections(self)


class DrainingServer(uvicorn.Server):
    """The main server; see the module's docstring for what a signal does. `settings` gives those in force."""

    def __init__(self, config: uvicorn.Config, settings: Callable[[], Listening], admission: Admission) -> None:
        super().__init__(config)
        self._settings = settings
        self._admission = admission
        self._closes_at_s: float | None = None
        self._ends_at_s = 0.0
        self._drops_at_s = 0.0
        self.on_started: Callable[[], None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        now_s, settings = monotonic(), self._settings()
        if self._closes_at_s is not None:
            self._closes_at_s = self._ends_at_s = now_s
            self._drops_at_s = min(self._drops_at_s, now_s + HASTY_WORDS_S)
            return
        self._admission.draining = True
        self._closes_at_s = now_s if sig == signal.SIGINT else now_s + settings.drain_delay_s
        self._ends_at_s = now_s + settings.drain_s
        self._drops_at_s = self._ends_at_s + LAST_WORDS_S

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.on_started is not None:
            self.on_started()

    async def on_tick(self, counter: int) -> bool:
        ends = await super().on_tick(counter)
        return ends or (self._closes_at_s is not None and monotonic() >= self._closes_at_s)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close; wait for what runs, then end it; give errors time to leave, then drop who does not read them."""
        self._admission.draining = True
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await _idle(self, lambda: self._ends_at_s)
        self._admission.end_all()
        await _idle(self, lambda: self._drops_at_s)
        await _drop_connections(self)


async def _idle(server: uvicorn.Server, until_s: Callable[[], float]) -> None:
    """Wait until a server serves nothing any more, or until a time that may still change."""
    state = server.server_state
    # uvicorn tells nobody when they are gone.
    while (state.connections or state.tasks) and monotonic() < until_s():  # noqa: ASYNC110
        await asyncio.sleep(TICK_S)


async def _drop_connections(server: uvicorn.Server) -> None:
    """Close every connection at once and let the requests on them notice, so that none is left to be cancelled."""
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    given_up_s = monotonic() + NOTICE_S
    await _idle(server, lambda: given_up_s)


def server_config(app: Callable[..., Awaitable[Any]], settings: Callable[[], Listening]) -> uvicorn.Config:
    """uvicorn's settings for the main port: no access log of its own, no lifespan, no extra headers."""
    return _config(app, client_protocol(settings), settings().host, settings().port)


def client_protocol(settings: Callable[[], Listening]) -> type[StallCutter]:
    """The protocol of connections of clients, under the settings in force."""
    return type("ClientProtocol", (StallCutter,), {"settings": staticmethod(settings)})


def side_config(app: Callable[..., Awaitable[Any]], host: str, port: int) -> uvicorn.Config:
    """The same for a side port: metrics, or the simulator on a socket of its own."""
    return _config(app, HttpToolsProtocol, host, port)


def _config(
    app: Callable[..., Awaitable[Any]], protocol: type[asyncio.Protocol], host: str, port: int
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        backlog=4096,
    )


def listen(host: str, port: int) -> socket.socket:
    """Bind a listening address now, so that a taken port is one clear error before anything else starts.

    Raises:
        OSError: The address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without it answers wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
