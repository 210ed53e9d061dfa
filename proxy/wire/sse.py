"""Server-sent events, split out of byte chunks that may break anywhere.

Knows framing only (WHATWG HTML, section 9.2.6): three kinds of line ending, comments, fields, several data lines. The
bytes of an event are kept as they came, so that it can be relayed unchanged. Never decodes text or JSON.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_EVENT_BYTES = 16 * 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Atomic groups: without them `\r\n` could match as two line endings by backtracking.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_CR = ord("\r")  # CPython 3.11 looks for a number in bytes at once, for bytes only after a TypeError that nobody sees
_LF = ord("\n")
_LONGEST_BEGINNING = 3  # of a blank line that is not whole


class EventTooLarge(ValueError):
    """An event passed `MAX_EVENT_BYTES` without ending."""


class Event(NamedTuple):
    """One event. `raw` includes the blank line that ends it; `data` is None for comments and other fields alone.

    `name` is for framings that carry the event's type beside its data; here it stays "".
    """

    raw: bytes
    data: bytes | None
    name: str = ""


def with_data(event: Event, data: bytes) -> bytes:
    """Write an event with other data; its other fields stay as they came."""
    others = [line for line in _LINE_END.split(event.raw) if line and line.partition(b":")[0] != b"data"]
    lines = [*others, *(b"data: " + line for line in data.split(b"\n"))]
    return b"\n".join(lines) + b"\n\n"


def only_data(chunk: bytes) -> bytes | None:
    """Return the data of a chunk that is exactly one event of one line, as nearly all are; None for any other."""
    before, _, rest = chunk.partition(b"data: ")  # cheaper than to ask how it starts, how it ends and what it holds
    data, _, rest = rest.partition(b"\n")
    return data if rest == b"\n" and not before and _CR not in data else None


class EventSplitter:
    """Collects chunks and gives the events that are whole."""

    __slots__ = ("_rest", "_rest_bytes", "_tail")

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._rest_bytes = 0
        self._tail = b""  # the end of what is kept, where a blank line may have begun

    @property
    def is_empty(self) -> bool:
        """Whether every byte fed so far has been given out as part of an event."""
        return self._rest_bytes == 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that `chunk` completes.

        Raises:
            EventTooLarge: An unfinished event is larger than `MAX_EVENT_BYTES`.
        """
        if not self._rest and (data := only_data(chunk)) is not None:
            return [Event(chunk, data)]
        if _LF not in chunk and _CR not in chunk:  # no line ends: a large event is searched once, not per chunk
            self._keep(chunk)
            return []
        if self._rest and _BLANK_LINE.search(self._tail + chunk) is None:  # likewise one of many lines
            self._keep(chunk)
            return []
        text = b"".join([*self._rest, chunk]) if self._rest else chunk
        self._rest, self._rest_bytes, self._tail = [], 0, b""
        if _CR in text:
            return self._feed_any_ending(text)
        *frames, rest = text.split(b"\n\n")
        self._keep(rest)
        # More than one blank line in a row separates events too; the surplus newlines stay with the next event.
        return [_event(frame, b"\n\n") for frame in frames]

    def _feed_any_ending(self, text: bytes) -> list[Event]:
        """Split where `\\r` occurs; a `\\r` at the very end waits, since its `\\n` may follow."""
        events, start = [], 0
        for match in _BLANK_LINE.finditer(text):
            if match.end() == len(text) and text.endswith(b"\r"):
                break
            events.append(_event(text[start : match.start()], match.group()))
            start = match.end()
        self._keep(text[start:])
        return events

    def _keep(self, rest: bytes) -> None:
        if rest:
            self._rest.append(rest)
            self._rest_bytes += len(rest)
            self._tail = (self._tail + rest[-_LONGEST_BEGINNING:])[-_LONGEST_BEGINNING:]
        if self._rest_bytes > MAX_EVENT_BYTES:
            raise EventTooLarge(f"an event is larger than {MAX_EVENT_BYTES} bytes")


def _event(frame: bytes, ending: bytes) -> Event:
    if frame.startswith(b"data: ") and _LF not in frame and _CR not in frame:
        return Event(frame + ending, frame[6:])
    # It may stand before a stream, where readers that look for it drop it and all others lose the first event.
    frame = frame.removeprefix(BYTE_ORDER_MARK)
    return Event(frame + ending, _data(frame))


def _data(frame: bytes) -> bytes | None:
    values = []
    for line in _LINE_END.split(frame):
        name, colon, value = line.partition(b":")
        if name == b"data":
            values.append(value[1:] if colon and value.startswith(b" ") else value)
    return b"\n".join(values) if values else None
