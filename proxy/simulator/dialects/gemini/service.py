"""Gemini's methods, on Google's host and on Vertex, as rows of the simulator's table."""

from __future__ import annotations

from urllib.parse import parse_qs

from proxy.core.call import Dialect
from proxy.core.errors import MalformedRequest
from proxy.core.usage import Usage
from proxy.simulator.answers import Serial, Speaker, prompt_tokens
from proxy.simulator.behaviour import Vendor
from proxy.simulator.dialects.gemini import fields
from proxy.simulator.dialects.gemini.reading import admit, checked, read, read_count
from proxy.simulator.dialects.gemini.rendering import EVENTS, LIST, Voice
from proxy.simulator.dialects.service import Service, always, never, plain, said_by
from proxy.simulator.modelnames import existing, listed
from proxy.simulator.paths import Endpoint, Operation
from proxy.simulator.question import Content, Question
from proxy.simulator.shapes import Json
from proxy.simulator.text import count_tokens
from proxy.simulator.vectors import DEFAULT_DIMENSIONS, floats
from proxy.simulator.wires import Wire

_METHODS = ["generateContent", "countTokens", "embedContent", "batchEmbedContents"]


def _content(question: Question, speaker: Speaker, serial: Serial) -> Content:
    saying = said_by(read(question), question, speaker, serial)
    voice = Voice(saying, vertex=question.route.project is not None)
    return Content(voice.whole, voice.frames if question.head.stream else None, saying.answer.usage)


def _count(question: Question, _: Speaker, __: Serial) -> Content:
    tokens = prompt_tokens(read_count(question).request)
    return plain({"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]})


def _embed(question: Question, _: Speaker, __: Serial) -> Content:
    body = checked(question, fields.EMBED)
    texts = [_text(body)]
    usage = Usage(prompt_tokens=count_tokens(texts))
    counts = {"promptTokenCount": usage.prompt_tokens, "totalTokenCount": usage.prompt_tokens}
    return plain({"embedding": {"values": floats(texts[0], _size(body))}, "usageMetadata": counts}, usage)


def _embed_all(question: Question, _: Speaker, __: Serial) -> Content:
    vertex = question.route.project is not None
    requests = checked(question, fields.VERTEX_EMBED_ALL if vertex else fields.EMBED_ALL)["requests"]
    for request in requests:
        if not vertex and request["model"].removeprefix("models/") != question.model:
            raise MalformedRequest("* BatchEmbedContentsRequest.requests: the model must match the URL's model\n")
    texts = [_text(request) for request in requests]
    usage = Usage(prompt_tokens=count_tokens(texts))
    rows = [{"values": floats(text, _size(request))} for text, request in zip(texts, requests, strict=True)]
    return plain({"embeddings": rows}, usage)


def _predict(question: Question, _: Speaker, __: Serial) -> Content:
    body = checked(question, fields.PREDICT)
    size = (body.get("parameters") or {}).get("outputDimensionality") or DEFAULT_DIMENSIONS
    texts = [instance["content"] for instance in body["instances"]]
    rows = [
        {"embeddings": {"values": floats(text, size), "statistics": {"token_count": count_tokens([text])}}}
        for text in texts
    ]
    return plain({"predictions": rows}, Usage(prompt_tokens=count_tokens(texts)))


def _models(question: Question, _: Speaker, __: Serial) -> Content:
    if question.route.model is not None:
        return plain(_model(existing(question.route.model)))
    return plain({"models": [_model(name) for name in listed(question.models)]})


def _model(name: str) -> Json:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": _METHODS,
    }


def _text(request: Json) -> str:
    texts = [part["text"] for part in request["content"].get("parts") or () if part.get("text")]
    if not texts:
        raise MalformedRequest("* EmbedContentRequest.content: content is required\n")
    return " ".join(texts)


def _size(request: Json) -> int:
    config = request.get("embedContentConfig") or {}
    return int(request.get("outputDimensionality") or config.get("outputDimensionality") or DEFAULT_DIMENSIONS)


def _wire(question: Question) -> Wire:
    return EVENTS if parse_qs(question.sent.query).get("alt") == ["sse"] else LIST


_CHAT = Service(
    Dialect.GEMINI, Operation.CHAT, _content, _wire, Vendor.GEMINI, never, admit, request_id="", policy_answers=True
)
_EMBEDDINGS = _CHAT._replace(operation=Operation.EMBEDDINGS, policy_answers=False)

SERVICES = {
    Endpoint.GENERATE: _CHAT,
    Endpoint.GENERATE_STREAM: _CHAT._replace(stream=always),
    Endpoint.GEMINI_TOKENS: _EMBEDDINGS._replace(operation=Operation.COUNT_TOKENS, answer=_count),
    Endpoint.GEMINI_EMBED: _EMBEDDINGS._replace(answer=_embed),
    Endpoint.GEMINI_EMBED_ALL: _EMBEDDINGS._replace(answer=_embed_all),
    Endpoint.GEMINI_PREDICT: _EMBEDDINGS._replace(answer=_predict),
    Endpoint.GEMINI_MODELS: _EMBEDDINGS._replace(operation=Operation.MODELS, answer=_models, method="GET"),
}
