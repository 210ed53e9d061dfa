"""Between the ledger's records and the bytes that the spool keeps of them: MessagePack, fields by their place.

Pure. Whatever a client or an upstream made of a name or a number, it can be written: what MessagePack cannot hold is
mended, since a record that cannot be kept is money that nobody sees.
"""

from __future__ import annotations

import msgspec

from proxy.core.records import CloseRecord, OpenRecord
from proxy.store.spoolfile import CLOSE, OPEN, frame

LARGEST = 2**63 - 1

_encode = msgspec.msgpack.Encoder().encode
_decode_open = msgspec.msgpack.Decoder(OpenRecord).decode
_decode_close = msgspec.msgpack.Decoder(CloseRecord).decode


def write_open(record: OpenRecord) -> bytes:
    """Frame a record for the spool."""
    try:
        return frame(OPEN, _encode(record))
    except (OverflowError, ValueError):
        return frame(OPEN, _encode(_mended(msgspec.to_builtins(record))))


def write_close(record: CloseRecord) -> bytes:
    """Frame a record for the spool."""
    try:
        return frame(CLOSE, _encode(record))
    except (OverflowError, ValueError):
        return frame(CLOSE, _encode(_mended(msgspec.to_builtins(record))))


def read_open(payload: bytes) -> OpenRecord | None:
    """Read what `write_open` wrote; None where it is no such record, such as one of another version."""
    try:
        return _decode_open(payload)
    except msgspec.MsgspecError:
        return None


def read_close(payload: bytes) -> CloseRecord | None:
    """Read what `write_close` wrote; None where it is no such record, such as one of another version."""
    try:
        return _decode_close(payload)
    except msgspec.MsgspecError:
        return None


def _mended(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-LARGEST, min(value, LARGEST))
    if isinstance(value, list | tuple):
        return [_mended(part) for part in value]
    if isinstance(value, dict):
        return {name: _mended(part) for name, part in value.items()}
    return value
