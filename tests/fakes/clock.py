"""A clock that runs as the machine's does and can be moved ahead, for waits too long to sit out."""

from __future__ import annotations

import asyncio
import time


class ShiftedClock:
    """Implements `core.ports.Clock`. Sleeping takes real time; `advance` moves monotonic and wall time together."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def now(self) -> float:
        return time.monotonic() + self._ahead_s

    def wall(self) -> float:
        return time.time() + self._ahead_s

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)

    def advance(self, seconds: float) -> None:
        self._ahead_s += seconds
