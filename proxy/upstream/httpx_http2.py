"""Adds to an HTTP/2 connection of httpcore what it and h2 make nothing of. Fits the pinned versions of both only.

1. A server that takes no more requests on a connection says so (GOAWAY) and finishes what it has begun: h2 takes that
   for the end, and httpcore fails all that is open. Source: RFC 9113 section 6.8, read 2026-11-21.
2. A server that refuses a request before it has all of it answers and resets the stream: httpcore waits on for leave to
   send the rest. Source: RFC 9113 section 8.1, read 2026-11-21.
3. A server may allow fewer streams than are open: httpcore waits for their end while it lets nobody read.
"""

from __future__ import annotations

from math import inf

from h2.errors import ErrorCodes
from h2.events import Event, RemoteSettingsChanged, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes
from httpcore import (
    AsyncConnectionInterface,
    AsyncHTTP2Connection,
    ConnectionNotAvailable,
    RemoteProtocolError,
    Request,
)
from hyperframe.frame import Frame, GoAwayFrame

# Extensions of a request: its number on the connection that it is on, and whether that is its second one.
_NUMBER, _MOVED = "fairlead.number", "fairlead.moved"


def complete(connection: AsyncConnectionInterface) -> None:
    """Add it to a connection that carries HTTP/2; once is enough."""
    inner = getattr(connection, "_connection", None)
    if isinstance(inner, AsyncHTTP2Connection) and "_read_incoming_data" not in vars(inner):
        _Additions(inner)


class _Additions:
    """What stands in for a connection's own methods."""

    def __init__(self, inner: AsyncHTTP2Connection) -> None:
        self._inner = inner
        self._last: float = inf  # the number of the last request that the server takes
        self._allowed = inner._max_streams  # that the connection's semaphore lets through; the pool keeps to the limit
        frames = inner._h2_state._frame_dispatch_table
        self._fail_all, self._read_own = frames[GoAwayFrame], inner._read_incoming_data
        self._send_own, self._wait_own = inner._send_request_body, inner._wait_for_outgoing_flow
        frames[GoAwayFrame] = self._farewell
        vars(inner).update(
            _read_incoming_data=self._read,
            _receive_remote_settings_change=self._limit,
            _send_request_body=self._send,
            _wait_for_outgoing_flow=self._wait,
        )

    def _farewell(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        if frame.error_code != ErrorCodes.NO_ERROR:
            found: tuple[list[Frame], list[Event]] = self._fail_all(frame)
            return found
        self._last = min(self._last, frame.last_stream_id)
        self._inner._used_all_stream_ids = True  # httpcore gives it no more requests, and closes it behind the last
        return [], []

    async def _read(self, request: Request) -> list[Event]:
        """Read for a request whose turn it is: what it waited behind may have been the farewell."""
        if request.extensions.get(_NUMBER, 0) > self._last:
            if _MOVED in request.extensions:
                raise RemoteProtocolError("not taken on a second connection either")
            request.extensions[_MOVED] = True
            raise ConnectionNotAvailable  # the pool sends it on another one
        return await self._read_own(request)

    async def _limit(self, event: RemoteSettingsChanged) -> None:
        changed = event.changed_settings.get(SettingCodes.MAX_CONCURRENT_STREAMS)
        if changed is None or not changed.new_value:
            return
        inner = self._inner
        inner._max_streams = min(changed.new_value, inner._h2_state.local_settings.max_concurrent_streams)
        while self._allowed < inner._max_streams:
            await inner._max_streams_semaphore.release()
            self._allowed += 1

    async def _send(self, request: Request, stream_id: int) -> None:
        request.extensions[_NUMBER] = stream_id
        try:
            await self._send_own(request, stream_id)
        except ProtocolError:
            if not self._is_reset(stream_id):
                raise

    async def _wait(self, request: Request, stream_id: int) -> int:
        while not self._is_reset(stream_id):
            if self._inner._h2_state.local_flow_control_window(stream_id) > 0:
                flow: int = await self._wait_own(request, stream_id)
                return flow
            await self._inner._receive_events(request)
        raise _Reset

    def _is_reset(self, stream_id: int) -> bool:
        return any(isinstance(event, StreamReset) for event in self._inner._events[stream_id])


class _Reset(ProtocolError):
    """The server wants no more of a request. What it said before is still to be read."""
