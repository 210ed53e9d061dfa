"""The head of an HTTP/1.1 request as bytes.

It must never write a line break or NUL that came inside a header, name or value: one that slipped in there, or a space
in the method or the target, is an error of whoever built the request.
"""

from __future__ import annotations

from functools import lru_cache

from proxy.core.call import Headers
from proxy.core.ports import UpstreamRequest, UpstreamRoute

_BREAKS = b"\r\n\0"
_line = b": ".join


def serialise(request: UpstreamRequest) -> bytes:
    """Return the request line and headers, ending with the empty line.

    Raises:
        ValueError: The head would not say what the request says.
    """
    opening = _opening(request.route)
    if request.extra:
        opening += _lines(request.extra)
    return b"%bcontent-length: %d\r\n\r\n" % (opening, len(request.body))


@lru_cache(maxsize=1024)  # by identity: a changed configuration makes new routes
def _opening(route: UpstreamRoute) -> bytes:
    line = f"{route.method} {route.target} HTTP/1.1".encode("ascii")
    if line.count(b" ") != 2 or line.translate(None, _BREAKS) != line:
        raise ValueError("the method or target of the upstream request holds a space or a line break")
    return line + b"\r\n" + _lines(route.headers)


def _lines(headers: Headers) -> bytes:
    lines = b"\r\n".join([*map(_line, headers), b""])
    # One scan of them all: a stray CR or LF in any field makes more of them than there are lines.
    if len(lines.translate(None, _BREAKS)) != len(lines) - 2 * len(headers):
        raise ValueError("a header of the upstream request holds a line break or a NUL")
    return lines
