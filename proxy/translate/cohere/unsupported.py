"""What Cohere's v2 chat has no words for: hints are left out and named, what means something is refused."""

from __future__ import annotations

from proxy.core.conversation import Conversation, Vendor
from proxy.core.translation import Untranslatable
from proxy.translate import lacks
from proxy.translate.foreign import refuse_foreign
from proxy.translate.lacks import Lack, Table

# Members that a client of any dialect may write for Cohere itself; `params` looks at them before they pass.
OWN_MEMBERS = frozenset({"documents", "citation_options", "safety_mode"})


UNSUPPORTED: Table = {
    "n": Lack("Cohere gives one answer to a request; send it n times.", True),
    "modalities": Lack("Cohere answers in text; leave modalities out.", True, "audio"),
    "top_logprobs": Lack("it tells of the tokens it chose alone"),
    "user": Lack("no such parameter"),
    "metadata": Lack("no such parameter"),
    "service_tier": Lack("no such parameter"),
    "verbosity": Lack("no such parameter"),
    "parallel_tool_calls": Lack("the model decides"),
    "prompt_cache_key": Lack("its cache works by itself"),
    # What a part, a tool or a parameter asks for, by names of ours.
    "audio": Lack("Cohere cannot hear audio.", True, "audio"),
    "result_image": Lack("Cohere takes no images as results of tools.", True, "images"),
    "file_id": Lack("Cohere does not know this file id; send the data itself.", True),
    "document_type": Lack("Cohere reads documents of plain text alone; send its text.", True),
    "document_text": Lack("The document is not text in base64.", True),
    "tool_kind": Lack("Cohere has functions alone as tools; leave this one out.", True, "tools"),
    "tool_choice_name": Lack("No tool has the name that tool_choice asks for.", True),
    "schema": Lack("The schema is not a JSON object.", True),
    "format_beside": Lack("Cohere gives no JSON answers beside tools or documents.", True),
    "stops": Lack("Cohere takes at most 5 stop sequences.", True),
    "own_member": Lack("Not what Cohere's API says.", True),
    "too_many_texts": Lack("Cohere embeds at most 96 texts a request.", True),
    "no_documents": Lack("There is nothing to rank: documents is empty.", True),
}
_PARAMS = lacks.params_of(UNSUPPORTED)


def leave_out(conversation: Conversation) -> list[str]:
    """Name what is left out of a request.

    Raises:
        Untranslatable: Something of it cannot be left out.
    """
    refuse_foreign(conversation, Vendor.COHERE, OWN_MEMBERS)
    return lacks.leave_out(conversation, UNSUPPORTED, _PARAMS, OWN_MEMBERS)


def refused(name: str, param: str | None) -> Untranslatable:
    """Make the refusal of this row; `param` is what the client wrote."""
    return lacks.refusal(UNSUPPORTED, name, param)
