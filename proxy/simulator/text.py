"""Text as tokens: an invented tokeniser whose counts are exact, since everybody here counts by it.

A token is up to six characters of a word with the white space before it. Not any vendor's tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import cycle, islice

Tokens = tuple[str, ...]

_TOKEN = re.compile(r"\s*\S{1,6}|\s+")
_FILLER = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
HUGE_TOKEN = "x" * 16_384
HUGE_TOKENS_PER_MB = 1024 * 1024 // len(HUGE_TOKEN)


def tokenise(text: str) -> Tokens:
    """Split text into tokens; joined they are the text again."""
    return tuple(_TOKEN.findall(text))


def count_tokens(texts: Iterable[str]) -> int:
    return sum(len(_TOKEN.findall(text)) for text in texts)


def filler(count: int) -> Tokens:
    """Return `count` tokens of fixed words."""
    return tuple(f" {word}" for word in islice(cycle(_FILLER), count))


def fitted(tokens: Sequence[str], count: int) -> Tokens:
    """Return exactly `count` tokens: the first of these, then filler."""
    return (*tokens[:count], *filler(max(0, count - len(tokens))))
