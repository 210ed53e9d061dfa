"""The head that a connection's requests begin with: a client sends the same with each, but for the length of the body.

Turns bytes that begin with a head which the parser has read before into the exchange that they ask for, without
reading it again. Whatever differs in anything else, or is not one whole request and no more, is for the parser.
"""

from __future__ import annotations

import re
from typing import cast

from msgspec import Struct

from proxy.edge.exchange import Asked, Exchange, Wire

# No spaces behind the digits: what follows them must be the rest of the head as it was.
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)\r\n", re.IGNORECASE)
_MOST_DIGITS = 11


class KnownHead(Struct, frozen=True, eq=False):
    """A head in two halves: `before` and `after` the digits of its content-length, the blank line included."""

    before: bytes
    after: bytes
    asked: Asked
    method: bytes
    headers: dict[bytes, bytes]

    def __repr__(self) -> str:
        return f"KnownHead({self.asked!r})"  # never the head: it holds the client's key

    def read(self, data: bytes, wire: Wire) -> Exchange | None:
        """Return the request that `data` is, if it has this head, a body as long as that says, and nothing else."""
        before, after = self.before, self.after
        if not data.startswith(before):
            return None
        start = len(before)
        end = data.find(b"\r", start, start + _MOST_DIGITS + 1)
        digits, begin = data[start:end], end + len(after)
        if not (digits.isdigit() and data.startswith(after, end) and len(data) - begin == int(digits)):
            return None
        headers = self.headers.copy()
        headers[b"content-length"] = digits
        exchange = Exchange(wire, self.asked, self.method, headers)
        exchange.pieces.append(data[begin:])
        exchange.is_whole = True
        return exchange


def known_head(data: bytes, exchange: Exchange) -> KnownHead | None:
    """Return the head of a request to know the next one by; None where that cannot be done.

    Args:
        data: What was read when nothing was under way on the connection, and the parser made `exchange` of, and nothing
            else.
    """
    headers, length = cast(dict[bytes, bytes], exchange.headers), _LENGTH.search(data)
    if length is None or not exchange.keep_alive or exchange.repeated or b"expect" in headers:
        return None
    digits, begin = length[1], data.find(b"\r\n\r\n", length.end(1)) + 4
    # Where the head ends is the parser's to say. That this is the place, the length of the body proves.
    if headers.get(b"content-length") != digits or len(data) - begin != int(digits):
        return None
    return KnownHead(data[: length.start(1)], data[length.end(1) : begin], exchange.asked, exchange.method, headers)
