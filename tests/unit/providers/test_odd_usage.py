"""Usage that makes no sense, in every dialect an upstream speaks: it never spoils the answer that it stands in.

Whoever answers was paid for it already. What cannot be read is no usage, and is estimated by whoever asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.core.call import Dialect, Operation
from proxy.core.streamparts import Began, Counted, Finished
from proxy.core.usage import LARGEST_COUNT, Usage
from proxy.providers.codecs import CODECS, Heard
from proxy.providers.dialects import UPSTREAMS

_HUB = {"prompt_tokens": 12, "completion_tokens": 5}
# What each vendor says of 12 tokens in, of which 2 were in its cache, and 5 out.
COUNTS: dict[Dialect, dict[str, Any]] = {
    Dialect.OPENAI_CHAT: {**_HUB, "prompt_tokens_details": {"cached_tokens": 2}},
    Dialect.OPENAI_RESPONSES: {
        "input_tokens": 12,
        "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    },
    Dialect.ANTHROPIC: {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 2,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens_details": {"thinking_tokens": 0},
    },
    Dialect.GEMINI: {
        "promptTokenCount": 12,
        "candidatesTokenCount": 5,
        "cachedContentTokenCount": 2,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}],
    },
    Dialect.BEDROCK: {
        "inputTokens": 10,
        "outputTokens": 5,
        "cacheReadInputTokens": 2,
        "cacheWriteInputTokens": 0,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 0}],
    },
    Dialect.OLLAMA: {"prompt_eval_count": 12, "eval_count": 5},
    Dialect.COHERE: {
        "billed_units": {"input_tokens": 12, "output_tokens": 5},
        "tokens": {"input_tokens": 507, "output_tokens": 8},
        "cached_tokens": 448,
    },
}
ODD = [None, -7, 10**18, 10**30, "many", 1.5, [1], True, {"a": 1}]


def whole(dialect: Dialect, usage: object) -> dict[str, Any]:
    match dialect:
        case Dialect.OPENAI_CHAT:
            message = {"role": "assistant", "content": "hi"}
            return {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
        case Dialect.OPENAI_RESPONSES:
            text = {"type": "output_text", "text": "hi", "annotations": []}
            item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
            return {"id": "x", "object": "response", "status": "completed", "output": [item], "usage": usage}
        case Dialect.ANTHROPIC:
            text = {"type": "text", "text": "hi"}
            return {"id": "x", "role": "assistant", "content": [text], "stop_reason": "end_turn", "usage": usage}
        case Dialect.GEMINI:
            content = {"parts": [{"text": "hi"}], "role": "model"}
            return {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage}
        case Dialect.BEDROCK:
            said = {"role": "assistant", "content": [{"text": "hi"}]}
            return {"output": {"message": said}, "stopReason": "end_turn", "usage": usage}
        case Dialect.OLLAMA:
            counts = usage if isinstance(usage, dict) else {}
            return {"model": "m", "message": {"content": "hi"}, "done": True, "done_reason": "stop", **counts}
        case _:
            text = {"type": "text", "text": "hi"}
            return {"finish_reason": "COMPLETE", "message": {"content": [text]}, "usage": usage}


def events(dialect: Dialect, usage: object) -> list[tuple[str, dict[str, Any]]]:
    """The end of a stream, and what comes before it where that counts too."""
    match dialect:
        case Dialect.OPENAI_CHAT:
            ended = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            return [("", ended), ("", {"choices": [], "usage": usage})]
        case Dialect.OPENAI_RESPONSES:
            return [("", {"type": "response.completed", "response": whole(dialect, usage)})]
        case Dialect.ANTHROPIC:
            return [
                ("", {"type": "message_start", "message": {"id": "x", "model": "m", "usage": usage}}),
                ("", {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}),
            ]
        case Dialect.BEDROCK:
            return [("messageStop", {"stopReason": "end_turn"}), ("metadata", {"usage": usage})]
        case Dialect.COHERE:
            return [("", {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage}})]
        case _:
            return [("", whole(dialect, usage))]


def variants(value: object, odd: object) -> Iterator[object]:
    """The value with the odd one in each place of it, one at a time."""
    yield odd
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from ({**value, name: changed} for changed in variants(inner, odd))
    if isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], changed, *value[place + 1 :]] for changed in variants(inner, odd))


def read_stream(dialect: Dialect, usage: object) -> tuple[list[Usage | None], bool]:
    """Every usage that a stream told of, and whether it was finished."""
    decoder = UPSTREAMS[dialect].decoder("account", "model")
    parts = [part for name, data in events(dialect, usage) for part in decoder.feed(name, json.dumps(data).encode())]
    told = [part.usage for part in parts if isinstance(part, Began | Counted)]
    return told, any(isinstance(part, Finished) for part in parts)


def is_sound(usage: Usage | None) -> bool:
    if usage is None:
        return True
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    parts = [usage.cached_tokens, usage.reasoning_tokens, usage.cache_write_tokens, usage.audio_input_tokens]
    return prompt + completion > 0 and all(0 <= count <= 3 * LARGEST_COUNT for count in [prompt, completion, *parts])


@pytest.mark.parametrize("dialect", COUNTS)
def test_what_is_counted_is_read(dialect: Dialect) -> None:
    cached = 0 if dialect in (Dialect.OLLAMA, Dialect.COHERE) else 2
    answer = UPSTREAMS[dialect].decode_answer(json.dumps(whole(dialect, COUNTS[dialect])).encode(), "account", "model")
    told, is_finished = read_stream(dialect, COUNTS[dialect])
    assert answer.usage == told[-1] == Usage(12, 5, cached)
    assert is_finished


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("dialect", COUNTS)
def test_odd_counts_do_not_spoil_an_answer(dialect: Dialect, odd: object) -> None:
    for usage in variants(COUNTS[dialect], odd):
        body = json.dumps(whole(dialect, usage)).encode()
        assert is_sound(UPSTREAMS[dialect].decode_answer(body, "account", "model").usage), usage


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("dialect", COUNTS)
def test_odd_counts_do_not_spoil_a_stream(dialect: Dialect, odd: object) -> None:
    for usage in variants(COUNTS[dialect], odd):
        told, is_finished = read_stream(dialect, usage)
        assert is_finished, usage
        assert all(map(is_sound, told)), usage


@pytest.mark.parametrize("written", [12.0, "12"], ids=repr)
@pytest.mark.parametrize("dialect", [dialect for dialect in COUNTS if dialect is not Dialect.OPENAI_CHAT])
def test_a_whole_number_is_read_however_it_is_written(dialect: Dialect, written: object) -> None:
    usage = json.loads(json.dumps(COUNTS[dialect]).replace("12", json.dumps(written)))
    body = json.dumps(whole(dialect, usage)).encode()
    found = UPSTREAMS[dialect].decode_answer(body, "account", "model").usage
    assert found is not None
    assert found.completion_tokens == 5


@pytest.mark.parametrize("dialect", COUNTS)
def test_counts_of_nothing_are_none(dialect: Dialect) -> None:
    zeros = json.loads(re.sub(r": \d+", ": 0", json.dumps(COUNTS[dialect])))
    for usage in ({"unknown": 1}, zeros):
        body = json.dumps(whole(dialect, usage)).encode()
        assert UPSTREAMS[dialect].decode_answer(body, "account", "model").usage is None


VECTORS: dict[Dialect, dict[str, Any]] = {
    Dialect.GEMINI: {"embedding": {"values": [1.0]}, "usageMetadata": {"promptTokenCount": 12}},
    Dialect.BEDROCK: {"embedding": [1.0], "inputTextTokenCount": 12},
    Dialect.OLLAMA: {"embeddings": [[1.0]], "prompt_eval_count": 12},
    Dialect.COHERE: {"embeddings": {"float": [[1.0]]}, "meta": {"billed_units": {"input_tokens": 12}}},
}
COUNTED = {"usageMetadata", "inputTextTokenCount", "prompt_eval_count", "meta"}


def embedded(dialect: Dialect, answer: dict[str, Any]) -> Usage | None:
    heard = Heard(json.dumps(answer).encode(), (), b"{}", "model", 99)
    return CODECS[Operation.EMBEDDINGS, dialect].decode(heard)[1]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("dialect", VECTORS)
def test_odd_counts_do_not_spoil_embeddings(dialect: Dialect, odd: object) -> None:
    assert embedded(dialect, VECTORS[dialect]) == Usage(12)
    for name in COUNTED & VECTORS[dialect].keys():
        for usage in variants(VECTORS[dialect][name], odd):
            assert embedded(dialect, {**VECTORS[dialect], name: usage}) is None, usage


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_odd_counts_do_not_spoil_vectors_of_vertex(odd: object) -> None:
    vector = {"values": [1.0], "statistics": {"token_count": 12.0}}
    assert embedded(Dialect.GEMINI, {"predictions": [{"embeddings": vector}]}) == Usage(12)
    for statistics in variants(vector["statistics"], odd):
        answer = {"predictions": [{"embeddings": {**vector, "statistics": statistics}}]}
        assert embedded(Dialect.GEMINI, answer) is None
