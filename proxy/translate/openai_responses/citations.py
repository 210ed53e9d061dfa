"""Citations: the hub keeps chat's list of them, in which a URL lies one level deeper than in Responses.

Chat counts letters from the beginning of the answer, Responses from that of the text that cites.

Source: OpenAI Python SDK 3.51.0, types/responses/response_output_text.py, chat_completion_message.py, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from proxy.apischema import openai_responses as schema
from proxy.core.conversation import Native, Vendor
from proxy.wire.jsonbody import raw

KIND = "annotations"
_URL = "url_citation"
_PLACES = ("start_index", "end_index")


class _Nested(Struct):
    type: str
    url_citation: dict[str, Any] | None = None


_FLAT = msgspec.json.Decoder(dict[str, Any])
_NESTED = msgspec.json.Decoder(list[_Nested])


def read_citations(parts: Iterable[schema.Part], before: int) -> Native | None:
    """Keep the citations of URLs; those of files mean nothing outside of the account that has them.

    Args:
        before: How many letters the answer says before these parts of a message.
    """
    found = []
    for part in parts:
        for annotation in part.annotations or ():
            try:
                members = _FLAT.decode(annotation)
            except (ValueError, RecursionError):  # a citation is no reason to lose an answer
                continue
            if members.pop("type", None) == _URL:
                places = {name: members[name] + before for name in _PLACES if type(members.get(name)) is int}
                found.append({"type": _URL, _URL: members | places})
        before += len(part.text or "")
    return Native(Vendor.OPENAI, KIND, raw(found)) if found else None


def written_citations(native: Native) -> list[dict[str, Any]]:
    """Write the citations of URLs as Responses has them."""
    try:
        listed = _NESTED.decode(native.value)
    except (ValueError, RecursionError):
        return []
    return [{"type": _URL, **found.url_citation} for found in listed if found.url_citation]
