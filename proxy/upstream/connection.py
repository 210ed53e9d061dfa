"""One HTTP/1.1 connection to an upstream: writes a request, waits for its answer, hands out the body.

It must never be given back to a pool unless the message on it was whole and clean, never outlive a cancelled wait, and
never start a task: one future is awaited at a time, and one timer, moved lazily, bounds it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

from httptools import HttpParserError

from proxy.core.failure import Failure
from proxy.core.ports import Clock, Sink, Wait
from proxy.core.snapshot import Provider
from proxy.upstream import failures
from proxy.upstream.response_parser import ResponseParser
from proxy.wire.outbox import Outbox

HIGH_WATER_BYTES = 256 * 1024  # of a body that nobody waits for, at which reading pauses
TOGETHER_BYTES = 16 * 1024  # up to which a body waits, behind its head, for the requests of its round
SLICE_BYTES = 256 * 1024  # a larger body is handed over piece by piece, as the socket takes it
STALE_WINDOW_S = 1.0

# Where a connection leads. Requests of one provider to one origin (`https://host:port`) share connections.
Place: TypeAlias = tuple[Provider, str]


class Connection(asyncio.Protocol):
    """Carries one exchange at a time: `ask`, `read` until b"" or a failure, then back to the pool or `abort`.

    Attributes:
        closed: It can carry nothing more, though what has come of a body can still be read.
        idle_since_s: When it became idle; kept by the pool.
        parser: Of the present answer. Whoever sends begins it: before the connection is made, as an upstream may answer
            before it is asked, and again before it is used again.
        sink: See `core.ports.UpstreamResponse.hand_to`.
    """

    def __init__(self, place: Place, clock: Clock, on_lost: Callable[[Connection], None], outbox: Outbox) -> None:
        self.place = place
        self.closed = False
        self.idle_since_s = 0.0
        self.sink: Sink | None = None
        self.parser = ResponseParser()
        self._feed_body = self.parser.feed_body
        self._now = clock.now
        self._on_lost = on_lost
        self._outbox = outbox
        self._loop = asyncio.get_running_loop()
        self._call_soon = self._loop.call_soon
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = math.inf  # when it fires
        self._due_s = 0.0
        self._taker: Sink | None = None  # the sink while a read waits, and so gets what comes
        self._span_s = 0.0
        self._halted = False  # the sink said stop
        self._ended = False  # nothing more will come
        self._reset = False
        self._aborted = False
        self._reading_paused = False
        self._writing_paused = False
        self._uploading = False
        self._wrote_s: float | None = None
        self._failure: Failure | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._aborted:  # cancelled while the event loop was finishing the connection
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        taker = self._taker
        if taker is None:
            self._received(data)
            return
        parser = self.parser  # every chunk of a stream passes here
        try:
            self._feed_body(data)
        except HttpParserError as error:
            parser.stopped(error)
        else:
            pieces = parser.pieces
            if pieces:
                parser.quiet_bytes = 0
                piece = pieces.pop()
                if pieces:  # seldom: several of HTTP's chunks in one read
                    piece = b"".join([*pieces, piece])
                    pieces.clear()
                if taker(piece):
                    self._due_s = self._now() + self._span_s
                    if not parser.complete:
                        return
                else:
                    self._halted = True
            elif not parser.complete:
                parser.quiet_bytes += len(data)
                parser.check_quiet()
                if parser.error is None:
                    return
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
        if self._uploading:
            self._wake()

    # What the transport calls.

    def ask(self, head: bytes, body: bytes, wait: Wait) -> Awaitable[bool]:
        """Write a request and wait: then the head of its answer is in `parser`, or `no_head` says why not.

        False when `wait` ended first. Whoever is cancelled while awaiting this calls `abort`. An early answer ends the
        upload.
        """
        transport = self._transport
        assert transport is not None
        if len(body) > SLICE_BYTES or self.parser.status or self.closed:
            return self._upload(transport, head, body, wait)
        self._wrote_s = self._now()
        if len(body) > TOGETHER_BYTES:  # at once: soon the processor's cache would hold others
            transport.writelines((head, body))
        else:
            self._outbox.put(self._call_soon, self._send, head + body)
        return self._arm(wait)

    def no_head(self, wait: Wait, *, in_time: bool) -> Failure:
        """Close, and tell why there is no head after `ask`."""
        if self.parser.error is not None:
            return self.fail(failures.protocol(self.parser.error))
        if in_time:
            return self.fail(failures.died_before_head(reset=self._reset, request_sent=self._wrote_s is not None))
        return self.fail(failures.no_head_in_time(wait))

    def died_stale(self) -> bool:
        """Tell whether a failed exchange may be repeated: the upstream had most likely closed this idle connection.

        Only for a connection that was idle before.
        """
        return (
            self._ended
            and not self.parser.started
            and self._wrote_s is not None
            and self._now() - self._wrote_s <= STALE_WINDOW_S
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
                in_time = await self._arm(wait)
            except BaseException:  # cancelled: the connection is of no use to anyone else
                self.abort()
                raise
            if not in_time:
                return self.fail(failures.no_body_in_time(wait, parser.status))
        self._halted = False
        return self.take()

    def take(self) -> bytes:
        """Return the body bytes that have come and that nobody has taken."""
        if self._reading_paused:
            self._reading_paused = False
            if self._transport is not None and not self.closed:
                self._transport.resume_reading()
        return self.parser.take()

    @property
    def reusable(self) -> bool:
        """The request has left completely, its answer has ended cleanly, and nothing followed it."""
        parser, transport = self.parser, self._transport
        return (
            parser.complete
            and parser.keep_alive
            and not self.closed
            and not self._uploading
            and not self._reading_paused
            and transport is not None
            and not transport.get_write_buffer_size()
        )

    def fail(self, failure: Failure) -> Failure:
        """Close, and answer every later read with `failure`."""
        self._failure = failure
        self.abort()
        return failure

    def abort(self) -> None:
        """Close without ceremony: nothing is flushed, no TLS farewell is awaited. Safe to call twice."""
        if not self._aborted:
            self._aborted = self.closed = True
            self._taker = None
            if self._transport is not None:
                self._transport.abort()

    def _send(self, request: bytes) -> None:
        if self._transport is not None and not self.closed:
            self._transport.write(request)

    async def _upload(self, transport: asyncio.Transport, head: bytes, body: bytes, wait: Wait) -> bool:
        if self._is_settled():
            return True
        self._uploading = True
        transport.write(head)
        self._wrote_s = self._now()
        view = memoryview(body)
        for start in range(0, len(body), SLICE_BYTES):
            while self._writing_paused and not self._is_settled():
                if not await self._arm(wait):
                    return False
            if self._is_settled():
                return True
            transport.write(view[start : start + SLICE_BYTES])
            self._wrote_s = self._now()
        self._uploading = False
        return self._is_settled() or await self._arm(wait)

    def _is_settled(self) -> bool:
        """The head has come, or will not."""
        return self.parser.status > 0 or self.closed

    def _received(self, data: bytes) -> None:
        """Parse what comes while no sink waits for it."""
        parser = self.parser
        if self.closed or parser.complete:
            self.abort()  # it is idle, or more came than was asked for
            return
        parser.feed(data)
        if parser.error is not None:
            self.abort()
        elif not parser.status:
            return
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(True)
        elif parser.pieces:
            parser.unread_bytes += len(data)
            if parser.unread_bytes > HIGH_WATER_BYTES and not self._reading_paused and self._transport is not None:
                self._reading_paused = True
                self._transport.pause_reading()

    def _arm(self, wait: Wait) -> asyncio.Future[bool]:
        """What to await; those who call `ask`, and `read`, do so themselves, to spare a frame."""
        self._due_s = due_s = wait.until_s
        if due_s < self._timer_s:
            self._set_timer()
        if self.sink is not None:
            self._taker = self.sink
            self._span_s = due_s - self._now()
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def _wake(self, *, in_time: bool = True) -> None:
        self._taker = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(in_time)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_s = self._due_s
        self._timer = self._loop.call_later(max(0.001, self._due_s - self._now()), self._on_timer)

    def _on_timer(self) -> None:
        self._timer, self._timer_s = None, math.inf
        if self._waiter is None or self._waiter.done():
            return
        if self._now() < self._due_s:  # the wait was moved since
            self._set_timer()
        else:
            self._wake(in_time=False)

    def _end(self, *, reset: bool) -> None:
        if self._ended:
            return
        self._ended, self._reset = True, reset
        if not (reset or self._aborted):
            self.parser.eof()
        self.closed = True
        self._wake()
