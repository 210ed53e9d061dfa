"""Sampling, limits, thinking and Cohere's own members.

Sources, read 2026-11-20: cohere 7.3.1 v2/raw_client.py (ranges), types/thinking.py, types/citation_options.py;
docs.cohere.com reasoning (on unless it is told otherwise).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.json import Decoder

from proxy.apischema.cohere import CitationOptions, SafetyMode, WrittenDocument
from proxy.core.conversation import Conversation, Effort, Params, Reasoning
from proxy.translate.cohere.messages import Block
from proxy.translate.cohere.unsupported import UNSUPPORTED, refused

MOST_STOPS = 5
_REASONING = "reasoning"  # in the names of the models that think and can be told not to

_OWN: Mapping[str, Decoder[Any]] = {
    "documents": Decoder(list[str | WrittenDocument]),
    "citation_options": Decoder(CitationOptions),
    "safety_mode": Decoder(SafetyMode),
}


def write_params(params: Params) -> Block:
    """Write sampling and limits, within Cohere's ranges.

    Raises:
        Untranslatable: More stop sequences than it takes.
    """
    stops = [stop for stop in params.stop if stop]
    if len(stops) > MOST_STOPS:
        raise refused("stops", "stop")
    body = {
        "max_tokens": params.max_tokens,
        "temperature": _within(params.temperature, 0.0, 2.0),
        "p": _within(params.top_p, 0.01, 0.99),
        "k": None if params.top_k is None else min(max(params.top_k, 0), 500),
        "seed": params.seed,
        "stop_sequences": stops or None,
        "frequency_penalty": _within(params.frequency_penalty, 0.0, 1.0),
        "presence_penalty": _within(params.presence_penalty, 0.0, 1.0),
        "logprobs": params.logprobs or None,
    }
    return {name: value for name, value in body.items() if value is not None}


def write_thinking(asked: Reasoning, model: str, dropped: list[str]) -> Block:
    """Write `thinking`: on, off, or with a budget; words for effort only switch it on."""
    off = asked.effort is Effort.NONE or (asked.effort is None and asked.budget_tokens == 0)
    told = asked.effort is not None or asked.budget_tokens is not None or asked.adaptive
    if not told:
        return {}
    if _REASONING not in model:
        if not off:
            dropped.append("reasoning_effort")
        return {}
    if off:
        return {"thinking": {"type": "disabled"}}
    thinking: Block = {"type": "enabled"}
    if asked.budget_tokens is not None and asked.budget_tokens > 0:
        thinking["token_budget"] = asked.budget_tokens
    return {"thinking": thinking}


def own_members(conversation: Conversation) -> Block:
    """Pass Cohere's own members that a client wrote, if they are what Cohere takes.

    Raises:
        Untranslatable: They are not.
    """
    return UNSUPPORTED.own_members(conversation, _OWN)


def _within(value: float | None, least: float, most: float) -> float | None:
    return None if value is None else min(max(value, least), most)
