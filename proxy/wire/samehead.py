"""The head that messages of a connection begin with, where one after the other has the same but for its body's length.

Turns bytes that begin with a head which a parser has read before into the body behind it, without reading the head
again. Whatever differs in anything else, or is not one whole message and no more, is for the parser.
"""

from __future__ import annotations

import re

from msgspec import Struct

# No spaces behind the digits: what follows them must be the rest of the head as it was.
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)\r\n", re.IGNORECASE)
_MOST_DIGITS = 11


class SameHead(Struct, frozen=True, eq=False):
    """A head in two halves: `before` and `after` the digits of its content-length, the blank line included."""

    before: bytes
    after: bytes

    def __repr__(self) -> str:
        return f"SameHead({len(self.before) + len(self.after)} bytes)"  # never the head: it may hold a key

    def body_behind(self, data: bytes) -> bytes | None:
        """Return the body if `data` is this head, a body as long as it says, and nothing else."""
        before, after = self.before, self.after
        start = len(before)
        end = data.find(b"\r", start, start + _MOST_DIGITS + 1)
        begin = end + len(after)
        # What the digits must be is known before they are read; no other way to write the number is taken.
        if data.startswith(before) and data.startswith(after, end) and data[start:end] == b"%d" % (len(data) - begin):
            return data[begin:]
        return None


def same_head(data: bytes, length: bytes | None) -> SameHead | None:
    """Return the head of a message to know the next one by; None where that cannot be done.

    Args:
        data: What a parser read one whole message from, and nothing else, when it stood between two messages.
        length: The content-length that it found; None = none.
    """
    found = _LENGTH.search(data)
    if found is None or found[1] != length:
        return None
    begin = data.find(b"\r\n\r\n", found.end(1)) + 4
    # Where the head ends is the parser's to say. That this is the place, the length of the body proves.
    return (
        SameHead(data[: found.start(1)], data[found.end(1) : begin]) if b"%d" % (len(data) - begin) == length else None
    )
