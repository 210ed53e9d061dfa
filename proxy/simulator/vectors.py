"""Embeddings and moderations: deterministic numbers made from the input's hash.

Equal inputs give equal vectors of length one, whatever the model; they say nothing about meaning.

Source: OpenAI Python SDK 3.51.0, types/create_embedding_response.py and types/moderation.py, read 2026-11-20.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct

from proxy.core.errors import MalformedRequest
from proxy.core.usage import Usage
from proxy.simulator.request import EmbeddingRequest, ModerationRequest, texts_of
from proxy.simulator.shapes import Json
from proxy.simulator.text import count_tokens

DEFAULT_DIMENSIONS = 16
MAX_DIMENSIONS = 4_096
MAX_INPUTS = 2_048
FLAG = "simulate-flagged"
_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def embeddings(request: EmbeddingRequest, model: str) -> tuple[Json, Usage]:
    """Answer an embedding request, as floats or as base64 of little-endian 32-bit floats.

    Raises:
        MalformedRequest: No usable input, too many inputs, or dimensions out of bounds.
    """
    texts = texts_of(request.input, "input")
    size = DEFAULT_DIMENSIONS if request.dimensions is None else request.dimensions
    if not 1 <= size <= MAX_DIMENSIONS:
        raise MalformedRequest(f"dimensions must be between 1 and {MAX_DIMENSIONS}.", param="dimensions")
    if len(texts) > MAX_INPUTS:
        raise MalformedRequest(f"input may hold at most {MAX_INPUTS} items.", param="input")
    write = _base64 if request.encoding_format == "base64" else _floats
    rows = [{"object": "embedding", "index": i, "embedding": write(_vector(t, size))} for i, t in enumerate(texts)]
    usage = Usage(prompt_tokens=count_tokens(texts))
    tokens = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
    return {"object": "list", "data": rows, "model": model, "usage": tokens}, usage


def floats(text: str, size: int = DEFAULT_DIMENSIONS) -> list[float]:
    """Return one text's vector."""
    return _floats(_vector(text, size))


def moderations(request: ModerationRequest, model: str, number: int) -> Json:
    """Answer a moderation request; an input that holds `simulate-flagged` is flagged as harassment.

    Raises:
        MalformedRequest: No usable input.
    """
    results = [_result(flagged=FLAG in text) for text in texts_of(request.input, "input")]
    return {"id": f"modr-simulated{number:08x}", "model": model, "results": results}


def _result(*, flagged: bool) -> Json:
    hit = "harassment" if flagged else None
    return {
        "flagged": flagged,
        "categories": {name: name == hit for name in _CATEGORIES},
        "category_scores": {name: 0.99 if name == hit else 0.0001 for name in _CATEGORIES},
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }


def _vector(text: str, size: int) -> bytes:
    """Return `size` little-endian 32-bit floats, drawn from the text's hash and scaled to length one."""
    drawn = struct.unpack(f"<{size}h", hashlib.shake_128(text.encode()).digest(2 * size))
    length = math.sqrt(sum(value * value for value in drawn)) or 1.0
    return struct.pack(f"<{size}f", *(value / length for value in drawn))


def _floats(vector: bytes) -> list[float]:
    return list(struct.unpack(f"<{len(vector) // 4}f", vector))


def _base64(vector: bytes) -> str:
    return base64.b64encode(vector).decode()
