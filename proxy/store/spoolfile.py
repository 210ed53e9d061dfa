"""Between records and the bytes of a spool file: each record framed with its kind, length and checksum.

Pure. A file that was cut anywhere, or in which any byte changed, loses the records that were hit and no other: the next
one is found by its mark, which cannot occur in text, so that nobody who chooses a model's name or a tag can forge one.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple
from zlib import crc32

# 0xC1 begins nothing in MessagePack, and neither byte occurs in UTF-8.
MARK = b"\xc1\xff"
OPEN = 1
CLOSE = 2

_HEAD = Struct("<2sBII")  # mark, kind, length, checksum
HEAD_BYTES = _HEAD.size
_pack, _unpack = _HEAD.pack, _HEAD.unpack_from


class Scan(NamedTuple):
    """What was found.

    Attributes:
        records: Kind and payload of each. The kind is OPEN or CLOSE, in a file of a later version perhaps another.
        end: How many bytes were dealt with; the rest needs what follows it to be understood.
        damaged: Stretches between records that could not be read.
        torn_bytes: How much at the end of a file is no whole record, as a crash in the middle of a write leaves it.
    """

    records: list[tuple[int, bytes]]
    end: int
    damaged: int
    torn_bytes: int


def frame(kind: int, payload: bytes) -> bytes:
    """Make the bytes of a record. Kind and length are part of the checksum: it starts from them."""
    length = len(payload)
    return _pack(MARK, kind, length, crc32(payload, length << 8 | kind)) + payload


def scan(piece: bytes, *, is_last: bool) -> Scan:
    """Find the records of a piece of a file that begins where a record does.

    Args:
        is_last: The file ends with it. Otherwise what is incomplete at its end is left for the next piece.
    """
    records: list[tuple[int, bytes]] = []
    at, size, damaged = 0, len(piece), 0
    bad_since = -1
    while 0 <= at <= size - HEAD_BYTES:
        mark, kind, length, checksum = _unpack(piece, at)
        begin = at + HEAD_BYTES
        stop = begin + length
        if mark == MARK:
            payload = piece[begin:stop]
            if stop <= size and crc32(payload, length << 8 | kind) == checksum:
                records.append((kind, payload))
                if bad_since >= 0:
                    damaged, bad_since = damaged + 1, -1
                at = stop
                continue
            if stop > size and not is_last and bad_since < 0:
                break
        if bad_since < 0:
            bad_since = at
        at = piece.find(MARK, at + 1)
    good_until = bad_since if bad_since >= 0 else at
    return Scan(records, size, damaged, size - good_until) if is_last else Scan(records, good_until, damaged, 0)
