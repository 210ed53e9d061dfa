"""WebSockets as far as somebody must know who passes their bytes on: the handshake, and where frames begin and end.

Never reads what a frame holds (`wire.messages` does). A `FrameTracker` looks at one direction: between two frames a
gateway may say a farewell of its own, and after a Close frame the end of the connection is no accident.

Source: RFC 6455 sections 1.3, 4.1, 5.2, 5.5.1 and 7.4.1; IANA's WebSocket Close Code Number Registry, read 2026-11-20.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

GOING_AWAY = 1001
BAD_GATEWAY = 1014
# What of a client's handshake goes to the upstream. No extension does: each changes how frames are to be read.
HANDSHAKE = frozenset({b"sec-websocket-key", b"sec-websocket-version"})
EXTENSIONS = b"sec-websocket-extensions"
PROTOCOL = b"sec-websocket-protocol"
ACCEPT = b"sec-websocket-accept"
VERSION = b"13"

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES = 16
CLOSE = 0x8
OPCODE = 0x0F
MASKED = 0x80
_LENGTH = 0x7F
_LENGTH_BYTES = {126: 2, 127: 8}
MASK_BYTES = 4


def is_key(key: bytes) -> bool:
    """Say whether a client's handshake has a key: 16 bytes in base64."""
    try:
        return len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except ValueError:
        return False


def accepted(key: bytes) -> bytes:
    """Return what a server answers to a key."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def listed(values: Sequence[bytes]) -> list[bytes]:
    """Return the items of a header that is a list, wherever they stand."""
    return [item for value in values for part in value.split(b",") if (item := part.strip())]


def close_frame(code: int) -> bytes:
    """Write a Close frame as servers send it."""
    return bytes([0x80 | CLOSE, 2]) + code.to_bytes(2, "big")


class FrameTracker:
    """Follows the frames of one direction.

    Attributes:
        is_closed: A Close frame has begun.
    """

    __slots__ = ("_head", "_left", "is_closed")

    def __init__(self) -> None:
        self._head = b""  # of a frame whose head is not whole
        self._left = 0  # bytes of the present frame's payload that are still to come
        self.is_closed = False

    @property
    def is_between(self) -> bool:
        """Whether the last frame is whole."""
        return not self._left and not self._head

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._head:
            data, self._head = self._head + data, b""
        at = self._left
        self._left = max(0, at - len(data))
        while at < len(data):
            head = head_bytes(data, at)
            if not head or at + head > len(data):
                self._head = data[at:]
                return
            self.is_closed = self.is_closed or data[at] & OPCODE == CLOSE
            at += head + payload_bytes(data, at)
            self._left = max(0, at - len(data))


def head_bytes(data: bytes, at: int) -> int:
    """How long the head of the frame is that begins there; 0 = too little is there to tell."""
    if at + 2 > len(data):
        return 0
    second = data[at + 1]
    return 2 + _LENGTH_BYTES.get(second & _LENGTH, 0) + (MASK_BYTES if second & MASKED else 0)


def payload_bytes(data: bytes, at: int) -> int:
    """How long the payload of a frame is, by its whole head."""
    length = data[at + 1] & _LENGTH
    width = _LENGTH_BYTES.get(length, 0)
    return int.from_bytes(data[at + 2 : at + 2 + width], "big") if width else length
