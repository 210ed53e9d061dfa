"""One request over httpx: in which phase it is, how long that phase may last, and how to leave nothing behind.

It must never leave a socket open or a server writing when the answer is not wanted any more.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from typing import Any, cast

import anyio
import httpcore
import httpx

from proxy.core.failure import Failure
from proxy.core.ports import Clock, UpstreamRequest, Wait
from proxy.upstream import failures
from proxy.upstream.httpx_clients import Client
from proxy.upstream.httpx_failures import UPSTREAM_ERRORS, body_failure, send_failure
from proxy.upstream.httpx_http2 import complete


class Exchange:
    """Sends one request, reads its answer, gives up on it.

    Attributes:
        ended: The answer has ended cleanly, and its connection is back in the pool.
    """

    def __init__(self, client: Client, clock: Clock) -> None:
        self.ended = False
        self._client = client
        self._clock = clock
        self._scope = anyio.CancelScope()
        self._head: Wait | None = None
        self._connecting = False
        self._sent = False
        self._socket: httpcore.AsyncNetworkStream | None = None
        self._stream: tuple[httpcore.AsyncConnectionInterface, httpcore.Request, int] | None = None
        self._response: httpx.Response | None = None
        self._pieces: AsyncGenerator[bytes, None] | None = None

    async def send(self, request: UpstreamRequest, connect: Wait, head: Wait) -> httpx.Response | Failure:
        """Send the request and wait for the head of the answer."""
        self._head = head
        self._scope.deadline = self._deadline(connect)
        message = httpx.Request(
            request.route.method,
            request.url,
            headers=list(request.headers),
            content=request.body,
            extensions={"trace": self},
        )
        try:
            with self._scope:
                self._response = await self._client.http.send(message, stream=True)
        except UPSTREAM_ERRORS as error:
            return send_failure(error, connect, head, connecting=self._connecting)
        if self._response is None:
            return failures.no_head_in_time(head) if self._sent else failures.not_connected_in_time(connect)
        self._pieces = cast("AsyncGenerator[bytes, None]", self._response.aiter_raw())
        return self._response

    async def read(self, wait: Wait) -> bytes | Failure:
        """Return the next bytes of the body, b"" at its end, or why there are none."""
        assert self._response is not None
        assert self._pieces is not None
        status = self._response.status_code
        try:
            with anyio.move_on_after(wait.until_s - self._clock.now()):
                piece = await anext(self._pieces, b"")
                self.ended = not piece
                return piece
        except UPSTREAM_ERRORS as error:
            return body_failure(error, wait, status)
        return failures.no_body_in_time(wait, status)

    async def abandon(self) -> None:
        """Close what is still open: an HTTP/2 stream, the answer, a connection that was never finished."""
        async with AsyncExitStack() as closing:  # the last one first, each even if another fails
            closing.callback(self._client.pool.forget, self)
            if self._socket is not None and not self._sent:
                closing.push_async_callback(self._socket.aclose)
            if self._response is not None:
                closing.push_async_callback(self._response.aclose)
            if self._pieces is not None:
                closing.push_async_callback(self._pieces.aclose)
            if self._stream is not None:
                closing.push_async_callback(self._client.pool.reset_stream, *self._stream)

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Follow httpcore's `trace` events: when the request itself begins to leave, the head wait takes over."""
        phase = event.partition(".")[2]
        if phase == "connect_tcp.started":
            self._connecting = True
        elif phase == "connect_tcp.complete":
            self._socket = info["return_value"]
        elif phase == "send_request_headers.started" and info["request"].method != b"CONNECT":  # a tunnel's is not ours
            assert self._head is not None
            self._connecting, self._sent = False, True
            self._scope.deadline = self._deadline(self._head)
            if "stream_id" in info and (connection := self._client.pool.connection_of(self)):
                self._stream = (connection, info["request"], info["stream_id"])
                complete(connection)

    def _deadline(self, wait: Wait) -> float:
        return anyio.current_time() + wait.until_s - self._clock.now()
