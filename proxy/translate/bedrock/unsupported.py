"""What Bedrock's Converse has no words for: hints are left out and named, what means something is refused."""

from __future__ import annotations

from proxy.core.conversation import Conversation, Vendor
from proxy.core.translation import Untranslatable
from proxy.translate import lacks
from proxy.translate.foreign import refuse_foreign
from proxy.translate.lacks import Lack, Table

# Members that a client of any dialect may write for Bedrock itself; `request` looks at them before they pass.
OWN_MEMBERS = frozenset({"guardrailConfig", "performanceConfig"})


UNSUPPORTED: Table = {
    "n": Lack("Bedrock gives one answer to a request; send it n times.", True),
    "modalities": Lack("Bedrock answers in text here; leave modalities out.", True, "audio"),
    "seed": Lack("no such parameter"),
    "presence_penalty": Lack("no such parameter"),
    "frequency_penalty": Lack("no such parameter"),
    "logprobs": Lack("not in its answers"),
    "top_logprobs": Lack("not in its answers"),
    "verbosity": Lack("no such parameter"),
    "prompt_cache_key": Lack("its cache is told by marks"),
    # What a part, a tool or a parameter asks for, by names of ours.
    "image_type": Lack("Bedrock takes PNG, JPEG, GIF and WebP images.", True, "images"),
    "document_type": Lack("Bedrock cannot read documents of this type.", True),
    "audio_type": Lack("Bedrock cannot hear audio of this format.", True, "audio"),
    "url": Lack("Bedrock fetches nothing by its URL; send the data itself.", True),
    "file_id": Lack("Bedrock does not know this file id; send the data itself.", True),
    "system_media": Lack("System messages are text alone; send files in a message of the user.", True),
    "assistant_media": Lack("Bedrock takes files from the user alone; leave those of the assistant out.", True),
    "prefill": Lack("This model cannot continue its own words; end with a message of the user.", True),
    "tool_kind": Lack("Bedrock has functions alone as tools; leave this one out.", True, "tools"),
    "tool_name": Lack("Bedrock takes tool names of 1 to 64 letters, digits, _ and -.", True),
    "tool_choice": Lack("This model cannot be made to call a tool; use auto.", True),
    "tool_choice_name": Lack("No tool has the name that tool_choice asks for.", True),
    "schema": Lack("The schema is not a JSON object.", True),
    "json_schema": Lack(
        "This model cannot be held to a JSON schema; ask for a JSON object, or use a tool.", True, "json_schema"
    ),
    "stops": Lack("This model takes no stop sequences on Bedrock.", True),
    "own_member": Lack("Not what Bedrock's service model says.", True),
    "embedding_model": Lack("Fairlead knows Titan's and Cohere's embedding models on Bedrock, not this one.", True),
    "several_texts": Lack("Titan embeds one text a request; send each input by itself.", True),
    "too_many_texts": Lack("Cohere embeds at most 96 texts a request.", True),
    "dimensions": Lack("This model's vectors have one size; leave dimensions out.", True),
}
_PARAMS = lacks.params_of(UNSUPPORTED)


def leave_out(conversation: Conversation) -> list[str]:
    """Name what is left out of a request, as far as its model does not matter.

    Raises:
        Untranslatable: Something of it cannot be left out.
    """
    refuse_foreign(conversation, Vendor.AMAZON, OWN_MEMBERS)
    return lacks.leave_out(conversation, UNSUPPORTED, _PARAMS, OWN_MEMBERS)


def refused(name: str, param: str | None) -> Untranslatable:
    """Make the refusal of this row; `param` is what the client wrote."""
    return lacks.refusal(UNSUPPORTED, name, param)
