"""The head that a connection's requests begin with: a client sends the same with each, but for the length of the body.

Turns bytes that begin with such a head (`wire.samehead`) into the exchange that they ask for.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from proxy.edge.exchange import Asked, Exchange, Wire
from proxy.wire.samehead import SameHead, same_head


class KnownHead(Struct, frozen=True, eq=False):
    """A head and what it asks for. `headers` are without the length: what is read has all of its body."""

    head: SameHead
    asked: Asked
    method: bytes
    headers: Mapping[bytes, bytes]

    def __repr__(self) -> str:
        return f"KnownHead({self.asked!r})"  # never the head: it holds the client's key

    def read(self, data: bytes, wire: Wire) -> Exchange | None:
        """Return the request that `data` is, if it has this head, a body as long as that says, and nothing else."""
        body = self.head.body_behind(data)
        if body is None:
            return None
        return Exchange(wire, self.asked, self.method, self.headers, pieces=[body], is_whole=True)


def known_head(data: bytes, exchange: Exchange) -> KnownHead | None:
    """Return the head of a request to know the next one by; None where that cannot be done.

    Args:
        data: What was read when nothing was under way on the connection, and the parser made `exchange` of, and nothing
            else.
    """
    if not exchange.keep_alive or exchange.repeated or b"expect" in exchange.headers:
        return None
    head = same_head(data, exchange.headers.get(b"content-length"))
    if head is None:
        return None
    headers = {name: value for name, value in exchange.headers.items() if name != b"content-length"}
    return KnownHead(head, exchange.asked, exchange.method, headers)
