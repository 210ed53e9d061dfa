"""What the Messages API has no word for: hints that are left out and named, and what is refused instead.

Source: anthropic SDK 2.11.0 types/message_create_params.py (no such members), read 2026-11-20.
"""

from __future__ import annotations

from proxy.core.conversation import Conversation, Vendor
from proxy.core.translation import Untranslatable
from proxy.translate.foreign import refuse_foreign

# Why a request must be refused: leaving these out would change what it means.
SEMANTIC: dict[str, str] = {
    "n": "This upstream gives one answer a request; ask for n = 1.",
    "modalities": "This upstream answers in text only.",
    "audio": "This upstream cannot hear audio.",
    "json_schema": "This model has no structured output; choose a newer Claude.",
    "tool_choice": "This model cannot be made to call a tool; let it choose (tool_choice auto).",
    "custom_tools": "This upstream has no free-text tools; use function tools.",
    "tool_name": "A tool's name is at most 128 letters, digits, `_` and `-` here.",
    "prefill": "This model cannot go on with a message that is already begun; end with a user message.",
    "assistant_media": "This upstream takes images and documents from the user only.",
    "system_media": "This upstream takes text alone as system message.",
    "no_messages": "There is no message to answer.",
}

# Why a hint is left out. The names are OpenAI's; those of other dialects' own members are in `Conversation.rest`.
HINTS: dict[str, str] = {
    "seed": "sampling has no seed",
    "presence_penalty": "no penalties",
    "frequency_penalty": "no penalties",
    "logprobs": "no token probabilities",
    "top_logprobs": "no token probabilities",
    "verbosity": "no such control",
    "metadata": "only an opaque user id is taken",
    "prompt_cache_key": "caching is by marks in the prompt",
    "detail": "images have one resolution",
}

_PARAMS = tuple(name for name in HINTS if name != "detail")


def refused(reason: str, param: str, capability: str = "") -> Untranslatable:
    """Make the refusal that the table words."""
    return Untranslatable(SEMANTIC[reason], param=param, capability=capability)


def refuse(conversation: Conversation) -> None:
    """Refuse a request whose settings ask for what cannot be had here, whatever the model.

    Raises:
        Untranslatable: It does.
    """
    refuse_foreign(conversation, Vendor.ANTHROPIC)
    params = conversation.params
    if params.n is not None and params.n > 1:
        raise refused("n", "n")
    if params.modalities not in ((), ("text",)):
        raise refused("modalities", "modalities", "audio" if "audio" in params.modalities else "")


def unheard(conversation: Conversation) -> list[str]:
    """Name the hints beside the messages that are left out; zero is as good as unsaid."""
    params = conversation.params
    names = [name for name in _PARAMS if getattr(params, name)]
    if conversation.dialect_vendor is not Vendor.ANTHROPIC:
        names += conversation.rest
    return names
