"""The benchmark's upstream: answers every request from fixed bytes, far cheaper than any proxy under test.

Run as `python -m bench.upstream PORT`. It frames requests by content-length and looks at nothing but the two marks of
`bench.traffic`. It never checks what it was asked beyond that, so it is no test double.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import cast

import uvloop

from bench import traffic

ANSWER = traffic.whole_answer()


class Upstream(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._read = b""
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        read = self._read + data if self._read else data
        head = read.find(b"\r\n\r\n")
        length = traffic.LENGTH.search(read, 0, head + 2) if head >= 0 else None
        if head < 0 or (length and len(read) < head + 4 + int(length[1])):
            self._read = read
            return
        self._read = b""
        self._answer(read)

    def _answer(self, request: bytes) -> None:
        pace = traffic.PACE.search(request)
        if not pace:
            self._transport.write(ANSWER)
            return
        usage = traffic.USAGE_EVENT if traffic.USAGE_ASKED.search(request) else b""
        self._chunk(traffic.STREAM_HEAD, int(pace[1]), float(pace[2]), usage, self._loop.time())

    def _chunk(self, head: bytes, left: int, every_s: float, usage: bytes, due_s: float) -> None:
        event = traffic.stream_event(time.monotonic(), last=left == 1)
        if left == 1:
            self._transport.write(head + traffic.chunked(event + usage + traffic.DONE) + traffic.STREAM_END)
            return
        self._transport.write(head + traffic.chunked(event))
        due_s += every_s
        self._timer = self._loop.call_at(due_s, self._chunk, b"", left - 1, every_s, usage, due_s)


async def serve(port: int) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(loop), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
