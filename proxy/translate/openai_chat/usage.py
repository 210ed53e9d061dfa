"""From the usage object of an OpenAI-like answer to `Usage`, with the ways in which vendors differ.

Every way is told by the object itself, so no vendor is asked for: who puts OpenAI's interface in front of another
vendor's models is read right too. Whether a reported cost is believed is the kind's affair (`providers.kinds`).
Counts that cannot be read are none: without a readable prompt count, or where nothing was counted at all, there is no
usage: an earlier one of the same stream stays, or it is estimated instead.

Sources, read 2026-11-20: OpenAI Python SDK 3.51.0 types/completion_usage.py; docs.x.ai cost-tracking; openrouter.ai
usage-accounting; api-docs.deepseek.com context caching; groq 1.7.0 types/chat; perplexityai 0.46.1.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from proxy.core.usage import LARGEST_COUNT, LONGEST_TIER, Count, Usage

LARGEST_COST_USD = 100_000
NUSD_PER_USD = 10**9
TICKS_PER_NUSD = 10  # of xAI, in its own unit


class _PromptParts(Struct):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None


class _CompletionParts(Struct):
    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None


class Counts(Struct):
    """The members that count; None or unset = not there. What costs is decoded only where it is there."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: _PromptParts | None = None
    completion_tokens_details: _CompletionParts | None = None
    cached_tokens: Count | None = None  # Together, Moonshot
    prompt_cache_hit_tokens: Count | None = None  # DeepSeek
    cost: Raw | UnsetType = UNSET  # OpenRouter: USD; Perplexity: an object
    cost_details: Raw | UnsetType = UNSET  # OpenRouter
    is_byok: Raw | UnsetType = UNSET  # OpenRouter: paid with the customer's own key for the vendor behind
    cost_in_usd_ticks: Raw | UnsetType = UNSET  # xAI


class _TotalCost(Struct):
    total_cost: Decimal


class _OwnCost(Struct):
    upstream_inference_cost: Decimal


_NO_PROMPT_PARTS = _PromptParts()
_NO_COMPLETION_PARTS = _CompletionParts()
_COST: msgspec.json.Decoder[Decimal | _TotalCost] = msgspec.json.Decoder(Decimal | _TotalCost)
_OWN_COST = msgspec.json.Decoder(_OwnCost)
_TICKS = msgspec.json.Decoder(int)
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


def reported_nusd(counts: Counts) -> int | None:
    """Read what the upstream says it charged, in nano-dollars; None where it cannot be told or cannot be true."""
    try:
        if counts.cost is not UNSET:
            return _nusd(_charged_usd(counts, counts.cost))
        if counts.cost_in_usd_ticks is not UNSET:
            return _nusd(Decimal(_TICKS.decode(counts.cost_in_usd_ticks)) / (TICKS_PER_NUSD * NUSD_PER_USD))
    except _UNREADABLE:
        pass
    return None


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


def _charged_usd(counts: Counts, cost: Raw) -> Decimal:
    """OpenRouter's own charge for a customer's key is its fee alone: what the vendor behind charges comes on top."""
    read = _COST.decode(cost)
    if isinstance(read, _TotalCost):
        return read.total_cost
    if counts.is_byok is UNSET or bytes(counts.is_byok) != b"true":
        return read
    return read + _OWN_COST.decode(b"" if counts.cost_details is UNSET else counts.cost_details).upstream_inference_cost


def _nusd(usd: Decimal) -> int | None:
    if not 0 <= usd <= LARGEST_COST_USD:
        return None
    return int((usd * NUSD_PER_USD).to_integral_value(ROUND_HALF_EVEN))
