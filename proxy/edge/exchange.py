"""One request of a proxied endpoint and its answer: what came, what is sent, and the ways it is cut short.

The request's own task does all the work. A client that leaves, a body that does not come and the end of the drain
cancel that task from outside with a `Cut` as the reason; `take_back` tells it whether that was all that cancelled it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar, Protocol

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from proxy.core.call import EndpointSpec, Headers
from proxy.core.snapshot import Auth, ClientKey, StoredKey
from proxy.gateway.accounting import Account
from proxy.wire.headers import field_lines

NO_CONTENT = 204  # has no body by itself: any framing would be taken for the next answer (RFC 9112 section 6.3)


class Cut(StrEnum):
    """Why an exchange was cut short."""

    CLIENT_GONE = "client_gone"
    BODY_TIMEOUT = "body_timeout"
    SHUTDOWN = "shutdown"


class Asked(Struct, frozen=True, eq=False):
    """What a request's target names.

    Attributes:
        model: Of paths that hold the model's name, else empty.
        query: Without the question mark.
        path: Of a resource: what follows the path of all of its sort.
    """

    endpoint: EndpointSpec
    model: str = ""
    query: bytes = b""
    path: str = ""

    def __repr__(self) -> str:
        return f"Asked({self.endpoint.name})"  # never the query: some put a key there


class Caller(Struct, eq=False):
    """Whom a connection's latest request came from.

    Attributes:
        authorization: That header's value, and all it was told by.
        headers: Of that request. Another one that has the very same object has a known head, and so the same caller.
    """

    auth: Auth
    authorization: bytes
    row: StoredKey
    headers: Mapping[bytes, bytes]

    def __repr__(self) -> str:
        return f"Caller({self.row.key.name})"


class Wire(Protocol):
    """The connection that an exchange is answered on.

    Attributes:
        is_writable: The client reads what it is sent, and is there. False right after `drained` = it has left.
        server_state: uvicorn's; holds the header fields that every answer begins with.
        caller: Kept by `client_auth` to recognise the next request by.
    """

    is_writable: bool
    server_state: ServerState
    caller: Caller | None

    def write(self, data: bytes, /) -> None:
        """Send bytes, at the end of the event loop's round and in their order; only while `is_writable`."""
        ...

    async def drained(self) -> None:
        """Wait until the client has read what waits for it, or has left."""
        ...

    def pause_reading(self) -> None:
        """Read no more until `resume_reading`."""
        ...

    def resume_reading(self) -> None:
        """Read more of the request under way."""
        ...

    def finish(self, last: bytes) -> None:
        """Write the last bytes of the answer; then close, or turn to what comes next where `keep_alive` says so."""
        ...

    def abort(self) -> None:
        """Drop the connection: an answer cannot be finished."""
        ...


class Exchange(Struct, eq=False):
    """A request being answered. A struct, since it is made for every request (ADR 0009).

    Attributes:
        headers: Names in lower case; of a repeated one the last, of a list all of it.
        keep_alive: The connection may serve another request after this one.
        repeated: Every header as it came, where a name came more than once; else empty.
        cors_fields: What every answer to a web page of another origin carries.
        pieces: What has come of the body and nobody has taken yet.
        is_whole: All of the body has come.
        was_invited: A client that waits for leave to send its body has it.
        buffered_bytes: What `Admission` counts for the body.
        arrived_s, arrived_at_s: Monotonic, and Unix time, which the id begins with.
        key: Who calls; None in open mode, and before that is known.
        account: What it is accounted under, once that is known.
        error: The `code` of the error that the client was told.
        cut: Why it was cut short; None while nothing did.
        status: The status that was sent; 0 before that.
        started: The status line was sent, or is held back only for the first bytes of the body.
        ended: The last byte of the answer was handed over.
        task: Does the work.
        waiter: Waits for more of the body.
    """

    wire: Wire
    asked: Asked
    method: bytes
    headers: Mapping[bytes, bytes]
    keep_alive: bool = True
    repeated: Headers = ()
    cors_fields: Headers = ()
    pieces: list[bytes] = []
    is_whole: bool = False
    was_invited: bool = False
    buffered_bytes: int = 0
    request_id: str = ""
    arrived_s: float = 0.0
    arrived_at_s: float = 0.0
    key: ClientKey | None = None
    account: Account | None = None
    error: str = ""
    cut: Cut | None = None
    status: int = 0
    started: bool = False
    ended: bool = False
    task: asyncio.Task[None] | None = None
    waiter: asyncio.Future[None] | None = None
    _head: bytes = b""
    _framing: ClassVar[bytes] = b"transfer-encoding: chunked\r\n\r\n"
    _terminator: ClassVar[bytes] = b"0\r\n\r\n"

    def __repr__(self) -> str:
        return f"Exchange({self.request_id})"  # never a header: one of them holds the client's key

    # The body, as it comes.

    def ask_for_body(self) -> None:
        """Tell a client that waits for leave to send its body (`Expect: 100-continue`) to go on."""
        if self._waits_for_leave() and self.wire.is_writable:
            self.wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.was_invited = True

    def _waits_for_leave(self) -> bool:
        return not self.was_invited and self.headers.get(b"expect", b"").lower() == b"100-continue"

    def arrival(self) -> asyncio.Future[None]:
        """Wait for more of the body, or for its end."""
        self.wire.resume_reading()
        self.waiter = asyncio.get_running_loop().create_future()
        return self.waiter

    def wake(self) -> None:
        """More of the body is here, or its end."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # Its end, from outside.

    def cut_short(self, reason: Cut) -> None:
        """End the work from outside. The first reason counts; an answer already handed over stays."""
        if self.cut is None and not self.ended and self.task is not None:
            self.cut = reason
            if reason is Cut.SHUTDOWN and self.account is not None:
                self.account.shut_down()
            self.task.cancel()

    def take_back(self) -> bool:
        """Whether a cancellation of the task was the cut and nobody else's: then the task may go on."""
        return self.cut is not None and self.task is not None and self.task.uncancel() == 0

    @property
    def is_silent(self) -> bool:
        """Whether an answer in chunks has begun and nothing of its body has been sent."""
        return bool(self._head)

    # The answer: a whole one, or one in chunks from `begin` to `end`. `lines`: see `wire.headers.field_lines`.

    async def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """Send a whole answer, in one write."""
        if not self.is_whole and (self.cut is Cut.BODY_TIMEOUT or self._waits_for_leave()):
            self.keep_alive = False  # what it sends next is that body or another request, and nothing tells which
        head = b"%bcontent-length: %d\r\n\r\n" % (self._opening(status, lines), len(body))
        self.status, self.started, self.ended = status, True, True
        wire = self.wire
        if not wire.is_writable:
            await wire.drained()
        wire.finish(head if self.method == b"HEAD" else head + body)

    async def begin(self, status: int, lines: bytes) -> None:
        """Start an answer in chunks, or one that has no body. Its head leaves with its first bytes."""
        self._head = self._opening(status, lines) + (b"\r\n" if status == NO_CONTENT else self._framing)
        self.status, self.started = status, True

    def write_now(self, body: bytes) -> bool:
        """Write if that needs no waiting; False = not written, use `write`."""
        wire = self.wire
        if self._head or not wire.is_writable:
            return False
        wire.write(b"%x\r\n%b\r\n" % (len(body), body))
        return True

    async def write(self, body: bytes) -> None:
        if not self.wire.is_writable:
            await self.wire.drained()
        if self.wire.is_writable:  # else the client has left
            self.wire.write(self._head + self._framed(body))
            self._head = b""

    async def end(self, body: bytes = b"") -> None:
        self.ended = True
        if not self.wire.is_writable:
            await self.wire.drained()
        self.wire.finish(self._head + (b"" if self.status == NO_CONTENT else self._framed(body) + self._terminator))

    def _framed(self, body: bytes) -> bytes:
        """A chunk; of no bytes none, since that would be the last."""
        return b"%x\r\n%b\r\n" % (len(body), body) if body else b""

    def _opening(self, status: int, lines: bytes) -> bytes:
        """Status line and header fields."""
        opening = STATUS_LINE[status] + _usual_lines(tuple(self.wire.server_state.default_headers)) + lines
        if self.cors_fields:
            opening += field_lines(self.cors_fields)
        return opening if self.keep_alive else opening + b"connection: close\r\n"


class PlainExchange(Exchange, eq=False):
    """A request of HTTP/1.0, which knows no chunks: an answer ends where its connection does."""

    _framing: ClassVar[bytes] = b"\r\n"
    _terminator: ClassVar[bytes] = b""

    def write_now(self, body: bytes) -> bool:
        return False  # by `write`, which asks for the framing

    def _framed(self, body: bytes) -> bytes:
        return body


@lru_cache(maxsize=4)  # the date is among them: others come once a second
def _usual_lines(fields: Headers) -> bytes:
    """What every answer begins with."""
    return field_lines(fields)
