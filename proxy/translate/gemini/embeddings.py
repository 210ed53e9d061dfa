"""OpenAI embeddings requests for Google's models, and Google's vectors as OpenAI's answer.

Three bodies: the Gemini API's `:batchEmbedContents`, Vertex's own `:batchEmbedContents` for Gemini models, and
Vertex's `:predict` for the older text models. `method` says which one a target takes.

Sources, read 2026-11-20: google-genai SDK 3.4.0, google/genai/models.py (_EmbedContentParametersPrivate_to_mldev,
_to_vertex, embed_content), _transformers.py (t_is_vertex_embed_content_model); OpenAI Python SDK 3.51.0,
types/embedding_create_params.py and types/create_embedding_response.py.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from enum import StrEnum
from struct import pack
from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxy.apischema.gemini import (
    BatchEmbedContentsResponse,
    EmbedContentResponse,
    Prediction,
    PredictionStatistics,
    PredictResponse,
    UsageMetadata,
)
from proxy.core.translation import Encoded, Target, Undecodable, Untranslatable
from proxy.core.usage import Usage
from proxy.translate.counts import counts_decoder, read_counts
from proxy.wire.jsonbody import readable
from proxy.wire.typedjson import decoded

BASE64 = "base64"

_UNTAKEN = ("user",)  # members of OpenAI's request that have no place in Google's
_KNOWN = frozenset({"input", "model", "dimensions", "encoding_format", *_UNTAKEN})


class Method(StrEnum):
    """What follows the model in the path."""

    ONE = "embedContent"
    BATCH = "batchEmbedContents"
    PREDICT = "predict"


class _Request(Struct):
    input: str | list[Any]
    dimensions: int | None = None


_REQUEST = msgspec.json.Decoder(_Request)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_BATCH = msgspec.json.Decoder(BatchEmbedContentsResponse)
_ONE = msgspec.json.Decoder(EmbedContentResponse)
_PREDICTED = msgspec.json.Decoder(PredictResponse)
_STATED = counts_decoder(PredictionStatistics)
_COUNTS = counts_decoder(UsageMetadata)
_ENCODER = msgspec.json.Encoder()


def method(target: Target) -> Method:
    """Say which of Google's methods takes what `encode_embeddings` writes."""
    return Method.PREDICT if target.host == "vertex" and "gemini" not in _name(target) else Method.BATCH


def encode_embeddings(body: bytes, target: Target) -> Encoded:
    """Write an OpenAI embeddings request for Google.

    Raises:
        Undecodable: It is no embeddings request.
        Untranslatable: Its input is tokens, which are another vendor's.
    """
    body = readable(body)
    request = decoded(_REQUEST, body)
    texts = _texts(request.input)
    dropped = tuple(name for name in decoded(_MEMBERS, body) if name in _UNTAKEN or name not in _KNOWN)
    if method(target) is Method.PREDICT:
        written: dict[str, Any] = {"instances": [{"content": text} for text in texts]}
        if request.dimensions is not None:
            written["parameters"] = {"outputDimensionality": request.dimensions}
    else:
        extra = _extra(request, target)
        written = {"requests": [{"content": {"parts": [{"text": text}]}, **extra} for text in texts]}
    return Encoded(_ENCODER.encode(written), dropped)


def decode_embeddings(
    body: bytes, model: str, tokens: int, encoding_format: str = "float"
) -> tuple[bytes, Usage | None]:
    """Write Google's vectors as OpenAI's answer.

    Args:
        model: The name the answer is to carry.
        tokens: The input's estimate, for the answer where Google counts none.
        encoding_format: What the client asked for; "base64" is 32-bit floats, little end first.

    Returns:
        The body, and what Google counted; None where it did not.

    Raises:
        Undecodable: It is none of the three answers.
    """
    vectors, counted = _vectors(body)
    data = [
        {"object": "embedding", "index": at, "embedding": _packed(vector) if encoding_format == BASE64 else vector}
        for at, vector in enumerate(vectors)
    ]
    total = tokens if counted is None else counted
    answer = {
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": total, "total_tokens": total},
    }
    return _ENCODER.encode(answer), None if counted is None else Usage(prompt_tokens=counted)


def _name(target: Target) -> str:
    return target.model.rsplit("/", 1)[-1]


def _extra(request: _Request, target: Target) -> dict[str, Any]:
    """What stands beside each text; the Gemini API wants the model there too."""
    if target.host == "vertex":
        return (
            {} if request.dimensions is None else {"embedContentConfig": {"outputDimensionality": request.dimensions}}
        )
    extra: dict[str, Any] = {"model": f"models/{_name(target)}"}
    if request.dimensions is not None:
        extra["outputDimensionality"] = request.dimensions
    return extra


def _texts(given: str | list[Any]) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not texts:
        raise Undecodable("`input` is empty.", param="input")
    for text in texts:
        if isinstance(text, int | list):
            raise Untranslatable(
                "Google's embedding models take text; tokens are of another vendor's models. Send `input` as text.",
                param="input",
            )
        if not isinstance(text, str):
            raise Undecodable("`input` is a text or a list of texts.", param="input")
    return texts


def _vectors(body: bytes) -> tuple[Sequence[list[float]], int | None]:
    members = decoded(_MEMBERS, body)
    if "predictions" in members:
        predictions = decoded(_PREDICTED, body).predictions
        counts = [count for item in predictions if (count := _stated(item)) is not None]
        counted = sum(counts) if predictions and len(counts) == len(predictions) else None
        return [item.embeddings.values for item in predictions], counted
    if "embedding" in members:
        return [decoded(_ONE, body).embedding.values], _counted(members)
    return [item.values for item in decoded(_BATCH, body).embeddings], _counted(members)


def _stated(prediction: Prediction) -> int | None:
    member = prediction.embeddings.statistics
    counted = read_counts(_STATED, member) if isinstance(member, Raw) else None
    return None if counted is None else counted.token_count


def _counted(members: dict[str, Raw]) -> int | None:
    counts = read_counts(_COUNTS, members.get("usageMetadata", Raw(b"{}")))
    return None if counts is None else counts.prompt_token_count or None


def _packed(vector: Sequence[float]) -> str:
    try:
        return b64encode(pack(f"<{len(vector)}f", *vector)).decode()
    except OverflowError as exc:
        raise Undecodable("A vector holds a number that is too large.", param="embeddings") from exc
