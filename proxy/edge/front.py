"""Who answers what comes in on a port: what a connection is given to serve."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp

from proxy.edge.exchange import Asked, Exchange
from proxy.wire.outbox import Outbox


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """Who answers what comes in on a port.

    Attributes:
        app: Answers over ASGI what `find` does not know.
        find: From a request's target to what it names, or None. What it raises is answered with 400.
        serve: Answers an exchange; run as a task of its own.
        outbox: Of all connections.
    """

    app: ASGIApp
    find: Callable[[bytes], Asked | None]
    serve: Callable[[Exchange], Coroutine[Any, Any, None]]
    outbox: Outbox = field(default_factory=Outbox)
