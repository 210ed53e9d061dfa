"""A connection to an upstream that may become a WebSocket: after its 101 it carries bytes both ways.

Always a fresh one, and never used again. Until the 101, and after any other answer, it is a connection like all others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from proxy.core.ports import Clock
from proxy.upstream.connection import Connection, Place
from proxy.wire.outbox import Outbox

SCHEMES = frozenset({"ws", "wss"})


class TunnelConnection(Connection):
    """Beside reading, which any connection does, it is written to."""

    def __init__(self, place: Place, clock: Clock, on_lost: Callable[[Connection], None], outbox: Outbox) -> None:
        super().__init__(place, clock, on_lost, outbox)
        self.parser.may_switch = True
        self._drained: asyncio.Future[None] | None = None

    def write(self, data: bytes) -> None:
        """See `core.ports.UpstreamTunnel`."""
        if self._transport is not None and not self.closed:
            self._transport.write(data)

    async def drained(self) -> None:
        """See `core.ports.UpstreamTunnel`."""
        while self._writing_paused and not self.closed:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained

    def resume_writing(self) -> None:
        super().resume_writing()
        self._let_go()

    def eof_received(self) -> None:
        super().eof_received()
        self._let_go()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._let_go()

    def _let_go(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
