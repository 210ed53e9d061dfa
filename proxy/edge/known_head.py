"""The head that a connection's requests begin with: a client sends the same with each, but for the length of the body.

Turns bytes that begin with a head which the parser has read before into the exchange that they ask for, without
reading it again. Whatever differs in anything else, or is not one whole request and no more, is for the parser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from proxy.edge.exchange import Asked, Exchange, Wire

# No spaces behind the digits: what follows them must be the rest of the head as it was.
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)\r\n", re.IGNORECASE)
_MOST_DIGITS = 11


class KnownHead(Struct, frozen=True, eq=False):
    """A head in two halves: `before` and `after` the digits of its content-length, the blank line included.

    Its `headers` are without that length: what is read has all of its body.
    """

    before: bytes
    after: bytes
    asked: Asked
    method: bytes
    headers: Mapping[bytes, bytes]

    def __repr__(self) -> str:
        return f"KnownHead({self.asked!r})"  # never the head: it holds the client's key

    def read(self, data: bytes, wire: Wire) -> Exchange | None:
        """Return the request that `data` is, if it has this head, a body as long as that says, and nothing else."""
        before, after = self.before, self.after
        start = len(before)
        end = data.find(b"\r", start, start + _MOST_DIGITS + 1)
        begin = end + len(after)
        # What the digits must be is known before they are read; no other way to write the number is taken.
        if data.startswith(before) and data.startswith(after, end) and data[start:end] == b"%d" % (len(data) - begin):
            return Exchange(wire, self.asked, self.method, self.headers, pieces=[data[begin:]], is_whole=True)
        return None


def known_head(data: bytes, exchange: Exchange) -> KnownHead | None:
    """Return the head of a request to know the next one by; None where that cannot be done.

    Args:
        data: What was read when nothing was under way on the connection, and the parser made `exchange` of, and nothing
            else.
    """
    headers, length = exchange.headers, _LENGTH.search(data)
    if length is None or not exchange.keep_alive or exchange.repeated or b"expect" in headers:
        return None
    digits, begin = length[1], data.find(b"\r\n\r\n", length.end(1)) + 4
    # Where the head ends is the parser's to say. That this is the place, the length of the body proves.
    if headers.get(b"content-length") != digits or digits != b"%d" % (len(data) - begin):
        return None
    others = {name: value for name, value in headers.items() if name != b"content-length"}
    return KnownHead(data[: length.start(1)], data[length.end(1) : begin], exchange.asked, exchange.method, others)
