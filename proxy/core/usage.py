"""Token counts of one answer, in OpenAI's terms: prompt includes cached, completion includes reasoning."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

LARGEST_COUNT = 100_000_000  # tokens; no answer has more, so an upstream that says so is wrong
LONGEST_TIER = 64  # characters of a service tier's name

Count = Annotated[int, Meta(ge=0, le=LARGEST_COUNT)]  # as an upstream may report it


class Usage(Struct, frozen=True, gc=False, array_like=True):
    """Tokens, and what pricing needs beside them.

    Attributes:
        prompt_tokens: All of the input; `cached_tokens`, `cache_write_tokens` and `audio_input_tokens` are parts of it.
        completion_tokens: All of the output; `reasoning_tokens` and `audio_output_tokens` are parts of it.
        cache_write_1h_tokens: The part of `cache_write_tokens` that is kept for an hour.
        estimated: No upstream reported these counts.
        reported_cost_nusd: What the upstream says it charged, in nano-dollars (1e-9 USD); None where it said nothing or
            its kind is not to be believed.
        service_tier: As the upstream's answer named it; "" where it did not.
        searches: What is charged by the search: those of the web that a vendor's own tool made, search units of a
            ranking.
        others: For each time that the vendor had another model work on the answer beside the one that answered: its
            name there ("" where none was said), and its tokens, which are parts of the totals.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    reported_cost_nusd: int | None = None
    service_tier: str = ""
    searches: int = 0
    others: tuple[tuple[str, Usage], ...] = ()


def without_others(usage: Usage) -> Usage:
    """Give what the answering model itself used."""
    for _, used in usage.others:
        usage = replace(
            usage,
            prompt_tokens=usage.prompt_tokens - used.prompt_tokens,
            completion_tokens=usage.completion_tokens - used.completion_tokens,
            cached_tokens=usage.cached_tokens - used.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens - used.cache_write_tokens,
            cache_write_1h_tokens=usage.cache_write_1h_tokens - used.cache_write_1h_tokens,
        )
    return replace(usage, others=())
