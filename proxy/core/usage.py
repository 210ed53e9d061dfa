"""Token counts of one answer, in OpenAI's terms: prompt includes cached, completion includes reasoning."""

from __future__ import annotations

from msgspec import Struct


class Usage(Struct, frozen=True, gc=False):
    """Tokens. `estimated` marks counts that no upstream reported."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
