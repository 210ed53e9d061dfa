"""The official Python SDK and a gateway in one process: settings of their own, and nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest
from openai import DEFAULT_MAX_RETRIES, AsyncOpenAI, OpenAI

from tests.e2e.asking import HELLO, finishes, text_of
from tests.fakes.stage import Stage, Upstream, stage


@asynccontextmanager
async def sdk(on: Stage, max_retries: int = 0) -> AsyncIterator[AsyncOpenAI]:
    """The SDK; without keys the gateway takes any."""
    url = f"{on.gateway.url}/v1"
    async with AsyncOpenAI(base_url=url, api_key="unused", max_retries=max_retries, timeout=10) as client:
        yield client


async def test_forwarded_request_without_keys_is_a_permission_error() -> None:
    async with stage(Upstream("first")) as on, sdk(on) as client:
        with pytest.raises(openai.PermissionDeniedError) as caught:
            await client.chat.completions.create(
                model="m", messages=HELLO, extra_headers={"x-forwarded-for": "192.0.2.1"}
            )
        assert (caught.value.status_code, caught.value.code) == (403, "not_permitted")
        assert on.calls("first") == 0


async def test_full_gateway_is_tried_again_by_the_sdk_until_there_is_room() -> None:
    sections = "[server]\nmax_in_flight = 1\n"
    async with stage(Upstream("first", "sim-delay-0.9"), sections=sections) as on, sdk(on) as impatient:
        first = asyncio.create_task(on.ask())
        while not on.calls("first"):
            await asyncio.sleep(0.01)
        with pytest.raises(openai.InternalServerError) as caught:
            await impatient.chat.completions.create(model="m", messages=HELLO)
        assert (caught.value.status_code, caught.value.code) == (503, "overloaded")
        async with sdk(on, DEFAULT_MAX_RETRIES) as client:
            raw = await client.chat.completions.with_raw_response.create(model="m", messages=HELLO)
        assert raw.retries_taken == 1
        (await first).check_whole("first")
        assert on.calls("first") == 2


async def test_body_over_a_small_limit_is_refused_in_words() -> None:
    async with stage(Upstream("first"), sections="[server]\nmax_body_bytes = 4096\n") as on, sdk(on) as client:
        for size in (5_000, 5_000_000):
            with pytest.raises(openai.APIStatusError) as caught:
                await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x" * size}])
            assert (caught.value.status_code, caught.value.code) == (413, "request_too_large")
        assert (await client.chat.completions.create(model="m", messages=HELLO)).choices


@pytest.mark.parametrize("stream", [False, True])
async def test_answers_name_the_public_model_where_that_is_wanted(stream: bool) -> None:
    async with stage(Upstream("first"), sections="[server]\nrewrite_model = true\n") as on, sdk(on) as client:
        if not stream:
            assert (await client.chat.completions.create(model="m", messages=HELLO)).model == "m"
            return
        chunks = [chunk async for chunk in await client.chat.completions.create(model="m", messages=HELLO, stream=True)]
        assert {chunk.model for chunk in chunks} == {"m"}
        assert finishes(chunks) == ["stop"]


KEEP_ALIVE = "[server]\nsse_keepalive_s = 0.1\n"


async def test_keep_alive_comments_do_not_disturb_the_sdk() -> None:
    async with stage(Upstream("first", "sim-think-0.8-rate-10-tokens-3"), sections=KEEP_ALIVE) as on, sdk(on) as client:
        stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
        assert on.attempts("first", "ok") == 0, "the status line came before the first output"
        chunks = [chunk async for chunk in stream]
        assert (finishes(chunks), len(text_of(chunks).split())) == (["stop"], 3)


async def test_failure_after_a_keep_alive_is_raised_in_the_stream() -> None:
    async with stage(Upstream("first", "sim-delay-0.5-500"), sections=KEEP_ALIVE) as on, sdk(on) as client:
        stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
        with pytest.raises(openai.APIError, match="No upstream provider gave a usable answer") as caught:
            [chunk async for chunk in stream]
        assert caught.value.code == "upstream_error"


async def test_twenty_streams_left_half_read_leave_nothing_behind() -> None:
    async def leave(client: AsyncOpenAI) -> None:
        stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
        async with stream:
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    return

    async with stage(Upstream("first", "sim-rate-20-tokens-400")) as on:
        async with sdk(on) as client:
            await asyncio.gather(*(leave(client) for _ in range(20)))
            assert await on.quiet(1.0)
        ends = {request.progress.end for request in on.arrivals("first")}
        assert ends == {"client_gone"}
        assert on.attempts("first", "client_gone") == 0, "each had begun to answer"
        assert not on.is_anything_aside()


async def test_synchronous_client_in_threads() -> None:
    def ask(client: OpenAI) -> str:
        return text_of(client.chat.completions.create(model="m", messages=HELLO, stream=True))

    async with stage(Upstream("first")) as on:
        with OpenAI(base_url=f"{on.gateway.url}/v1", api_key="unused", max_retries=0) as client:
            texts = await asyncio.gather(*(asyncio.to_thread(ask, client) for _ in range(8)))
        assert len(set(texts)) == 1
        assert texts[0].startswith("This answer is simulated by first:")
