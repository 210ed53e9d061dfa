"""Anthropic's endpoints, on each host that has them, as rows of the simulator's table."""

from __future__ import annotations

from proxy.core.call import Dialect
from proxy.simulator.answers import Serial, Speaker, prompt_tokens
from proxy.simulator.behaviour import Vendor
from proxy.simulator.dialects.anthropic.reading import admit, read
from proxy.simulator.dialects.anthropic.rendering import WIRE, frames, whole
from proxy.simulator.dialects.service import Service, always, asked_for, never, only, plain, said_by, told
from proxy.simulator.modelnames import existing, listed
from proxy.simulator.paths import Endpoint, Operation
from proxy.simulator.question import Content, Question

_CREATED_AT = "2026-01-01T00:00:00Z"


def _message(question: Question, speaker: Speaker, serial: Serial) -> Content:
    return told(said_by(read(question), question, speaker, serial), question, whole, frames)


def _count(question: Question, _: Speaker, __: Serial) -> Content:
    return plain({"input_tokens": prompt_tokens(read(question).request)})


def _models(question: Question, _: Speaker, __: Serial) -> Content:
    if question.route.model is not None:
        return plain(_model(existing(question.route.model)))
    names = listed(question.models)
    page = {"data": [_model(name) for name in names], "has_more": False, "first_id": names[0], "last_id": names[-1]}
    return plain(page)


def _model(name: str) -> dict[str, object]:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": _CREATED_AT,
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }


_CHAT = Service(
    Dialect.ANTHROPIC,
    Operation.CHAT,
    _message,
    only(WIRE),
    Vendor.ANTHROPIC,
    asked_for,
    admit,
    request_id="request-id",
    policy_answers=True,
)
_COUNT = _CHAT._replace(operation=Operation.COUNT_TOKENS, answer=_count, stream=never, policy_answers=False)

SERVICES = {
    Endpoint.MESSAGES: _CHAT,
    Endpoint.RAW_PREDICT: _CHAT._replace(stream=never),
    Endpoint.RAW_PREDICT_STREAM: _CHAT._replace(stream=always),
    Endpoint.MESSAGE_TOKENS: _COUNT,
    Endpoint.RAW_COUNT_TOKENS: _COUNT,
    Endpoint.MESSAGE_MODELS: _COUNT._replace(operation=Operation.MODELS, answer=_models, method="GET"),
}
