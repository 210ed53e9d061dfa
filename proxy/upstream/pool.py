"""Keeps idle connections for the next request to the same place, newest first, each for a limited time.

It must never hand out a connection on which anything happened while it was idle: `Connection` closes itself then, and a
closed one is passed over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from proxy.core.ports import Clock
from proxy.core.snapshot import Provider
from proxy.upstream.connection import Connection, Place


class Pool:
    """Idle connections, last in, first out. A place that none is left for is forgotten by the next sweep."""

    def __init__(self, clock: Clock, idle_s: float) -> None:
        self._now = clock.now
        self._idle_s = idle_s
        self._idle: dict[Place, dict[Connection, None]] = {}  # insertion order: the oldest first
        self._sweep: asyncio.TimerHandle | None = None
        self._kept: Collection[Provider] | None = None  # None: every provider's

    def take(self, place: Place) -> Connection | None:
        """Remove and return the connection that became idle last, or None."""
        stack = self._idle.get(place)
        while stack:
            connection, _ = stack.popitem()
            if not connection.closed:
                return connection
        return None

    def put(self, connection: Connection) -> None:
        """Keep a connection that can be used again, unless its provider has been let go meanwhile; close any other."""
        if not connection.reusable or (self._kept is not None and connection.place[0] not in self._kept):
            connection.abort()
            return
        connection.sink = None
        connection.idle_since_s = self._now()
        self._idle.setdefault(connection.place, {})[connection] = None
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._idle_s, self._close_expired)

    def discard(self, connection: Connection) -> None:
        """Forget a connection that was lost, if it is here."""
        self._idle.get(connection.place, {}).pop(connection, None)

    def keep_only(self, providers: Collection[Provider]) -> None:
        """Close what is idle for any other provider, and what of it is put here later."""
        kept = self._kept = frozenset(providers)
        for place in [place for place in self._idle if place[0] not in kept]:
            for connection in self._idle.pop(place):
                connection.abort()

    def close(self) -> None:
        """Close everything, and whatever is put here later."""
        self.keep_only(())
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def _close_expired(self) -> None:
        self._sweep = None
        now_s = self._now()
        next_s: float | None = None
        for place, stack in list(self._idle.items()):
            while stack:
                oldest = next(iter(stack))
                left_s = oldest.idle_since_s + self._idle_s - now_s
                if left_s > 0:
                    next_s = left_s if next_s is None else min(next_s, left_s)
                    break
                del stack[oldest]
                oldest.abort()
            else:
                del self._idle[place]
        if next_s is not None:
            self._sweep = asyncio.get_running_loop().call_later(next_s, self._close_expired)
