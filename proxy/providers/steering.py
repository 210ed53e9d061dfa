"""Members of a request by which a client would have done what its key may not, or what nobody judged and priced.

Which of them a vendor knows stands in its row of `kinds`; here are their sets, and what leaves out a member that means
another one. Values and a pure function; never refuses a request.
"""

from __future__ import annotations

from msgspec import Raw

# They have other models serve than the one that the key was let to.
CLAUDE = frozenset({"fallbacks"})  # Source: anthropic 2.11.0 types/beta/beta_fallbacks_param.py.
# Source: https://www.openrouter.ai/docs/model-routing, npm @openrouter/schemas, read 2026-11-20.
OPENROUTER = frozenset({"models", "route"})
# It wins over `model`. Source: https://docs.perplexity.ai/docs/agent-api/model-fallback, read 2026-11-21.
PERPLEXITY = frozenset({"models"})
GATEWAYS = OPENROUTER | CLAUDE  # what any server may be that speaks the OpenAI dialect

# What a request is judged by, beside its model, and what may be added to it.
_JUDGED = frozenset(
    {
        "background",
        "best_of",
        "conversation",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens",
        "n",
        "options",
        "previous_response_id",
        "service_tier",
        "store",
        "stream",
        "stream_options",
    }
)


def leave_out_twins(members: dict[str, Raw], unwanted: frozenset[str]) -> tuple[str, ...]:
    """Leave out members whose names in lower case are others: the upstream may take the one that nobody judged.

    Args:
        unwanted: Names that the upstream does not get.

    Returns:
        The names left out.
    """
    names = "".join(members)
    if names.isascii() and names.islower():  # nearly always
        return ()
    taken = unwanted.union(_JUDGED, members)
    twins = tuple([name for name in members if (plain := name.casefold()) != name and plain in taken])
    for name in twins:
        del members[name]
    return twins
