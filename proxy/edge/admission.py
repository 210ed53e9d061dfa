"""Room for requests: how many are under way, and how many bytes their bodies hold.

Counters of one process, changed by the event loop alone. What does not fit is refused at once; nothing queues.
"""

from __future__ import annotations

from proxy.core.errors import BodyTooLarge, Overloaded
from proxy.core.snapshot import Server
from proxy.edge.exchange import Cut, Exchange

_MESSAGE = "This gateway is at its limit. Retry shortly."


class Admission:
    """The requests under way.

    Attributes:
        draining: No longer ready: the process is about to end.
    """

    __slots__ = ("_exchanges", "_is_over", "buffered_bytes", "draining")

    def __init__(self) -> None:
        self._exchanges: set[Exchange] = set()
        self.buffered_bytes = 0
        self.draining = False
        self._is_over = False

    @property
    def in_flight(self) -> int:
        return len(self._exchanges)

    def labels(self) -> list[str]:
        """The model label of each request under way whose model is known."""
        accounts = [exchange.account for exchange in self._exchanges]
        return [account.label for account in accounts if account is not None and account.model is not None]

    def enter(self, exchange: Exchange, server: Server) -> None:
        """Take a place; `leave` gives it back.

        Raises:
            Overloaded: `max_in_flight` requests are under way, or the drain is over.
        """
        if self._is_over:
            raise Overloaded("This gateway is shutting down. Send the request again.", retry_after_s=1.0)
        if len(self._exchanges) >= server.max_in_flight:
            raise Overloaded(_MESSAGE, retry_after_s=1.0)
        self._exchanges.add(exchange)

    def leave(self, exchange: Exchange) -> None:
        """Give back the place and the bytes of the body, as far as they were taken."""
        self._exchanges.discard(exchange)
        self.buffered_bytes -= exchange.buffered_bytes
        exchange.buffered_bytes = 0

    def hold(self, exchange: Exchange, size: int, server: Server) -> None:
        """Count so many bytes for the body of a request, instead of what was counted for it before.

        Raises:
            BodyTooLarge: More than `max_body_bytes`.
            Overloaded: All bodies together would pass `max_buffered_bytes`.
        """
        if size > server.max_body_bytes:
            raise too_large(server)
        total = self.buffered_bytes - exchange.buffered_bytes + size
        if total > server.max_buffered_bytes:
            raise Overloaded(_MESSAGE, retry_after_s=1.0)
        self.buffered_bytes = total
        exchange.buffered_bytes = size

    def end_all(self) -> None:
        """The drain is over: end what is still under way, each with an error of its dialect, and begin no more."""
        self._is_over = True
        for exchange in list(self._exchanges):
            exchange.cut_short(Cut.SHUTDOWN)


def too_large(server: Server) -> BodyTooLarge:
    limit = server.max_body_bytes
    return BodyTooLarge(f"The request body is larger than this gateway's limit of {limit} bytes.")
