"""What Cohere's v2 chat has no words for: hints are left out and named, what means something is refused."""

from __future__ import annotations

from proxy.core.conversation import Conversation, Vendor
from proxy.translate.foreign import refuse_foreign
from proxy.translate.lacks import NO_SCHEMA, NO_SUCH_TOOL, Hint, Lacks, Refused

# Members that a client of any dialect may write for Cohere itself; `params` looks at them before they pass.
OWN_MEMBERS = frozenset({"documents", "citation_options", "safety_mode"})

UNSUPPORTED = Lacks(
    n=Refused("Cohere gives one answer to a request; send it n times."),
    modalities=Refused("Cohere answers in text; leave modalities out.", "audio"),
    top_logprobs=Hint("it tells of the tokens it chose alone"),
    user=Hint("no such parameter"),
    metadata=Hint("no such parameter"),
    service_tier=Hint("no such parameter"),
    verbosity=Hint("no such parameter"),
    parallel_tool_calls=Hint("the model decides"),
    prompt_cache_key=Hint("its cache works by itself"),
    # What a part, a tool or a parameter asks for, by names of ours.
    audio=Refused("Cohere cannot hear audio.", "audio"),
    result_image=Refused("Cohere takes no images as results of tools.", "images"),
    file_id=Refused("Cohere does not know this file id; send the data itself."),
    document_type=Refused("Cohere reads documents of plain text alone; send its text."),
    document_text=Refused("The document is not text in base64."),
    tool_kind=Refused("Cohere has functions alone as tools; leave this one out.", "tools"),
    tool_choice_name=NO_SUCH_TOOL,
    schema=NO_SCHEMA,
    format_beside=Refused("Cohere gives no JSON answers beside tools or documents."),
    stops=Refused("Cohere takes at most 5 stop sequences."),
    own_member=Refused("Not what Cohere's API says."),
    too_many_texts=Refused("Cohere embeds at most 96 texts a request."),
    no_documents=Refused("There is nothing to rank: documents is empty."),
)
refused = UNSUPPORTED.refused


def leave_out(conversation: Conversation) -> list[str]:
    """Name what is left out of a request.

    Raises:
        Untranslatable: Something of it cannot be left out.
    """
    refuse_foreign(conversation, Vendor.COHERE, OWN_MEMBERS)
    return UNSUPPORTED.leave_out(conversation, OWN_MEMBERS)
