"""WebSocket messages, put together from copies of the bytes of one direction: for whoever only looks on.

Gives the text messages that are wanted, whole; what its beginning tells to be unwanted is never held, nor is what is
longer than a bound. Frames that make no sense end the reading and nothing else: nobody waits for it, nothing is raised.
Never reads compressed messages: whoever looks on sees to it that no extension is agreed upon.

Source: RFC 6455 sections 5.2 to 5.5, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable

from proxy.wire.websocket import CLOSE, MASK_BYTES, MASKED, OPCODE, head_bytes, payload_bytes

MAX_MESSAGE_BYTES = 1024 * 1024
BEGINNING_BYTES = 256  # of a message, by which it is told whether it is wanted

_CONTINUATION, _TEXT = 0x0, 0x1
_CONTROL = 0x8  # the bit that Close, Ping and Pong have
_KNOWN = frozenset({_CONTINUATION, _TEXT, 0x2, CLOSE, 0x9, 0xA})
_LAST = 0x80
_RESERVED = 0x70  # for extensions


class MessageReader:
    """Reads one direction.

    Attributes:
        is_over: Nothing is read any more: a Close frame has come, or what is no frame.
        has_missed: Something that was wanted may have passed unread.
    """

    __slots__ = (
        "_head",
        "_is_data",
        "_is_last",
        "_is_new",
        "_is_open",
        "_is_wanted",
        "_kept",
        "_left",
        "_mask",
        "_max_bytes",
        "has_missed",
        "is_over",
    )

    def __init__(self, is_wanted: Callable[[bytes], bool], max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        """Take what chooses.

        Args:
            is_wanted: Is given the first `BEGINNING_BYTES` of a text message, or all of a shorter one.
            max_bytes: Of a message that is held.
        """
        self._is_wanted = is_wanted
        self._max_bytes = max_bytes
        self._head = b""  # of a frame whose head is not whole
        self._left: int | None = None  # bytes of the present frame's payload to come; None = between two frames
        self._mask = b""
        self._is_data = False  # the present frame is not of control
        self._is_last = False  # it ends its message
        self._is_open = False  # more frames of the present message are to come
        self._kept: bytearray | None = None  # of the present message; None = nobody wants it
        self._is_new = False  # too little of it has come to tell whether it is wanted
        self.is_over = False
        self.has_missed = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the messages that they complete."""
        messages: list[bytes] = []
        if self._head:
            data, self._head = self._head + data, b""
        at = 0
        while not self.is_over:
            if self._left is None:
                size = head_bytes(data, at)
                if not size or at + size > len(data):
                    self._head = data[at:]
                    break
                self._left = self._begin(data, at, size)
                at += size
                continue
            end = min(at + self._left, len(data))
            if self._is_data and self._kept is not None:
                self._take(self._plain(data[at:end]))
            self._left -= end - at
            at = end
            if self._left:
                break
            self._left = None
            if self._is_data and self._is_last and self._kept is not None and self._is_chosen():
                messages.append(bytes(self._kept))
                self._kept = None
        return messages

    def _begin(self, data: bytes, at: int, size: int) -> int:
        """Note what a frame's head says; return the length of its payload."""
        opcode = data[at] & OPCODE
        is_data = not opcode & _CONTROL
        is_misplaced = is_data and (opcode == _CONTINUATION) is not self._is_open
        if data[at] & _RESERVED or opcode not in _KNOWN or is_misplaced:
            self.is_over = self.has_missed = True
        elif opcode == CLOSE:
            self.is_over = True
        self._mask = data[at + size - MASK_BYTES : at + size] if data[at + 1] & MASKED else b""
        self._is_data = is_data
        if is_data:
            self._is_last = bool(data[at] & _LAST)
            self._is_open = not self._is_last
            if opcode != _CONTINUATION:
                self._kept, self._is_new = bytearray() if opcode == _TEXT else None, True
        return payload_bytes(data, at)

    def _plain(self, payload: bytes) -> bytes:
        """Unmask a piece of a frame. Servers are not to mask; one that does is read too."""
        mask, size = self._mask, len(payload)
        if not mask:
            return payload
        turn = size % MASK_BYTES
        self._mask = mask[turn:] + mask[:turn]
        repeated = (mask * (size // MASK_BYTES + 1))[:size]
        return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")

    def _take(self, payload: bytes) -> None:
        """Hold a piece of a message as long as it may be wanted."""
        assert self._kept is not None
        self._kept += payload
        if self._is_new and len(self._kept) >= BEGINNING_BYTES and not self._is_chosen():
            return
        if len(self._kept) > self._max_bytes:
            self._kept, self.has_missed = None, True

    def _is_chosen(self) -> bool:
        """Say whether the present message is wanted, by what has come of it."""
        assert self._kept is not None
        if self._is_new:
            self._is_new = False
            if not self._is_wanted(bytes(self._kept[:BEGINNING_BYTES])):
                self._kept = None
        return self._kept is not None
