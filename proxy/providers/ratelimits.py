"""What an upstream says is left of its rate limits, for the metrics.

Reads headers only. The kinds are a closed set: an upstream must not be able to invent metric labels.

Source: OpenAI, Groq, Azure, OpenRouter and Anthropic API references, read 2026-11-20.
"""

from __future__ import annotations

from proxy.core.call import Headers

_KINDS = {
    b"x-ratelimit-remaining-requests": "requests",
    b"x-ratelimit-remaining-tokens": "tokens",
    b"x-ratelimit-remaining": "requests",
    b"anthropic-ratelimit-requests-remaining": "requests",
    b"anthropic-ratelimit-tokens-remaining": "tokens",
    b"anthropic-ratelimit-input-tokens-remaining": "input_tokens",
    b"anthropic-ratelimit-output-tokens-remaining": "output_tokens",
}


def remaining(headers: Headers) -> tuple[tuple[str, int], ...]:
    """Give what is left per kind of limit; placeholders such as -1 and what is no number are left out.

    Args:
        headers: Names in lower case.
    """
    found: tuple[tuple[str, int], ...] = ()
    for name, value in headers:
        if name in _KINDS and value.isdigit() and len(value) < 16:
            found = (*found, (_KINDS[name], int(value)))
    return found
