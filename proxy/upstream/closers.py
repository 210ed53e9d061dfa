"""Runs the closing of things in tasks that no request's cancellation reaches, each for a bounded time.

It must never raise what a closing raises: what is being closed is of no use to anyone any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

CLOSE_S = 2.0


class Closers:
    """The closings under way."""

    def __init__(self, close_s: float = CLOSE_S) -> None:
        self._close_s = close_s
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self, *closings: Awaitable[object]) -> asyncio.Task[object]:
        """Close several things at once. Awaiting the task is optional."""
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(_bounded(closings, self._close_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def wait(self) -> None:
        """Wait until every closing has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)


async def _bounded(closings: tuple[Awaitable[object], ...], close_s: float) -> None:
    tasks = [asyncio.ensure_future(closing) for closing in closings]
    _, late = await asyncio.wait(tasks, timeout=close_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
