"""Ollama's native endpoints as rows of the simulator's table."""

from __future__ import annotations

from proxy.core.call import Dialect
from proxy.core.errors import MalformedRequest
from proxy.core.usage import Usage
from proxy.simulator.answers import Serial, Speaker
from proxy.simulator.behaviour import Vendor
from proxy.simulator.dialects.ollama.reading import EMBED, checked, read
from proxy.simulator.dialects.ollama.rendering import WIRE, frames, whole
from proxy.simulator.dialects.service import Service, never, only, plain, said_by, told, unless_refused
from proxy.simulator.modelnames import listed
from proxy.simulator.paths import Endpoint, Operation
from proxy.simulator.question import Content, Question
from proxy.simulator.text import count_tokens
from proxy.simulator.vectors import DEFAULT_DIMENSIONS, floats

VERSION = "0.13.0"


def _chat(question: Question, speaker: Speaker, serial: Serial) -> Content:
    heard = read(question)
    if not heard.request.messages:
        load = {"model": question.model, "message": {"role": "assistant", "content": ""}}
        return plain({**load, "created_at": "2026-01-01T00:00:00Z", "done": True, "done_reason": "load"})
    return told(said_by(heard, question, speaker, serial), question, whole, frames)


def _embed(question: Question, _: Speaker, __: Serial) -> Content:
    body = checked(question, EMBED)
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    if not all(texts):
        raise MalformedRequest("input must not be empty")
    usage = Usage(prompt_tokens=count_tokens(texts))
    size = body.get("dimensions") or DEFAULT_DIMENSIONS
    answer = {"model": question.model, "embeddings": [floats(text, size) for text in texts]}
    counts = {"total_duration": 2_000_000, "load_duration": 1_000_000, "prompt_eval_count": usage.prompt_tokens}
    return plain({**answer, **counts}, usage)


def _tags(question: Question, _: Speaker, __: Serial) -> Content:
    return plain({"models": [_model(name) for name in listed(question.models)]})


def _version(_: Question, __: Speaker, ___: Serial) -> Content:
    return plain({"version": VERSION})


def _model(name: str) -> dict[str, object]:
    details = {"format": "gguf", "family": "simulated", "parameter_size": "1B", "quantization_level": "Q4_0"}
    stamp = {"modified_at": "2026-01-01T00:00:00Z", "size": 1_000_000, "digest": "0" * 64}
    return {"name": name, "model": name, **stamp, "details": {"parent_model": "", "families": None, **details}}


_CHAT = Service(Dialect.OLLAMA, Operation.CHAT, _chat, only(WIRE), Vendor.OLLAMA, unless_refused, request_id="")
_LIST = _CHAT._replace(operation=Operation.MODELS, stream=never, method="GET")

SERVICES = {
    Endpoint.OLLAMA_CHAT: _CHAT,
    Endpoint.OLLAMA_EMBED: _CHAT._replace(operation=Operation.EMBEDDINGS, answer=_embed, stream=never),
    Endpoint.OLLAMA_TAGS: _LIST._replace(answer=_tags),
    Endpoint.OLLAMA_VERSION: _LIST._replace(answer=_version),
}
