"""Bytes that wait for the end of the event loop's round, so that those of many connections leave one after the other.

A write to a socket wakes whoever reads it, if it sleeps: an interrupt sent to another core, the dearest part of the
write. Between two requests lie tens of microseconds of work, in which a fast reader has done its own and sleeps again;
between two writes of one go it has not. Knows no sockets and no event loop: both are handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Send = Callable[[bytes], None]


class Outbox:
    """Holds what is to be sent until those tasks have had their turn that are ready to run.

    What belongs to one connection must not be sent past it meanwhile.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: list[tuple[Send, bytes]] = []

    def put(self, call_soon: Callable[[Callable[[], None]], Any], send: Send, data: bytes) -> None:
        """Have `send` called with `data` soon. It may not raise: `drop` it before it cannot send any more."""
        if not self._held:
            call_soon(self.flush)
        self._held.append((send, data))

    def flush(self) -> None:
        """Send what waits."""
        held, self._held = self._held, []
        for send, data in held:
            send(data)

    def drop(self, send: Send) -> None:
        """Forget what waits for this one."""
        self._held = [item for item in self._held if item[0] != send]
