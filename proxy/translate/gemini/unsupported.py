"""What other dialects can ask and Google's cannot: hints are left out and named, the rest is refused.

Names are OpenAI's, which is what most clients of another dialect speak.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxy.core.conversation import Conversation, Params, Vendor
from proxy.translate.foreign import refuse_foreign
from proxy.translate.gemini.models import Control, Traits
from proxy.translate.gemini.thinking import keeps_thinking
from proxy.translate.gemini.vocab import TIERS_FROM_OPENAI
from proxy.translate.lacks import Hint, Lacks, Refused

UNSUPPORTED = Lacks(
    user=Hint("Google has no member for whom a request is made"),
    verbosity=Hint("no such control"),
    metadata=Hint("labels allow few characters, and a request with others is refused"),
    prompt_cache_key=Hint("caching is implicit, or by name"),
    parallel_tool_calls=Hint("calls cannot be kept apart"),
    service_tier=Hint("a tier of another vendor"),
    presence_penalty=Hint("refused by this model"),
    frequency_penalty=Hint("refused by this model"),
    reasoning_effort=Hint("this model is not told how much to think, or always thinks"),
    stop=Refused("Gemini models take at most 5 stop sequences."),
    modalities=Refused("Gemini models answer in sound only through Google's own API; ask for text.", "audio"),
    audio=Refused("Gemini models answer in sound only through Google's own API; ask for text.", "audio"),
    response_format=Refused(
        "This Gemini model gives structured output only without tools; leave one of them out.", "json_schema"
    ),
    functions=Refused("Gemini models take `tools`; `functions` was their forerunner.", "tools"),
    function_call=Refused("Gemini models take `tool_choice`; `function_call` was its forerunner."),
)

# Source: generativelanguage v1beta, GenerationConfig.stop_sequences, in Google's generated clients, read 2026-11-20.
MOST_STOPS = 5

refused = UNSUPPORTED.refused


def check(conversation: Conversation, traits: Traits) -> None:
    """Refuse what cannot be had from this model.

    Raises:
        Untranslatable: There is such a thing.
    """
    refuse_foreign(conversation, Vendor.GOOGLE)
    params = conversation.params
    if len(params.stop) > MOST_STOPS:
        raise refused("stop", "stop")
    if conversation.format is not None and conversation.tools and not traits.json_with_tools:
        raise refused("response_format", "response_format")
    if conversation.dialect_vendor is not Vendor.GOOGLE:
        if "audio" in params.modalities:
            raise refused("modalities", "modalities")
        for name in conversation.rest:
            if isinstance(UNSUPPORTED.get(name), Refused):
                raise refused(name, name)


def dropped_hints(conversation: Conversation, traits: Traits) -> list[str]:
    """Name what is left out of this request."""
    return [*_of_params(conversation.params, traits), *_others(conversation, traits)]


def _of_params(params: Params, traits: Traits) -> Iterable[str]:
    if params.user:
        yield "user"
    if params.verbosity:
        yield "verbosity"
    if params.metadata:
        yield "metadata"
    if params.prompt_cache_key:
        yield "prompt_cache_key"
    if params.parallel_tool_calls is False:
        yield "parallel_tool_calls"
    if params.service_tier and params.service_tier != "auto" and params.service_tier not in TIERS_FROM_OPENAI:
        yield "service_tier"
    if not traits.penalties:
        if params.presence_penalty:
            yield "presence_penalty"
        if params.frequency_penalty:
            yield "frequency_penalty"


def _others(conversation: Conversation, traits: Traits) -> Iterable[str]:
    reasoning = conversation.reasoning
    asked = reasoning.effort is not None or reasoning.budget_tokens is not None or reasoning.adaptive
    if (asked and traits.control is Control.NONE) or keeps_thinking(reasoning, traits):
        yield "reasoning_effort"
    if conversation.dialect_vendor is not Vendor.GOOGLE:
        yield from conversation.rest
