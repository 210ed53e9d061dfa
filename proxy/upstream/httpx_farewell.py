"""Lets a server end an HTTP/2 connection without cutting the answers on it that it still gives (GOAWAY, RFC 9113 6.8).

h2 takes every GOAWAY for the end, and httpcore then fails all that is open. Servers say it of a connection that is old
or has had its number of requests, and finish what they have begun. Fits the pinned versions of both only.
"""

from __future__ import annotations

from math import inf
from typing import Any

from h2.errors import ErrorCodes
from h2.events import Event
from httpcore import AsyncConnectionInterface, ConnectionNotAvailable, Request
from hyperframe.frame import Frame, GoAwayFrame


def heed_farewells(connection: AsyncConnectionInterface) -> None:
    """Have a connection that carries HTTP/2 do so; once is enough."""
    inner: Any = getattr(connection, "_connection", None)
    if inner is None or "_receive_events" in vars(inner):
        return
    frames = inner._h2_state._frame_dispatch_table
    fail_all, receive = frames[GoAwayFrame], inner._receive_events
    last: float = inf  # the number of the last request that the server takes

    def take(frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        nonlocal last
        if frame.error_code != ErrorCodes.NO_ERROR:
            found: tuple[list[Frame], list[Event]] = fail_all(frame)
            return found
        last = min(last, frame.last_stream_id)
        inner._used_all_stream_ids = True  # httpcore gives it no more requests, and closes it behind the last answer
        return [], []

    async def receive_if_taken(request: Request, stream_id: int | None = None) -> None:
        if stream_id is not None and stream_id > last:
            raise ConnectionNotAvailable  # the pool sends it on another one
        await receive(request, stream_id)

    frames[GoAwayFrame] = take
    inner._receive_events = receive_if_taken
