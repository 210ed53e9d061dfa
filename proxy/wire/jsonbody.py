"""JSON objects edited without being decoded: top-level members stay the raw bytes that came.

Never interprets a member; who needs one decodes it from its raw bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw

_DECODER = msgspec.json.Decoder(dict[str, Raw])
_ENCODER = msgspec.json.Encoder()


def split_object(body: bytes) -> dict[str, Raw]:
    """Split a JSON object into its top-level members.

    Raises:
        ValueError: Not one JSON object, or nested too deeply. The text says where, never what.
    """
    try:
        return _DECODER.decode(body)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc
    except UnicodeDecodeError as exc:
        raise ValueError("a member's name is not UTF-8") from exc
    except msgspec.DecodeError as exc:
        raise ValueError(_where(str(exc))) from exc


def join_object(members: Mapping[str, Raw]) -> bytes:
    """Write the members back as one JSON object, in their order."""
    return _ENCODER.encode(members)


def raw(value: object) -> Raw:
    """Encode one value as a raw member."""
    return Raw(_ENCODER.encode(value))


def _where(message: str) -> str:
    """Keep msgspec's position, drop anything it may quote from the body."""
    return message if "byte" in message or "truncated" in message else "expected a JSON object"
