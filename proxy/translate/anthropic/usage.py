"""Token counts: Anthropic leaves what came from and went to the cache out of `input_tokens`, the hub does not.

Source: anthropic SDK 2.11.0 types/usage.py and types/message_delta_usage.py (counts of a stream are totals, those left
out stay as they were), types/beta/beta_usage.py (what is not in them),
https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool (nor what an advisor used; of the input of
several messages only the first one's may be), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Raw

from proxy.apischema import anthropic as wire
from proxy.core.usage import LONGEST_TIER, Usage
from proxy.translate.counts import counts_decoder, read_counts

_TIERS = frozenset({"standard", "priority", "batch"})
_COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
# Iterations. The counts above them leave out a compaction, the vendor's own request by this model, and an advisor.
_MESSAGE, _COMPACTION, _ADVISOR = "message", "compaction", "advisor_message"
_LONGEST_NAME = 256
_DECODER = counts_decoder(wire.Usage)

_Tokens: TypeAlias = tuple[int, int, int, int, int]  # not cached, output, written, cached, written for an hour


def decode_counts(member: Raw) -> wire.Usage | None:
    """Read the counts of an answer or an event; None where there are none or they make no sense."""
    return read_counts(_DECODER, member)


def read_usage(counts: wire.Usage | None) -> Usage | None:
    """Give the counts in the hub's terms; None where nothing was counted."""
    if counts is None:
        return None
    tokens, others = _tokens(counts), tuple[tuple[str, Usage], ...]()
    if counts.iterations:
        tokens, others = _iterated(tokens, counts.iterations)
    fresh, output, written, cached, long_lived = tokens
    details, tools, tier = counts.output_tokens_details, counts.server_tool_use, counts.service_tier or ""
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
        others=others,
    )


def _iterated(totals: _Tokens, iterations: list[wire.Iteration]) -> tuple[_Tokens, tuple[tuple[str, Usage], ...]]:
    """Add what the totals leave out; give it by model too, where that is an advisor's."""
    of_kind = {
        kind: [_tokens(iteration) for iteration in iterations if iteration.type == kind]
        for kind in (_MESSAGE, _COMPACTION, _ADVISOR)
    }
    advice = of_kind[_ADVISOR]
    if advice:  # the totals may hold all messages' input or the first one's alone
        fresh, output, written, cached, long_lived = map(max, zip(totals, _sum(of_kind[_MESSAGE]), strict=True))
        totals = fresh, output, written, cached, long_lived
    names = [iteration.model or "" for iteration in iterations if iteration.type == _ADVISOR]
    others = [
        (name if len(name) <= _LONGEST_NAME else "", _usage(tokens))
        for name, tokens in zip(names, advice, strict=True)
        if any(tokens)
    ]
    return _sum([totals, *of_kind[_COMPACTION], *advice]), tuple(others)


def _usage(tokens: _Tokens) -> Usage:
    fresh, output, written, cached, long_lived = tokens
    return Usage(fresh + cached + written, output, cached, cache_write_tokens=written, cache_write_1h_tokens=long_lived)


def _sum(of: Iterable[_Tokens]) -> _Tokens:
    fresh, output, written, cached, long_lived = map(sum, zip((0, 0, 0, 0, 0), *of, strict=True))
    return fresh, output, written, cached, long_lived


def _tokens(counts: wire.Usage | wire.Iteration) -> _Tokens:
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
