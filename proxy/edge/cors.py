"""Which web pages of other origins may read an answer (`[server] cors_origins`).

For the proxied endpoints, which do not pass through Starlette, what its middleware does for every other path.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from proxy.core.call import Headers as Fields
from proxy.edge.exchange import Exchange

_EXPOSED = ("x-fairlead-request-id", "x-fairlead-provider", "retry-after")
_VARY = (b"vary", b"Origin")
_EXPOSE = (b"access-control-expose-headers", ", ".join(_EXPOSED).encode())
_ASKS = frozenset({b"origin", b"access-control-request-method"})


class Cors:
    """The rules for a list of origins; `"*"` among them stands for all.

    Attributes:
        app: The app that was given, under the same rules.
    """

    __slots__ = ("_all", "_origins", "app")

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self._origins = origins
        self._all = "*" in origins
        self.app = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            allow_private_network=True,  # the operator names who may, and the address is nearly always a private one
            expose_headers=_EXPOSED,
        )

    def preflight(self, exchange: Exchange) -> Response | None:
        """The answer to a browser that asks whether it may send a request; None where this is one that is sent."""
        if exchange.method != b"OPTIONS" or not exchange.headers.keys() >= _ASKS:
            return None
        return self.app.preflight_response(Headers(raw=list(exchange.headers.items())))

    def fields(self, headers: Mapping[bytes, bytes]) -> Fields:
        """What the answer to a request with these headers carries."""
        origin = headers.get(b"origin")
        if origin is None:
            return (_VARY,)
        if self._all:
            return (_EXPOSE, (b"access-control-allow-origin", b"*"), _VARY)
        if origin.decode("latin-1") in self._origins:
            return (_EXPOSE, (b"access-control-allow-origin", origin), _VARY)
        return (_EXPOSE, _VARY)
