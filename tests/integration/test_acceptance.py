"""What the product promises, told as one story, on real sockets.

Two providers of priority 1 and 2, the first answering 429 with `Retry-After: 7` in each of its formats: the client gets
one clean 200 from the second, the first is not called again for 7 s, then by one probe, then by all. The second is
killed in mid-stream: an error event, no `[DONE]`, counted.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack

import openai
import pytest

from tests.fakes.heard import Heard
from tests.fakes.rawserver import RawServer
from tests.fakes.rawstreams import ROLE, said, stall, streaming
from tests.fakes.stage import Stage, Upstream, script, stage
from tests.fakes.upstream_calls import settles
from tests.integration.faults.cases import BOTH

FORMATS = [
    pytest.param("retry-after-7", id="seconds"),
    pytest.param("retry-after-7.0", id="decimal-seconds"),
    pytest.param("retry-date-7", id="http-date"),
    pytest.param("retry-ms-7", id="milliseconds"),
    pytest.param("reset-7", id="duration"),
    pytest.param("reset-seconds-7", id="bucket-seconds"),
    pytest.param("reset-epoch-7", id="epoch"),
    pytest.param("reset-timestamp-7", id="timestamp"),
    pytest.param("retry-info-7-as-gemini", id="retry-info"),
    pytest.param("retry-text-7", id="words"),
]
# 5 % may be added to a stated time, and a date counts whole seconds.
LONGEST_S = 8 * 1.05
CROWD = 50


def trails(answers: list[Heard]) -> Counter[str]:
    for answer in answers:
        answer.check_whole(answer.headers["x-fairlead-provider"])
    return Counter(answer.trail for answer in answers)


@BOTH
@pytest.mark.parametrize("form", FORMATS)
async def test_limited_provider_rests_its_seven_seconds_then_one_probes_then_all_return(
    form: str, stream: bool
) -> None:
    scenario = script((1, f"429-{form}"), (1, "delay-1"))
    async with stage(Upstream("first"), Upstream("second"), scenario=scenario) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("second")
        assert heard.trail == "first=rate_limited;second=ok"
        assert on.failovers("first", "second", "rate_limited") == 1

        assert trails(await on.ask_many(5, stream=stream)) == {"second=ok": 5}
        on.clock.advance(6.0)
        assert trails(await on.ask_many(5, stream=stream)) == {"second=ok": 5}
        assert on.calls("first") == 1, "not called again for 7 s"

        on.clock.advance(LONGEST_S - 6.0)
        heard_by_many = await on.ask_crowd(CROWD, slow=1, slow_s=1, stream=stream)
        assert trails(heard_by_many) == {"first=ok": 1, "second=ok": CROWD - 1}
        assert on.calls("first") == 2, "then by one probe"

        assert trails(await on.ask_many(10, stream=stream)) == {"first=ok": 10}, "then by all"
        assert on.attempts("first", "rate_limited") == 1
        assert not on.is_anything_aside()


@BOTH
async def test_probe_that_is_limited_again_starts_another_seven_seconds(stream: bool) -> None:
    scenario = script((1, "429-retry-after-7"), (1, "429-retry-after-7-delay-1"), (1, "delay-1"))
    async with stage(Upstream("first"), Upstream("second"), scenario=scenario) as on:
        assert (await on.ask(stream=stream)).trail == "first=rate_limited;second=ok"
        on.clock.advance(LONGEST_S)
        heard = await on.ask_crowd(CROWD, slow=1, slow_s=1, stream=stream)
        assert trails(heard) == {"first=rate_limited;second=ok": 1, "second=ok": CROWD - 1}
        on.clock.advance(6.0)
        assert trails(await on.ask_many(5, stream=stream)) == {"second=ok": 5}
        on.clock.advance(LONGEST_S - 6.0)
        heard = await on.ask_crowd(CROWD, slow=1, slow_s=1, stream=stream)
        assert trails(heard) == {"first=ok": 1, "second=ok": CROWD - 1}


@BOTH
async def test_probe_that_is_not_refused_within_two_seconds_counts_as_recovery(stream: bool) -> None:
    """A refusal comes at once; an answer may take minutes. The others need not wait for it."""
    scenario = script((1, "429-retry-after-7"), (1, "delay-30"))
    async with stage(Upstream("first"), Upstream("second"), scenario=scenario) as on:
        await on.ask(stream=stream)
        on.clock.advance(LONGEST_S)
        probe = asyncio.create_task(on.ask(stream=stream))
        assert await settles(lambda: on.calls("first") == 2)
        on.clock.advance(1.8)
        assert (await on.ask(stream=stream)).trail == "second=ok"
        on.clock.advance(0.3)
        assert trails(await on.ask_many(10, stream=stream)) == {"first=ok": 10}
        on.clock.advance(30)
        (await probe).check_whole("first")


@BOTH
async def test_crowd_that_meets_the_limit_together_is_served_whole_by_the_second(stream: bool) -> None:
    async with stage(Upstream("first", "sim-429-retry-after-7-delay-1"), Upstream("second")) as on:
        heard = await on.ask_crowd(CROWD, slow=CROWD, slow_s=1, stream=stream)
        assert trails(heard) == {"first=rate_limited;second=ok": CROWD}
        assert trails(await on.ask_many(CROWD, stream=stream)) == {"second=ok": CROWD}
        assert on.calls("first") == CROWD
        assert 5 < on.cooldown_s("first", "credential_model", "rate_limited") <= 7 * 1.05, "fifty limits are one"


async def killed_in_mid_stream(on: Stage, killing: AsyncExitStack) -> Heard:
    """Ask for a stream; kill its server when the first words have come."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    async with on.gateway.client.stream("POST", "/v1/chat/completions", json=body) as answer:
        heard, is_alive = b"", True
        async for piece in answer.aiter_raw():
            heard += piece
            if is_alive and b" upon" in heard:
                is_alive = False
                await killing.aclose()
    return Heard(answer.status_code, answer.headers, heard)


async def test_second_provider_killed_in_mid_stream_is_told_and_counted() -> None:
    talking = streaming(ROLE, *said("Once", " upon"), ending=stall)
    async with AsyncExitStack() as killing:
        second = await killing.enter_async_context(RawServer(talking))
        first = Upstream("first", "sim-429-retry-after-7-first-1")
        async with stage(first, Upstream("second", "gpt", second.url)) as on:
            heard = await killed_in_mid_stream(on, killing)
            heard.check_cut("Once upon")
            assert heard.trail == "first=rate_limited;second=ok"
            assert on.gateway.metric("streams_truncated_total", provider="second") == 1
            assert (on.calls("first"), second.accepted) == (1, 1), "nobody's text is spliced in"
            (record,) = await on.records(1)
            assert record["fairlead.end"] == "truncated"
            assert record["fairlead.trail"] == "first=rate_limited;second=truncated"
            assert record["gen_ai.usage.output_tokens"] == 2

            assert (await on.ask(stream=True)).trail == "second=connect", "it is dead, and the first still rests"
            assert on.calls("first") == 1
            on.clock.advance(LONGEST_S)
            (await on.ask(stream=True)).check_whole("first")


async def test_openai_sdk_sees_one_clean_answer_and_an_error_where_it_is_cut() -> None:
    talking = streaming(ROLE, *said("Once", " upon"), ending=stall)
    async with AsyncExitStack() as killing:
        second = await killing.enter_async_context(RawServer(talking))
        async with stage(
            Upstream("first", "sim-429-retry-after-7-first-1"), Upstream("second", "gpt", second.url)
        ) as on:
            async with openai.AsyncOpenAI(base_url=f"{on.gateway.url}/v1", api_key="unused", max_retries=0) as client:
                words = ""
                with pytest.raises(openai.APIError, match="incomplete") as caught:
                    async for chunk in await client.chat.completions.create(
                        model="m", messages=[{"role": "user", "content": "hello"}], stream=True
                    ):
                        words += chunk.choices[0].delta.content or ""
                        if words == "Once upon":
                            await killing.aclose()
                assert words == "Once upon"
                assert caught.value.code == "upstream_truncated"
                on.clock.advance(LONGEST_S)
                whole = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
                assert "simulated by first" in (whole.choices[0].message.content or "")


async def test_openai_sdk_that_retries_by_itself_obeys_the_time_it_is_told() -> None:
    """Every provider is limited for longer than we sit out: the SDK's own retry comes after `Retry-After`, and once."""
    async with stage(Upstream("first", "sim-429-retry-after-2.1-first-1")) as on:
        async with openai.AsyncOpenAI(base_url=f"{on.gateway.url}/v1", api_key="unused", max_retries=1) as client:
            began_s = on.clock.now()
            answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
            assert on.clock.now() - began_s >= 2.1
            assert json.loads(answer.model_dump_json())["choices"][0]["finish_reason"] == "stop"
        assert on.calls("first") == 2
