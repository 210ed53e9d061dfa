"""OpenAI's embeddings, the shape that every client sends and wants, for vendors with shapes of their own.

Source: openai 3.51.0 types/create_embedding_response.py and resources/embeddings.py (base64 is of little-endian 32-bit
floats), read 2026-11-20.
"""

from __future__ import annotations

import base64 as codec
from collections.abc import Mapping, Sequence
from struct import error, iter_unpack, pack
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder, Encoder

from proxy.core.conversation import NOTHING
from proxy.core.translation import Undecodable, Untranslatable
from proxy.core.usage import Count, Usage
from proxy.translate.counts import counts_decoder, read_counts
from proxy.wire.jsonbody import split_object
from proxy.wire.typedjson import decoded

_READ = frozenset({"model", "input", "dimensions", "encoding_format"})


class _Request(Struct):
    input: str | list[Any]
    dimensions: Annotated[int, Meta(ge=1)] | None = None


class _Row(Struct):
    embedding: str | list[float]
    index: int = 0


class _Used(Struct):
    prompt_tokens: Count | None = None


class _Answer(Struct):
    data: list[_Row]
    usage: Raw = Raw(b"null")


class Asked(Struct, frozen=True):
    """What is to be embedded. `rest`: all other members, raw."""

    texts: tuple[str, ...]
    dimensions: int | None = None
    rest: Mapping[str, Raw] = NOTHING


_REQUEST = Decoder(_Request)
_ANSWER = Decoder(_Answer)
_USED = counts_decoder(_Used)
_ENCODER = Encoder()


def read_inputs(body: bytes) -> Asked:
    """Read a client's request.

    Raises:
        Undecodable: Not a request for embeddings.
        Untranslatable: It asks for tokens' vectors; only OpenAI's models know those tokens.
    """
    request = decoded(_REQUEST, body)
    texts = [request.input] if isinstance(request.input, str) else request.input
    if not texts:
        raise Untranslatable("There is nothing to embed: input is empty.", param="input")
    if not all(isinstance(text, str) for text in texts):
        raise Untranslatable("This provider embeds text, not OpenAI's tokens; send strings.", param="input")
    rest = {name: member for name, member in split_object(body).items() if name not in _READ}
    return Asked(tuple(texts), request.dimensions, rest)


def read_vectors(body: bytes) -> tuple[list[list[float]], int | None]:
    """Read an answer, for a client that wants another shape.

    Returns:
        The vectors in the order of what was asked, and the tokens where they were counted.

    Raises:
        Undecodable: Not an answer of OpenAI's.
    """
    answer = decoded(_ANSWER, body)
    vectors = [_vector(row.embedding) for row in sorted(answer.data, key=lambda row: row.index)]
    used = read_counts(_USED, answer.usage)
    return vectors, None if used is None else used.prompt_tokens


def write_vectors(vectors: Sequence[Sequence[float]], model: str, usage: Usage | None, *, base64: bool) -> bytes:
    """Write the answer: numbers, or base64 as OpenAI's own clients ask for.

    Raises:
        Undecodable: A number is too large for the 32 bits that base64 gives it.
    """
    tokens = usage.prompt_tokens if usage is not None else 0
    return _ENCODER.encode(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": _packed(vector) if base64 else vector}
                for index, vector in enumerate(vectors)
            ],
            "model": model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _packed(vector: Sequence[float]) -> str:
    try:
        return codec.b64encode(pack(f"<{len(vector)}f", *vector)).decode()
    except OverflowError as exc:
        raise Undecodable("An embedding holds a number that is too large.", param="embeddings") from exc


def _vector(embedding: str | list[float]) -> list[float]:
    if not isinstance(embedding, str):
        return embedding
    try:
        return [value for (value,) in iter_unpack("<f", codec.b64decode(embedding, validate=True))]
    except (ValueError, error) as exc:
        raise Undecodable("An embedding is not base64 of 32-bit floats.", param="data") from exc
