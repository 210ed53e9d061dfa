"""What Google's clients want embedded, in OpenAI's shape and in Google's other ones, and vectors as Google answers.

`:embedContent` holds one content, `:batchEmbedContents` many in `requests`; what is read here is either. Of several
texts in one content one vector is made: for others than Google they are joined by line breaks.

Sources, read 2026-11-20: google-genai SDK 3.4.0, google/genai/models.py (_EmbedContentParametersPrivate_to_mldev,
_EmbedContentConfig_to_vertex, _EmbedContentResponse_from_mldev), types.py (EmbedContentResponse).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxy.core.translation import Encoded, Target, Undecodable, Untranslatable
from proxy.translate.gemini.embeddings import Method, method
from proxy.translate.gemini.reading import read_members
from proxy.translate.vectors import read_vectors
from proxy.wire.jsonbody import join_object, raw
from proxy.wire.typedjson import decoded, members_of

_REQUESTS, _CONTENT, _CONFIG, _SIZE = "requests", "content", "embedContentConfig", "outputDimensionality"
_SAID = frozenset({_CONTENT, "model", _SIZE})
# Of Vertex's older models: what stands beside a text, under its name there, and what is said once for all of them.
_BESIDE = {"taskType": "task_type", "title": "title", "mimeType": "mimeType"}
_ONCE = (_SIZE, "autoTruncate")


class _Part(Struct):
    text: str | None = None


class _Content(Struct):
    parts: list[_Part] = []


_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_MANY = msgspec.json.Decoder(list[dict[str, Raw]])
_CONTENTS = msgspec.json.Decoder(_Content)
_COUNT = msgspec.json.Decoder(int | None)
_ENCODER = msgspec.json.Encoder()


def decode_embeddings_request(body: bytes) -> Encoded:
    """Turn a request of Google's client into OpenAI's.

    Raises:
        Undecodable: It is not of this dialect.
        Untranslatable: Media, or vectors of several sizes, which only Google makes at once.
    """
    asks = _asks(body)
    sizes = {decoded(_COUNT, ask.get(_SIZE, Raw(b"null")), _SIZE) for ask in asks}
    if len(sizes) > 1:
        raise Untranslatable("Only Google embeds texts in several sizes at once; ask for one size.", param=_REQUESTS)
    asked: dict[str, Any] = {"input": [_text(ask) for ask in asks], "encoding_format": "float"}
    if (size := sizes.pop()) is not None:
        asked["dimensions"] = size
    dropped = dict.fromkeys(name for ask in asks for name in ask if name not in _SAID)
    return Encoded(_ENCODER.encode(asked), tuple(dropped))


def encode_same(body: bytes, target: Target) -> Encoded:
    """Say a request of Google's client to Google: with the upstream's name of the model, which stands in each part.

    Raises:
        Undecodable: It is not of this dialect.
        Untranslatable: Media, for one of Vertex's models of text.
    """
    if target.host:
        return _for_vertex(_asks(body), target)
    members = members_of(body)
    if _REQUESTS in members:
        name = raw(f"models/{target.model.rsplit('/', 1)[-1]}")
        members[_REQUESTS] = raw([{**one, "model": name} for one in decoded(_MANY, members[_REQUESTS], _REQUESTS)])
    return Encoded(join_object(members))


def encode_one(openai_body: bytes, model: str) -> bytes:
    """Turn OpenAI's answer into one of `:embedContent`.

    Raises:
        Undecodable: Not an answer of OpenAI's, or an empty one.
    """
    vectors, tokens = read_vectors(openai_body)
    if not vectors:
        raise Undecodable("There is no embedding in the answer.", param="data")
    return _ENCODER.encode({"embedding": {"values": vectors[0]}, **_counted(tokens)})


def encode_many(openai_body: bytes, model: str) -> bytes:
    """Turn OpenAI's answer into one of `:batchEmbedContents`.

    Raises:
        Undecodable: Not an answer of OpenAI's.
    """
    vectors, tokens = read_vectors(openai_body)
    return _ENCODER.encode({"embeddings": [{"values": vector} for vector in vectors], **_counted(tokens)})


def _asks(body: bytes) -> list[dict[str, Raw]]:
    """Read what is to be embedded, with its settings beside it."""
    members = read_members(body)
    asks = decoded(_MANY, members[_REQUESTS], _REQUESTS) if _REQUESTS in members else [members]
    if not asks:
        raise Undecodable("`requests` is empty.", param=_REQUESTS)
    return [_flat(ask) for ask in asks]


def _flat(ask: Mapping[str, Raw]) -> dict[str, Raw]:
    if _CONTENT not in ask:
        raise Undecodable("`content` is missing.", param=_CONTENT)
    config = decoded(_MEMBERS, ask[_CONFIG], _CONFIG) if _CONFIG in ask else {}
    return {**config, **{name: value for name, value in ask.items() if name != _CONFIG}}


def _text(ask: Mapping[str, Raw]) -> str:
    parts = decoded(_CONTENTS, ask[_CONTENT], _CONTENT).parts
    texts = [part.text for part in parts if part.text is not None]
    if len(texts) < len(parts):
        raise Untranslatable("This provider embeds text alone; leave out images and other media.", param=_CONTENT)
    if not any(texts):
        raise Undecodable("`content` holds no text.", param=_CONTENT)
    return "\n".join(texts)


def _for_vertex(asks: list[dict[str, Raw]], target: Target) -> Encoded:
    if method(target) is Method.PREDICT:
        instances = [
            {_CONTENT: _text(ask), **{new: ask[name] for name, new in _BESIDE.items() if name in ask}} for ask in asks
        ]
        settings = {name: ask[name] for ask in asks for name in _ONCE if name in ask}
        return Encoded(_ENCODER.encode({"instances": instances, **({"parameters": settings} if settings else {})}))
    requests = []
    for ask in asks:
        settings = {name: value for name, value in ask.items() if name not in (_CONTENT, "model")}
        requests.append({_CONTENT: ask[_CONTENT], **({_CONFIG: settings} if settings else {})})
    return Encoded(_ENCODER.encode({_REQUESTS: requests}))


def _counted(tokens: int | None) -> dict[str, Any]:
    return {} if tokens is None else {"usageMetadata": {"promptTokenCount": tokens}}
