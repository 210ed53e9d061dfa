"""Turns a compressed body that an upstream sent unasked into plain bytes, a piece at a time.

It must never let a small body grow without bound: the plain size is capped, absolutely and relative to what came.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable

from proxy.core.call import Headers
from proxy.core.failure import Failure
from proxy.core.ports import Wait

MAX_PLAIN_BYTES = 64 * 1024 * 1024
MAX_RATIO = 100
FREE_BYTES = 64 * 1024  # below this the ratio says nothing: a short, repetitive body compresses very well

_GZIP = 31  # zlib's window bits for the three wrappers
_ZLIB = 15
_RAW = -15


class DecodingError(Exception):
    """The body cannot be decoded, or only into more than is allowed. The message holds nothing of the body."""


class Decoder:
    """Decodes one gzip or deflate body. Feed it in order, then call `finish`."""

    __slots__ = ("_deflate", "_fed_bytes", "_held", "_inflater", "_plain_bytes")

    def __init__(self, *, deflate: bool) -> None:
        self._deflate = deflate
        self._held = b""
        self._inflater = None if deflate else zlib.decompressobj(_GZIP)
        self._fed_bytes = 0
        self._plain_bytes = 0

    def feed(self, piece: bytes) -> bytes:
        """Return the plain bytes that `piece` completes, perhaps none.

        Raises:
            DecodingError: Not in the stated format, or too large once decoded.
        """
        self._fed_bytes += len(piece)
        if self._inflater is None:
            piece = self._held = self._held + piece
            if len(piece) < 2:
                return b""
            self._inflater = zlib.decompressobj(_ZLIB if _has_zlib_header(piece) else _RAW)
        try:
            return self._inflate(piece)
        except zlib.error as error:
            raise DecodingError("the compressed body is broken") from error

    def finish(self) -> None:
        """Check that the body was whole.

        Raises:
            DecodingError: It ended inside the compressed data.
        """
        if self._fed_bytes and (self._inflater is None or not self._inflater.eof):
            raise DecodingError("the compressed body ended early")

    def _inflate(self, piece: bytes) -> bytes:
        plain = []
        while piece:
            if self._inflater is None or self._inflater.eof:
                if self._deflate:
                    raise DecodingError("bytes follow the compressed body")
                self._inflater = zlib.decompressobj(_GZIP)  # a gzip body may have several members
            allowed = self._allowed_bytes()
            plain.append(self._inflater.decompress(piece, allowed + 1))
            self._plain_bytes += len(plain[-1])
            if len(plain[-1]) > allowed:
                raise DecodingError("the body grows too much when decoded")
            piece = self._inflater.unused_data
        return plain[0] if len(plain) == 1 else b"".join(plain)

    def _allowed_bytes(self) -> int:
        cap = min(MAX_PLAIN_BYTES, max(FREE_BYTES, MAX_RATIO * self._fed_bytes))
        return cap - self._plain_bytes


def decoder_for(headers: Headers) -> Decoder | None:
    """Choose the decoder for a body by its `content-encoding`; None when the body is plain.

    Raises:
        DecodingError: A coding other than gzip and deflate, or more than one.
    """
    codings = [value for name, value in headers if name == b"content-encoding"]
    if not codings:
        return None
    match b",".join(codings).strip().lower():
        case b"" | b"identity":
            return None
        case b"gzip" | b"x-gzip":
            return Decoder(deflate=False)
        case b"deflate":
            return Decoder(deflate=True)
        case _:
            raise DecodingError("the body has a content coding that was not asked for")


async def read_plain(
    decoder: Decoder, read: Callable[[Wait], Awaitable[bytes | Failure]], wait: Wait
) -> bytes | Failure:
    """Read and decode until there are plain bytes, the body has ended (b"") or failed.

    Raises:
        DecodingError: As `Decoder` does.
    """
    while True:
        piece = await read(wait)
        if isinstance(piece, Failure):
            return piece
        if not piece:
            decoder.finish()
            return b""
        if plain := decoder.feed(piece):
            return plain


def plain_headers(headers: Headers) -> Headers:
    """Leave out what no longer holds for a decoded body: its coding and its length."""
    return tuple(field for field in headers if field[0] not in (b"content-encoding", b"content-length"))


def _has_zlib_header(piece: bytes) -> bool:
    """RFC 9110 says `deflate` is the zlib format (RFC 1950); some servers send raw deflate (RFC 1951) instead."""
    return piece[0] & 0x0F == 8 and (piece[0] << 8 | piece[1]) % 31 == 0
