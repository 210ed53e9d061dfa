"""Cohere's token counts in OpenAI's terms: what it bills, which leaves out the words that it adds to a prompt itself
and the marks that its models put into an answer.

Source: docs.cohere.com how-does-cohere-pricing-work (billed tokens are the ones that are charged); cohere 7.3.1
types/usage.py, types/api_meta.py, read 2026-11-20.
"""

from __future__ import annotations

from msgspec import Raw

from proxy.apischema import cohere
from proxy.core.usage import Usage
from proxy.translate.counts import counts_decoder, read_counts

_DECODER = counts_decoder(cohere.Usage)
_NOTHING = cohere.Tokens()


def usage_of(member: Raw) -> Usage | None:
    """Read what an answer counted, a chat's `usage` or another's `meta`; None where it counted nothing."""
    counts = read_counts(_DECODER, member)
    if counts is None:
        return None
    billed, used = counts.billed_units or _NOTHING, counts.tokens or _NOTHING
    searches = billed.search_units or 0
    if billed.input_tokens or billed.output_tokens:
        # `cached_tokens` are of all that was used: how many of those were billed is not said.
        return Usage(billed.input_tokens or 0, billed.output_tokens or 0, searches=searches)
    prompt, completion = used.input_tokens or 0, used.output_tokens or 0
    if not (prompt or completion or searches):
        return None
    return Usage(prompt, completion, cached_tokens=min(counts.cached_tokens or 0, prompt), searches=searches)
