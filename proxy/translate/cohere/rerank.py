"""Reranking: what clients send and read (Cohere's v1 and Jina's shape) and Cohere's `POST /v2/rerank`.

Version 2 takes text alone and gives no documents back: objects become YAML, as its SDK advises, and the client's own
documents are put into the answer where it asked for them.

Sources, read 2026-11-20: cohere 7.3.1 v2/raw_client.py (rerank), types/rerank_response.py (v1). Jina's members are as
its clients write them; its own pages were not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import to_builtins
from msgspec.json import Decoder, Encoder

from proxy.apischema.cohere import RerankRequest, RerankResponse
from proxy.core.translation import Encoded, Target, Undecodable
from proxy.core.usage import Usage
from proxy.translate.cohere.messages import Block
from proxy.translate.cohere.unsupported import refused
from proxy.translate.cohere.usage import usage_of
from proxy.wire.jsonbody import split_object
from proxy.wire.typedjson import decoded, given

_READ = frozenset({"model", *RerankRequest.__struct_fields__})
_REQUEST = Decoder(RerankRequest)
_ANSWER = Decoder(RerankResponse)
_ENCODER = Encoder()


def encode_rerank(body: bytes, target: Target) -> Encoded:
    """Write a client's request as version 2's.

    Raises:
        Undecodable: Not a request to rank documents.
        Untranslatable: There is nothing to rank.
    """
    asked = decoded(_REQUEST, body)
    if not asked.documents:
        raise refused("no_documents", "documents")
    written: Block = {
        "model": target.model,
        "query": asked.query,
        "documents": [_text(document, asked.rank_fields) for document in asked.documents],
    }
    if asked.top_n is not None:
        written["top_n"] = asked.top_n
    if asked.max_tokens_per_doc is not None:
        written["max_tokens_per_doc"] = asked.max_tokens_per_doc
    return Encoded(_ENCODER.encode(written), tuple(name for name in split_object(body) if name not in _READ))


def decode_rerank(body: bytes, request: bytes, model: str) -> tuple[bytes, Usage | None]:
    """Turn version 2's answer into what clients of both shapes read.

    Args:
        request: The client's own body, whose documents the answer repeats on wish.
        model: The name that the answer is to carry.

    Raises:
        Undecodable: Not Cohere's answer, or it ranks a document that nobody sent.
    """
    answer, asked = decoded(_ANSWER, body), decoded(_REQUEST, request)
    usage = usage_of(answer.meta)
    results = []
    for ranked in answer.results:
        if ranked.index >= len(asked.documents):
            raise Undecodable("a ranked document is none of the request's")
        result: Block = {"index": ranked.index, "relevance_score": ranked.relevance_score}
        if asked.return_documents:
            document = asked.documents[ranked.index]
            result["document"] = {"text": document} if isinstance(document, str) else document
        results.append(result)
    tokens = usage.prompt_tokens if usage is not None else 0
    written: Block = {"id": answer.id, "model": model, "results": results, "usage": {"total_tokens": tokens}}
    if given(answer.meta) is not None:
        written["meta"] = answer.meta
    return _ENCODER.encode(written), usage


def _text(document: str | Mapping[str, Any], fields: list[str] | None) -> str:
    """Write an object as YAML, each value as JSON, which YAML holds; one that has text alone is that text."""
    if isinstance(document, str):
        return document
    kept = {name: document[name] for name in fields if name in document} if fields else document
    if kept.keys() == {"text"} and isinstance(kept["text"], str):
        return kept["text"]
    return "\n".join(f"{name}: {_ENCODER.encode(to_builtins(value)).decode()}" for name, value in kept.items())
