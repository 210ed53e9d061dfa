"""The readers of an answer whose bytes pass as they come: a recording, or what is in a file.

They never hold anything back but what came before the commit point, and find no errors. One looks at copies of the
events in which sound may come, for the usage that the last of them tells.
"""

from __future__ import annotations

from proxy.core.usage import Usage
from proxy.gateway.events import HoldingReader
from proxy.translate.passed import read_spoken
from proxy.wire.sse import EventSplitter, EventTooLarge


class BytesReader(HoldingReader):
    """Lets everything through."""

    __slots__ = ("_may_be_empty", "terminator", "usage")

    def __init__(self, *, may_be_empty: bool = False) -> None:
        super().__init__()
        self._may_be_empty = may_be_empty
        self.usage: Usage | None = None
        self.terminator = b""

    @property
    def is_ready(self) -> bool:
        """Whether the first byte is here."""
        return self.output_events > 0

    def hold(self, chunk: bytes) -> None:
        self._held.append(chunk)
        self.output_events += 1

    def pass_on(self, chunk: bytes) -> bytes:
        return chunk

    def end_held(self) -> None:
        """The body ended before its first byte."""
        if self._may_be_empty:
            self.output_events, self.done = 1, True

    def end(self) -> bytes:
        return b""


class SpokenReader(BytesReader):
    """Lets everything through and looks on. Whatever it cannot read, it reads no further."""

    __slots__ = ("_splitter",)

    def __init__(self) -> None:
        super().__init__()
        self._splitter: EventSplitter | None = EventSplitter()

    def hold(self, chunk: bytes) -> None:
        self._look_at(chunk)
        super().hold(chunk)

    def pass_on(self, chunk: bytes) -> bytes:
        self._look_at(chunk)
        return chunk

    def end(self) -> bytes:
        self._look_at(b"\n\n")
        return b""

    def _look_at(self, chunk: bytes) -> None:
        if self._splitter is None:
            return
        try:
            events = self._splitter.feed(chunk)
        except EventTooLarge:
            self._splitter = None
            return
        for event in events:
            if event.data is not None:
                self.usage = read_spoken(event.data) or self.usage
