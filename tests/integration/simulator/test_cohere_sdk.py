"""Cohere's own client, pointed at the simulator."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from proxy.simulator.app import simulator_app
from tests.fakes.serving import serve
from tests.fakes.tools import require_module

_MESSAGES = [{"role": "user", "content": "hello"}]
_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
_ONCE = {"max_retries": 0}


@asynccontextmanager
async def _client() -> AsyncIterator[Any]:
    sdk = require_module("cohere")
    async with serve(simulator_app()) as url:
        client = sdk.AsyncClientV2(
            api_key="k", base_url=f"{url}/cohere", timeout=5.0, log_warning_experimental_features=False
        )
        async with client:
            yield client


async def test_chat_and_its_usage() -> None:
    async with _client() as client:
        answer = await client.chat(model="sim-reasoning-2-cached-1", messages=_MESSAGES)
    thought, said = answer.message.content
    assert (thought.type, "simulated by cohere" in said.text, answer.finish_reason) == ("thinking", True, "COMPLETE")
    assert (answer.usage.billed_units.input_tokens, answer.usage.cached_tokens) == (5, 1)
    assert answer.usage.tokens.input_tokens == 500, "what Cohere adds to a prompt is not billed"


async def test_stream_has_its_events_in_order() -> None:
    async with _client() as client:
        events = [event async for event in client.chat_stream(model="sim-tokens-2", messages=_MESSAGES)]
    assert [event.type for event in events] == [
        *("message-start", "content-start", "content-delta", "content-delta", "content-end", "message-end"),
    ]
    assert events[-1].delta.usage.billed_units.output_tokens == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_go_there_and_back(stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "use the tool"}]
    asked = {"model": "sim-ok", "tools": [_TOOL]}
    async with _client() as client:
        if stream:
            events = [event async for event in client.chat_stream(messages=messages, **asked)]
            start = next(event for event in events if event.type == "tool-call-start").delta.message.tool_calls
            pieces = [event.delta.message.tool_calls for event in events if event.type == "tool-call-delta"]
            name, arguments = start.function.name, "".join(piece.function.arguments for piece in pieces)
            call = {"id": start.id, "type": "function", "function": {"name": name, "arguments": arguments}}
        else:
            found = (await client.chat(messages=messages, **asked)).message.tool_calls[0]
            call, arguments = found, found.function.arguments
        messages += [
            {"role": "assistant", "tool_calls": [call], "tool_plan": "I call."},
            {"role": "tool", "tool_call_id": call["id"] if isinstance(call, dict) else call.id, "content": "sunny"},
        ]
        last = await client.chat(messages=messages, **asked)
    assert json.loads(arguments) == {"city": "simulated"}
    assert "1 tool result" in last.message.content[0].text


async def test_embeddings_ranking_and_models() -> None:
    async with _client() as client:
        embedded = await client.embed(
            model="sim-ok",
            texts=["a", "b"],
            input_type="search_query",
            embedding_types=["float", "int8"],
            output_dimension=8,
        )
        ranked = await client.rerank(model="sim-ok", query="red fox", documents=["a cow", "a red fox"], top_n=1)
        models = await client.models.list()
    assert [len(row) for row in embedded.embeddings.float_] == [8, 8]
    assert [row.index for row in ranked.results] == [1]
    assert "sim-ok" in [model.name for model in models.models]


@pytest.mark.parametrize(
    ("phrase", "error"),
    [
        pytest.param("invalid", "BadRequestError", id="400"),
        pytest.param("auth", "UnauthorizedError", id="401"),
        pytest.param("permission", "ForbiddenError", id="403"),
        pytest.param("missing", "NotFoundError", id="404"),
        pytest.param("rate-limit", "TooManyRequestsError", id="429"),
        pytest.param("server-error", "InternalServerError", id="500"),
        pytest.param("overload", "ServiceUnavailableError", id="503"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_every_error_class(phrase: str, error: str, stream: bool) -> None:
    sdk = require_module("cohere")
    asked = {"model": f"sim-{phrase}", "messages": _MESSAGES, "request_options": _ONCE}
    async with _client() as client:
        with pytest.raises(getattr(sdk, error)):
            if stream:
                [event async for event in client.chat_stream(**asked)]
            else:
                await client.chat(**asked)


async def test_error_ends_the_stream() -> None:
    async with _client() as client:
        asked = {"model": "sim-error-after-1-overload", "messages": _MESSAGES}
        *_, last = [event async for event in client.chat_stream(**asked)]
    assert (last.delta.finish_reason, last.delta.error) == ("ERROR", "service unavailable")


async def test_unknown_member_is_refused() -> None:
    sdk = require_module("cohere")
    async with _client() as client:
        options = {**_ONCE, "additional_body_parameters": {"logit_bias": {}}}
        with pytest.raises(sdk.UnprocessableEntityError, match="logit_bias"):
            await client.chat(model="sim-ok", messages=_MESSAGES, request_options=options)
