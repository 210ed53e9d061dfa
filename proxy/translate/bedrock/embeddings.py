"""Embeddings by InvokeModel: Titan's and Cohere's models on Bedrock, each with a body of its own.

Titan embeds one text a request. Cohere's answer says nothing of tokens: Bedrock counts them in a header.

Sources, read 2026-11-20: docs.aws.amazon.com bedrock model-parameters-titan-embed-text.html,
model-parameters-embed-v3.html, model-parameters-embed-v4.html; vercel/ai amazon-bedrock-embedding-model.ts (the header
`x-amzn-bedrock-input-token-count`).
"""

from __future__ import annotations

from msgspec.json import Decoder, Encoder

from proxy.apischema.bedrock import CohereEmbeddings, FloatEmbeddings, TitanEmbedding
from proxy.core.translation import Encoded, Target
from proxy.core.usage import Usage
from proxy.translate.bedrock.blocks import Block
from proxy.translate.bedrock.unsupported import refused
from proxy.translate.counts import count_of
from proxy.translate.vectors import Asked, read_inputs, write_vectors
from proxy.wire.typedjson import decoded

MOST_TEXTS = 96  # of Cohere, in one request

_TITAN = "titan-embed-text-v"
_COHERE = "cohere.embed"
_SIZED_COHERE = "cohere.embed-v4"  # the first whose vectors may be shorter
_COHERE_MEMBERS = frozenset({"input_type", "truncate"})
_TEXT_KIND = "search_document"  # Cohere must know what a text is for; OpenAI's clients do not say

_ENCODER = Encoder()
_TITAN_ANSWER = Decoder(TitanEmbedding)
_COHERE_ANSWER = Decoder(CohereEmbeddings)


def encode_embeddings(body: bytes, target: Target) -> Encoded:
    """Write a client's request in OpenAI's shape for `target.model`.

    Raises:
        Undecodable: Not a request for embeddings.
        Untranslatable: Several texts for Titan, a size that the model has not, a model that embeds nothing.
    """
    asked = read_inputs(body)
    if _TITAN in target.model:
        return Encoded(_ENCODER.encode(_titan(asked, target.model)), tuple(asked.rest))
    if _COHERE not in target.model:
        raise refused("embedding_model", "model")
    written = _cohere(asked, target.model)
    return Encoded(_ENCODER.encode(written), tuple(name for name in asked.rest if name not in _COHERE_MEMBERS))


def decode_embeddings(body: bytes, model: str, tokens: int, *, base64: bool) -> tuple[bytes, Usage | None]:
    """Turn an answer into OpenAI's.

    Args:
        model: The name that the answer is to carry.
        tokens: Of the header `x-amzn-bedrock-input-token-count`; 0 = there was none.
        base64: The client asked for `encoding_format: "base64"`.

    Raises:
        Undecodable: Neither model's answer.
    """
    if b'"embeddings"' in body:
        found = decoded(_COHERE_ANSWER, body).embeddings
        vectors = found.vectors if isinstance(found, FloatEmbeddings) else found
    else:
        answer = decoded(_TITAN_ANSWER, body)
        vectors, tokens = [answer.embedding], count_of(answer.inputTextTokenCount) or tokens
    usage = Usage(prompt_tokens=tokens) if tokens else None
    return write_vectors(vectors, model, usage, base64=base64), usage


def _titan(asked: Asked, model: str) -> Block:
    if len(asked.texts) > 1:
        raise refused("several_texts", "input")
    body: Block = {"inputText": asked.texts[0]}
    if asked.dimensions is not None:
        if _TITAN + "1" in model:
            raise refused("dimensions", "dimensions")
        body["dimensions"] = asked.dimensions
    return body


def _cohere(asked: Asked, model: str) -> Block:
    if len(asked.texts) > MOST_TEXTS:
        raise refused("too_many_texts", "input")
    body: Block = {"texts": asked.texts, "input_type": _TEXT_KIND, "embedding_types": ["float"]}
    body |= {name: member for name, member in asked.rest.items() if name in _COHERE_MEMBERS}
    if asked.dimensions is not None:
        if _SIZED_COHERE not in model:
            raise refused("dimensions", "dimensions")
        body["output_dimension"] = asked.dimensions
    return body
