"""The official OpenAI SDK, pointed at the simulator: its answers are valid by the SDK's own types."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from proxy.simulator.app import simulator_app
from tests.fakes.serving import serve

_MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
_TOOLS: list[ChatCompletionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
                "required": ["city", "unit"],
                "additionalProperties": False,
            },
        },
    }
    for name in ("get_weather", "get_climate")
]


class Part(BaseModel):
    name: str
    count: int
    inner: Part | None


class Recipe(BaseModel):
    title: str
    vegan: bool | None
    parts: list[Part]


@asynccontextmanager
async def _client(provider: str = "p") -> AsyncIterator[AsyncOpenAI]:
    async with (
        serve(simulator_app()) as url,
        AsyncOpenAI(base_url=f"{url}/{provider}/v1", api_key="sk-test", max_retries=0, timeout=5.0) as client,
    ):
        yield client


async def test_chat() -> None:
    async with _client() as client:
        answer = await client.chat.completions.create(model="sim-cached-2-reasoning-3", messages=_MESSAGES, n=2)
    assert [choice.finish_reason for choice in answer.choices] == ["stop", "stop"]
    assert "simulated by p" in (answer.choices[0].message.content or "")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 2


async def test_stream_with_usage() -> None:
    async with _client() as client:
        stream = await client.chat.completions.create(
            model="sim-tokens-5", messages=_MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    assert [chunk.usage is not None for chunk in chunks] == [False] * 7 + [True]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 5


@pytest.mark.parametrize("stream", [False, True])
async def test_parallel_tool_calls(stream: bool) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "use all tools"}]
    async with _client() as client:
        if stream:
            async with client.chat.completions.stream(model="sim-ok", messages=messages, tools=_TOOLS) as events:
                choice = (await events.get_final_completion()).choices[0]
            calls = choice.message.tool_calls or []
            found = [(call.function.name, json.loads(call.function.arguments)) for call in calls]
            finish = choice.finish_reason
        else:
            answer = await client.chat.completions.create(model="sim-ok", messages=messages, tools=_TOOLS)
            finish = answer.choices[0].finish_reason
            functions = [c.function for c in answer.choices[0].message.tool_calls or [] if c.type == "function"]
            found = [(function.name, json.loads(function.arguments)) for function in functions]
    arguments = {"city": "simulated", "unit": "C"}
    assert (found, finish) == ([("get_weather", arguments), ("get_climate", arguments)], "tool_calls")


@pytest.mark.parametrize("stream", [False, True])
async def test_structured_output(stream: bool) -> None:
    async with _client() as client:
        if stream:
            async with client.chat.completions.stream(
                model="sim-ok", messages=_MESSAGES, response_format=Recipe
            ) as events:
                recipe = (await events.get_final_completion()).choices[0].message.parsed
        else:
            answer = await client.chat.completions.parse(model="sim-ok", messages=_MESSAGES, response_format=Recipe)
            recipe = answer.choices[0].message.parsed
    assert recipe is not None
    assert recipe.parts[0].count == 1


async def test_images_are_accepted_and_mentioned() -> None:
    messages: list[ChatCompletionMessageParam] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            ],
        }
    ]
    async with _client() as client:
        answer = await client.chat.completions.create(model="sim-ok", messages=messages)
    assert "an image of type image/png" in (answer.choices[0].message.content or "")


async def test_completions() -> None:
    async with _client() as client:
        answer = await client.completions.create(model="sim-ok", prompt="hi", max_tokens=4)
        stream = await client.completions.create(model="sim-ok", prompt="hi", max_tokens=4, stream=True)
        text = "".join([chunk.choices[0].text async for chunk in stream])
    assert (answer.choices[0].finish_reason, text) == ("length", answer.choices[0].text)


async def test_embeddings_are_equal_as_floats_and_as_base64() -> None:
    async with _client() as client:
        by_default = await client.embeddings.create(model="sim-ok", input=["a", "b"], dimensions=8)
        floats = await client.embeddings.create(model="sim-ok", input=["a", "b"], dimensions=8, encoding_format="float")
    assert [len(row.embedding) for row in by_default.data] == [8, 8]
    assert by_default.data[1].embedding == pytest.approx(floats.data[1].embedding)


async def test_moderations() -> None:
    async with _client() as client:
        answer = await client.moderations.create(model="sim-ok", input=["fine", "simulate-flagged"])
    assert [result.flagged for result in answer.results] == [False, True]
    assert answer.results[1].categories.harassment


async def test_models() -> None:
    async with _client() as client:
        names = [model.id async for model in client.models.list()]
        assert (await client.models.retrieve(names[0])).id == names[0]
    assert "sim-ok" in names


async def test_azure_client() -> None:
    async with (
        serve(simulator_app()) as url,
        AsyncAzureOpenAI(azure_endpoint=f"{url}/azure", api_version="2024-10-21", api_key="k", max_retries=0) as client,
    ):
        answer = await client.chat.completions.create(model="gpt4o-prod", messages=_MESSAGES)
    assert answer.model == "gpt4o-prod"


@pytest.mark.parametrize(
    ("phrase", "error"),
    [
        pytest.param("invalid", openai.BadRequestError, id="400"),
        pytest.param("auth", openai.AuthenticationError, id="401"),
        pytest.param("permission", openai.PermissionDeniedError, id="403"),
        pytest.param("missing", openai.NotFoundError, id="404"),
        pytest.param("409", openai.ConflictError, id="409"),
        pytest.param("422", openai.UnprocessableEntityError, id="422"),
        pytest.param("quota", openai.RateLimitError, id="429"),
        pytest.param("overload", openai.InternalServerError, id="503"),
    ],
)
async def test_every_error_class(phrase: str, error: type[openai.APIStatusError]) -> None:
    async with _client() as client:
        with pytest.raises(error) as caught:
            await client.chat.completions.create(model=f"sim-{phrase}", messages=_MESSAGES)
    assert caught.value.request_id == "req_simulated00000001"


async def test_error_in_the_stream_is_raised() -> None:
    async with _client() as client:
        stream = await client.chat.completions.create(model="sim-error-after-2", messages=_MESSAGES, stream=True)
        with pytest.raises(openai.APIError):
            [chunk async for chunk in stream]


async def test_silence_becomes_a_timeout() -> None:
    async with _client() as client:
        with pytest.raises(openai.APITimeoutError):
            await client.chat.completions.create(model="sim-silent", messages=_MESSAGES, timeout=0.2)
