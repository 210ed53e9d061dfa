"""A clock that runs as the machine's does and can be moved ahead, for waits too long to sit out."""

from __future__ import annotations

import asyncio
import contextlib
import time


class ShiftedClock:
    """Implements `core.ports.Clock`. `advance` moves monotonic and wall time, and wakes who has slept enough."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        return time.monotonic() + self._ahead_s

    def wall(self) -> float:
        return time.time() + self._ahead_s

    async def sleep(self, delay_s: float) -> None:
        until_s = self.now() + delay_s
        while (left_s := until_s - self.now()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left_s)

    def advance(self, seconds: float) -> None:
        self._ahead_s += seconds
        self._moved.set()
        self._moved = asyncio.Event()
