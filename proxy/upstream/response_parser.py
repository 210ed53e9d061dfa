"""Turns the bytes of an HTTP/1.1 connection into one answer at a time: status, headers, body bytes, and how it ended.

It must never hold more of a head than its limits allow, nor take anything for a whole message that is not one. It does
no input or output; `connection` feeds it. A head that is the same as the one before is not read again, as busy servers
send it that say the date to the second, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httptools
from msgspec import Struct

from proxy.core.call import Headers
from proxy.wire.samehead import SameHead, same_head

MAX_HEAD_BYTES = 64 * 1024  # also of everything else that is not body: trailers, chunk extensions, 1xx answers
MAX_HEADERS = 200
TOO_LARGE = "the answer's headers or trailers are too large"
LESSONS = 4  # heads in a row that are looked at to know the next by: what says an id with each answer has no two alike

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class _Stop(Exception):
    """Raised inside a callback to make llhttp stop; never leaves `feed`."""


class _Known(Struct, frozen=True, eq=False):
    """A head of answers with status 200, and its fields before and behind the length."""

    head: SameHead
    before: Headers
    after: Headers
    names: Sequence[bytes]


class ResponseParser:
    """Parses the answers of one connection, one after the other. Call `begin` before each.

    Attributes:
        status: Of the final answer; 0 until its head is whole.
        headers: As they came with `status`, names in lower case; `names` has those alone.
        pieces: Body bytes that nobody has taken yet, as they came.
        complete: The message has ended cleanly.
        may_switch: 101 is an answer too. All that follows it is body, up to the end of the connection.
        keep_alive: After `complete`: framing and headers allow another request on the connection, and nothing followed.
        error: What is wrong with the message; nothing can be read after the present `pieces`.
        feed_body: llhttp's own feeding, for what comes after the head; `feed` does what its caller must.
        quiet_bytes: How many have come since the last of a body.
        unread_bytes: How much came with pieces that nobody waited for; kept by who feeds.
    """

    __slots__ = (
        "_fields",
        "_known",
        "_lessons",
        "_llhttp",
        "_method",
        "complete",
        "error",
        "feed_body",
        "headers",
        "keep_alive",
        "may_switch",
        "names",
        "on_body",
        "pieces",
        "quiet_bytes",
        "status",
        "unread_bytes",
    )

    def __init__(self) -> None:
        self.headers: Headers = ()
        self.names: Sequence[bytes] = ()
        self.pieces: list[bytes] = []
        self.keep_alive = False
        self.may_switch = False
        self.error: str | None = None
        self.on_body = self.pieces.append  # llhttp calls it with each piece
        self._fields: list[tuple[bytes, bytes]] = []
        self._known: _Known | None = None
        self._lessons = LESSONS
        self._llhttp = httptools.HttpResponseParser(self)
        self.feed_body: Callable[[bytes], object] = self._llhttp.feed_data
        self.begin("")

    def begin(self, method: str) -> None:
        """Expect the next answer, to a request of this method: what answers HEAD has no body whatever it announces."""
        self._method = method
        self.quiet_bytes = 0
        self.status = 0
        self.complete = False
        self.unread_bytes = 0
        if self.pieces:
            self.pieces.clear()

    def feed(self, piece: bytes) -> None:
        """Parse what came next on the connection."""
        is_first = not self.quiet_bytes and not self.status
        if is_first and self._known is not None and self._recognised(self._known, piece):
            return
        self.quiet_bytes += len(piece)
        try:
            self.feed_body(piece)
        except httptools.HttpParserError as error:
            self.stopped(error)
        except httptools.HttpParserUpgrade as offer:
            self._switched(piece[offer.args[0] :])
        if self.pieces:
            self.quiet_bytes = 0
            if is_first and self.complete and self._lessons:
                self._learn(piece)
        else:
            self.check_quiet()

    def _recognised(self, known: _Known, piece: bytes) -> bool:
        """Take a whole answer whose head is the known one; llhttp stands between two messages, and does not see it."""
        body = known.head.body_behind(piece)
        if not body or self._method == "HEAD":
            return False
        self.headers = (*known.before, (b"content-length", b"%d" % len(body)), *known.after)
        self.names, self.status = known.names, 200
        self.pieces.append(body)
        self.complete = self.keep_alive = True
        self._lessons = LESSONS
        return True

    def _learn(self, piece: bytes) -> None:
        """Know the next answer by the head of this one, which came whole in one piece."""
        self._known = None
        self._lessons -= 1
        if not self._lessons or self.status != 200 or not self.keep_alive:
            return
        head = same_head(piece, dict(self.headers).get(b"content-length"))
        if head is not None:
            at = self.names.index(b"content-length")
            self._known = _Known(head, self.headers[:at], self.headers[at + 1 :], self.names)

    def take(self) -> bytes:
        """Return the body bytes that have come since the last call."""
        taken = b"".join(self.pieces)
        self.pieces.clear()
        self.unread_bytes = 0
        return taken

    def stopped(self, error: Exception) -> None:
        """Note why llhttp stopped: a malformed message, or bytes after a whole one."""
        if self.complete:
            self.keep_alive = False
        elif self.error is None:
            self.error = f"malformed answer ({str(error).rstrip('.').lower()})"

    def check_quiet(self) -> None:
        """Note an error when what is not body does not end."""
        if self.quiet_bytes > MAX_HEAD_BYTES and not self.complete and self.error is None:
            self.error = TOO_LARGE

    def eof(self) -> None:
        """The other side has closed its direction: the end of a body that has no other end."""
        if self.status and self.error is None and _FRAMING.isdisjoint(self.names):
            self.complete = True

    @property
    def started(self) -> bool:
        """A byte of the answer has come."""
        return self.quiet_bytes > 0 or self.status > 0

    # What llhttp calls. An exception here makes it stop, and `feed` note an error unless the message is complete.

    def on_message_begin(self) -> None:
        if self.complete:
            raise _Stop
        self._fields = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name.lower(), value.rstrip()))

    def on_headers_complete(self) -> None:
        status: int = self._llhttp.get_status_code()
        if status < 200 and not (status == 101 and self.may_switch):
            self._refuse_interim(status)
            return
        fields = self._fields
        self.names = names = [name for name, _ in fields]
        # llhttp itself refuses two lengths, a bad length, and a length beside a transfer coding.
        if b"transfer-encoding" in names:
            self._check_coding()
        if self.quiet_bytes > MAX_HEAD_BYTES or len(fields) > MAX_HEADERS:
            self._check_size()
        self.headers = tuple(fields)
        self.status = status
        if self._method == "HEAD":
            self.complete = True  # llhttp would wait for a body; stopping it costs the connection, and HEAD is rare
            raise _Stop

    def on_message_complete(self) -> None:
        if not self.status:  # a 1xx answer: the final one follows
            return
        self.complete = True
        self.keep_alive = self._llhttp.should_keep_alive()

    def _switched(self, rest: bytes) -> None:
        """llhttp stops behind a 101: what follows is not its own."""
        self.complete = self.keep_alive = False
        self.feed_body = self._take_raw
        self._take_raw(rest)

    def _take_raw(self, piece: bytes) -> None:
        if piece:
            self.pieces.append(piece)

    def _refuse_interim(self, status: int) -> None:
        if status == 101:
            self._refuse("the answer switches protocols")
        if status < 100:
            self._refuse("malformed answer (invalid status)")

    def _check_coding(self) -> None:
        codings = [value.lower() for name, value in self._fields if name == b"transfer-encoding"]
        if codings != [b"chunked"]:
            self._refuse("the answer has a transfer coding other than chunked")

    def _check_size(self) -> None:
        size_bytes = sum([len(name) + len(value) for name, value in self._fields])
        if size_bytes > MAX_HEAD_BYTES or len(self._fields) > MAX_HEADERS:
            self._refuse(TOO_LARGE)

    def _refuse(self, reason: str) -> None:
        self.error = reason
        raise _Stop
