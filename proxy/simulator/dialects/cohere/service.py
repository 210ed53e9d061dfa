"""Cohere's endpoints as rows of the simulator's table."""

from __future__ import annotations

import base64
import struct
from typing import Any

from proxy.core.call import Dialect
from proxy.core.errors import MalformedRequest
from proxy.core.usage import Usage
from proxy.simulator.answers import Serial, Speaker
from proxy.simulator.behaviour import Vendor
from proxy.simulator.dialects.cohere.reading import EMBED, RERANK, admit, checked, read
from proxy.simulator.dialects.cohere.rendering import WIRE, frames, whole
from proxy.simulator.dialects.service import Service, asked_for, never, only, plain, said_by, told
from proxy.simulator.modelnames import existing, listed
from proxy.simulator.paths import Endpoint, Operation
from proxy.simulator.question import Content, Question
from proxy.simulator.ranking import ranked
from proxy.simulator.shapes import Json
from proxy.simulator.text import count_tokens
from proxy.simulator.vectors import DEFAULT_DIMENSIONS, floats

_API = {"version": "2"}


def _chat(question: Question, speaker: Speaker, serial: Serial) -> Content:
    return told(said_by(read(question), question, speaker, serial), question, whole, frames)


def _embed(question: Question, _: Speaker, serial: Serial) -> Content:
    body = checked(question, EMBED)
    given = [name for name in ("texts", "images", "inputs") if body.get(name)]
    if len(given) != 1:
        raise MalformedRequest("invalid request: exactly one of texts, images and inputs must be provided")
    texts = [item if isinstance(item, str) else _words(item) for item in body[given[0]]]
    usage = Usage(prompt_tokens=count_tokens(texts))
    vectors = [floats(text, body.get("output_dimension") or DEFAULT_DIMENSIONS) for text in texts]
    kinds = body.get("embedding_types") or ["float"]
    answer = {
        "id": f"simulated{serial.number:08x}",
        "response_type": "embeddings_by_type",
        "embeddings": {kind: [_written(kind, vector) for vector in vectors] for kind in kinds},
        "texts": texts if given == ["texts"] else [],
        "meta": {"api_version": _API, "billed_units": {"input_tokens": usage.prompt_tokens}},
    }
    return plain(answer, usage)


def _rerank(question: Question, _: Speaker, serial: Serial) -> Content:
    body = checked(question, RERANK)
    rows = [
        {"index": index, "relevance_score": score}
        for index, score in ranked(body["query"], body["documents"], body.get("top_n"))
    ]
    meta = {"api_version": _API, "billed_units": {"search_units": 1}}
    usage = Usage(prompt_tokens=count_tokens([body["query"], *body["documents"]]))
    return plain({"id": f"simulated{serial.number:08x}", "results": rows, "meta": meta}, usage)


def _models(question: Question, _: Speaker, __: Serial) -> Content:
    if question.route.model is not None:
        return plain(_model(existing(question.route.model)))
    return plain({"models": [_model(name) for name in listed(question.models)]})


def _model(name: str) -> Json:
    return {
        "name": name,
        "is_deprecated": False,
        "endpoints": ["chat", "embed", "rerank"],
        "finetuned": False,
        "context_length": 256_000,
        "features": ["tools", "vision"],
        "default_endpoints": [],
    }


def _words(item: Json) -> str:
    return " ".join(part.get("text", "an image") for part in item["content"])


def _written(kind: str, vector: list[float]) -> Any:  # noqa: ANN401 - numbers or text
    """Write a vector in one of the vendor's types."""
    match kind:
        case "float":
            return vector
        case "int8":
            return [round(value * 127) for value in vector]
        case "uint8":
            return [round(value * 127) + 128 for value in vector]
        case "base64":
            return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        case _:
            bits = "".join("1" if value > 0 else "0" for value in vector)
            rows = [int(bits[start : start + 8].ljust(8, "0"), 2) for start in range(0, len(bits), 8)]
            return rows if kind == "ubinary" else [row - 128 for row in rows]


_CHAT = Service(
    Dialect.COHERE, Operation.CHAT, _chat, only(WIRE), Vendor.COHERE, asked_for, admit, request_id="x-debug-trace-id"
)

SERVICES = {
    Endpoint.COHERE_CHAT: _CHAT,
    Endpoint.COHERE_EMBED: _CHAT._replace(operation=Operation.EMBEDDINGS, answer=_embed, stream=never),
    Endpoint.COHERE_RERANK: _CHAT._replace(operation=Operation.RERANK, answer=_rerank, stream=never),
    Endpoint.COHERE_MODELS: _CHAT._replace(operation=Operation.MODELS, answer=_models, stream=never, method="GET"),
}
