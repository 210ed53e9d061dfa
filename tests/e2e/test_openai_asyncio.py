"""The official Python SDK's asynchronous client, pointed at a deployed gateway by `base_url` alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import openai
import pytest
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletionChunk

from tests.e2e.asking import ARGUMENTS, CITY, HELLO, TOOLS, USE_ALL_TOOLS, Voyage, finishes, text_of
from tests.fakes.deployment import Deployment

Chunks = AsyncStream[ChatCompletionChunk]


async def test_chat(async_client: AsyncOpenAI) -> None:
    answer = await async_client.chat.completions.create(model="chat", messages=HELLO, n=2)
    assert [choice.finish_reason for choice in answer.choices] == ["stop", "stop"]
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_raw_response_tells_who_answered(async_client: AsyncOpenAI) -> None:
    raw = await async_client.chat.completions.with_raw_response.create(model="asyncio-backed-503", messages=HELLO)
    assert raw.headers["x-fairlead-trail"] == "asyncio=overloaded;second=ok"
    assert "simulated by second:" in (raw.parse().choices[0].message.content or "")


@pytest.mark.parametrize("wants_usage", [False, True])
async def test_stream(async_client: AsyncOpenAI, wants_usage: bool) -> None:
    whole = await async_client.chat.completions.create(model="chat", messages=HELLO)
    stream = await async_client.chat.completions.create(
        model="chat", messages=HELLO, stream=True, stream_options={"include_usage": wants_usage}
    )
    chunks = [chunk async for chunk in stream]
    assert text_of(chunks) == whole.choices[0].message.content
    assert finishes(chunks) == ["stop"]
    assert [chunk.usage for chunk in chunks if chunk.usage] == ([whole.usage] if wants_usage else [])


async def test_a_hundred_streams_at_once_do_not_mix(async_client: AsyncOpenAI) -> None:
    async def ask(number: int) -> str:
        stream = await async_client.chat.completions.create(
            model="asyncio-rate-200", messages=[{"role": "user", "content": "word " * number}], stream=True
        )
        return text_of([chunk async for chunk in stream])

    texts = await asyncio.gather(*(ask(number) for number in range(1, 101)))
    for number, text in enumerate(texts, 1):
        assert f" had {number} word" in text
        assert text.endswith(".")


async def test_tools_are_called_in_parallel_in_a_stream(async_client: AsyncOpenAI) -> None:
    async with async_client.chat.completions.stream(model="chat", messages=USE_ALL_TOOLS, tools=TOOLS) as stream:
        choice = (await stream.get_final_completion()).choices[0]
    calls = choice.message.tool_calls or []
    assert choice.finish_reason == "tool_calls"
    assert [json.loads(call.function.arguments) for call in calls] == [ARGUMENTS, ARGUMENTS]


async def test_structured_output(async_client: AsyncOpenAI) -> None:
    answer = await async_client.chat.completions.parse(model="chat", messages=HELLO, response_format=Voyage)
    async with async_client.chat.completions.stream(model="chat", messages=HELLO, response_format=Voyage) as stream:
        streamed = await stream.get_final_completion()
    assert answer.choices[0].message.parsed == streamed.choices[0].message.parsed
    assert answer.choices[0].message.parsed is not None
    assert answer.choices[0].message.parsed.legs[0].port == CITY


async def test_everything_that_is_no_chat(async_client: AsyncOpenAI) -> None:
    embedded = await async_client.embeddings.create(model="chat", input=["a", "b"])
    assert [len(row.embedding) for row in embedded.data] == [16, 16]
    moderated = await async_client.moderations.create(model="chat", input="simulate-flagged")
    assert moderated.results[0].flagged
    completed = await async_client.completions.create(model="chat", prompt="hi", stream=True)
    assert "".join([chunk.choices[0].text async for chunk in completed]).startswith("This answer is simulated")
    assert [model.id async for model in async_client.models.list()][:2] == ["chat", "vendor/chat"]
    assert (await async_client.models.retrieve("vendor/chat")).id == "vendor/chat"


@pytest.mark.parametrize(
    ("model", "error"),
    [
        pytest.param("asyncio-invalid", openai.BadRequestError, id="400"),
        pytest.param("nothing", openai.NotFoundError, id="404"),
        pytest.param("asyncio-422", openai.UnprocessableEntityError, id="422"),
        pytest.param("asyncio-429-retry-after-9", openai.RateLimitError, id="429"),
        pytest.param("asyncio-500", openai.InternalServerError, id="502"),
        pytest.param("asyncio-hasty-silent", openai.InternalServerError, id="504"),
    ],
)
@pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), pytest.param(True, id="stream")])
async def test_error_is_raised_as_its_class(
    async_client: AsyncOpenAI, model: str, error: type[openai.APIStatusError], stream: bool
) -> None:
    with pytest.raises(error):
        await async_client.chat.completions.create(model=model, messages=HELLO, stream=stream)


async def test_wrong_key_is_an_authentication_error(async_client: AsyncOpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        await async_client.with_options(api_key="wrong").chat.completions.create(model="chat", messages=HELLO)


async def test_stream_that_is_cut_raises_after_what_it_said(async_client: AsyncOpenAI) -> None:
    stream = await async_client.chat.completions.create(
        model="asyncio-cut-after-4-rate-50", messages=HELLO, stream=True
    )
    chunks = []
    with pytest.raises(openai.APIError, match="ended its answer early"):
        async for chunk in stream:
            chunks.append(chunk)
    assert len([chunk for chunk in chunks if chunk.choices[0].delta.content]) == 4


async def test_default_retries_do_not_repeat_what_the_gateway_has_tried(
    async_client: AsyncOpenAI, deployed: Deployment
) -> None:
    with pytest.raises(openai.InternalServerError):
        await async_client.with_options(max_retries=2).chat.completions.create(model="asyncio-html", messages=HELLO)
    assert len(deployed.arrivals("asyncio-html")) == 1


async def leave_by_break(stream: Chunks) -> None:
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()


async def leave_by_with(stream: Chunks) -> None:
    async with stream:
        await anext(stream)


async def leave_by_cancelling_the_task(stream: Chunks) -> None:
    began = asyncio.Event()

    async def read() -> None:
        async for _ in stream:
            began.set()

    task = asyncio.create_task(read())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_with, leave_by_cancelling_the_task])
async def test_leaving_a_stream_closes_the_upstream_within_a_second(
    async_client: AsyncOpenAI, deployed: Deployment, leave: Callable[[Chunks], Awaitable[None]]
) -> None:
    model = "asyncio-rate-20-tokens-400"
    await leave(await async_client.chat.completions.create(model=model, messages=HELLO, stream=True))
    deployed.check_let_go(model)


@pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), pytest.param(True, id="stream")])
async def test_cancelled_call_closes_its_silent_upstream_within_a_second(
    async_client: AsyncOpenAI, deployed: Deployment, stream: bool
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await async_client.chat.completions.create(model="asyncio-silent", messages=HELLO, stream=stream)
    deployed.check_let_go("asyncio-silent")


async def test_impatient_client_gets_a_timeout_and_its_upstream_is_let_go(
    async_client: AsyncOpenAI, deployed: Deployment
) -> None:
    with pytest.raises(openai.APITimeoutError):
        await async_client.chat.completions.create(model="asyncio-silent-ok", messages=HELLO, timeout=0.3)
    deployed.check_let_go("asyncio-silent-ok")
