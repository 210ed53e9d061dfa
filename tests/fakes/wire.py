"""The connection of an exchange without a socket: it keeps what is written, and reads on when it is told to."""

from __future__ import annotations

import asyncio

from uvicorn.server import ServerState

from proxy.api.endpointspec import CHAT
from proxy.edge.exchange import Asked, Caller, Exchange


class FakeWire:
    """Implements `edge.exchange.Wire`.

    Attributes:
        sent: What was written, a write each.
        is_finished: The answer has ended.
        reads: How often it was told to read on.
        pauses: How often it was told to read no more.
        aborted: The connection was dropped.
    """

    def __init__(self) -> None:
        self.server_state = ServerState()
        self.caller: Caller | None = None
        self.is_writable = True
        self.sent: list[bytes] = []
        self.is_finished = False
        self.reads = 0
        self.pauses = 0
        self.aborted = False
        self._drained = asyncio.Event()

    def write(self, data: bytes) -> None:
        assert self.is_writable
        self.sent.append(data)

    async def drained(self) -> None:
        await self._drained.wait()

    def pause_reading(self) -> None:
        self.pauses += 1

    def resume_reading(self) -> None:
        self.reads += 1

    def finish(self, last: bytes) -> None:
        if self.is_writable:
            self.write(last)
            self.is_finished = True

    def abort(self) -> None:
        self.aborted = True

    def pause(self) -> None:
        """The client stops reading."""
        self.is_writable = False
        self._drained.clear()

    def drain(self) -> None:
        """The client has read what waited for it."""
        self.is_writable = True
        self._drained.set()

    def lose(self) -> None:
        """The client leaves."""
        self.is_writable = False
        self._drained.set()


def make_exchange(
    headers: dict[bytes, bytes] | None = None,
    *,
    wire: FakeWire | None = None,
    asked: Asked | None = None,
    body: bytes | None = None,
) -> Exchange:
    """An exchange that has just begun.

    Args:
        body: All of it, which is there; None = it is still to come.
    """
    exchange = Exchange(wire or FakeWire(), asked or Asked(CHAT), b"POST", headers or {})
    if body is not None:
        exchange.pieces, exchange.is_whole = [body], True
    return exchange


async def settled() -> None:
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)
