"""Chat streams as raw bytes, for upstreams that break off, reset or fall silent at an exact place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from tests.fakes.rawserver import BLINK_S, Handler, Peer, chunk

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
# Without a length or chunks the connection's end is the body's end, so a cut cannot be told from it by framing.
HEAD_TO_EOF = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"

Ending = Callable[[Peer], Awaitable[None]]


def event(delta: dict[str, object], finish: str | None = None, **members: object) -> bytes:
    """One chunk of a chat stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "chatcmpl-raw", "object": "chat.completion.chunk", "created": 1, "model": "raw"}
    return b"data: " + json.dumps({**chunk, "choices": [choice], **members}).encode() + b"\n\n"


def said(*words: str) -> list[bytes]:
    return [event({"content": word}) for word in words]


ROLE = event({"role": "assistant", "content": ""})
FINISH = event({}, "stop")


async def cut(peer: Peer) -> None:
    """End the connection in good order, whatever is missing."""
    peer.close()


async def reset(peer: Peer) -> None:
    await asyncio.sleep(BLINK_S)
    peer.reset()


async def stall(peer: Peer) -> None:
    """Say nothing more until the client closes."""
    await peer.gone()


async def end(peer: Peer) -> None:
    """End the chunked body in good order."""
    await peer.send(b"0\r\n\r\n")


def streaming(*events: bytes, ending: Ending = end, head: bytes = HEAD, gap_s: float = 0.0) -> Handler:
    """Answer each request of a connection with these events, then end as told."""

    async def handle(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(head)
            await peer.send(*(_framed(piece, head) for piece in events), gap_s=gap_s)
            await ending(peer)

    return handle


def _framed(piece: bytes, head: bytes) -> bytes:
    return chunk(piece) if b"chunked" in head else piece
