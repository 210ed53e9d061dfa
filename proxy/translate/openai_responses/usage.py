"""Usage as OpenAI Responses counts it, to and from the hub's.

Source: OpenAI Python SDK 3.51.0, types/responses/response_usage.py, read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

from proxy.apischema import openai_responses as schema
from proxy.core.usage import LONGEST_TIER, Usage
from proxy.translate.charged import reported_nusd
from proxy.translate.counts import counts_decoder, read_counts
from proxy.wire.typedjson import given

_COUNTS = counts_decoder(schema.Usage)
_NO_INPUT = schema.InputDetails()
_NO_OUTPUT = schema.OutputDetails()

# Those that the SDK's type has.
TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})


def decode_usage(response: schema.Response) -> Usage | None:
    """Read the usage of an answer; counts that make no sense are none."""
    if (found := given(response.usage)) is None:
        return None
    counts = read_counts(_COUNTS, found)
    if counts is None or counts.input_tokens is None:
        return None
    if not counts.input_tokens and not counts.output_tokens:
        return None
    inputs, outputs = counts.input_tokens_details or _NO_INPUT, counts.output_tokens_details or _NO_OUTPUT
    return Usage(
        prompt_tokens=counts.input_tokens,
        completion_tokens=counts.output_tokens or 0,
        cached_tokens=inputs.cached_tokens or 0,
        reasoning_tokens=outputs.reasoning_tokens or 0,
        cache_write_tokens=inputs.cache_write_tokens or 0,
        reported_cost_nusd=reported_nusd(counts),
        service_tier=tier if len(tier := response.service_tier or "") <= LONGEST_TIER else "",
    )


def usage_object(usage: Usage) -> dict[str, Any]:
    """Write usage; what was not counted is 0."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
