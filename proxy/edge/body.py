"""A request's body, read once: bounded, decompressed, as bytes.

Sizes count after decompression, so that a small bomb is a large body.
"""

from __future__ import annotations

import zlib

from proxy.core.errors import BodyTooLarge, Overloaded, UnsupportedEncoding
from proxy.core.snapshot import Server
from proxy.edge.admission import Admission
from proxy.edge.exchange import Cut, Exchange

_GZIP = 16 + zlib.MAX_WBITS


class ClientLeft(Exception):
    """The client went away before its request was whole; nobody is left to answer."""


async def read_body(exchange: Exchange, server: Server, admission: Admission) -> bytes:
    """Read and decode the whole body. Its size stays counted in `admission` until the caller gives it back.

    Raises:
        BodyTooLarge: More than `max_body_bytes`, announced, sent or unpacked.
        UnsupportedEncoding: A content encoding other than gzip or identity, or broken gzip.
        Overloaded: No room for the bytes of another body.
        ClientLeft: The client disconnected.
    """
    limit = server.max_body_bytes
    length = exchange.headers.get(b"content-length")
    if length is not None and length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    encoding = exchange.headers.get(b"content-encoding", b"").strip().lower()
    if encoding not in (b"", b"identity", b"gzip"):
        raise UnsupportedEncoding("Send the body uncompressed or with 'Content-Encoding: gzip'.")
    body = await _read(exchange, server, admission)
    exchange.body_received()
    if encoding != b"gzip":
        return body
    try:
        plain = _gunzip(body, limit)
        admission.buffer(len(plain) - len(body), server)
    except (BodyTooLarge, UnsupportedEncoding, Overloaded):
        admission.unbuffer(len(body))
        raise
    return plain


async def _read(exchange: Exchange, server: Server, admission: Admission) -> bytes:
    message = await exchange.receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        if len(body) > server.max_body_bytes:
            raise _too_large(server.max_body_bytes)
        admission.buffer(len(body), server)
        return body
    chunks, size = [], 0
    try:
        while True:
            if message["type"] == "http.disconnect":
                exchange.cut = Cut.CLIENT_GONE
                raise ClientLeft
            chunk: bytes = message.get("body", b"")
            if size + len(chunk) > server.max_body_bytes:
                raise _too_large(server.max_body_bytes)
            admission.buffer(len(chunk), server)
            size += len(chunk)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)
            message = await exchange.receive()
    except BaseException:
        admission.unbuffer(size)
        raise


def _gunzip(body: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error as exc:
        raise UnsupportedEncoding("The body is not valid gzip.") from exc
    if len(plain) > limit:
        raise _too_large(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise UnsupportedEncoding("The body is not one whole gzip stream.")
    return plain


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The request body is larger than this gateway's limit of {limit} bytes.")
