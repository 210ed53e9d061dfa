"""A request's body, read once: bounded, decompressed, as bytes.

Sizes count after decompression, so that a small bomb is a large body. What `Admission` holds for a body is given back
when its exchange leaves there.
"""

from __future__ import annotations

import asyncio
import zlib

from proxy.core.errors import UnsupportedEncoding
from proxy.core.snapshot import Server
from proxy.edge.admission import Admission, too_large
from proxy.edge.exchange import Cut, Exchange

_GZIP = 16 + zlib.MAX_WBITS


async def receive_body(exchange: Exchange, server: Server, admission: Admission) -> None:
    """Wait until the whole body is there. What cannot be taken anyway is refused before it is asked for.

    An exchange whose body does not come within `body_read_s` is cut short.

    Raises:
        BodyTooLarge: More than `max_body_bytes`, announced or sent.
        UnsupportedEncoding: A content encoding other than gzip or identity.
        Overloaded: No room for the bytes of another body.
    """
    length = exchange.headers.get(b"content-length", b"")
    if length.isdigit() and int(length.lstrip(b"0") or 0) > server.max_body_bytes:  # Python reads 4300 digits at most
        raise too_large(server)
    _is_packed(exchange)
    exchange.ask_for_body()
    timer = asyncio.get_running_loop().call_later(server.body_read_s, exchange.cut_short, Cut.BODY_TIMEOUT)
    try:
        await _receive(exchange, server, admission)
    finally:
        timer.cancel()


def take_body(exchange: Exchange, server: Server, admission: Admission) -> bytes:
    """Take the whole body, decoded. Its size stays counted in `admission` until the exchange leaves.

    Raises:
        BodyTooLarge: More than `max_body_bytes`, sent or unpacked.
        UnsupportedEncoding: A content encoding other than gzip or identity, or broken gzip.
        Overloaded: No room for the bytes of another body.
    """
    body = b"".join(exchange.pieces)
    exchange.pieces = []
    admission.hold(exchange, len(body), server)
    if b"content-encoding" in exchange.headers and _is_packed(exchange):
        body = _gunzip(body, server)
        admission.hold(exchange, len(body), server)
    return body


async def _receive(exchange: Exchange, server: Server, admission: Admission) -> None:
    """Take the pieces as they come. Those of one read are joined: a client may send each byte in a chunk of its own."""
    received: list[bytes] = []
    size = 0
    while not exchange.is_whole:
        piece = b"".join(exchange.pieces)
        exchange.pieces = []
        received.append(piece)
        size += len(piece)
        admission.hold(exchange, size, server)
        await exchange.arrival()
    exchange.pieces = [*received, *exchange.pieces]


def _is_packed(exchange: Exchange) -> bool:
    coding = exchange.headers.get(b"content-encoding", b"").strip().lower()
    if coding not in (b"", b"identity", b"gzip"):
        raise UnsupportedEncoding("Send the body uncompressed or with 'Content-Encoding: gzip'.")
    return coding == b"gzip"


def _gunzip(body: bytes, server: Server) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(body, server.max_body_bytes + 1)
    except zlib.error as exc:
        raise UnsupportedEncoding("The body is not valid gzip.") from exc
    if len(plain) > server.max_body_bytes:
        raise too_large(server)
    if not unpacker.eof or unpacker.unused_data:
        raise UnsupportedEncoding("The body is not one whole gzip stream.")
    return plain
