"""Limits, sampling, reasoning and the rest of a request: OpenAI chat to and from the hub.

Source: OpenAI Python SDK 3.51.0, types/chat/completion_create_params.py; openrouter 1.3.84 (`reasoning`); litellm
1.109.1 (`thinking`), read 2026-11-20; api-docs.deepseek.com/guides/thinking_mode (on unless it is switched off), as
earendil-works/pi packages/ai/src/api/openai-completions.ts has it, read 2026-11-21.
"""

from __future__ import annotations

from typing import Any

from proxy.apischema import openai_chat as schema
from proxy.core.conversation import Conversation, Effort, Params, Reasoning
from proxy.core.translation import Target
from proxy.translate.effort import read_effort, wanted_effort
from proxy.translate.userids import user_member

# Members that are the same in hub and dialect: None and empty are not written.
_SAME = (
    "temperature",
    "top_p",
    "n",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "service_tier",
    "verbosity",
    "prompt_cache_key",
)


def decode_params(request: schema.Request) -> Params:
    """Read everything that is a number, a name or a list of such."""
    stop = request.stop
    largest = request.max_completion_tokens
    return Params(
        max_tokens=request.max_tokens if largest is None else largest,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        n=request.n,
        seed=request.seed,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        logprobs=request.logprobs,
        top_logprobs=request.top_logprobs,
        user=request.user or request.safety_identifier or "",
        service_tier=request.service_tier or "",
        verbosity=request.verbosity or "",
        modalities=tuple(request.modalities or ()),
        metadata=request.metadata,
        parallel_tool_calls=request.parallel_tool_calls,
        prompt_cache_key=request.prompt_cache_key or "",
    )


def decode_reasoning(request: schema.Request) -> Reasoning:
    """Read how much to think: `reasoning_effort`, and `reasoning` and `thinking` as gateways have them.

    The more exact wins: a budget in `thinking`, then `reasoning`, then the effort.
    """
    effort, asked, thinking = read_effort(request.reasoning_effort), request.reasoning, request.thinking
    budget, visible, summary, adaptive = None, None, "", False
    if asked is not None:
        effort = read_effort(asked.effort) or effort
        budget, summary = asked.max_tokens, asked.summary or ""
        visible = None if asked.exclude is None else not asked.exclude
        if asked.enabled is False:
            effort = Effort.NONE
    if thinking is not None:
        if thinking.type == "disabled":
            return Reasoning(budget_tokens=0)
        adaptive = thinking.type == "adaptive"
        budget = budget if thinking.budget_tokens is None else thinking.budget_tokens
        visible = visible if thinking.display is None else thinking.display != "omitted"
    return Reasoning(effort, budget, adaptive, visible, summary)


def encode_params(conversation: Conversation, target: Target) -> tuple[dict[str, Any], list[str]]:
    """Write parameters and reasoning; gives the names of those that have no place too."""
    params, dropped = conversation.params, []
    members: dict[str, Any] = {}
    if params.max_tokens is not None:
        members["max_completion_tokens"] = params.max_tokens
    for name in _SAME:
        value = getattr(params, name)
        if value is not None and value != "":
            members[name] = value
    members.update(user_member(params.user))
    if params.stop:
        members["stop"] = list(params.stop)
    if params.modalities:
        members["modalities"] = list(params.modalities)
    if params.top_k is not None:
        if "top_k" in target.extensions:
            members["top_k"] = params.top_k
        else:
            dropped.append("top_k")
    if params.metadata is not None:
        dropped.append("metadata")
    members.update(_reasoning(conversation.reasoning, target))
    return members, dropped


def _reasoning(reasoning: Reasoning, target: Target) -> dict[str, Any]:
    budget, effort = reasoning.budget_tokens, reasoning.effort
    if "reasoning" in target.extensions:
        asked: dict[str, Any] = {}
        if budget is not None and budget > 0:
            asked["max_tokens"] = budget
        elif (wanted := wanted_effort(reasoning)) is not None:
            asked["effort"] = wanted.value
        if reasoning.visible is not None:
            asked["exclude"] = not reasoning.visible
        return {"reasoning": asked} if asked else {}
    if "thinking" in target.extensions and budget is not None and budget >= 0:
        return {"thinking": {"type": "enabled", "budget_tokens": budget} if budget else {"type": "disabled"}}
    wanted = wanted_effort(reasoning)
    if "thinking_switch" in target.extensions and wanted is Effort.NONE:
        return {"thinking": {"type": "disabled"}}
    # Models that do not think refuse the word "none": it is written only where a client of OpenAI's wrote it.
    if effort is None and budget == 0:
        return {}
    return {} if wanted is None else {"reasoning_effort": wanted.value}
