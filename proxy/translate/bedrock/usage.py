"""Bedrock's token counts in OpenAI's terms: its input leaves out what the cache read and wrote.

Source: genai-prices 0.2.3 data.py (its extractor for AWS adds the three up); botocore 1.44.5 bedrock-runtime
service-2.json (TokenUsage, CacheDetail), read 2026-11-20.
"""

from __future__ import annotations

from msgspec import Raw

from proxy.apischema.bedrock import ServiceTier, TokenUsage
from proxy.core.usage import LONGEST_TIER, Usage
from proxy.translate.counts import counts_decoder, read_counts

_DECODER = counts_decoder(TokenUsage)


def usage_of(member: Raw, tier: ServiceTier | None) -> Usage | None:
    """Read what an answer counted; None where it counted nothing, or nothing that makes sense."""
    counts = read_counts(_DECODER, member)
    if counts is None:
        return None
    fresh, output = counts.inputTokens or 0, counts.outputTokens or 0
    read, written = counts.cacheReadInputTokens or 0, counts.cacheWriteInputTokens or 0
    if not (fresh or output or read or written):
        return None
    for_an_hour = sum(detail.inputTokens or 0 for detail in counts.cacheDetails or () if detail.ttl == "1h")
    name = tier.type if tier is not None else ""
    return Usage(
        prompt_tokens=fresh + read + written,
        completion_tokens=output,
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=min(for_an_hour, written),
        service_tier=name if len(name) <= LONGEST_TIER else "",
    )
