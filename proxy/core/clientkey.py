"""What a client key looks like and how it is known again: random bytes to a key, a key to its HMAC.

A key is `fl_`, 43 characters that hold 256 random bits, and 6 of a checksum, so that a typo or a truncated paste is
told apart from a key that is merely unknown, without asking anyone. All of them are letters and digits: a double click
selects the whole key, and no shell, URL or header needs it quoted. What is stored of a key is its HMAC alone.
"""

from __future__ import annotations

import hmac
import re
import string
import zlib
from dataclasses import dataclass, field

from proxy.core.secret import Secret

PREFIX = "fl_"
RANDOM_BYTES = 32

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BODY = 43  # 62 to this power is just above 2 ** 256
_CHECKSUM = 6  # and to this one above 2 ** 32
_HINT = len(PREFIX) + 6
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_BODY + _CHECKSUM}}}")

# What client keys are hashed under is derived from the ring, so that another use of it would weaken neither.
_PURPOSE = b"fairlead client keys"


@dataclass(frozen=True, slots=True)
class Minted:
    """A new key: the text that its owner gets, and what is stored of it."""

    text: Secret
    hmac: str = field(repr=False)
    hint: str


def mint(random_bytes: bytes, ring: Secret) -> Minted:
    """Make a key out of 32 bytes that nobody can guess, hashed under the first member of a ring (see `peppers`)."""
    text = make(random_bytes)
    return Minted(Secret(text), hmac_of(text.encode(), peppers(ring)[0]), hint(text))


def make(random_bytes: bytes) -> str:
    """Write 32 random bytes as a client key."""
    assert len(random_bytes) == RANDOM_BYTES, "a client key holds 256 bits"
    body = PREFIX + _digits(int.from_bytes(random_bytes, "big"), _BODY)
    return body + _checksum(body)


def is_well_formed(text: str) -> bool:
    """Say whether a text can be a client key at all: every slip of one character, or of two neighbours, shows."""
    return bool(_SHAPE.fullmatch(text)) and _checksum(text[:-_CHECKSUM]) == text[-_CHECKSUM:]


def hint(text: str) -> str:
    """Return the beginning of a key, to recognise it by; 220 of its bits stay unknown."""
    return text[:_HINT]


def peppers(ring: Secret) -> tuple[bytes, ...]:
    """Derive what client keys are hashed under from a ring of secrets.

    Args:
        ring: Secrets with commas between. New keys are hashed under the first; all of them know keys again.
    """
    return tuple(hmac.digest(member.encode(), _PURPOSE, "sha256") for member in ring.reveal().split(","))


def hmac_of(presented: bytes, pepper: bytes) -> str:
    """Hash a key as it is stored: HMAC-SHA-256 in hexadecimal digits, which is never well formed as a key."""
    return hmac.digest(pepper, presented, "sha256").hex()


def _checksum(body: str) -> str:
    return _digits(zlib.crc32(body.encode()), _CHECKSUM)


def _digits(value: int, width: int) -> str:
    written = ""
    for _ in range(width):
        value, digit = divmod(value, len(_ALPHABET))
        written = _ALPHABET[digit] + written
    return written
