"""The system's clock on the event loop that the gateway runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvloop

from proxy.state.clock import SystemClock


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_sleep_is_never_too_short(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """What is set aside until a moment is still so a moment before: a send that waited for it would be refused."""
    clock = SystemClock()

    async def missing() -> list[float]:
        left_s = []
        for place in range(40):
            until_s = clock.now() + (delay_s := (10 + place * 0.37) / 1000)
            await clock.sleep(delay_s)
            left_s.append(until_s - clock.now())
        return left_s

    with asyncio.Runner(loop_factory=loop) as runner:
        assert max(runner.run(missing())) <= 0
