"""A secret value that never shows itself by accident.

`Secret` masks itself in `repr`, `str` and formatting; only `reveal()` gives the value, so a grep for `reveal`
lists every place where a secret leaves.
"""

from __future__ import annotations

import hashlib
import hmac

SHORTEST = 16  # characters of a client key, token or secret that a person chooses


class Secret:
    """A credential, key or token."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself, for the one place that sends or compares it."""
        return self._value

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that change when the secret does; 32 bits tell nothing of a random key."""
        return hashlib.sha256(b"fairlead:" + _bytes_of(self._value)).hexdigest()[:8]

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_bytes_of(self._value), _bytes_of(other._value))

    def __hash__(self) -> int:
        return hash(self._value)


def _bytes_of(value: str) -> bytes:
    """Encode a value, one from a variable whose bytes are no text included."""
    return value.encode(errors="surrogatepass")
