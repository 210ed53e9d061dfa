"""Lets requests go on together: all that are ready go one part of their way before any of them goes the next.

A part runs much code once. A request that runs the same part right behind another finds the processor prepared for it:
what it holds of code and data, and what it has learned of branches, is soon driven out by the next part. Known as
cohort scheduling.
"""

from __future__ import annotations

from collections.abc import Generator
from types import coroutine


@coroutine
def others_first() -> Generator[None, None, None]:
    """Let every task that is ready run before this one goes on. May be cancelled, as any wait."""
    yield  # as `asyncio.sleep(0)`, without its own frame
