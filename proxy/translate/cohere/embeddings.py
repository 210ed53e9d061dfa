"""Cohere's `POST /v2/embed` for clients that speak OpenAI's embeddings.

Source: cohere 7.3.1 v2/raw_client.py (embed), types/embed_by_type_response.py, read 2026-11-20.
"""

from __future__ import annotations

from msgspec.json import Decoder, Encoder

from proxy.apischema.cohere import EmbedResponse
from proxy.core.translation import Encoded, Target
from proxy.core.usage import Usage
from proxy.translate.cohere.messages import Block
from proxy.translate.cohere.unsupported import refused
from proxy.translate.cohere.usage import usage_of
from proxy.translate.vectors import read_inputs, write_vectors
from proxy.wire.typedjson import decoded

MOST_TEXTS = 96
_OWN_MEMBERS = frozenset({"input_type", "truncate", "max_tokens", "priority"})
_TEXT_KIND = "search_document"  # Cohere must know what a text is for; OpenAI's clients do not say

_ENCODER = Encoder()
_ANSWER = Decoder(EmbedResponse)


def encode_embeddings(body: bytes, target: Target) -> Encoded:
    """Write a client's request in OpenAI's shape as Cohere's; Cohere's own members beside it pass.

    Raises:
        Undecodable: Not a request for embeddings.
        Untranslatable: Tokens instead of text, or too many texts.
    """
    asked = read_inputs(body)
    if len(asked.texts) > MOST_TEXTS:
        raise refused("too_many_texts", "input")
    written: Block = {
        "model": target.model,
        "texts": asked.texts,
        "input_type": _TEXT_KIND,
        "embedding_types": ["float"],
        **{name: member for name, member in asked.rest.items() if name in _OWN_MEMBERS},
    }
    if asked.dimensions is not None:
        written["output_dimension"] = asked.dimensions
    return Encoded(_ENCODER.encode(written), tuple(name for name in asked.rest if name not in _OWN_MEMBERS))


def decode_embeddings(body: bytes, model: str, tokens: int = 0, *, base64: bool) -> tuple[bytes, Usage | None]:
    """Turn an answer into OpenAI's.

    Args:
        model: The name that the answer is to carry.
        tokens: Of the input, where the answer does not tell; 0 = unknown.
        base64: The client asked for `encoding_format: "base64"`.

    Raises:
        Undecodable: Not Cohere's answer.
    """
    answer = decoded(_ANSWER, body)
    usage = usage_of(answer.meta) or (Usage(prompt_tokens=tokens) if tokens else None)
    return write_vectors(answer.embeddings.vectors, model, usage, base64=base64), usage
