"""What Bedrock's Converse has no words for: hints are left out and named, what means something is refused."""

from __future__ import annotations

from proxy.core.conversation import Conversation, Vendor
from proxy.translate.foreign import refuse_foreign
from proxy.translate.lacks import NO_SCHEMA, NO_SUCH_TOOL, Hint, Lacks, Refused

# Members that a client of any dialect may write for Bedrock itself; `request` looks at them before they pass.
OWN_MEMBERS = frozenset({"guardrailConfig", "performanceConfig"})

UNSUPPORTED = Lacks(
    n=Refused("Bedrock gives one answer to a request; send it n times."),
    modalities=Refused("Bedrock answers in text here; leave modalities out.", "audio"),
    seed=Hint("no such parameter"),
    presence_penalty=Hint("no such parameter"),
    frequency_penalty=Hint("no such parameter"),
    logprobs=Hint("not in its answers"),
    top_logprobs=Hint("not in its answers"),
    verbosity=Hint("no such parameter"),
    prompt_cache_key=Hint("its cache is told by marks"),
    # What a part, a tool or a parameter asks for, by names of ours.
    image_type=Refused("Bedrock takes PNG, JPEG, GIF and WebP images.", "images"),
    document_type=Refused("Bedrock cannot read documents of this type."),
    audio_type=Refused("Bedrock cannot hear audio of this format.", "audio"),
    url=Refused("Bedrock fetches nothing by its URL; send the data itself."),
    file_id=Refused("Bedrock does not know this file id; send the data itself."),
    system_media=Refused("System messages are text alone; send files in a message of the user."),
    assistant_media=Refused("Bedrock takes files from the user alone; leave those of the assistant out."),
    prefill=Refused("This model cannot continue its own words; end with a message of the user."),
    tool_kind=Refused("Bedrock has functions alone as tools; leave this one out.", "tools"),
    tool_name=Refused("Bedrock takes tool names of 1 to 64 letters, digits, _ and -."),
    tool_choice=Refused("This model cannot be made to call a tool; use auto."),
    tool_choice_name=NO_SUCH_TOOL,
    schema=NO_SCHEMA,
    json_schema=Refused(
        "This model cannot be held to a JSON schema; ask for a JSON object, or use a tool.", "json_schema"
    ),
    stops=Refused("This model takes no stop sequences on Bedrock."),
    own_member=Refused("Not what Bedrock's service model says."),
    embedding_model=Refused("Fairlead knows Titan's and Cohere's embedding models on Bedrock, not this one."),
    several_texts=Refused("Titan embeds one text a request; send each input by itself."),
    too_many_texts=Refused("Cohere embeds at most 96 texts a request."),
    dimensions=Refused("This model's vectors have one size; leave dimensions out."),
)
refused = UNSUPPORTED.refused


def leave_out(conversation: Conversation) -> list[str]:
    """Name what is left out of a request, as far as its model does not matter.

    Raises:
        Untranslatable: Something of it cannot be left out.
    """
    refuse_foreign(conversation, Vendor.AMAZON, OWN_MEMBERS)
    return UNSUPPORTED.leave_out(conversation, OWN_MEMBERS)
