"""Google's token counts, to and from OpenAI's terms.

Google counts thoughts beside the candidates and what tools put into the prompt beside the prompt. What cannot be read
is no usage: an earlier one of the same stream stays, or it is estimated.

Source: google-genai SDK 3.4.0, google/genai/types.py (GenerateContentResponseUsageMetadata, UsageMetadata), read
2026-11-20.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, UnsetType

from proxy.apischema.gemini import ModalityCount, UsageMetadata
from proxy.core.usage import LONGEST_TIER, Usage
from proxy.translate.counts import counts_decoder, read_counts
from proxy.translate.gemini.vocab import TIERS_FROM_OPENAI, TIERS_TO_OPENAI, TRAFFIC_TIERS

_METADATA = counts_decoder(UsageMetadata)


def read_usage(member: Raw | UnsetType) -> Usage | None:
    """Read `usageMetadata`; None where there is none, where it cannot be true, and where nothing was counted."""
    if isinstance(member, UnsetType):
        return None
    counts = read_counts(_METADATA, member)
    if counts is None:
        return None
    prompt = (counts.prompt_token_count or 0) + (counts.tool_use_prompt_token_count or 0)
    said, thought = counts.candidates_token_count or 0, counts.thoughts_token_count or 0
    # Some models of Vertex count the thoughts among the candidates; then the total says so.
    completion = said if thought and counts.total_token_count == prompt + said else said + thought
    cached = counts.cached_content_token_count or 0
    heard = _sound(counts.prompt_tokens_details) + _sound(counts.tool_use_prompt_tokens_details)
    if not (prompt or completion):
        return None
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=min(cached, prompt),
        reasoning_tokens=thought,
        audio_input_tokens=max(0, min(heard - _sound(counts.cache_tokens_details), prompt)),  # cached is cached
        audio_output_tokens=min(_sound(counts.candidates_tokens_details), completion),
        service_tier=_tier(counts),
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """Write `usageMetadata`."""
    written: dict[str, Any] = {
        "promptTokenCount": usage.prompt_tokens,
        "candidatesTokenCount": usage.completion_tokens - usage.reasoning_tokens,
        "totalTokenCount": usage.prompt_tokens + usage.completion_tokens,
    }
    if usage.reasoning_tokens:
        written["thoughtsTokenCount"] = usage.reasoning_tokens
    if usage.cached_tokens:
        written["cachedContentTokenCount"] = usage.cached_tokens
    if tier := TIERS_FROM_OPENAI.get(usage.service_tier):
        written["serviceTier"] = tier
    return written


def _sound(details: list[ModalityCount] | None) -> int:
    return sum(item.token_count or 0 for item in details or () if item.modality == "AUDIO")


def _tier(counts: UsageMetadata) -> str:
    tier = (counts.service_tier or "").lower()
    if tier:
        return TIERS_TO_OPENAI.get(tier, tier[:LONGEST_TIER])
    return TRAFFIC_TIERS.get(counts.traffic_type or "", "")
