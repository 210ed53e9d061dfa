"""What the Messages API has no word for: hints that are left out and named, and what is refused instead.

Source: anthropic SDK 2.11.0 types/message_create_params.py (no such members), read 2026-11-20.
"""

from __future__ import annotations

from proxy.core.conversation import Conversation, Vendor
from proxy.translate.foreign import refuse_foreign
from proxy.translate.lacks import Hint, Lacks, Refused

# Of parameters the names are OpenAI's; those of other dialects' own members are in `Conversation.rest`.
UNSUPPORTED = Lacks(
    seed=Hint("sampling has no seed"),
    presence_penalty=Hint("no penalties"),
    frequency_penalty=Hint("no penalties"),
    logprobs=Hint("no token probabilities"),
    top_logprobs=Hint("no token probabilities"),
    verbosity=Hint("no such control"),
    metadata=Hint("only an opaque user id is taken"),
    prompt_cache_key=Hint("caching is by marks in the prompt"),
    detail=Hint("images have one resolution"),
    # What a setting, a tool or a part asks for, by names of ours.
    choices=Refused("This upstream gives one answer a request; ask for n = 1."),
    modalities=Refused("This upstream answers in text only."),
    audio=Refused("This upstream cannot hear audio.", "audio"),
    json_schema=Refused("This model has no structured output; choose a newer Claude.", "json_schema"),
    tool_choice=Refused("This model cannot be made to call a tool; let it choose (tool_choice auto)."),
    custom_tools=Refused("This upstream has no free-text tools; use function tools."),
    tool_name=Refused("A tool's name is at most 128 letters, digits, `_` and `-` here."),
    prefill=Refused("This model cannot go on with a message that is already begun; end with a user message."),
    assistant_media=Refused("This upstream takes images and documents from the user only."),
    system_media=Refused("This upstream takes text alone as system message."),
    no_messages=Refused("There is no message to answer."),
)
refused = UNSUPPORTED.refused


def refuse(conversation: Conversation) -> None:
    """Refuse a request whose settings ask for what cannot be had here, whatever the model.

    Raises:
        Untranslatable: It does.
    """
    refuse_foreign(conversation, Vendor.ANTHROPIC)
    UNSUPPORTED.refuse_more_than_a_text(conversation.params)


def unheard(conversation: Conversation) -> list[str]:
    """Name the hints beside the messages that are left out; zero is as good as unsaid."""
    params = conversation.params
    names = [name for name in UNSUPPORTED.hints if getattr(params, name)]
    if conversation.dialect_vendor is not Vendor.ANTHROPIC:
        names += conversation.rest
    return names
