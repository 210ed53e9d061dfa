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
        await sleep(delay_s)
