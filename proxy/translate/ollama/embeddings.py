"""Embeddings: Ollama's `/api/embed` to and from OpenAI's, which is what the gateway plans with.

OpenAI's clients may ask for base64: little-endian 32-bit floats, one after another.

Source: ollama 0.6.3 _types.py (EmbedRequest, EmbedResponse); OpenAI Python SDK 3.51.0 resources/embeddings.py and
types/embedding_create_params.py, read 2026-11-20.
"""

from __future__ import annotations

import struct
from base64 import b64decode
from typing import Any

import msgspec

from proxy.apischema import ollama as schema
from proxy.core.translation import Encoded, Target, Undecodable
from proxy.core.usage import Usage
from proxy.translate.counts import count_of, counts_decoder, read_counts
from proxy.translate.ollama.unsupported import refused
from proxy.translate.vectors import write_vectors
from proxy.wire.jsonbody import split_object
from proxy.wire.typedjson import decoded

_REQUEST = msgspec.json.Decoder(schema.EmbedRequest)
_ANSWER = msgspec.json.Decoder(schema.EmbedAnswer)
_OPENAI_REQUEST = msgspec.json.Decoder(schema.OpenAiEmbedRequest)
_OPENAI_ANSWER = msgspec.json.Decoder(schema.OpenAiEmbedAnswer)
_OPENAI_USAGE = counts_decoder(schema.OpenAiUsage)
_ENCODER = msgspec.json.Encoder()
_UNDERSTOOD = frozenset({"model", "input", "dimensions", "encoding_format"})


def decode_embeddings_request(body: bytes) -> bytes:
    """Turn a request of Ollama's client into OpenAI's.

    Raises:
        Undecodable: Not a request of `/api/embed`.
    """
    request = decoded(_REQUEST, body)
    if request.input is None:
        raise Undecodable("`input` is missing.", param="input")
    asked: dict[str, Any] = {"model": request.model, "input": request.input, "encoding_format": "float"}
    if request.dimensions is not None:
        asked["dimensions"] = request.dimensions
    return _ENCODER.encode(asked)


def encode_embeddings(body: bytes, target: Target) -> Encoded:
    """Turn OpenAI's request into one to Ollama.

    Raises:
        Undecodable: Not a request of OpenAI's.
        Untranslatable: The input is tokens.
    """
    request = decoded(_OPENAI_REQUEST, body)
    texts = request.input
    if isinstance(texts, list) and not all(isinstance(text, str) for text in texts):
        raise refused("token_input", "input")
    asked: dict[str, Any] = {"model": target.model, "input": texts}
    if request.dimensions is not None:
        asked["dimensions"] = request.dimensions
    dropped = [name for name in split_object(body) if name not in _UNDERSTOOD]
    return Encoded(_ENCODER.encode(asked), tuple(dropped))


def decode_embeddings(body: bytes, model: str, tokens: int, *, base64: bool) -> tuple[bytes, Usage | None]:
    """Turn Ollama's answer into OpenAI's.

    Args:
        model: The name that the answer is to carry.
        tokens: For the answer's usage, where the upstream does not say how many it read.
        base64: The client asked for this form.

    Returns:
        The body, and the usage that the upstream reported.

    Raises:
        Undecodable: Not an answer of `/api/embed`.
    """
    answer = decoded(_ANSWER, body)
    counted = count_of(answer.prompt_eval_count)
    written = write_vectors(answer.embeddings, model, Usage(counted or tokens), base64=base64)
    return written, Usage(counted) if counted > 0 else None


def encode_embeddings_answer(openai_body: bytes, model: str) -> bytes:
    """Turn OpenAI's answer into one for Ollama's client.

    Raises:
        Undecodable: Not an answer of OpenAI's.
    """
    answer = decoded(_OPENAI_ANSWER, openai_body)
    vectors = [_vector(row.embedding) for row in sorted(answer.data, key=lambda row: row.index)]
    written: dict[str, Any] = {"model": model, "embeddings": vectors}
    usage = read_counts(_OPENAI_USAGE, answer.usage)
    if usage is not None and usage.prompt_tokens is not None:
        written["prompt_eval_count"] = usage.prompt_tokens
    return _ENCODER.encode(written)


def _vector(embedding: str | list[float]) -> list[float]:
    if not isinstance(embedding, str):
        return embedding
    try:
        return [value for (value,) in struct.iter_unpack("<f", b64decode(embedding, validate=True))]
    except (ValueError, struct.error) as exc:
        raise Undecodable("An embedding is not base64 of 32-bit floats.", param="data") from exc
