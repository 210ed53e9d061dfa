"""What an answer leaves behind for the requests that refer to it."""

from __future__ import annotations

from proxy.core.call import Call
from proxy.core.ports import KeptItems
from proxy.core.snapshot import ClientKey
from proxy.translate.openai_responses.references import answered_items, streamed_items

_FALSE = b"false"


def owner_of(key: ClientKey | None) -> str:
    """Who may refer to what this key was answered."""
    return "" if key is None else key.name


def keep_answer(kept: KeptItems, call: Call, last: bytes) -> None:
    """Keep the items of an answer of OpenAI Responses, unless the client asked for nothing to be kept.

    Before the client has the last bytes: it may refer to them at once.

    Args:
        last: The whole answer, or the last events of a stream.
    """
    store = call.fields.get("store")
    if store is None or bytes(store) != _FALSE:
        items = streamed_items(last) if call.stream else answered_items(last)
        kept.keep(owner_of(call.key), items)
