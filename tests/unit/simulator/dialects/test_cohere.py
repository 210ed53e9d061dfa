"""Cohere's API, version 2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.asking import asked, refused

_PATH = "/cohere/v2/chat"
_HELLO: list[Any] = [{"role": "user", "content": "hello"}]
_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
_CALL = {
    "role": "assistant",
    "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
_RESULT = {"role": "tool", "tool_call_id": "t1", "content": [{"type": "document", "document": {"data": "x"}}]}
Json = dict[str, Any]


def _body(**members: Any) -> Json:  # noqa: ANN401 - any member
    return {"model": "sim-ok", "messages": _HELLO, **members}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({"model": "sim-ok"}, "messages is required", id="no-messages"),
        pytest.param(_body(messages=[]), "messages must be a list of at least 1", id="empty"),
        pytest.param(_body(logit_bias={}), "unknown field: parameter 'logit_bias'", id="unknown-member"),
        pytest.param(_body(tool_choice="auto"), "tool_choice must be 'REQUIRED' or 'NONE'", id="choice-of-openai"),
        pytest.param(_body(tool_choice="REQUIRED"), "only be specified with tools", id="choice-without-tools"),
        pytest.param(_body(messages=[{"role": "developer", "content": "x"}]), "messages.0.role must be", id="role"),
        pytest.param(_body(messages=[*_HELLO, _RESULT]), "no earlier tool call has", id="result-without-a-call"),
        pytest.param(_body(messages=[{"role": "user", "content": ""}]), "must have content", id="no-content"),
        pytest.param(_body(messages=[*_HELLO, {"role": "assistant"}]), "must have content or tool calls", id="nothing"),
        pytest.param(_body(messages=[{"role": "system", "content": "s"}]), "the last message", id="system-alone"),
        pytest.param(_body(frequency_penalty=2), "less than or equal to 1", id="penalty"),
    ],
)
async def test_vendor_refuses(body: Json, words: str) -> None:
    assert words in await refused(_PATH, body)


async def test_unknown_member_has_a_status_of_its_own() -> None:
    assert (await asked(_PATH, _body(foo=1))).status == 422


async def test_key_must_be_there() -> None:
    answer = await asked(_PATH, _body(), {})
    assert (answer.status, answer.json) == (401, {"message": "no api key supplied"})


@pytest.mark.parametrize(
    ("phrase", "members", "reason"),
    [
        pytest.param("ok", {}, "COMPLETE", id="end"),
        pytest.param("ok", {"max_tokens": 1}, "MAX_TOKENS", id="limit"),
        pytest.param("ok", {"stop_sequences": ["simulated"]}, "STOP_SEQUENCE", id="stop-word"),
        pytest.param("ok", {"tools": [_TOOL], "tool_choice": "REQUIRED"}, "TOOL_CALL", id="tool"),
        pytest.param("filtered", {}, "ERROR", id="filtered"),
    ],
)
async def test_reason_of_the_end(phrase: str, members: Json, reason: str) -> None:
    assert (await asked(_PATH, _body(model=f"sim-{phrase}", **members))).json["finish_reason"] == reason


async def test_calls_come_with_a_plan() -> None:
    message = (await asked(_PATH, _body(tools=[_TOOL], tool_choice="REQUIRED"))).json["message"]
    assert (bool(message["tool_plan"]), message["tool_calls"][0]["function"]["name"]) == (True, "f")
    history = [*_HELLO, {"role": "assistant", **message}, {**_RESULT, "tool_call_id": message["tool_calls"][0]["id"]}]
    assert "1 tool result" in (await asked(_PATH, _body(messages=history))).json["message"]["content"][0]["text"]


async def test_calls_stream_in_pieces() -> None:
    answer = await asked(_PATH, _body(tools=[_TOOL], tool_choice="REQUIRED", stream=True))
    assert [event["type"] for event in answer.events[:-1]] == [
        *("message-start", "tool-plan-delta", "tool-call-start", "tool-call-delta", "tool-call-end", "message-end"),
    ]
    assert answer.events[-1] == "[DONE]"


async def test_thinking_is_a_block_of_its_own() -> None:
    content = (await asked(_PATH, _body(thinking={"type": "enabled"}))).json["message"]["content"]
    assert [block["type"] for block in content] == ["thinking", "text"]


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        pytest.param({"type": "json_object"}, '{"simulated":true}', id="json"),
        pytest.param({"type": "json_object", "json_schema": {"type": "integer"}}, "1", id="schema"),
    ],
)
async def test_structured_output(wanted: Json, text: str) -> None:
    answer = (await asked(_PATH, _body(response_format=wanted))).json
    assert answer["message"]["content"][0]["text"] == text


async def test_usage_tells_what_is_billed() -> None:
    usage = (await asked(_PATH, _body(model="sim-cached-2"))).json["usage"]
    assert usage["billed_units"]["input_tokens"] == usage["tokens"]["input_tokens"] - 495
    assert usage["cached_tokens"] == 2
    assert "usage" not in (await asked(_PATH, _body(model="sim-no-usage"))).json


async def test_embeddings_in_every_type() -> None:
    kinds = ["float", "int8", "uint8", "binary", "ubinary", "base64"]
    body = {"model": "m", "input_type": "search_query", "texts": ["a"], "embedding_types": kinds, "output_dimension": 8}
    found = (await asked("/cohere/v2/embed", body)).json["embeddings"]
    assert [len(found[kind][0]) for kind in kinds] == [8, 8, 8, 1, 1, 44]
    assert found["binary"][0][0] == found["ubinary"][0][0] - 128


async def test_inputs_are_embedded_and_exactly_one_kind_is_taken() -> None:
    body = {"model": "m", "input_type": "image", "inputs": [{"content": [{"type": "text", "text": "a"}]}]}
    assert len((await asked("/cohere/v2/embed", body)).json["embeddings"]["float"]) == 1
    assert "exactly one of" in await refused("/cohere/v2/embed", {"model": "m", "input_type": "image"})


async def test_ranking_and_models() -> None:
    body = {"model": "m", "query": "fox", "documents": ["cow", "fox"]}
    rows = (await asked("/cohere/v2/rerank", body)).json["results"]
    listed = (await asked("/cohere/v1/models", method="GET")).json["models"]
    shown = (await asked("/cohere/v1/models/sim-ok", method="GET")).json
    assert ([row["index"] for row in rows], shown in listed) == ([1, 0], True)
