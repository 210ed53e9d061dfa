"""Token counts: Anthropic leaves what came from and went to the cache out of `input_tokens`, the hub does not.

Source: anthropic SDK 2.11.0 types/usage.py and types/message_delta_usage.py (counts of a stream are totals, those left
out stay as they were), types/beta/beta_usage.py (what is not in them), read 2026-11-21.
"""

from __future__ import annotations

from operator import add

from msgspec import Raw

from proxy.apischema import anthropic as wire
from proxy.core.usage import LONGEST_TIER, Usage
from proxy.translate.counts import counts_decoder, read_counts

_TIERS = frozenset({"standard", "priority", "batch"})
_COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_APART = "compaction"  # the vendor's own request by this model, which the counts above the iterations leave out
_DECODER = counts_decoder(wire.Usage)


def decode_counts(member: Raw) -> wire.Usage | None:
    """Read the counts of an answer or an event; None where there are none or they make no sense."""
    return read_counts(_DECODER, member)


def read_usage(counts: wire.Usage | None) -> Usage | None:
    """Give the counts in the hub's terms; None where nothing was counted."""
    if counts is None:
        return None
    fresh, output, written, cached, long_lived = _tokens(counts)
    details, tools, tier = counts.output_tokens_details, counts.server_tool_use, counts.service_tier or ""
    for iteration in counts.iterations or ():
        if iteration.type == _APART:
            more = _tokens(iteration)
            fresh, output, written, cached, long_lived = map(add, (fresh, output, written, cached, long_lived), more)
    if not (fresh or output or written or cached):
        return None
    return Usage(
        prompt_tokens=fresh + cached + written,
        completion_tokens=output,
        cached_tokens=cached,
        reasoning_tokens=min(output, (details.thinking_tokens or 0) if details else 0),
        cache_write_tokens=written,
        cache_write_1h_tokens=long_lived,
        service_tier="fast" if counts.speed == "fast" else tier if len(tier) <= LONGEST_TIER else "",
        searches=(tools.web_search_requests or 0) if tools else 0,
    )


def _tokens(counts: wire.Usage | wire.Iteration) -> tuple[int, int, int, int, int]:
    """Give the tokens by class: what was written to the cache, and which part of that for an hour."""
    fresh, output, written, cached = (getattr(counts, name) or 0 for name in _COUNTS)
    kept = counts.cache_creation
    long_lived = (kept.ephemeral_1h_input_tokens or 0) if kept else 0
    short_lived = (kept.ephemeral_5m_input_tokens or 0) if kept else 0
    return fresh, output, max(written, long_lived + short_lived), cached, long_lived


def merged(known: wire.Usage | None, later: wire.Usage) -> wire.Usage:
    """Lay the counts of a later event over those known so far."""
    if known is None:
        return later
    result = wire.Usage()
    for name in wire.Usage.__struct_fields__:
        value = getattr(later, name)
        setattr(result, name, getattr(known, name) if value is None else value)
    return result


def write_usage(usage: Usage | None) -> dict[str, object]:
    """Write the counts as Anthropic does; an answer without any says zero, since its SDKs insist on numbers."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    written, long_lived = usage.cache_write_tokens, usage.cache_write_1h_tokens
    counts: dict[str, object] = {
        "input_tokens": max(0, usage.prompt_tokens - usage.cached_tokens - written),
        "output_tokens": usage.completion_tokens,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cached_tokens,
    }
    if written:
        counts["cache_creation"] = {
            "ephemeral_5m_input_tokens": max(0, written - long_lived),
            "ephemeral_1h_input_tokens": long_lived,
        }
    if usage.reasoning_tokens:
        counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if usage.service_tier in _TIERS:
        counts["service_tier"] = usage.service_tier
    if usage.service_tier == "fast":
        counts["speed"] = "fast"
    return counts
