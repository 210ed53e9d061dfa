"""Which request members an upstream refuses although the request could do without them.

Reads what an error says of its request's members; gives names only where every member named is a hint whose absence
leaves the meaning of the request as it was.

Source: refusals as worded by OpenAI, Azure, xAI, Groq, Mistral, Anthropic, Gemini's compatible mode and vLLM (for
instance open-webui/open-webui#21266, Gitlawb/openclaude#739, openai `unsupported_parameter`), read 2026-11-20.
"""

from __future__ import annotations

import re

from proxy.providers.betas import refused_flags
from proxy.providers.errorbody import ErrorBody

# Never here: what bounds cost (`max_tokens`), what the answer must contain (`tools`, `response_format`, `n`, `stop`,
# `modalities`, `dimensions`), and what names the work (`model`, `messages`, `input`).
OPTIONAL = frozenset(
    {
        "chat_template_kwargs",
        "client_metadata",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "metadata",
        "min_p",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "repetition_penalty",
        "safety_identifier",
        "seed",
        "service_tier",
        "store",
        "stream_options",
        "temperature",
        "thinking",
        "top_k",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
    }
)

_NAMED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"unsupported (?:parameter|value|argument)s?: ?[`'\"]?(\w+)",
        r"^[`'\"]?(\w+)[`'\"]? (?:is|are) (?:not supported|unsupported|deprecated|not permitted|not allowed)",
        r"^property [`'\"](\w+)[`'\"] is (?:not supported|unsupported)",
        r"^argument not supported on this model: ?(\w+)",
        r"^model \S{1,200} does not support (?:the )?(?:parameter|argument) [`'\"]?(\w+)",
        r"unrecognized request arguments? supplied: ?[`'\"]?(\w+)",
        r"unknown (?:parameter|name|field|argument):? ?[`'\"](\w+)",
        r"^(\w+): Extra inputs are not permitted",
        r"'extra_forbidden', 'loc': \('body', '(\w+)'\)",
    )
)
_CUE = re.compile(r"not support|unsupported|deprecated|unknown|unrecognized|not permitted|not allowed", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def droppable(error: ErrorBody) -> tuple[str, ...]:
    """Name the members and the beta flags to leave out in one resend; empty if any refused member matters."""
    if flags := refused_flags(error.message):
        return flags
    named = list(dict.fromkeys(_snake(name) for name in _refused(error)))
    return tuple(named) if named and OPTIONAL.issuperset(named) else ()


def _refused(error: ErrorBody) -> list[str]:
    if error.unknown:
        return list(error.unknown)
    if error.param and (error.param == "service_tier" or _CUE.search(f"{error.code or ''} {error.message}")):
        return [error.param]
    return [name for pattern in _NAMED for name in pattern.findall(error.message)]


def _snake(name: str) -> str:
    """Write `presencePenalty`, as xAI names it, the way it was sent."""
    return _CAMEL.sub("_", name).lower()
