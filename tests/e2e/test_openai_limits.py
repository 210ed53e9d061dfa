"""What the official Python SDK makes of a key's limits: its error classes, and when it tries again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest
from openai import AsyncOpenAI

from tests.e2e.asking import HELLO
from tests.fakes.stage import Stage, Upstream, stage

KEY = "client-key-0123456789"
PRICE = '[prices."first/sim-ok"]\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1\n'


@asynccontextmanager
async def limited(
    limits: str, upstream: str = "sim-ok", max_retries: int = 0
) -> AsyncIterator[tuple[Stage, AsyncOpenAI]]:
    sections = f'[[auth.keys]]\nname = "ci"\nkey = "{KEY}"\n{limits}\n{PRICE}'
    async with (
        stage(Upstream("first", upstream), sections=sections) as on,
        AsyncOpenAI(base_url=f"{on.gateway.url}/v1", api_key=KEY, max_retries=max_retries, timeout=10) as sdk,
    ):
        on.clock.go_on_to_noon()
        yield on, sdk


async def ask(sdk: AsyncOpenAI, max_tokens: int = 5) -> int:
    """Ask; return how often the SDK had to try again."""
    raw = await sdk.chat.completions.with_raw_response.create(model="m", messages=HELLO, max_tokens=max_tokens)
    return raw.retries_taken


REACHED = [
    pytest.param("rpm = 1", "rate_limit_exceeded", "rate_limit_error", "60", id="rpm"),
    pytest.param("tpm = 1", "rate_limit_exceeded", "rate_limit_error", None, id="tpm"),
    pytest.param("budget_usd_day = 0.00004", "insufficient_quota", "insufficient_quota", "3600", id="day"),
    pytest.param("budget_usd_month = 0.00004", "insufficient_quota", "insufficient_quota", "3600", id="month"),
]


@pytest.mark.parametrize(("limits", "code", "type_", "after"), REACHED)
async def test_limit_that_is_reached_is_a_rate_limit_error(
    limits: str, code: str, type_: str, after: str | None
) -> None:
    async with limited(limits) as (on, sdk):
        await ask(sdk)
        with pytest.raises(openai.RateLimitError) as caught:
            await ask(sdk, 20)
        error = caught.value
        assert (error.status_code, error.code, error.type, error.param) == (429, code, type_, None)
        assert after is None or error.response.headers["retry-after"] == after
        assert error.request_id == error.response.headers["x-fairlead-request-id"]
        assert "This key's" in error.message
        assert on.calls("first") == 1


async def test_places_that_are_taken_are_a_rate_limit_error() -> None:
    async with limited("parallel = 1", "sim-delay-5") as (on, sdk):
        first = asyncio.create_task(ask(sdk))
        while not on.calls("first"):
            await asyncio.sleep(0.01)
        with pytest.raises(openai.RateLimitError) as caught:
            await ask(sdk)
        on.clock.advance(5)
        await first
        assert caught.value.response.headers["retry-after"] == "1"


async def test_sdk_comes_back_by_itself_after_the_time_it_is_told() -> None:
    async with limited("parallel = 1", "sim-delay-5", max_retries=2) as (on, sdk):
        first = asyncio.create_task(ask(sdk))
        while not on.calls("first"):
            await asyncio.sleep(0.01)
        second = asyncio.create_task(ask(sdk))
        await asyncio.sleep(0.3)
        on.clock.advance(5)
        await first
        while on.calls("first") < 2:
            await asyncio.sleep(0.01)
        on.clock.advance(5)
        assert await second == 1


@pytest.mark.parametrize(
    "max_tokens", [pytest.param(20, id="spent"), pytest.param(1_000, id="dearer-than-the-whole-budget")]
)
async def test_sdk_does_not_ask_again_where_a_budget_refuses_for_long(max_tokens: int) -> None:
    async with limited("budget_usd_day = 0.00004", max_retries=2) as (on, sdk):
        await ask(sdk)
        with pytest.raises(openai.RateLimitError):
            await ask(sdk, max_tokens)
        assert on.gateway.metric("requests_total", endpoint="chat", model="m", status="429") == 1


async def test_spend_that_is_not_known_yet_is_a_server_error() -> None:
    async with limited("budget_usd_day = 5") as (on, sdk):
        on.gateway.parts.state.keys.expect_restore()
        with pytest.raises(openai.InternalServerError) as caught:
            await ask(sdk)
        assert (caught.value.status_code, caught.value.code) == (503, "budget_unknown")
        assert caught.value.response.headers["retry-after"] == "5"


async def test_too_many_tags_are_a_bad_request() -> None:
    async with limited("") as (_, sdk):
        with pytest.raises(openai.BadRequestError) as caught:
            await sdk.chat.completions.create(
                model="m", messages=HELLO, extra_headers={"x-fairlead-tags": ",".join("x" * 21)}
            )
        assert (caught.value.code, "at most 20 tags" in caught.value.message) == ("invalid_request", True)
