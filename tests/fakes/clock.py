"""Clocks for tests: one that stands still, and one that runs as the machine's does but can be moved and slowed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator

SLOWNESS = 10
DAY_S = 86_400.0


class StillClock:
    """Implements `core.ports.Clock`. Stands still but for who sleeps: that takes no time and moves it."""

    def __init__(self, now_s: float = 1_000.0) -> None:
        self.now_s = now_s
        self.slept_s: list[float] = []

    def now(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.now_s

    async def sleep(self, delay_s: float) -> None:
        self.slept_s.append(delay_s)
        self.now_s += delay_s
        await asyncio.sleep(0)


class ShiftedClock:
    """Implements `core.ports.Clock`. `advance` moves both times together, and wakes who has slept enough."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._slow_since_s: float | None = None
        self._moved = asyncio.Event()

    def now(self) -> float:
        return time.monotonic() + self._shift_s()

    def wall(self) -> float:
        return time.time() + self._shift_s()

    async def sleep(self, delay_s: float) -> None:
        until_s = self.now() + delay_s
        while (left_s := until_s - self.now()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left_s)

    def advance(self, seconds: float) -> None:
        self._ahead_s += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    def go_on_to_noon(self) -> None:
        """Move to the next noon of UTC: from there the end of a day, or of a month, is hours away."""
        self.advance(DAY_S - (self.wall() - DAY_S / 2) % DAY_S)

    @contextlib.contextmanager
    def slowed(self) -> Iterator[None]:
        """Let time pass `SLOWNESS` times as slowly, so that a busy machine may take long over what happens inside."""
        self._slow_since_s = time.monotonic()
        try:
            yield
        finally:
            self._ahead_s, self._slow_since_s = self._shift_s(), None

    def _shift_s(self) -> float:
        if self._slow_since_s is None:
            return self._ahead_s
        return self._ahead_s - (time.monotonic() - self._slow_since_s) * (1 - 1 / SLOWNESS)
