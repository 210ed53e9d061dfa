"""How long a connection is kept for a client that does nothing: that does not read, or has nothing to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from proxy.core.snapshot import Server as Listening


class PatientProtocol(HttpToolsProtocol):
    """A connection whose client stops reading for `write_stall_s` is closed, whatever is still unsent.

    So is one that is idle, or whose request's head is not there, for as long as an idle connection is kept. uvicorn
    sets and cancels a timer for that with every request; here one is set and looks again when it fires. It also finds
    what the transport never tells of: the last bytes of an answer, too few for `pause_writing`, that nobody reads.

    Attributes:
        turn: The request that is being answered.
        idle_since_s: When the last answer ended, or its client last took what waited for it.
    """

    settings: Callable[[], Listening] = staticmethod(Listening)
    turn: object | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _unread_bytes = 0  # when that was set

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self.idle_since_s = monotonic()
        self._set_keep_alive(min(self.timeout_keep_alive, self.settings().write_stall_s))

    def timeout_keep_alive_handler(self) -> None:
        transport, now_s, next_look_s = self.transport, monotonic(), self.settings().write_stall_s
        is_closing = transport.is_closing()  # which waits for what is unsent, however long
        is_stuck = is_closing or transport.get_write_buffer_size() > 0
        patience_s = min(self.timeout_keep_alive, next_look_s) if is_stuck else self.timeout_keep_alive
        is_busy = (self.turn is not None and not is_closing) or self._stall_timer is not None
        since_s = now_s if is_busy else self.idle_since_s
        left_s = since_s + patience_s - now_s
        if left_s > 0:
            self._set_keep_alive(min(left_s, next_look_s))
        elif is_stuck:
            self.abort()
        else:
            transport.close()

    def abort(self) -> None:
        """Drop the connection, whatever is still unsent."""
        self.transport.abort()

    def _set_keep_alive(self, delay_s: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(delay_s, self.timeout_keep_alive_handler)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall_timer is None:
            self._await_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_stall()
        self.idle_since_s = monotonic()  # what is still unsent has the same time again

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_stall()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def _await_reader(self) -> None:
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._stall_timer = self.loop.call_later(self.settings().write_stall_s, self._judge_reader)

    def _judge_reader(self) -> None:
        """Go on waiting for a client that took something meanwhile: of a large answer that may be long."""
        if self.transport.get_write_buffer_size() < self._unread_bytes:
            self._await_reader()
        else:
            self.abort()

    def _forget_stall(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
