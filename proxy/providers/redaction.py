"""Text of an upstream made fit for a client or a log: whatever is or looks like a credential is masked.

Never lengthens the text by more than its masks, never judges what the text means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from proxy.core.secret import Secret

MASK = "[redacted]"

# A shorter secret is a placeholder such as "none" or "ollama"; masking it would mask ordinary words.
_SHORTEST_SECRET = 8

# Keys with a vendor's mark, then whatever follows a word that announces a credential. Nothing starts within a run of
# key characters and nothing is given back, so that a hostile body costs one pass.
_LOOKS_SECRET = re.compile(
    r"""
      (?<![\w\-])(?:sk|pk|rk|gsk|xai|fw|fl|pplx|tgp|csk|hf|ghp|glpat)[-_][A-Za-z0-9_\-*.]{8,}+
    | (?<![\w\-])AIza[A-Za-z0-9_\-]{20,}+
    | (?<![\w\-])ya29\.[A-Za-z0-9_\-.]{10,}+
    | \b(?:AKIA|ASIA|ABSK)[A-Za-z0-9+/=]{12,}+
    | (?<![\w\-])eyJ[A-Za-z0-9_\-]{10,}+\.[A-Za-z0-9_\-.]{10,}+
    | (?<=\b(?i:bearer)\ )[^\s"',;]{6,}+
    | (?<=\b(?i:basic)\ )[A-Za-z0-9+/=]{8,}+
    """,
    re.VERBOSE,
)
_ANNOUNCED = re.compile(
    r"""
    (\b(?:(?:api|access|secret)[-_\ ]?key|key|token|secret|password|authorization)(?:\ provided)?
     ["'`]?\s*+[=:]\s*+["'`]?)
    (?!\[redacted\])[^\s"'`,;&})]{8,}+
    """,
    re.IGNORECASE | re.VERBOSE,
)


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Mask every given secret, then everything that looks like a credential.

    Args:
        secrets: Masked wherever they stand, if they have 8 characters or more.
    """
    # The longest first: one secret may be the beginning of another.
    for value in sorted((secret.reveal() for secret in secrets), key=len, reverse=True):
        if len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, MASK)
    return _ANNOUNCED.sub(rf"\g<1>{MASK}", _LOOKS_SECRET.sub(MASK, text))


def cut(text: str, limit_bytes: int) -> str:
    """Shorten a text to so many bytes of UTF-8, never within a character."""
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= limit_bytes else encoded[:limit_bytes].decode("utf-8", "ignore")
