"""From the usage object of an OpenAI-like answer to `Usage`, with the ways in which vendors differ.

Every way is told by the object itself, so no vendor is asked for: who puts OpenAI's interface in front of another
vendor's models is read right too. Whether a reported cost is believed is the kind's affair (`providers.kinds`).
Counts that cannot be read are none: without a readable prompt count, or where nothing was counted at all, there is no
usage: an earlier one of the same stream stays, or it is estimated instead.

Sources, read 2026-11-20: OpenAI Python SDK 3.51.0 types/completion_usage.py; docs.x.ai cost-tracking; openrouter.ai
usage-accounting; api-docs.deepseek.com context caching; groq 1.7.0 types/chat; perplexityai 0.46.1.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxy.apischema.charged import Charged
from proxy.core.usage import LARGEST_COUNT, LONGEST_TIER, Count, Usage
from proxy.translate.charged import reported_nusd


class _PromptParts(Struct):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None


class _CompletionParts(Struct):
    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None


class Counts(Charged):
    """The members that count; None or unset = not there."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: _PromptParts | None = None
    completion_tokens_details: _CompletionParts | None = None
    cached_tokens: Count | None = None  # Together, Moonshot
    prompt_cache_hit_tokens: Count | None = None  # DeepSeek


_NO_PROMPT_PARTS = _PromptParts()
_NO_COMPLETION_PARTS = _CompletionParts()
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_COUNT = msgspec.json.Decoder(float | None)
_ENCODER = msgspec.json.Encoder()
_UNREADABLE = (ValueError, ArithmeticError, RecursionError)


def read_usage(counts: Counts, service_tier: object = None) -> Usage | None:
    """Read a usage object; None where it does not say how long the prompt was, or counts neither prompt nor answer.

    Args:
        service_tier: The answer's own member of that name.
    """
    prompt = counts.prompt_tokens
    if prompt is None:
        return None
    completion = counts.completion_tokens or 0
    parts = counts.prompt_tokens_details or _NO_PROMPT_PARTS
    output = counts.completion_tokens_details or _NO_COMPLETION_PARTS
    reasoning = output.reasoning_tokens or 0
    if reasoning and counts.total_tokens == prompt + completion + reasoning:
        completion += reasoning  # xAI counts what was thought beside what was said; in OpenAI's terms it is part of it
    if not prompt and not completion:  # some vendors fill it with noughts until they know, or for good
        return None
    return Usage(
        prompt,
        completion,
        parts.cached_tokens or counts.cached_tokens or counts.prompt_cache_hit_tokens or 0,
        reasoning,
        False,
        parts.cache_write_tokens or 0,
        0,
        parts.audio_tokens or 0,
        output.audio_tokens or 0,
        reported_nusd(counts),
        service_tier if type(service_tier) is str and len(service_tier) <= LONGEST_TIER else "",
    )


def mended(usage: Raw) -> Raw:
    """Rewrite a usage object that could not be read so that it can be: without the members that make no sense."""
    try:
        members = _MEMBERS.decode(usage)
    except _UNREADABLE:
        return Raw(b"{}")
    kept: dict[str, Any] = {}
    for name, member in members.items():
        if name in ("prompt_tokens_details", "completion_tokens_details"):
            kept[name] = _sound(member)
        elif name.endswith("_tokens"):
            count = _whole(member)
            if count is None and name in ("prompt_tokens", "completion_tokens"):
                return Raw(b"{}")  # what is left would pass for all of it
            kept[name] = count or 0
        else:
            kept[name] = member
    return Raw(_ENCODER.encode(kept))


def _sound(member: Raw) -> dict[str, int]:
    try:
        return {name: _whole(part) or 0 for name, part in _MEMBERS.decode(member).items()}
    except _UNREADABLE:
        return {}


def _whole(member: Raw) -> int | None:
    """Read a count: a whole number, however it is written; none is 0."""
    try:
        count = _COUNT.decode(member)
    except _UNREADABLE:
        return None
    if count is None:
        return 0
    return int(count) if count.is_integer() and 0 <= count <= LARGEST_COUNT else None
