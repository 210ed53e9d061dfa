"""Limits, sampling, reasoning and the rest of a request: OpenAI Responses to and from the hub.

Source: OpenAI Python SDK 3.51.0, types/responses/response_create_params.py, types/shared_params/reasoning.py;
earendil-works/pi#6265 (the least limit), read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

from proxy.apischema import openai_responses as schema
from proxy.core.conversation import Conversation, Params, Reasoning
from proxy.translate.effort import read_effort, wanted_effort
from proxy.translate.openai_responses.tools import encode_format
from proxy.translate.openai_responses.unsupported import UNSUPPORTED, refused
from proxy.translate.userids import user_member

LOGPROBS = "message.output_text.logprobs"
SEALED = "reasoning.encrypted_content"  # models that do not think refuse it: asked for only where a client does
LEAST_OUTPUT_TOKENS = 16  # a lower limit is a 400

# Members that are the same in hub and dialect: None and empty are not written.
_SAME = ("temperature", "top_p", "top_logprobs", "service_tier", "prompt_cache_key", "metadata")


def decode_params(request: schema.Request) -> Params:
    """Read everything that is a number, a name or a list of such."""
    tells_logprobs = LOGPROBS in (request.include or ())
    return Params(
        max_tokens=request.max_output_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        logprobs=True if tells_logprobs else None,
        top_logprobs=request.top_logprobs if tells_logprobs else None,
        user=request.user or request.safety_identifier or "",
        service_tier=request.service_tier or "",
        verbosity=(request.text.verbosity if request.text else None) or "",
        metadata=request.metadata or None,
        parallel_tool_calls=request.parallel_tool_calls,
        prompt_cache_key=request.prompt_cache_key or "",
        sealed=SEALED in (request.include or ()),
    )


def decode_reasoning(asked: schema.Reasoning | None) -> Reasoning:
    """Read how much to think; who asks for a summary wants to see the thoughts."""
    if asked is None:
        return Reasoning()
    summary = asked.summary or asked.generate_summary or ""
    return Reasoning(read_effort(asked.effort), visible=True if summary else None, summary=summary)


def encode_params(conversation: Conversation) -> tuple[dict[str, Any], list[str]]:
    """Write parameters and reasoning; gives the names of those that have no place too.

    Raises:
        Untranslatable: Several answers, sound, images or stop sequences are asked for.
    """
    params = conversation.params
    UNSUPPORTED.refuse_more_than_a_text(params)
    if params.stop:
        raise refused("stop", "stop")
    members: dict[str, Any] = {"store": False}
    if params.max_tokens is not None:
        members["max_output_tokens"] = max(params.max_tokens, LEAST_OUTPUT_TOKENS)
    for name in _SAME:
        value = getattr(params, name)
        if value is not None and value != "":
            members[name] = value
    members.update(user_member(params.user))
    if included := [name for name, asked in ((LOGPROBS, params.logprobs), (SEALED, params.sealed)) if asked]:
        members["include"] = included
    if text := _text(conversation):
        members["text"] = text
    if reasoning := _reasoning(conversation.reasoning):
        members["reasoning"] = reasoning
    return members, [name for name in UNSUPPORTED.hints if getattr(params, name) is not None]


def _text(conversation: Conversation) -> dict[str, Any]:
    text: dict[str, Any] = {}
    if conversation.format is not None:
        text["format"] = encode_format(conversation.format)
    if conversation.params.verbosity:
        text["verbosity"] = conversation.params.verbosity
    return text


def _reasoning(reasoning: Reasoning) -> dict[str, str]:
    asked: dict[str, str] = {}
    # Models that do not think refuse the word "none": it is written only where a client wrote it.
    if (effort := wanted_effort(reasoning)) is not None and (reasoning.effort is not None or reasoning.budget_tokens):
        asked["effort"] = effort.value
    if reasoning.summary:
        asked["summary"] = reasoning.summary
    elif reasoning.visible:
        asked["summary"] = "auto"
    return asked
