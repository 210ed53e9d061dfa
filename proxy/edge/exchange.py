"""One HTTP exchange with a client over ASGI: the writer to it, and the ways it is cut short.

The request's own task does all the work. A client that leaves, a body that does not come and the end of the drain
cancel that task from outside with a `Cut` as the reason; `run` takes the cancellation back and says which it was, as
`asyncio.timeout` does. A cancellation that nobody here asked for passes through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from enum import StrEnum
from typing import Any

from proxy.gateway.accounting import Account

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Most requests end sooner, so most never pay for a watching task; a client that leaves is noticed well within 1 s.
WATCH_AFTER_S = 0.1


# This gateway's own ASGI extension: under "call" a function that writes more of an answer's body at once.
WRITE_NOW = "fairlead.write_now"


class Cut(StrEnum):
    """Why an exchange was cut short."""

    CLIENT_GONE = "client_gone"
    BODY_TIMEOUT = "body_timeout"
    SHUTDOWN = "shutdown"


def _never(body: bytes) -> bool:
    """For servers without the extension: everything is awaited."""
    return False


_ABSENT = {"call": _never}


class Exchange:
    """A request being answered.

    Attributes:
        account: What it is accounted under, once that is known.
        cut: Why it was cut short; None while nothing did.
        started: The status line was sent.
        write_now: Writes more of the answer without waiting where the server can: True if it was written.
        ended: The last byte of the answer was handed over.
        status: The status that was sent; 0 before that.
    """

    __slots__ = (
        "_body_read_s",
        "_body_received",
        "_loop",
        "_receive",
        "_send",
        "_task",
        "_timer",
        "_watch",
        "account",
        "cut",
        "ended",
        "headers",
        "scope",
        "started",
        "status",
        "write_now",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.account: Account | None = None
        self.write_now: Callable[[bytes], bool] = scope.get("extensions", {}).get(WRITE_NOW, _ABSENT)["call"]
        self.cut: Cut | None = None
        self.started = False
        self.ended = False
        self.status = 0
        self._body_received = False
        self._watch: asyncio.Task[None] | None = None

    async def run(self, work: Awaitable[None], body_read_s: float) -> None:
        """Do the work; return early, with `cut` set, if the exchange was cut short."""
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        cancelling = task.cancelling()
        self._body_read_s = body_read_s
        self._timer = self._loop.call_later(WATCH_AFTER_S, self._on_timer)
        try:
            await work
        except asyncio.CancelledError:
            if self.cut is None or task.uncancel() > cancelling:
                raise
        finally:
            self._timer.cancel()
            if self._watch is not None:
                self._watch.cancel()

    def cut_short(self, reason: Cut) -> None:
        """End the work from outside. The first reason counts; an answer already handed over stays."""
        if self.cut is None and not self.ended:
            self.cut = reason
            if reason is Cut.SHUTDOWN and self.account is not None:
                self.account.shut_down()
            self._task.cancel()

    async def receive(self) -> Message:
        """The next message; only before `body_received`."""
        return await self._receive()

    def body_received(self) -> None:
        """The whole request body is here: from now on only a disconnect can come."""
        self._body_received = True

    # These three hand on what the server's `send` gives to await: no frame of their own for every chunk.

    def begin(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> Awaitable[None]:
        self.started = True
        self.status = status
        return self._send({"type": "http.response.start", "status": status, "headers": headers})

    def write(self, body: bytes) -> Awaitable[None]:
        return self._send({"type": "http.response.body", "body": body, "more_body": True})

    def end(self, body: bytes = b"") -> Awaitable[None]:
        self.ended = True
        return self._send({"type": "http.response.body", "body": body, "more_body": False})

    def _on_timer(self) -> None:
        """A request that is not over yet: wait for the rest of its body, or watch whether the client stays."""
        if self._body_received:
            self._watch = self._loop.create_task(self._watch_client())
        elif self._body_read_s <= WATCH_AFTER_S:
            self.cut_short(Cut.BODY_TIMEOUT)
        else:
            delay_s = min(self._body_read_s - WATCH_AFTER_S, WATCH_AFTER_S)
            self._body_read_s -= delay_s
            self._timer = self._loop.call_later(delay_s, self._on_timer)

    async def _watch_client(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.cut_short(Cut.CLIENT_GONE)
                return
