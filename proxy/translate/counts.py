"""Usage objects as vendors write them: what cannot be read is no usage, and never a reason to refuse the answer.

The answer was made and will be charged for; an earlier count of the same stream stays, or it is estimated.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Raw
from msgspec.json import Decoder

from proxy.core.usage import Count

T = TypeVar("T")


def counts_decoder(counts: type[T]) -> Decoder[T]:
    """Make a decoder of counts that takes 12.0 and "12" for 12, as some servers write it."""
    return Decoder(counts, strict=False)


_COUNT = counts_decoder(Count)


def read_counts(decoder: Decoder[T], member: Raw) -> T | None:
    """Read a member of an answer; None where it is none of the kind."""
    try:
        return decoder.decode(member)
    except (ValueError, RecursionError):
        return None


def count_of(member: Raw) -> int:
    """Read a count that stands alone; 0 where it is none."""
    return read_counts(_COUNT, member) or 0
