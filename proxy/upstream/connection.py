"""One HTTP/1.1 connection to an upstream: writes a request, waits for its answer, hands out the body.

It must never be given back to a pool unless the message on it was whole and clean, never outlive a cancelled wait, and
never start a task: one future is awaited at a time, and one timer, moved lazily, bounds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple, cast

from proxy.core.failure import Failure
from proxy.core.ports import Clock, Sink, Wait
from proxy.core.snapshot import Provider
from proxy.upstream import failures
from proxy.upstream.response_parser import ResponseParser

HIGH_WATER_BYTES = 256 * 1024  # unread body bytes at which reading pauses
JOIN_BYTES = 16 * 1024  # up to here a body is copied behind its head, so that both leave in one write
SLICE_BYTES = 256 * 1024  # a larger body is handed over piece by piece, as the socket takes it
STALE_WINDOW_S = 1.0


class Place(NamedTuple):
    """Where a connection leads. Requests of one provider to one origin (`https://host:port`) share connections."""

    provider: Provider
    origin: str


class Connection(asyncio.Protocol):
    """Carries one exchange at a time: `begin`, `send`, `read` until b"" or a failure, then back to the pool or `abort`.

    Attributes:
        busy: An exchange is under way. On an idle connection any event but silence closes it.
        idle_since_s: When it became idle; kept by the pool.
    """

    def __init__(self, place: Place, clock: Clock, on_lost: Callable[[Connection], None]) -> None:
        self.place = place
        self.busy = True
        self.idle_since_s = 0.0
        self.parser = ResponseParser()
        self._clock = clock
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = 0.0
        self._due_s = 0.0
        self._sink: Sink | None = None
        self._halted = False  # the sink said stop
        self._span_s = 0.0
        self._ended = False  # nothing more will come
        self._reset = False
        self._aborted = False
        self._reading_paused = False
        self._writing_paused = False
        self._reused = False
        self._uploaded = False
        self._wrote_s: float | None = None
        self._failure: Failure | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._aborted:  # cancelled while the event loop was finishing the connection
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._aborted:
            return
        parser = self.parser
        if not self.busy or parser.complete:
            parser.surplus = True
            if not self.busy:
                self.abort()
            return
        parser.feed(data)
        if parser.error is not None:
            self.abort()
        elif self._sink is not None and parser.pieces and self._waiter is not None and not self._waiter.done():
            if self._sink(parser.take()):
                self._due_s = self._clock.now() + self._span_s
                if not parser.complete:
                    return
            else:
                self._halted = True
        elif parser.buffered_bytes > HIGH_WATER_BYTES and not self._reading_paused:
            self._pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._end(reset=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(reset=exc is not None)
        self._aborted = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._on_lost(self)

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._wake()

    # What the transport calls.

    def begin(self, *, bodiless: bool, reused: bool) -> None:
        """Make ready for one request."""
        self.busy = True
        self._sink, self._halted = None, False
        self._reused = reused
        self._uploaded = False
        self._wrote_s = None
        self.parser.begin(bodiless=bodiless)

    async def send(self, head: bytes, body: bytes, wait: Wait) -> Failure | None:
        """Write a request and wait until the head of its answer is in `parser`. An early answer ends the upload."""
        parser = self.parser
        in_time = await self._upload(head, body, wait)
        while in_time and not self._settled():
            in_time = await self._wait(wait)
        if parser.head_done:
            return None
        if parser.error is not None:
            return self.fail(failures.protocol(parser.error))
        if self._ended:
            return self.fail(failures.died_before_head(reset=self._reset, request_sent=self._wrote_s is not None))
        return self.fail(failures.no_head_in_time(wait))

    def died_stale(self) -> bool:
        """Tell whether a failed exchange may be repeated: the upstream had most likely closed this idle connection."""
        return (
            self._reused
            and self._ended
            and not self.parser.started
            and self._wrote_s is not None
            and self._clock.now() - self._wrote_s <= STALE_WINDOW_S
        )

    async def read(self, wait: Wait) -> bytes | Failure:
        """Return the next body bytes, b"" at a clean end, or why there are none. A failure is final."""
        parser = self.parser
        if self._failure is not None:
            return self._failure
        while not parser.pieces:
            if self._halted or parser.complete:
                self._halted = False
                return b""
            if parser.error is not None:
                return self.fail(failures.protocol(parser.error, parser.status))
            if self._ended:
                return self.fail(failures.died_in_body(parser.status, reset=self._reset))
            try:
                in_time = await self._armed(wait)
            except BaseException:  # cancelled: the connection is of no use to anyone else
                self.abort()
                raise
            if not in_time:
                return self.fail(failures.no_body_in_time(wait, parser.status))
        self._halted = False
        piece = parser.take()
        if self._reading_paused:
            self._resume_reading()
        return piece

    def hand_to(self, sink: Sink | None) -> None:
        """See `core.ports.UpstreamResponse`."""
        self._sink = sink

    @property
    def reusable(self) -> bool:
        """The request has left completely, its answer has ended cleanly, and nothing followed it."""
        parser = self.parser
        return (
            parser.complete
            and parser.keep_alive
            and not parser.surplus
            and self._uploaded
            and not self._ended
            and not self._aborted
            and not self._reading_paused
            and self._transport is not None
            and self._transport.get_write_buffer_size() == 0
        )

    @property
    def alive(self) -> bool:
        return not self._aborted and not self._ended

    def fail(self, failure: Failure) -> Failure:
        """Close, and answer every later read with `failure`."""
        self._failure = failure
        self.abort()
        return failure

    def abort(self) -> None:
        """Close without ceremony: nothing is flushed, no TLS farewell is awaited. Safe to call twice."""
        if not self._aborted:
            self._aborted = True
            if self._transport is not None:
                self._transport.abort()

    async def _upload(self, head: bytes, body: bytes, wait: Wait) -> bool:
        transport = self._transport
        assert transport is not None
        if self._settled():
            return True
        self._wrote_s = self._clock.now()
        if len(body) <= JOIN_BYTES:
            transport.write(head + body)
            self._uploaded = True
            return True
        transport.write(head)
        view = memoryview(body)
        for start in range(0, len(body), SLICE_BYTES):
            while self._writing_paused and not self._settled():
                if not await self._wait(wait):
                    return False
            if self._settled():
                return True
            transport.write(view[start : start + SLICE_BYTES])
            self._wrote_s = self._clock.now()
        self._uploaded = True
        return True

    def _settled(self) -> bool:
        """The head has come, or will not."""
        return self.parser.head_done or self._ended or self.parser.error is not None

    async def _wait(self, wait: Wait) -> bool:
        """Sleep until something happens on the connection; False when `wait` ends first."""
        try:
            return await self._armed(wait)
        except BaseException:  # cancelled, as in `read`
            self.abort()
            raise

    def _armed(self, wait: Wait) -> asyncio.Future[bool]:
        """What to await; `read` does so itself, to spare a frame for every chunk."""
        self._due_s = wait.until_s
        if self._sink is not None:
            self._span_s = wait.until_s - self._clock.now()
        if self._timer is None or wait.until_s < self._timer_s:
            self._set_timer()
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def _wake(self, *, in_time: bool = True) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(in_time)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_s = self._due_s
        self._timer = self._loop.call_later(max(0.001, self._due_s - self._clock.now()), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._clock.now() < self._due_s:  # the wait was moved since
            self._set_timer()
        else:
            self._wake(in_time=False)

    def _end(self, *, reset: bool) -> None:
        if not self._ended:
            self._ended, self._reset = True, reset
            if self.busy and not reset:
                self.parser.eof()
            if not self.busy:
                self.abort()
            self._wake()

    def _pause_reading(self) -> None:
        assert self._transport is not None
        self._reading_paused = True
        self._transport.pause_reading()

    def _resume_reading(self) -> None:
        self._reading_paused = False
        if self._transport is not None and self.alive:
            self._transport.resume_reading()
