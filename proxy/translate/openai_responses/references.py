"""Items of earlier answers that a client of OpenAI Responses refers to by their ids instead of sending them again.

Source: OpenAI Python SDK 3.51.0, types/responses/response_input_item_param.py (ItemReference); @ai-sdk/openai 4.0.118,
dist/index.js, which refers to what the model did unless it is told `store: false`; read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Raw, Struct

from proxy.wire.jsonbody import join_object, raw, split_object

_REFERENCE = "item_reference"
_MARK = _REFERENCE.encode()


class _Item(Struct):
    type: str | None = None
    id: str | None = None


class _Answer(Struct):
    output: list[Raw] = []


class _Ended(Struct):
    response: _Answer | None = None


_ITEM = msgspec.json.Decoder(_Item)
_ITEMS = msgspec.json.Decoder(list[Raw])
_ANSWER = msgspec.json.Decoder(_Answer)
_ENDED = msgspec.json.Decoder(_Ended)


def with_items(body: bytes, find: Callable[[str], bytes | None]) -> bytes:
    """Put items in the places of the references to them; what is not found stays as it came.

    Each item is put once: a second reference to it is left, so that no request grows beyond what is kept.

    Args:
        body: A request; one that cannot be read is returned as it is.
        find: Gives an item's JSON by its id, None = not known.
    """
    if _MARK not in body:
        return body
    try:
        members = split_object(body)
        items = _ITEMS.decode(members["input"])
        found = {id_: item for element in items if (id_ := _referred(element)) and (item := find(id_)) is not None}
    except (KeyError, ValueError, RecursionError):  # the request's own reader says what is wrong
        return body
    if not found:
        return body
    told = [Raw(found.pop(_referred(element) or "", element)) for element in items]
    return join_object({**members, "input": raw(told)})


def answered_items(answer: bytes) -> dict[str, bytes]:
    """Return the items of a whole answer by their ids; an answer that cannot be read has none."""
    try:
        return _by_id(_ANSWER.decode(answer))
    except (ValueError, RecursionError):
        return {}


def streamed_items(last: bytes) -> Mapping[str, bytes]:
    """Return the items of a stream by their ids, from its last events: the one that ends it holds the answer."""
    for line in reversed(last.split(b"\n")):
        field, _, data = line.partition(b":")
        if field != b"data" or b'"output"' not in data:
            continue
        try:
            ended = _ENDED.decode(data)
            return {} if ended.response is None else _by_id(ended.response)
        except (ValueError, RecursionError):
            continue
    return {}


def _referred(element: Raw) -> str | None:
    if _MARK not in bytes(element):
        return None
    item = _ITEM.decode(element)
    return item.id if item.type == _REFERENCE else None


def _by_id(answer: _Answer) -> dict[str, bytes]:
    return {id_: bytes(item) for item in answer.output if (id_ := _ITEM.decode(item).id)}
