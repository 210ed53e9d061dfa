"""What OpenAI chat cannot say of a request in another dialect, and what becomes of it."""

from __future__ import annotations

from proxy.core.translation import Untranslatable

# Hints, named as in `Params` or by OpenAI Responses: left out and told. Everything else: the message of the refusal.
UNSUPPORTED = {
    "top_k": "no member of OpenAI's; sent only to providers that take it",
    "metadata": "refused by OpenAI unless it stores the answer",
    "store": "nothing is kept of an answer in another dialect",
    "include": "asks Responses for what chat answers by itself or never",
    "truncation": "chat refuses what is too long",
    "max_tool_calls": "counts calls of tools that the provider runs itself",
    "context_management": "chat has no compaction",
    "audio_url": "This provider takes audio only as data in the request, not by URL.",
    "image_file": "This provider takes images only as data or by URL, not by a file's id.",
    "document_url": "This provider takes documents only as data in the request, not by URL.",
    "foreign_file": "This provider cannot read a file that another vendor keeps; send the file's data.",
    "assistant_image": "This provider does not take images in the assistant's own messages.",
}


def refused(name: str, param: str, capability: str = "") -> Untranslatable:
    """Make the refusal of something semantic that `UNSUPPORTED` names."""
    return Untranslatable(UNSUPPORTED[name], param=param, capability=capability)
