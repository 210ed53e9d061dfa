"""How many answers a request asks for, read off its members in any client's dialect.

What is no number, or is written in a way that nobody knows, counts as one: it is the upstream's to refuse.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from proxy.core.call import Call, Dialect
from proxy.translate.openai_chat.frames import choices_answered, choices_asked, whole_number

_ONE = Raw(b"1")
_CHAT = Dialect.OPENAI_CHAT  # CPython 3.11 takes a fifth of a microsecond to get a member out of its enum


class _Config(msgspec.Struct):
    """Google takes each name in either form."""

    candidateCount: Raw = _ONE
    candidate_count: Raw = _ONE


_CONFIG = msgspec.json.Decoder(_Config)


def answered(call: Call) -> int:
    """Count the choices that each are to finish in a whole answer."""
    return choices_answered(call.fields) if call.endpoint.dialect is _CHAT else _candidates(call)


def asked(call: Call) -> int:
    """Count the choices that the request pays for."""
    return choices_asked(call.fields) if call.endpoint.dialect is _CHAT else _candidates(call)


def _candidates(call: Call) -> int:
    """Google's clients ask for several too; those of the other dialects cannot."""
    if call.endpoint.dialect is not Dialect.GEMINI:
        return 1
    counts = [1]
    for name in ("generationConfig", "generation_config"):
        if name in call.fields:
            counts += _counts(call.fields[name])
    return max(counts)


def _counts(written: Raw) -> list[int]:
    try:
        config = _CONFIG.decode(written)
    except (ValueError, RecursionError):
        return []
    return [whole_number(config.candidateCount) or 1, whole_number(config.candidate_count) or 1]
