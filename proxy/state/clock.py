"""The system's clock behind the `Clock` port."""

from __future__ import annotations

import time

from anyio import sleep


class SystemClock:
    """Monotonic and wall time of this machine."""

    __slots__ = ()

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)

    async def sleep(self, delay_s: float) -> None:
        """Sleep so long at least: uvloop counts whole milliseconds and wakes up to one too early."""
        until_s = time.monotonic() + delay_s
        while delay_s > 0:
            await sleep(delay_s)
            delay_s = until_s - time.monotonic()
