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

from proxy.core.call import Headers
from proxy.core.failure import Failure
from proxy.core.ports import Clock, Sink, UpstreamRequest, Wait
from proxy.core.snapshot import Provider
from proxy.upstream import failures
from proxy.upstream.connection import Connection, Place
from proxy.upstream.decoding import Decoder, DecodingError, decoder_for, plain_headers, read_plain
from proxy.upstream.pool import Pool
from proxy.upstream.request_head import serialise
from proxy.upstream.tls import TlsContexts

CLOSE_ROUNDS = 10  # of the event loop: it closes an aborted socket in its next round, one under TLS a few later


class Address(NamedTuple):
    host: str
    port: int
    tls: bool


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
        self._on_stale_retry = on_stale_retry
        self._pool = Pool(clock, idle_s)
        self._contexts = TlsContexts(("http/1.1",))
        self._open: set[Connection] = set()

    async def send(self, request: UpstreamRequest, connect: Wait, head: Wait) -> NativeResponse | Failure:
        """Send a request and wait for the head of its answer.

        Raises:
            ValueError: The request cannot be written as HTTP/1.1.
        """
        head_bytes = serialise(request)
        bodiless = request.method == "HEAD"
        place = Place(request.provider, request.url.removesuffix(request.target))
        connect_s = connect.until_s - self._clock.now()
        pooled = self._pool.take(place)
        if pooled is not None:
            pooled.begin(bodiless=bodiless, reused=True)
            failure = await pooled.send(head_bytes, request.body, head)
            if failure is None:
                return self._answer(pooled)
            if not pooled.died_stale():
                return failure
            self._on_stale_retry(request.provider.name)
            connect = Wait(min(self._clock.now() + connect_s, head.until_s), connect.kind)
        fresh = await self._connect(place, connect, bodiless=bodiless)
        if isinstance(fresh, Failure):
            return fresh if pooled is None else replace(fresh, request_sent=True)
        return await fresh.send(head_bytes, request.body, head) or self._answer(fresh)

    def keep_only(self, providers: Collection[Provider]) -> None:
        """Let go of what is kept for any other provider; a request under way finishes."""
        self._pool.keep_only(providers)
        self._contexts.forget_files()

    async def aclose(self) -> None:
        """Close every connection, idle or not."""
        self._pool.close()
        for connection in list(self._open):
            connection.abort()
        for _ in range(CLOSE_ROUNDS):
            if self._open:
                await asyncio.sleep(0)

    async def _connect(self, place: Place, wait: Wait, *, bodiless: bool) -> Connection | Failure:
        address = _address(place.origin)
        try:
            context = self._contexts.get(place.provider) if address.tls else None
        except OSError:
            return failures.unusable_tls_settings()
        connection = Connection(place, self._clock, self._forget)
        connection.begin(bodiless=bodiless, reused=False)  # now: an upstream may answer before it is asked
        try:
            async with asyncio.timeout(wait.until_s - self._clock.now()) as limit:
                await asyncio.get_running_loop().create_connection(
                    lambda: connection,
                    address.host,
                    address.port,
                    ssl=context,
                    server_hostname=address.host if context else None,
                )
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
            connection.abort()
            return failures.not_connected_in_time(wait) if limit.expired() else failures.not_connected(error)
        except BaseException:
            connection.abort()
            raise
        if connection.alive:
            self._open.add(connection)
        return connection

    def _answer(self, connection: Connection) -> NativeResponse | Failure:
        parser = connection.parser
        try:
            decoder = decoder_for(parser.headers)
        except DecodingError as error:
            return connection.fail(failures.protocol(str(error), parser.status))
        headers = plain_headers(parser.headers) if decoder else parser.headers
        return NativeResponse(parser.status, headers, connection, self._pool, decoder)

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._pool.discard(connection)


class NativeResponse:
    """An answer whose head has come. It owns its connection until `aclose`."""

    __slots__ = ("_connection", "_decoder", "_pool", "headers", "status")

    def __init__(
        self, status: int, headers: Headers, connection: Connection, pool: Pool, decoder: Decoder | None
    ) -> None:
        self.status = status
        self.headers = headers
        self._connection: Connection | None = connection
        self._pool = pool
        self._decoder = decoder

    def read(self, wait: Wait) -> Coroutine[None, None, bytes | Failure]:
        """Return the next bytes of the body, b"" once it has ended cleanly, or why it did not.

        Raises:
            RuntimeError: The response was closed.
        """
        connection = self._connection
        if connection is None:
            raise RuntimeError("read after aclose")
        return connection.read(wait) if self._decoder is None else self._read_decoded(connection, self._decoder, wait)

    async def _read_decoded(self, connection: Connection, decoder: Decoder, wait: Wait) -> bytes | Failure:
        try:
            return await read_plain(decoder, connection.read, wait)
        except DecodingError as error:
            return connection.fail(failures.protocol(str(error), self.status))

    def hand_to(self, sink: Sink | None) -> None:
        """See `core.ports.UpstreamResponse`; a coded body is decoded piece by piece instead."""
        if self._connection is not None and self._decoder is None:
            self._connection.hand_to(sink)

    async def aclose(self) -> None:
        """Give the connection back if its message is complete, else close it. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.reusable:
            self._pool.put(connection)
        else:
            connection.abort()


@lru_cache(maxsize=1024)
def _address(origin: str) -> Address:
    parts = urlsplit(origin)
    tls = parts.scheme == "https"
    if not parts.hostname or not (tls or parts.scheme == "http"):
        raise ValueError("the URL of an upstream request must begin with http:// or https:// and a host name")
    return Address(parts.hostname, parts.port or (443 if tls else 80), tls)
