"""httpcore's connection pool with another way of matching requests to connections.

The stock pool of httpcore 1.0.9 looks at every connection several times for each waiting request, keeps for ever a
connection that a second cancellation caught while it was being closed (encode/httpx#3782), lets many requests wait for
one connection that may turn out to be HTTP/1.1, takes bytes that followed one answer for the start of the next, and
never tells an HTTP/2 server that nobody reads an answer any more. This one looks at each connection once, closes what
no request owns, and shares or reuses only what it knows to be fit.

It must never override what `respx` replaces (`handle_async_request`). It fits the pinned version of httpcore only.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections import Counter
from collections.abc import Sequence

import httpcore
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from httpcore import AsyncConnectionInterface, Origin

from proxy.upstream.closers import Closers


class ConnectionPool(httpcore.AsyncConnectionPool):
    """Without a limit of its own: how many requests are in flight is decided before one comes here."""

    def __init__(self, context: ssl.SSLContext, proxy: httpcore.Proxy | None, idle_s: float) -> None:
        super().__init__(
            ssl_context=context, proxy=proxy, max_connections=None, keepalive_expiry=idle_s, http1=True, http2=True
        )
        self._idle_s = idle_s
        self._sweep: asyncio.TimerHandle | None = None
        self._closers = Closers()

    async def aclose(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
        await super().aclose()
        await self._closers.wait()

    def connection_of(self, trace: object) -> AsyncConnectionInterface | None:
        """Return the connection of the request that has this `trace` extension."""
        return next(
            (entry.connection for entry in self._requests if entry.request.extensions.get("trace") is trace), None
        )

    def forget(self, trace: object) -> None:
        """Take a request out whose closing was cut short by a cancellation, and close the connection it was on."""
        left = [entry for entry in self._requests if entry.request.extensions.get("trace") is not trace]
        if len(left) < len(self._requests):
            self._requests = left
            self._close(self._assign_requests_to_connections())

    async def reset_stream(
        self, connection: AsyncConnectionInterface, request: httpcore.Request, stream_id: int
    ) -> None:
        """Tell an HTTP/2 server to stop an answer that nobody reads."""
        inner = getattr(connection, "_connection", None)
        if inner is None or inner.is_closed():
            return
        try:
            inner._h2_state.reset_stream(stream_id, error_code=ErrorCodes.CANCEL)
        except ProtocolError:
            return  # the stream or the connection is over
        await inner._write_outgoing_data(request)

    def _assign_requests_to_connections(self) -> list[AsyncConnectionInterface]:
        load = Counter(id(entry.connection) for entry in self._requests if entry.connection is not None)
        owned = [connection for connection in self._connections if id(connection) in load]
        idle: list[AsyncConnectionInterface] = []
        closing: list[AsyncConnectionInterface] = []
        for connection in self._connections:
            if id(connection) not in load and not connection.is_closed():
                # What is neither owned nor idle was left behind by a cancelled request.
                (idle if connection.is_idle() else closing).append(connection)
        for entry in self._requests:
            if entry.connection is None:
                origin = entry.request.url.origin
                connection = (
                    self._shared(origin, owned, load)
                    or self._unused(origin, idle, closing)
                    or self.create_connection(origin)
                )
                entry.assign_to_connection(connection)
                if not load[id(connection)]:
                    owned.append(connection)
                load[id(connection)] += 1
        self._connections = idle + owned
        self._sweep_later()
        return closing

    def _shared(
        self, origin: Origin, owned: Sequence[AsyncConnectionInterface], load: Counter[int]
    ) -> AsyncConnectionInterface | None:
        """Find a connection in use that has room for one more HTTP/2 stream."""
        if origin.scheme != b"https":
            return None
        for connection in owned:
            # httpcore starts with a limit of 1 and learns the server's from its settings; HTTP/1.1 has no such thing.
            streams = getattr(getattr(connection, "_connection", None), "_max_streams", 1)
            if load[id(connection)] < streams and connection.can_handle_request(origin) and connection.is_available():
                return connection
        return None

    def _unused(
        self, origin: Origin, idle: list[AsyncConnectionInterface], closing: list[AsyncConnectionInterface]
    ) -> AsyncConnectionInterface | None:
        """Take the idle connection that was used last and is still open."""
        for connection in reversed(idle):
            if connection.can_handle_request(origin):
                idle.remove(connection)
                if connection.is_available() and not connection.has_expired() and _is_fit(connection):
                    return connection
                closing.append(connection)
        return None

    async def _close_connections(self, closing: list[AsyncConnectionInterface]) -> None:
        self._close(closing)

    def _close(self, closing: Sequence[AsyncConnectionInterface]) -> None:
        """Close in a task of its own, which no request's cancellation reaches."""
        if closing:
            self._closers.start(*(connection.aclose() for connection in closing))

    def _sweep_later(self) -> None:
        if self._sweep is None and self._connections:
            self._sweep = asyncio.get_running_loop().call_later(self._idle_s, self._close_expired)

    def _close_expired(self) -> None:
        self._sweep = None
        expired = [connection for connection in self._connections if connection.is_idle() and connection.has_expired()]
        self._connections = [connection for connection in self._connections if connection not in expired]
        self._close(expired)
        self._sweep_later()


def _is_fit(connection: AsyncConnectionInterface) -> bool:
    """Look at an idle connection more closely than httpcore does."""
    inner = getattr(connection, "_connection", None)
    h11_state = getattr(inner, "_h11_state", None)
    if h11_state is not None:
        surplus, _ = h11_state.trailing_data
        return not surplus  # bytes after the last answer, which the next request would take for its own
    stream: httpcore.AsyncNetworkStream | None = getattr(inner, "_network_stream", None)
    socket = stream.get_extra_info("socket") if stream else None
    if socket is None:
        return True
    descriptor = socket.fileno()
    if descriptor < 0:  # closed with the request that made it, which was cancelled before it was sent
        return False
    if not hasattr(select, "POLLRDHUP"):
        return True
    poll = select.poll()  # httpcore does not ask whether an HTTP/2 server has hung up meanwhile
    poll.register(descriptor, select.POLLRDHUP)
    return not poll.poll(0)
