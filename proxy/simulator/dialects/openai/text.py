"""Chat, completions, embeddings, moderation and models, as OpenAI and all who speak its dialect have them."""

from __future__ import annotations

from functools import partial
from typing import Any

from proxy.core.call import Dialect
from proxy.simulator.answers import Answer, Serial, Speaker, chat_answer, completion_answer
from proxy.simulator.behaviour import Vendor
from proxy.simulator.dialects.service import Service, never, plain
from proxy.simulator.modelnames import existing, listed
from proxy.simulator.paths import Endpoint, Operation
from proxy.simulator.question import Content, Question
from proxy.simulator.rendering import frames, whole
from proxy.simulator.request import ChatRequest, CompletionRequest, EmbeddingRequest, ModerationRequest, decode
from proxy.simulator.vectors import embeddings, moderations

_CREATED_S = 1_700_000_000


def models_document(names: tuple[str, ...]) -> dict[str, Any]:
    """Write a model list; without names, one for each behaviour that needs no number."""
    return {"object": "list", "data": [model_document(name) for name in listed(names)]}


def model_document(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _CREATED_S, "owned_by": "simulator"}


def _chat(question: Question, speaker: Speaker, serial: Serial) -> Content:
    return _generated(chat_answer(decode(question.body, ChatRequest), speaker, serial), question, speaker)


def _complete(question: Question, speaker: Speaker, serial: Serial) -> Content:
    return _generated(completion_answer(decode(question.body, CompletionRequest), speaker, serial), question, speaker)


def _generated(answer: Answer, question: Question, speaker: Speaker) -> Content:
    report = speaker.behaviour.usage
    is_azure = (speaker.behaviour.vendor or question.route.provider) == Vendor.AZURE
    stream = partial(frames, answer, report, prompt_filter=is_azure)
    return Content(partial(whole, answer, report), stream if question.head.stream else None, answer.usage)


def _embed(question: Question, _: Speaker, __: Serial) -> Content:
    document, usage = embeddings(decode(question.body, EmbeddingRequest), question.model)
    return plain(document, usage)


def _moderate(question: Question, _: Speaker, serial: Serial) -> Content:
    document = moderations(decode(question.body, ModerationRequest), question.model, serial.number)
    return plain(document)


def _models(question: Question, _: Speaker, __: Serial) -> Content:
    name = question.route.model
    document = models_document(question.models) if name is None else model_document(existing(name))
    return plain(document)


SERVICES = {
    Endpoint.CHAT: Service(Dialect.OPENAI_CHAT, Operation.CHAT, _chat),
    Endpoint.COMPLETIONS: Service(Dialect.OPENAI_CHAT, Operation.COMPLETIONS, _complete),
    Endpoint.EMBEDDINGS: Service(Dialect.OPENAI_CHAT, Operation.EMBEDDINGS, _embed),
    Endpoint.MODERATIONS: Service(Dialect.OPENAI_CHAT, Operation.MODERATIONS, _moderate),
    Endpoint.MODELS: Service(Dialect.OPENAI_CHAT, Operation.MODELS, _models, stream=never, method="GET"),
}
