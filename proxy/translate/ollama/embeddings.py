"""Embeddings: Ollama's `/api/embed` to and from OpenAI's, which is what the gateway plans with; of the older
`/api/embeddings`, which takes one `prompt`, the client's side.

OpenAI's clients may ask for base64: little-endian 32-bit floats, one after another.

Source: ollama 0.6.3 _types.py (EmbedRequest, EmbedResponse); OpenAI Python SDK 3.51.0 resources/embeddings.py and
types/embedding_create_params.py, read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

import msgspec

from proxy.apischema import ollama as schema
from proxy.core.translation import Encoded, Target, Undecodable
from proxy.core.usage import Usage
from proxy.translate.counts import count_of
from proxy.translate.ollama.unsupported import refused
from proxy.translate.vectors import read_vectors, write_vectors
from proxy.wire.jsonbody import join_object, raw, split_object
from proxy.wire.typedjson import decoded

_REQUEST = msgspec.json.Decoder(schema.EmbedRequest)
_ANSWER = msgspec.json.Decoder(schema.EmbedAnswer)
_OPENAI_REQUEST = msgspec.json.Decoder(schema.OpenAiEmbedRequest)
_PROMPT = msgspec.json.Decoder(schema.PromptEmbedRequest)
_ENCODER = msgspec.json.Encoder()
_UNDERSTOOD = frozenset({"model", "input", "dimensions", "encoding_format"})
_PROMPTED = frozenset({"model", "prompt"})


def decode_embeddings_request(body: bytes) -> Encoded:
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
    return Encoded(_ENCODER.encode(asked), _others(body, _UNDERSTOOD))


def decode_prompt_request(body: bytes) -> Encoded:
    """Turn a request of `/api/embeddings` into OpenAI's.

    Raises:
        Undecodable: Not such a request.
    """
    request = _read_prompt(body)
    asked = {"model": request.model, "input": request.prompt, "encoding_format": "float"}
    return Encoded(_ENCODER.encode(asked), _others(body, _PROMPTED))


def encode_prompt(body: bytes, target: Target) -> Encoded:
    """Say a request of `/api/embeddings` at `/api/embed` of Ollama, which takes all else that it holds.

    Raises:
        Undecodable: Not such a request.
    """
    prompt = raw(_read_prompt(body).prompt)
    asked = {name: value for name, value in split_object(body).items() if name != "prompt"}
    return Encoded(join_object({**asked, "input": prompt}))


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
    return Encoded(_ENCODER.encode(asked), _others(body, _UNDERSTOOD))


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
    vectors, tokens = read_vectors(openai_body)
    written: dict[str, Any] = {"model": model, "embeddings": vectors}
    if tokens is not None:
        written["prompt_eval_count"] = tokens
    return _ENCODER.encode(written)


def encode_prompt_answer(openai_body: bytes, model: str) -> bytes:
    """Turn OpenAI's answer into one of `/api/embeddings`.

    Raises:
        Undecodable: Not an answer of OpenAI's, or an empty one.
    """
    vectors, _ = read_vectors(openai_body)
    if not vectors:
        raise Undecodable("There is no embedding in the answer.", param="data")
    return _ENCODER.encode({"embedding": vectors[0]})


def _read_prompt(body: bytes) -> schema.PromptEmbedRequest:
    request = decoded(_PROMPT, body)
    if not request.prompt:
        raise Undecodable("`prompt` is missing.", param="prompt")
    return request


def _others(body: bytes, known: frozenset[str]) -> tuple[str, ...]:
    return tuple([name for name in split_object(body) if name not in known])
