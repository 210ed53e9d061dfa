"""Answers held against the types of vendors' own SDKs: every member known, every value of its type.

The members that gateways add to OpenAI chat, which its SDK hands through, are known too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, cast

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter
from pydantic_core import SchemaValidator

from tests.fakes.tools import require_module

ADDED = frozenset({"reasoning_content", "thinking_blocks", "images", "extra_content", "annotations"})
ANTHROPIC_ADDED = frozenset({"cache_creation", "service_tier", "speed"})  # of a whole usage, at a stream's end too
OLLAMA_ADDED = frozenset({"id", "index"})  # by the server itself; the Python types lack them


@lru_cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a type or a union of types
    return TypeAdapter(kind)


def strictly(kind: Any, document: object, added: frozenset[str] = frozenset()) -> None:  # noqa: ANN401
    """Fail unless a document is of a type, without a member that the type does not know."""
    _no_more(_adapter(kind).validate_json(json.dumps(document), strict=True), added, "")


def _no_more(value: object, added: frozenset[str], where: str) -> None:
    if isinstance(value, BaseModel):
        unknown = (value.model_extra or {}).keys() - added
        assert not unknown, f"{where or type(value).__name__} holds {sorted(unknown)}"
        for name in value.model_fields_set - (value.model_extra or {}).keys():
            _no_more(getattr(value, name), added, f"{where}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _no_more(item, added, f"{where}[{index}]")


def check_request(kind: Any, document: object) -> None:  # noqa: ANN401
    """Hold a request against a `TypedDict` of an SDK's: every member known, every value of its type."""
    _validator(kind).validate_python(document)


@lru_cache
def _validator(kind: Any) -> SchemaValidator:  # noqa: ANN401
    return SchemaValidator(_closed(TypeAdapter(kind).core_schema))


def _closed(schema: Any) -> Any:  # noqa: ANN401
    """Take no unknown members, and look into each `Iterable`, which pydantic else leaves to be looked at later."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(_closed, schema))
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if closed.get("type") == "typed-dict" and "extras_schema" not in closed:
        closed["extra_behavior"] = "forbid"
    if closed.get("type") == "generator":
        closed["type"] = "list"
    return closed


def _chat(body: bytes) -> None:
    strictly(ChatCompletion, json.loads(body), ADDED)


def _chat_stream(events: Iterable[bytes]) -> None:
    *chunks, last = events
    assert last == b"[DONE]"
    for chunk in map(json.loads, chunks):
        for choice in chunk["choices"]:
            # The SDK's chunk knows no calls of custom tools, its whole answer does.
            calls = choice["delta"].get("tool_calls", [])
            choice["delta"]["tool_calls"] = [call for call in calls if "custom" not in call]
        strictly(ChatCompletionChunk, chunk, ADDED)


def _responses(body: bytes) -> None:
    strictly(Response, json.loads(body))


def _responses_stream(events: Iterable[bytes]) -> None:
    for number, event in enumerate(map(json.loads, events)):
        assert event["sequence_number"] == number
        strictly(ResponseStreamEvent, event)


def _ollama(body: bytes) -> None:
    types = require_module("ollama")
    kind = type("ChatAnswer", (types.ChatResponse,), {"model_config": {"extra": "allow"}, "__module__": __name__})
    strictly(kind, json.loads(body), OLLAMA_ADDED)


def _ollama_stream(events: Iterable[bytes]) -> None:
    for line in events:
        _ollama(line)


def _anthropic(body: bytes) -> None:
    strictly(require_module("anthropic.types").Message, json.loads(body))


def _anthropic_stream(events: Iterable[bytes]) -> None:
    kind = require_module("anthropic.types").RawMessageStreamEvent
    for event in map(json.loads, events):
        strictly(kind, event, ANTHROPIC_ADDED)


def _gemini(body: bytes) -> None:
    document = json.loads(body)
    document.get("usageMetadata", {}).pop("serviceTier", None)  # the SDK's type lacks it
    require_module("google.genai.types").GenerateContentResponse.model_validate(document)  # takes no unknown member


def _gemini_stream(events: Iterable[bytes]) -> None:
    for event in events:
        _gemini(event)


WHOLE: dict[str, Callable[[bytes], None]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "ollama": _ollama,
    "anthropic": _anthropic,
    "gemini": _gemini,
}
STREAM: dict[str, Callable[[Iterable[bytes]], None]] = {
    "openai_chat": _chat_stream,
    "openai_responses": _responses_stream,
    "ollama": _ollama_stream,
    "anthropic": _anthropic_stream,
    "gemini": _gemini_stream,
}


def check_answer(dialect: str, body: bytes) -> None:
    """Hold a whole answer against its dialect's types, where there are any."""
    cast("Callable[[bytes], None]", WHOLE.get(dialect, lambda body: None))(body)


def check_stream(dialect: str, events: Iterable[bytes]) -> None:
    """Hold the events of a stream against its dialect's types, where there are any."""
    cast("Callable[[Iterable[bytes]], None]", STREAM.get(dialect, lambda events: None))(events)
