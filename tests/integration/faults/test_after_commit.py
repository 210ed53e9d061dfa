"""F6, F7, F8, F13 and F18: once an answer has begun it is whole, or it says that it is not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.heard import Heard
from tests.fakes.rawserver import Handler, RawServer, cut_after, reset_after, response, stall_after
from tests.fakes.rawstreams import DONE, FINISH, HEAD_TO_EOF, ROLE, cut, event, reset, said, stall, streaming
from tests.fakes.stage import Stage, Upstream, script, stage
from tests.fakes.upstream_calls import settles
from tests.integration.faults.cases import BOTH, IMPATIENT, PATIENCE_S, SECOND, impatient

BREAKER_OPEN = 2.0
WORDS = ("Once", " upon", " a")
TEXT = "".join(WORDS)
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


async def check_truncated(on: Stage, heard: Heard, text: str) -> None:
    """Hold everything that a user and an operator see of a stream that broke off after its commit."""
    heard.check_cut(text)
    assert heard.headers["x-fairlead-provider"] == "first"
    assert heard.trail == "first=ok", "as it was known when the headers left"
    assert on.calls("second") == 0, "no other provider's text is spliced in"
    assert on.gateway.metric("streams_truncated_total", provider="first") == 1
    assert on.attempts("first", "ok") == 1
    assert on.failovers("first", "second", "truncated") == 0
    (record,) = await on.records(1)
    assert record["fairlead.end"] == "truncated"
    assert record["fairlead.trail"] == "first=truncated"
    (failure,) = record["fairlead.failures"]
    assert failure.startswith("first: ")


CUTS = [
    pytest.param(streaming(ROLE, *said(*WORDS), ending=cut), TEXT, id="between-events"),
    pytest.param(streaming(ROLE, *said(*WORDS), ending=reset), TEXT, id="reset"),
    pytest.param(streaming(ROLE, *said(*WORDS), said(" time")[0][:-9], ending=cut), TEXT, id="in-an-event"),
    pytest.param(streaming(ROLE, *said(*WORDS)), TEXT, id="clean-end-of-chunks"),
    pytest.param(streaming(ROLE, *said(*WORDS), ending=cut, head=HEAD_TO_EOF), TEXT, id="end-of-connection"),
    pytest.param(streaming(*said("Once"), ending=cut), "Once", id="after-one-event"),
]


@pytest.mark.parametrize(("handler", "text"), CUTS)
async def test_f06_cut_after_n_tokens_ends_with_an_error_event(handler: Handler, text: str) -> None:
    async with RawServer(handler) as first, stage(Upstream("first", "gpt", first.url), SECOND) as on:
        heard = await on.ask(stream=True)
        await check_truncated(on, heard, text)
        (record,) = await on.records(1)
        assert record["fairlead.usage_estimated"] is True
        assert record["gen_ai.usage.output_tokens"] == len(text.split())
        assert record["gen_ai.usage.input_tokens"] > 0
        assert first.accepted == 1


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([ROLE, *said(*WORDS), DONE], id="terminator-without-a-finish"),
        pytest.param([ROLE, *said(*WORDS), FINISH], id="finish-without-a-terminator"),
    ],
)
async def test_f06_stream_that_ends_cleanly_with_either_sign_of_its_end_is_whole(events: list[bytes]) -> None:
    """Vendors leave out either one; with a clean end of the body the answer is known to be all."""
    async with RawServer(streaming(*events)) as first, stage(Upstream("first", "gpt", first.url), SECOND) as on:
        heard = await on.ask(stream=True)
        assert heard.status == 200
        assert heard.text == TEXT
        assert heard.events[-1] == "[DONE]"
        assert on.gateway.metric("streams_truncated_total", provider="first") == 0


async def test_f06_upstream_that_says_done_and_stays_open_delays_nobody() -> None:
    handler = streaming(ROLE, *said(*WORDS), FINISH, DONE, ending=stall)
    async with RawServer(handler) as first, stage(Upstream("first", "gpt", first.url), SECOND) as on:
        began_s = time.monotonic()
        heard = await on.ask(stream=True)
        assert time.monotonic() - began_s < 0.9
        heard.check_clean()
        assert await settles(lambda: first.open == 0, 3.0), "its connection is closed"
        assert await on.quiet()
        assert on.gateway.metric("streams_truncated_total", provider="first") == 0


@pytest.mark.parametrize(
    ("phrase", "outcome"),
    [
        pytest.param("sim-error-after-3-rate-20", "truncated", id="server-error"),
        pytest.param("sim-error-after-3-rate-limit-rate-20", "rate_limited", id="rate-limit"),
        pytest.param("sim-error-after-3-overload-as-anthropic-rate-20", "overloaded", id="anthropics-event"),
        pytest.param("sim-error-after-3-as-openrouter-rate-20", "truncated", id="openrouters-chunk"),
        pytest.param("sim-error-after-3-as-groq-rate-20", "truncated", id="groqs-side-channel"),
    ],
)
async def test_f06_error_event_after_n_tokens_becomes_one_in_the_clients_dialect(phrase: str, outcome: str) -> None:
    async with stage(Upstream("first", phrase), SECOND) as on:
        heard = await on.ask(stream=True)
        heard.check_cut("This answer is")
        assert on.calls("second") == 0
        assert on.gateway.metric("streams_truncated_total", provider="first") == 1
        (record,) = await on.records(1)
        assert record["fairlead.end"] == "truncated"
        assert record["fairlead.trail"] == f"first={outcome}"
        assert record["gen_ai.usage.output_tokens"] == 3


async def test_f06_error_in_the_same_bytes_as_the_first_output_still_fails_over() -> None:
    """Nothing has been sent to the client yet, so it need not know."""
    events = b"".join([ROLE, *said(*WORDS), b'data: {"error":{"message":"boom","type":"server_error"}}\n\n'])
    async with RawServer(streaming(events)) as first, stage(Upstream("first", "gpt", first.url), SECOND) as on:
        heard = await on.ask(stream=True)
        heard.check_whole("second")
        assert heard.trail == "first=server_error;second=ok"
        assert TEXT not in heard.text


async def test_f06_rate_limit_told_in_mid_stream_sets_the_key_aside() -> None:
    async with stage(Upstream("first", "sim-error-after-3-rate-limit-retry-text-40-rate-20"), SECOND) as on:
        (await on.ask(stream=True)).check_cut("This answer is")
        assert on.cooldown_s("first", "credential_model", "rate_limited") == pytest.approx(41, abs=2)
        (await on.ask(stream=True)).check_whole("second")
        assert on.calls("first") == 1


async def test_f06_three_cuts_in_a_row_open_the_breaker() -> None:
    async with stage(Upstream("first", "sim-cut-after-3"), SECOND) as on:
        for _ in range(3):
            assert on.breaker("first", "sim-cut-after-3") < BREAKER_OPEN
            (await on.ask(stream=True)).check_cut("This answer is")
        assert on.breaker("first", "sim-cut-after-3") == BREAKER_OPEN
        (await on.ask(stream=True)).check_whole("second")
        assert on.calls("first") == 3


async def test_f06_three_cuts_in_a_row_open_the_breaker_at_any_spacing() -> None:
    async with stage(Upstream("first", "sim-cut-after-3"), SECOND) as on:
        for _ in range(3):
            on.clock.advance(3_600)
            assert on.breaker("first", "sim-cut-after-3") < BREAKER_OPEN
            (await on.ask(stream=True)).check_cut("This answer is")
        assert on.breaker("first", "sim-cut-after-3") == BREAKER_OPEN


async def test_f06_upstream_that_cuts_every_other_stream_opens_the_breaker() -> None:
    turns = script(*(turn for _ in range(3) for turn in ((1, "cut-after-3"), (1, "ok"))))
    async with stage(Upstream("first"), SECOND, scenario=turns) as on:
        for _ in range(2):
            (await on.ask(stream=True)).check_cut("This answer is")
            (await on.ask(stream=True)).check_whole("first")
        assert on.breaker("first", "sim-ok") < BREAKER_OPEN
        (await on.ask(stream=True)).check_cut("This answer is")
        assert on.breaker("first", "sim-ok") == BREAKER_OPEN, "three of five"


@pytest.mark.parametrize("usage_at", [0, 1, 2])
async def test_f06_cut_stream_accounts_the_usage_that_came_before(usage_at: int) -> None:
    events = said(*WORDS)
    events[usage_at] = event({"content": WORDS[usage_at]}, usage=USAGE)
    handler = streaming(ROLE, *events, ending=cut)
    async with RawServer(handler) as first, stage(Upstream("first", "gpt", first.url)) as on:
        (await on.ask(stream=True)).check_cut(TEXT)
        (record,) = await on.records(1)
        assert (record["gen_ai.usage.input_tokens"], record["gen_ai.usage.output_tokens"]) == (11, 7)
        assert "fairlead.usage_estimated" not in record
        assert on.gateway.metric("tokens_total", provider="first", model="m", type="completion") == 7


@pytest.mark.parametrize("counted", [0, 2])
async def test_f06_cut_stream_estimates_the_output_that_came_after_its_usage(counted: int) -> None:
    usage = {"prompt_tokens": 11, "completion_tokens": counted, "total_tokens": 11 + counted}
    handler = streaming(event({"role": "assistant", "content": "Once"}, usage=usage), *said(*WORDS), ending=cut)
    async with RawServer(handler) as first, stage(Upstream("first", "gpt", first.url)) as on:
        await on.ask(stream=True)
        (record,) = await on.records(1)
        assert (record["gen_ai.usage.input_tokens"], record["gen_ai.usage.output_tokens"]) == (11, 4)
        assert record["fairlead.usage_estimated"] is True


ANSWER = b'{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
HALF = response(ANSWER, b"Content-Type: application/json")


@pytest.mark.parametrize(
    "handler", [pytest.param(cut_after(HALF, 120), id="cut"), pytest.param(reset_after(HALF, 120), id="reset")]
)
async def test_f06_whole_answer_cut_in_the_middle_fails_over_since_nothing_was_sent(handler: Handler) -> None:
    async with RawServer(handler) as first, stage(Upstream("first", "gpt", first.url), SECOND) as on:
        heard = await on.ask()
        heard.check_whole("second")
        assert heard.trail == "first=protocol;second=ok"
        assert on.failovers("first", "second", "protocol") == 1
        assert on.gateway.metric("streams_truncated_total", provider="first") == 0


async def test_f07_stall_after_n_tokens_ends_with_an_error_event() -> None:
    handler = streaming(ROLE, *said(*WORDS), ending=stall)
    async with (
        RawServer(handler) as first,
        stage(Upstream("first", "gpt", first.url), SECOND, sections=IMPATIENT) as on,
    ):
        began_s = time.monotonic()
        heard = await on.ask(stream=True)
        assert PATIENCE_S <= time.monotonic() - began_s < 3
        await check_truncated(on, heard, TEXT)
        assert await settles(lambda: first.open == 0, 1.0), "its connection is closed"


async def test_f07_stall_is_measured_from_event_to_event() -> None:
    """A stream that lasts longer than `idle_s` but never pauses so long is fine."""
    events = [ROLE, *said(*WORDS, *(" more" for _ in range(6))), FINISH, DONE]
    handler = streaming(*events, gap_s=0.1)
    async with RawServer(handler) as first, stage(Upstream("first", "gpt", first.url), sections=IMPATIENT) as on:
        began_s = time.monotonic()
        (await on.ask(stream=True)).check_clean()
        assert time.monotonic() - began_s > 0.6


async def test_f07_stream_longer_than_its_bound_ends_with_an_error_event() -> None:
    sections = impatient(idle_s=5) + "max_stream_s = 0.4\n"
    async with stage(Upstream("first", "sim-rate-20-tokens-200"), SECOND, sections=sections) as on:
        began_s = time.monotonic()
        heard = await on.ask(stream=True)
        assert 0.4 <= time.monotonic() - began_s < 3
        await check_truncated(on, heard, heard.text)
        assert len(heard.text) > 5


async def test_f07_whole_answer_that_stalls_fails_over() -> None:
    async with (
        RawServer(stall_after(HALF, 120)) as first,
        stage(Upstream("first", "gpt", first.url), SECOND, sections=IMPATIENT) as on,
    ):
        heard = await on.ask()
        heard.check_whole("second")
        assert heard.trail == "first=timeout_response;second=ok"
        assert await settles(lambda: first.open == 0, 1.0)


BROKEN = [
    pytest.param(b'data: {"id":"chatcmpl-raw","choices":[{"del\n\n', id="cut-json"),
    pytest.param(b"data: <html>\n\n", id="no-json"),
    pytest.param(b"data: \xff\xfe\n\n", id="no-utf-8"),
    pytest.param(b"data: [1, 2]\n\n", id="no-object"),
]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("at", [pytest.param(0, id="before-output"), pytest.param(2, id="after-output")])
async def test_f08_broken_event_among_good_ones_is_dropped_and_counted(broken: bytes, at: int) -> None:
    events = [ROLE, *said(*WORDS), FINISH, DONE]
    spoilt = [*events[: at + 1], broken, *events[at + 1 :]]
    async with RawServer(streaming(*spoilt)) as first, stage(Upstream("first", "gpt", first.url), SECOND) as on:
        heard = await on.ask(stream=True)
        assert heard.body == b"".join(events), "every good event as it came, and nothing else"
        heard.check_clean()
        assert on.gateway.metric("broken_events_total", provider="first") == 1
        assert on.gateway.metric("streams_truncated_total", provider="first") == 0
        assert on.calls("second") == 0


ENDING = '[server]\nbroken_events = "error"\n'


@pytest.mark.parametrize("broken", BROKEN)
async def test_f08_broken_event_ends_the_stream_where_so_configured(broken: bytes) -> None:
    handler = streaming(ROLE, *said(*WORDS), broken, *said(" time"), FINISH, DONE, gap_s=0.02)
    async with (
        RawServer(handler) as first,
        stage(Upstream("first", "gpt", first.url), SECOND, sections=ENDING) as on,
    ):
        heard = await on.ask(stream=True)
        await check_truncated(on, heard, TEXT)
        assert on.gateway.metric("broken_events_total", provider="first") == 1


async def test_f08_broken_event_before_output_fails_over_where_so_configured() -> None:
    async with stage(Upstream("first", "sim-broken-line-0"), SECOND, sections=ENDING) as on:
        heard = await on.ask(stream=True)
        heard.check_whole("second")
        assert heard.trail == "first=protocol;second=ok"
        assert on.gateway.metric("broken_events_total", provider="first") == 1


async def test_f13_slow_drip_is_relayed_as_it_comes_and_counted() -> None:
    phrase = "sim-slow-drip-20-tokens-20"
    async with stage(Upstream("first", phrase), SECOND, sections=IMPATIENT) as on:
        times_s, body = [], b""
        request = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
        async with on.gateway.client.stream("POST", "/v1/chat/completions", json=request) as answer:
            async for piece in answer.aiter_raw():
                times_s.append(time.monotonic())
                body += piece
        heard = Heard(answer.status_code, answer.headers, body)
        heard.check_clean()
        assert len(heard.text) == 20
        assert len(times_s) >= 12, "each character on its own"
        assert times_s[-1] - times_s[0] > 0.8
        assert on.attempts("first", "ok") == 1
        assert on.calls("second") == 0
        await on.records(1)
        took_s = on.gateway.metric("request_duration_seconds_sum", endpoint="chat", model="m", stream="true")
        assert took_s > 0.8


async def test_f13_slow_whole_answer_is_waited_for() -> None:
    async with stage(Upstream("first", "sim-slow-drip-40-tokens-20"), SECOND, sections=impatient(response_s=5)) as on:
        heard = await on.ask()
        assert heard.status == 200
        assert heard.trail == "first=ok"


def used(record: Mapping[str, Any]) -> tuple[int, int]:
    return record["gen_ai.usage.input_tokens"], record["gen_ai.usage.output_tokens"]


@BOTH
async def test_f18_missing_usage_is_estimated_and_flagged(stream: bool) -> None:
    async with stage(Upstream("first", "sim-no-usage-tokens-40")) as on:
        heard = await on.ask(stream=stream)
        assert heard.status == 200
        (record,) = await on.records(1)
        assert record["fairlead.usage_estimated"] is True
        prompt, completion = used(record)
        assert prompt > 0
        assert 30 <= completion <= 200
        counted = on.gateway.metric("tokens_total", provider="first", model="m", type="completion")
        assert counted == completion


@BOTH
async def test_f18_reported_usage_is_taken_and_not_flagged(stream: bool) -> None:
    async with stage(Upstream("first", "sim-tokens-40-cached-3-reasoning-5")) as on:
        heard = await on.ask(stream=stream)
        assert heard.status == 200
        (record,) = await on.records(1)
        assert "fairlead.usage_estimated" not in record
        entry = on.arrivals("first")[0]
        assert used(record) == (entry.usage.prompt_tokens, entry.usage.completion_tokens)
        assert record["gen_ai.usage.cache_read.input_tokens"] == 3
        assert record["gen_ai.usage.reasoning.output_tokens"] == 5
        assert entry.usage.completion_tokens == 45


async def test_f18_usage_on_an_intermediate_chunk_alone_is_taken() -> None:
    async with stage(Upstream("first", "sim-usage-midway-tokens-40")) as on:
        (await on.ask(stream=True)).check_clean()
        (record,) = await on.records(1)
        assert "fairlead.usage_estimated" not in record
        assert used(record)[1] == 40


async def test_f18_last_of_several_usages_wins() -> None:
    first_usage = {**USAGE, "completion_tokens": 1}
    events = [ROLE, event({"content": "a"}, usage=first_usage), event({"content": "b"}, usage=USAGE), FINISH, DONE]
    async with RawServer(streaming(*events)) as first, stage(Upstream("first", "gpt", first.url)) as on:
        (await on.ask(stream=True)).check_clean()
        (record,) = await on.records(1)
        assert used(record) == (11, 7)


@pytest.mark.parametrize("asked", [pytest.param(True, id="asked"), pytest.param(False, id="not-asked")])
async def test_f18_usage_chunk_reaches_only_the_client_that_asked(asked: bool) -> None:
    async with stage(Upstream("first", "sim-tokens-5")) as on:
        heard = await on.ask(stream=True, stream_options={"include_usage": asked})
        chunks_of_usage = [chunk for chunk in heard.chunks if not chunk["choices"]]
        assert len(chunks_of_usage) == asked
        (record,) = await on.records(1)
        assert used(record)[1] == 5
        assert "stream_options" in on.arrivals("first")[0].arrival.fields
