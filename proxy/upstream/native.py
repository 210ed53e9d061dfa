"""The default transport: HTTP/1.1 straight on the event loop's sockets, with keep-alive.

It turns an `UpstreamRequest` into a `NativeResponse` or a `Failure`. It must never repeat a request, except on a reused
connection that died, without a byte of answer, within a second of the last byte written: the upstream had closed that
connection before it saw the request, so this is no attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from proxy.core.call import Headers
from proxy.core.failure import Failure
from proxy.core.ports import Clock, Sink, UpstreamRequest, Wait
from proxy.core.snapshot import Provider
from proxy.upstream import failures
from proxy.upstream.connection import Connection, Place
from proxy.upstream.decoding import Decoder, DecodingError, decoder_for, plain_headers, read_plain
from proxy.upstream.dialling import Dialler
from proxy.upstream.pool import Pool
from proxy.upstream.request_head import serialise
from proxy.upstream.tls import TlsContexts
from proxy.upstream.tunnel import SCHEMES, TunnelConnection
from proxy.wire.outbox import Outbox

CLOSE_ROUNDS = 10  # of the event loop: it closes an aborted socket in its next round, one under TLS a few later


class Address(NamedTuple):
    host: str
    port: int
    tls: bool
    tunnel: bool = False


def _ignore(_provider: str) -> None:
    """Nobody counts."""


class NativeTransport:
    """Sends requests over pooled connections, one exchange at a time on each.

    Args:
        on_stale_retry: Called with the provider's name when a request is repeated on a fresh connection.
        idle_s: How long an idle connection is kept.
    """

    def __init__(self, clock: Clock, *, on_stale_retry: Callable[[str], None] = _ignore, idle_s: float = 30.0) -> None:
        self._clock = clock
        self._now = clock.now
        self._on_stale_retry = on_stale_retry
        self._pool = Pool(clock, idle_s)
        self._contexts = TlsContexts(("http/1.1",))
        self._open: set[Connection] = set()
        self._outbox = Outbox()
        self._dialler = Dialler()

    async def send(self, request: UpstreamRequest, connect: Wait, head: Wait) -> NativeResponse | Failure:
        """Send a request and wait for the head of its answer.

        Raises:
            ValueError: The request cannot be written as HTTP/1.1.
        """
        head_bytes = serialise(request)
        route = request.route
        place = (route.provider, route.origin)
        began_s = self._now()
        pooled = connection = self._pool.take(place)
        while True:
            if connection is None:
                fresh = await self._connect(place, connect, route.method)
                if isinstance(fresh, Failure):
                    return fresh if pooled is None else replace(fresh, request_sent=True)
                connection = fresh
            else:
                connection.parser.begin(route.method)
            try:
                in_time = await connection.ask(head_bytes, request.body, head)
            except BaseException:  # cancelled: the connection is of no use to anyone else
                connection.abort()
                raise
            parser = connection.parser
            if parser.status:
                if b"content-encoding" in parser.names:
                    return self._coded_answer(connection)
                return NativeResponse(parser.status, parser.headers, connection, self._pool)
            failure = connection.no_head(head, in_time=in_time)
            if connection is not pooled or not connection.died_stale():
                return failure
            self._on_stale_retry(route.provider.name)
            connect = Wait(min(self._now() + connect.until_s - began_s, head.until_s), connect.kind)
            connection = None

    def keep_only(self, providers: Collection[Provider]) -> None:
        """Let go of what is kept for any other provider; a request under way finishes."""
        self._pool.keep_only(providers)
        self._contexts.forget_files()

    async def aclose(self) -> None:
        """Close every connection, idle or not."""
        self._dialler.close()
        self._pool.close()
        for connection in list(self._open):
            connection.abort()
        for _ in range(CLOSE_ROUNDS):
            if self._open:
                await asyncio.sleep(0)

    async def _connect(self, place: Place, wait: Wait, method: str) -> Connection | Failure:
        provider, origin = place
        address = _address(origin)
        try:
            context = self._contexts.get(provider) if address.tls else None
        except OSError:
            return failures.unusable_tls_settings()
        carrier = TunnelConnection if address.tunnel else Connection

        def make() -> Connection:
            connection = carrier(place, self._clock, self._forget, self._outbox)
            connection.parser.begin(method)  # now: an upstream may answer before it is asked
            return connection

        try:
            async with asyncio.timeout(wait.until_s - self._now()) as limit:
                connection = await self._dialler.connect(make, address.host, address.port, context)
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
            return failures.not_connected_in_time(wait) if limit.expired() else failures.not_connected(error)
        if not connection.closed:
            self._open.add(connection)
        return connection

    def _coded_answer(self, connection: Connection) -> NativeResponse | Failure:
        parser = connection.parser
        try:
            decoder = decoder_for(parser.headers)
        except DecodingError as error:
            return connection.fail(failures.protocol(str(error), parser.status))
        if decoder is None:
            return NativeResponse(parser.status, parser.headers, connection, self._pool)
        return CodedResponse(parser.status, plain_headers(parser.headers), connection, self._pool, decoder)

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._pool.discard(connection)


class NativeResponse(Struct, eq=False):
    """An answer whose head has come. It owns its connection until `aclose`."""

    status: int
    headers: Headers
    _connection: Connection | None
    _pool: Pool

    def __repr__(self) -> str:
        return f"NativeResponse({self.status})"  # headers may be private

    def read(self, wait: Wait) -> Coroutine[None, None, bytes | Failure]:
        """Return the next bytes of the body, b"" once it has ended cleanly, or why it did not.

        Raises:
            RuntimeError: The response was closed.
        """
        return self._owned().read(wait)

    def take_whole(self) -> bytes | None:
        """See `core.ports.UpstreamResponse`."""
        connection = self._connection
        if connection is None or not connection.parser.complete:
            return None
        return connection.take()

    def hand_to(self, sink: Sink | None) -> None:
        """See `core.ports.UpstreamResponse`."""
        if self._connection is not None:
            self._connection.sink = sink

    async def aclose(self) -> None:
        """Give the connection back if its message is complete, else close it. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.put(connection)

    def write(self, data: bytes) -> None:
        """See `core.ports.UpstreamTunnel`: only of a 101."""
        if isinstance(self._connection, TunnelConnection):
            self._connection.write(data)

    async def drained(self) -> None:
        """See `core.ports.UpstreamTunnel`: only of a 101."""
        if isinstance(self._connection, TunnelConnection):
            await self._connection.drained()

    def _owned(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("read after aclose")
        return self._connection


class CodedResponse(NativeResponse, eq=False):
    """An answer whose body is decoded piece by piece as it is read, so none of it goes to a sink or is known whole."""

    _decoder: Decoder

    def read(self, wait: Wait) -> Coroutine[None, None, bytes | Failure]:
        """See `NativeResponse.read`."""
        return self._read_decoded(self._owned(), wait)

    def take_whole(self) -> bytes | None:
        """None."""

    def hand_to(self, sink: Sink | None) -> None:
        """Nothing is handed on."""

    async def _read_decoded(self, connection: Connection, wait: Wait) -> bytes | Failure:
        try:
            return await read_plain(self._decoder, connection.read, wait)
        except DecodingError as error:
            return connection.fail(failures.protocol(str(error), self.status))


@lru_cache(maxsize=1024)
def _address(origin: str) -> Address:
    parts = urlsplit(origin)
    tls = parts.scheme in ("https", "wss")
    if not parts.hostname or not (tls or parts.scheme in ("http", "ws")):
        raise ValueError("the URL of an upstream request must begin with http:// or https:// and a host name")
    return Address(parts.hostname, parts.port or (443 if tls else 80), tls, parts.scheme in SCHEMES)
