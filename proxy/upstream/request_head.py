"""Turns an `UpstreamRequest` into the bytes of its HTTP/1.1 head.

It must never let a value break out of its line: a carriage return, line feed or NUL anywhere, or a space in the method
or the target, is an error of whoever built the request.
"""

from __future__ import annotations

from functools import lru_cache

from proxy.core.ports import UpstreamRequest

_line = b": ".join  # a field as a line, made without a call of Python for each


def serialise(request: UpstreamRequest) -> bytes:
    """Return the request line and headers, ending with the empty line.

    Raises:
        ValueError: The head would not say what the request says.
    """
    lines = [_request_line(request.method, request.target), *map(_line, request.headers), b"\r\n"]
    head = b"\r\n".join(lines)
    breaks = len(lines)
    # One scan of the whole head each: a stray CR or LF in any field makes more of them than there are lines.
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
        raise ValueError("a header of the upstream request holds a line break or a NUL")
    return head


@lru_cache(maxsize=1024)  # a provider's requests have few targets
def _request_line(method: str, target: str) -> bytes:
    line = f"{method} {target} HTTP/1.1".encode("ascii")
    if line.count(b" ") != 2:
        raise ValueError("the method or target of the upstream request holds a space")
    return line
