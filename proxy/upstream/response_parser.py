"""Turns the bytes of an HTTP/1.1 connection into one answer at a time: status, headers, body pieces, and how it ended.

It must never hold more of a head than its limits allow, nor take anything for a whole message that is not one. It does
no input or output; `connection` feeds it.
"""

from __future__ import annotations

import httptools

from proxy.core.call import Headers

MAX_HEAD_BYTES = 64 * 1024  # also of everything else that is not body: trailers, chunk extensions, 1xx answers
MAX_HEADERS = 200
TOO_LARGE = "the answer's headers or trailers are too large"

_BODILESS = frozenset({204, 304})


class _Stop(Exception):
    """Raised inside a callback to make llhttp stop; never leaves `feed`."""


class ResponseParser:
    """Parses the answers of one connection, one after the other. Call `begin` before each.

    Attributes:
        started: A byte of the answer has come.
        head_done: `status` and `headers` are those of the final answer.
        pieces: Body bytes that nobody has taken yet.
        complete: The message has ended cleanly.
        keep_alive: After `complete`: the framing and the headers allow another request on the connection.
        surplus: Bytes came after the message.
        error: What is wrong with the message; nothing can be read after the present pieces.
    """

    __slots__ = (
        "_bodiless",
        "_fields",
        "_llhttp",
        "_progress",
        "_silent_bytes",
        "_until_eof",
        "buffered_bytes",
        "complete",
        "error",
        "head_done",
        "headers",
        "keep_alive",
        "pieces",
        "started",
        "status",
        "surplus",
    )

    def __init__(self) -> None:
        self._llhttp = httptools.HttpResponseParser(self)
        self.begin(bodiless=False)

    def begin(self, *, bodiless: bool) -> None:
        """Expect a new answer; `bodiless` when it answers HEAD and so has no body whatever its headers say."""
        self._bodiless = bodiless
        self._fields: list[tuple[bytes, bytes]] = []
        self._silent_bytes = 0
        self._progress = False
        self._until_eof = False
        self.started = False
        self.status = 0
        self.headers: Headers = ()
        self.head_done = False
        self.pieces: list[bytes] = []
        self.buffered_bytes = 0
        self.complete = False
        self.keep_alive = False
        self.surplus = False
        self.error: str | None = None

    def feed(self, piece: bytes) -> None:
        """Parse what came next on the connection."""
        self.started = True
        self._progress = False
        try:
            self._llhttp.feed_data(piece)
        except httptools.HttpParserError as error:
            if self.complete:
                self.surplus = True
            elif self.error is None:
                self.error = f"malformed answer ({str(error).rstrip('.').lower()})"
            return
        if self._progress:
            self._silent_bytes = 0
            return
        self._silent_bytes += len(piece)
        if self._silent_bytes > MAX_HEAD_BYTES and not self.complete:
            self.error = TOO_LARGE

    def eof(self) -> None:
        """The other side has closed its direction: the end of a body that has no other end."""
        if self.head_done and self._until_eof and self.error is None:
            self.complete = True

    def take(self) -> bytes:
        """Return the body bytes that have come since the last call."""
        pieces = self.pieces
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.buffered_bytes = 0
        return taken

    # What llhttp calls. An exception here makes it stop, and `feed_data` raise.

    def on_message_begin(self) -> None:
        if self.complete:
            raise _Stop

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_done:  # else it is a trailer
            self._fields.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        status = self._llhttp.get_status_code()
        if status == 101 or status < 100:
            self._refuse("the answer switches protocols" if status == 101 else "malformed answer (invalid status)")
        if status < 200:
            return
        framed = self._check_fields()
        self._until_eof = not framed and status not in _BODILESS
        self.status = status
        self.headers = tuple(self._fields)
        self.head_done = self._progress = True
        if self._bodiless:
            self.complete = True  # llhttp would wait for a body; stopping it costs the connection, and HEAD is rare
            raise _Stop

    def on_body(self, piece: bytes) -> None:
        self.pieces.append(piece)
        self.buffered_bytes += len(piece)
        self._progress = True

    def on_message_complete(self) -> None:
        if not self.head_done:
            self._fields.clear()  # a 1xx answer: the final one follows
            return
        self.complete = True
        self.keep_alive = self._llhttp.should_keep_alive()

    def _check_fields(self) -> bool:
        """Check limits and framing; tell whether the headers give the body an end.

        llhttp itself refuses two lengths, a bad length, and a length beside a transfer coding.
        """
        size_bytes = 0
        framed = False
        codings = []
        for name, value in self._fields:
            size_bytes += len(name) + len(value)
            if name == b"content-length":
                framed = True
            elif name == b"transfer-encoding":
                framed = True
                codings.append(value.strip().lower())
        if len(self._fields) > MAX_HEADERS or size_bytes > MAX_HEAD_BYTES:
            self._refuse(TOO_LARGE)
        if codings and codings != [b"chunked"]:
            self._refuse("the answer has a transfer coding other than chunked")
        return framed

    def _refuse(self, reason: str) -> None:
        self.error = reason
        raise _Stop
