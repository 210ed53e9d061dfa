"""One decoded question turned into the steps of its reply.

Puts the pieces together: endpoint -> content, behaviour -> what goes wrong with it. Pure: number and time come in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import orjson

from proxy.core.errors import GatewayError
from proxy.core.usage import Usage
from proxy.simulator.answers import Answer, Serial, Speaker, chat_answer, completion_answer
from proxy.simulator.behaviour import Behaviour, Vendor
from proxy.simulator.faults import Content, Setting, content_reply, error_reply, is_error
from proxy.simulator.grammar import CLAUSES, PREFIX
from proxy.simulator.paths import Endpoint, Route
from proxy.simulator.rendering import frames, whole
from proxy.simulator.replies import Plain, Step, json_answer
from proxy.simulator.request import ChatRequest, CompletionRequest, EmbeddingRequest, Head, ModerationRequest, decode
from proxy.simulator.selection import Chosen
from proxy.simulator.vectors import embeddings, moderations

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_CREATED_S = 1_700_000_000


class Question(NamedTuple):
    """A request, its path read and its head decoded. `model` is the upstream model it is for."""

    route: Route
    head: Head
    model: str
    body: bytes


class Reply(NamedTuple):
    """`usage` is what a whole answer reports; its completion tokens may never all be sent."""

    steps: Iterator[Step]
    usage: Usage = Usage()


def answer_question(question: Question, chosen: Chosen, serial: Serial, wall_s: float) -> Reply:
    """Return the reply to a question under the behaviour chosen for it.

    Raises:
        MalformedRequest: The body is not what its endpoint takes.
    """
    behaviour, vendor = chosen.behaviour, _vendor(question.route.provider, chosen.behaviour)
    setting = Setting(vendor, _headers(chosen, serial), wall_s)
    if is_error(behaviour):
        return Reply(error_reply(behaviour, setting))
    content = _content(question, Speaker(question.route.provider, question.model, behaviour), serial, vendor)
    return Reply(content_reply(content, behaviour, setting), content.usage)


def models_document(names: tuple[str, ...]) -> dict[str, Any]:
    """Write a model list; without names, one for each behaviour that needs no number."""
    examples = tuple(PREFIX + clause.words for clause in CLAUSES if clause.argument is None)
    return {"object": "list", "data": [model_document(name) for name in names or examples]}


def model_document(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _CREATED_S, "owned_by": "simulator"}


def refusal(error: GatewayError) -> Plain:
    """Write the simulator's own error, for a request that it cannot serve."""
    words = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return json_answer({"error": words}, error.status)


def _content(question: Question, speaker: Speaker, serial: Serial, vendor: Vendor) -> Content:
    body, model = question.body, question.model
    match question.route.endpoint:
        case Endpoint.CHAT:
            return _generated(chat_answer(decode(body, ChatRequest), speaker, serial), question, speaker, vendor)
        case Endpoint.COMPLETIONS:
            request = decode(body, CompletionRequest)
            return _generated(completion_answer(request, speaker, serial), question, speaker, vendor)
        case Endpoint.EMBEDDINGS:
            document, usage = embeddings(decode(body, EmbeddingRequest), model)
            return Content(partial(orjson.dumps, document), None, usage)
        case _:
            document = moderations(decode(body, ModerationRequest), model, serial.number)
            return Content(partial(orjson.dumps, document), None, Usage())


def _generated(answer: Answer, question: Question, speaker: Speaker, vendor: Vendor) -> Content:
    report = speaker.behaviour.usage
    stream = partial(frames, answer, report, prompt_filter=vendor is Vendor.AZURE)
    return Content(partial(whole, answer, report), stream if question.head.stream else None, answer.usage)


def _vendor(provider: str, behaviour: Behaviour) -> Vendor:
    """Return whose errors are imitated: the phrase's word, else the provider's name where it is a vendor's."""
    if behaviour.vendor is not None:
        return behaviour.vendor
    return Vendor(provider) if provider in set(Vendor) else Vendor.OPENAI


def _headers(chosen: Chosen, serial: Serial) -> tuple[tuple[str, str], ...]:
    remaining = chosen.behaviour.remaining
    limits = () if remaining is None else (("x-ratelimit-remaining-requests", str(remaining)),)
    return (
        ("x-request-id", f"req_simulated{serial.number:08x}"),
        ("openai-processing-ms", "0"),
        ("x-simulator", _UNPRINTABLE.sub("?", chosen.label)[:200]),
        *limits,
    )
