"""Requests to fake upstreams, as the gateway would make them, and what comes back, collected."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from proxy.core.call import Headers
from proxy.core.failure import Failure, FailureKind
from proxy.core.ports import Transport, UpstreamRequest, UpstreamResponse, UpstreamRoute, Wait
from proxy.core.snapshot import Provider
from proxy.state.clock import SystemClock

CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        return dict(self.headers).get(name)


def provider(url: str = "http://127.0.0.1:1", **settings: object) -> Provider:
    """Build a provider; `settings` are fields of `Provider`."""
    return Provider("fake", "openai_compatible", url, **settings)  # type: ignore[arg-type] # checked by its own tests


FAKE = provider()


def post(url: str, body: bytes = b"{}", *, by: Provider = FAKE, method: str = "POST") -> UpstreamRequest:
    """Build a request to `url`, whose path defaults to that of a chat endpoint."""
    parts = urlsplit(url)
    if not parts.path:
        url += "/v1/chat/completions"
        parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = (
        (b"host", parts.netloc.encode()),
        (b"content-type", b"application/json"),
        (b"accept-encoding", b"identity"),
    )
    return UpstreamRequest(UpstreamRoute(by, method, url.removesuffix(target), target, headers), (), body)


def wait(seconds: float = 5.0, kind: FailureKind = FailureKind.TIMEOUT_IDLE) -> Wait:
    return Wait(CLOCK.now() + seconds, kind)


async def send(
    transport: Transport, request: UpstreamRequest, *, connect_s: float = 5.0, head_s: float = 5.0
) -> UpstreamResponse | Failure:
    return await transport.send(
        request, wait(connect_s, FailureKind.TIMEOUT_CONNECT), wait(head_s, FailureKind.TIMEOUT_HEADERS)
    )


async def sent(transport: Transport, request: UpstreamRequest) -> UpstreamResponse:
    """Send a request that must be answered."""
    response = await send(transport, request)
    assert not isinstance(response, Failure), response
    return response


async def body_of(response: UpstreamResponse, *, idle_s: float = 5.0) -> bytes | Failure:
    """Read to the end; the failure if there is one."""
    whole = b""
    while piece := await response.read(wait(idle_s)):
        if isinstance(piece, Failure):
            return piece
        whole += piece
    return whole


async def fetch(
    transport: Transport, request: UpstreamRequest, *, connect_s: float = 5.0, head_s: float = 5.0, idle_s: float = 5.0
) -> Answer | Failure:
    """Send, read everything, close."""
    response = await send(transport, request, connect_s=connect_s, head_s=head_s)
    if isinstance(response, Failure):
        return response
    try:
        body = await body_of(response, idle_s=idle_s)
    finally:
        await response.aclose()
    return body if isinstance(body, Failure) else Answer(response.status, response.headers, body)


async def fetched(transport: Transport, request: UpstreamRequest) -> Answer:
    """Fetch something that must come whole."""
    answer = await fetch(transport, request)
    assert isinstance(answer, Answer), answer
    return answer


async def settles(holds: Callable[[], bool], within_s: float = 3.0) -> bool:
    """Tell whether something comes true soon."""
    until_s = CLOCK.now() + within_s
    while not holds() and CLOCK.now() < until_s:
        await asyncio.sleep(0.005)
    return holds()


def open_files() -> int:
    """Count this process's file descriptors."""
    return len(os.listdir("/dev/fd"))
