"""The second transport, for what the native one does not speak: HTTP/2, and HTTP and SOCKS proxies.

It turns an `UpstreamRequest` into an `HttpxResponse` or a `Failure` by way of httpx, one client per provider. It must
never follow a redirect, read a proxy from the environment unasked, or repeat a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial

import httpx

from proxy.core.call import Headers
from proxy.core.failure import Failure
from proxy.core.ports import Clock, Sink, UpstreamRequest, Wait
from proxy.core.snapshot import Provider
from proxy.upstream import failures
from proxy.upstream.closers import Closers
from proxy.upstream.decoding import Decoder, DecodingError, decoder_for, plain_headers, read_plain
from proxy.upstream.httpx_clients import Client, ClientCache
from proxy.upstream.httpx_exchange import Exchange
from proxy.upstream.request_head import serialise

Leave = Callable[[Exchange], "asyncio.Task[object] | None"]


class HttpxTransport:
    """Sends requests through httpx.

    Args:
        idle_s: How long an idle connection is kept.
    """

    def __init__(self, clock: Clock, *, idle_s: float = 30.0) -> None:
        self._clock = clock
        self._closers = Closers()
        self._clients = ClientCache(self._closers, idle_s)

    async def send(self, request: UpstreamRequest, connect: Wait, head: Wait) -> HttpxResponse | Failure:
        """Send a request and wait for the head of its answer.

        Raises:
            ValueError: The request cannot be written as HTTP/1.1, the form in which it is handed over.
        """
        serialise(request)  # for its checks alone: both transports refuse the same requests
        client = self._clients.borrow(request.route.provider)
        if isinstance(client, Failure):
            return client
        exchange = Exchange(client, self._clock)
        answer: HttpxResponse | Failure | None = None
        try:
            response = await exchange.send(request, connect, head)
            answer = response if isinstance(response, Failure) else self._answer(client, exchange, response)
            return answer
        finally:
            if not isinstance(answer, HttpxResponse):
                self._leave(client, exchange)

    def keep_only(self, providers: Collection[Provider]) -> None:
        """Let go of the clients of any other provider, each once its last request has ended."""
        self._clients.keep_only(providers)

    async def aclose(self) -> None:
        """Close every client, used or not."""
        self._clients.close()
        await self._closers.wait()

    def _answer(self, client: Client, exchange: Exchange, response: httpx.Response) -> HttpxResponse | Failure:
        status = response.status_code
        headers = tuple((name.lower(), value) for name, value in response.headers.raw)
        try:
            decoder = decoder_for(headers)
        except DecodingError as error:
            return failures.protocol(str(error), status)
        headers = plain_headers(headers) if decoder else headers
        return HttpxResponse(status, headers, exchange, decoder, partial(self._leave, client))

    def _leave(self, client: Client, exchange: Exchange) -> asyncio.Task[object] | None:
        self._clients.give_back(client)
        return None if exchange.ended else self._closers.start(exchange.abandon())


class HttpxResponse:
    """An answer whose head has come. It owns its connection, or its HTTP/2 stream, until `aclose`."""

    __slots__ = ("_closed", "_decoder", "_exchange", "_failure", "_leave", "headers", "status")

    def __init__(
        self, status: int, headers: Headers, exchange: Exchange, decoder: Decoder | None, leave: Leave
    ) -> None:
        self.status = status
        self.headers = headers
        self._exchange = exchange
        self._decoder = decoder
        self._leave = leave
        self._closed = False
        self._failure: Failure | None = None

    async def read(self, wait: Wait) -> bytes | Failure:
        """Return the next bytes of the body, b"" once it has ended cleanly, or why it did not.

        Raises:
            RuntimeError: The response was closed.
        """
        if self._closed:
            raise RuntimeError("read after aclose")
        if self._failure is not None:
            return self._failure
        try:
            read = self._exchange.read
            piece = await (read_plain(self._decoder, read, wait) if self._decoder else read(wait))
        except DecodingError as error:
            piece = failures.protocol(str(error), self.status)
        if isinstance(piece, Failure):
            self._failure = piece
        return piece

    def take_whole(self) -> bytes | None:
        """None: httpx gives a body to readers only."""

    def hand_to(self, sink: Sink | None) -> None:
        """Every piece is returned by `read`: httpx has no moment at which to hand one on."""

    async def aclose(self) -> None:
        """Give the connection back if the answer was read to its end, else close it. Idempotent.

        A cancellation is passed on at once; the closing goes on without it, for a bounded time.
        """
        if self._closed:
            return
        self._closed = True
        closing = self._leave(self._exchange)
        if closing is not None:
            await asyncio.shield(closing)
