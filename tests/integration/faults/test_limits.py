"""F9 and F15: a limited provider is left alone as long as it asks for, and the client is told when to return."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from tests.fakes.rawserver import refused_url
from tests.fakes.stage import Stage, Upstream, script, stage
from tests.integration.faults.cases import BOTH, SECOND

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0


class Limit(NamedTuple):
    """A refusal, once. `stated_s`: what it says; `slack_s`: by how much its form may round up."""

    phrase: str
    stated_s: float
    slack_s: float = 0.0
    kind: str = "openai_compatible"
    scope: str = "credential_model"


STATED = [
    pytest.param(Limit("429-retry-after-37", 37), id="seconds"),
    pytest.param(Limit("rate-limit-retry-after-7.5", 7.5), id="seconds-with-decimals"),
    pytest.param(Limit("rate-limit-retry-date-40", 40, 1.0), id="http-date"),
    pytest.param(Limit("rate-limit-retry-ms-7.25", 7.25), id="milliseconds"),
    pytest.param(Limit("rate-limit-reset-67", 67), id="go-duration"),
    pytest.param(Limit("rate-limit-reset-seconds-300", 300), id="bucket-in-seconds"),
    pytest.param(Limit("rate-limit-reset-epoch-45", 45), id="epoch-milliseconds"),
    pytest.param(Limit("rate-limit-reset-timestamp-50", 50, 1.0), id="rfc-3339"),
    pytest.param(Limit("rate-limit-as-gemini-retry-info-46", 46), id="retry-info"),
    pytest.param(Limit("rate-limit-retry-text-5.289", 5.289), id="words"),
    pytest.param(Limit("rate-limit-as-openai-retry-9", 9, kind="openai"), id="openai"),
    pytest.param(Limit("rate-limit-as-azure-retry-9", 9, kind="openai"), id="azure"),
    pytest.param(Limit("rate-limit-as-anthropic-retry-9", 9, 1.0, kind="openai"), id="anthropic"),
    pytest.param(Limit("rate-limit-as-openrouter-retry-9", 9, kind="openrouter"), id="openrouter"),
    pytest.param(Limit("rate-limit-as-groq-retry-9", 9, kind="groq", scope="account"), id="groq"),
    pytest.param(Limit("rate-limit-as-mistral-retry-9", 9, kind="mistral", scope="account"), id="mistral"),
    pytest.param(Limit("quota-as-qwen", 60, kind="qwen", scope="account"), id="qwens-tokens-a-minute"),
]


async def check_cooldown(on: Stage, limit: Limit, stream: bool) -> None:
    """Hold that the first provider is not called for as long as was said, and then is."""
    longest_s = limit.stated_s + limit.slack_s + min(0.05 * (limit.stated_s + limit.slack_s), 2.0)
    heard = await on.ask(stream=stream)
    heard.check_whole("second")
    assert heard.trail == "first=rate_limited;second=ok"
    assert on.failovers("first", "second", "rate_limited") == 1
    assert limit.stated_s - 0.5 <= on.cooldown_s("first", limit.scope, "rate_limited") <= longest_s
    on.clock.advance(limit.stated_s - 1.0)
    (await on.ask(stream=stream)).check_whole("second")
    assert on.calls("first") == 1, "before its time"
    on.clock.advance(longest_s - limit.stated_s + 1.0)
    heard = await on.ask(stream=stream)
    heard.check_whole("first")
    assert heard.trail == "first=ok"
    assert not on.is_anything_aside()
    assert on.cooldown_s("first", limit.scope, "rate_limited") == 0


@BOTH
@pytest.mark.parametrize("limit", STATED)
async def test_f09_limit_cools_its_key_down_for_exactly_the_stated_time(limit: Limit, stream: bool) -> None:
    first = Upstream("first", f"sim-{limit.phrase}-first-1", kind=limit.kind)
    async with stage(first, SECOND) as on:
        await check_cooldown(on, limit, stream)


Headers = Callable[[float], Mapping[str, str]]


def refusing(status: int, headers: Mapping[str, str], body: str = "{}", *, count: int = 1) -> str:
    """Write a scenario in which the first provider refuses so many requests in these words."""
    shown = ", ".join(f"{name} = {json.dumps(value)}" for name, value in headers.items())
    answer = f"{{ status = {status}, headers = {{ {shown} }}, body = {json.dumps(body)} }}"
    return f'[[rules]]\nprovider = "first"\nfirst = {count}\nanswer = {answer}\n'


def at(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


HEADERS = [
    pytest.param(lambda _: {"x-ms-retry-after-ms": "7250"}, 7.25, id="azures-own-milliseconds"),
    pytest.param(lambda _: {"retry-after": "8", "retry-after-ms": "7250"}, 7.25, id="the-finer-of-two"),
    pytest.param(
        lambda _: {
            "x-ratelimit-remaining-requests": "12",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        360,
        id="the-empty-bucket-of-two",
    ),
    pytest.param(
        lambda now_s: {
            "anthropic-ratelimit-unified-status": "rejected",
            "anthropic-ratelimit-unified-reset": str(int(now_s) + 41),
        },
        40,
        id="epoch-seconds",
    ),
    pytest.param(
        lambda now_s: {
            "anthropic-ratelimit-tokens-remaining": "0",
            "anthropic-ratelimit-tokens-reset": at(now_s + 91),
        },
        90,
        id="anthropics-tokens",
    ),
]


@BOTH
@pytest.mark.parametrize(("headers", "stated_s"), HEADERS)
async def test_f09_limit_told_in_headers_alone(headers: Headers, stated_s: float, stream: bool) -> None:
    wall_s = datetime.now(UTC).timestamp()
    scenario = refusing(429, headers(wall_s))
    async with stage(Upstream("first"), SECOND, scenario=scenario) as on:
        await check_cooldown(on, Limit("", stated_s, slack_s=1.0), stream)


BODIES = [
    pytest.param('{"error":{"message":"Rate limit reached. Please try again in 1m30.5s."}}', 90.5, id="minutes"),
    pytest.param('{"error":{"message":"Rate limit is exceeded. Try again in 37 seconds."}}', 37, id="azures-words"),
    pytest.param('[{"error":{"code":429,"details":[{"retryDelay":"46s"}]}}]', 46, id="googles-list"),
    pytest.param(
        '{"error":{"metadata":{"headers":{"X-RateLimit-Remaining":"0","X-RateLimit-Reset":"33s"}}}}',
        33,
        id="headers-in-the-body",
    ),
]


@pytest.mark.parametrize(("body", "stated_s"), BODIES)
async def test_f09_limit_told_in_the_body_alone(body: str, stated_s: float) -> None:
    async with stage(Upstream("first"), SECOND, scenario=refusing(429, {}, body)) as on:
        await check_cooldown(on, Limit("", stated_s), stream=False)


UNSTATED = [
    pytest.param({}, id="none"),
    pytest.param({"retry-after": "0"}, id="zero"),
    pytest.param({"retry-after": "-5"}, id="negative"),
    pytest.param({"retry-after": "soon"}, id="no-number"),
    pytest.param({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, id="past-date"),
    pytest.param({"retry-after": "9" * 400}, id="absurd"),
    pytest.param({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "-1"}, id="azures-placeholder"),
    pytest.param({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "9s"}, id="bucket-not-empty"),
]


@pytest.mark.parametrize("headers", UNSTATED)
async def test_f09_limit_without_a_time_cools_down_for_a_second(headers: Mapping[str, str]) -> None:
    async with stage(Upstream("first"), SECOND, scenario=refusing(429, headers)) as on:
        (await on.ask()).check_whole("second")
        assert 0.5 < on.cooldown_s("first", "credential_model", "rate_limited") <= 1.1
        (await on.ask()).check_whole("second")
        assert on.calls("first") == 1
        on.clock.advance(1.2)
        (await on.ask()).check_whole("first")


async def test_f09_limits_without_a_time_double_their_cooldown_up_to_a_minute() -> None:
    async with stage(Upstream("first", "sim-429-first-9"), SECOND) as on:
        cooldowns_s = []
        for _ in range(9):
            (await on.ask()).check_whole("second")
            cooldowns_s.append(on.cooldown_s("first", "credential_model", "rate_limited"))
            on.clock.advance(cooldowns_s[-1] + 0.1)
        ladder_s = [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert all(step - 0.5 <= got <= 1.1 * step for step, got in zip(ladder_s, cooldowns_s, strict=True)), (
            cooldowns_s
        )
        (await on.ask()).check_whole("first")
        assert on.calls("first") == 10


async def test_f09_rate_limit_of_hours_is_believed_for_one_hour() -> None:
    async with stage(Upstream("first", "sim-rate-limit-retry-after-40000"), SECOND) as on:
        (await on.ask()).check_whole("second")
        assert HOUR_S - 1 <= on.cooldown_s("first", "credential_model", "rate_limited") <= HOUR_S + 2


@BOTH
async def test_f09_used_up_quota_waits_for_its_stated_reset_with_a_probe_every_ten_minutes(stream: bool) -> None:
    async with stage(Upstream("first", "sim-daily-quota-retry-after-7200-first-2"), SECOND) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("second")
        assert heard.trail == "first=quota_exhausted;second=ok"
        assert on.cooldown_s("first", "credential_model", "quota_exhausted") == pytest.approx(2 * HOUR_S, abs=3)
        on.clock.advance(9 * MINUTE_S)
        (await on.ask(stream=stream)).check_whole("second")
        assert on.calls("first") == 1
        on.clock.advance(2 * MINUTE_S)
        heard = await on.ask(stream=stream)
        assert heard.trail == "first=quota_exhausted;second=ok", "the probe finds it still used up"
        on.clock.advance(11 * MINUTE_S)
        (await on.ask(stream=stream)).check_whole("first")
        assert not on.is_anything_aside()


async def test_f09_used_up_day_without_a_time_lasts_until_midnight() -> None:
    async with stage(Upstream("first", "sim-daily-quota"), SECOND) as on:
        (await on.ask()).check_whole("second")
        now = datetime.fromtimestamp(on.clock.wall(), UTC)
        left_s = DAY_S - (now.hour * HOUR_S + now.minute * MINUTE_S + now.second)
        assert on.cooldown_s("first", "credential_model", "quota_exhausted") == pytest.approx(left_s, abs=3)


@BOTH
async def test_f09_insufficient_quota_of_openai_means_no_credit(stream: bool) -> None:
    first = Upstream("first", "sim-quota", kind="openai")
    async with stage(first, SECOND) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("second")
        assert heard.trail == "first=billing;second=ok"
        assert on.cooldown_s("first", "credential", "billing") == pytest.approx(HOUR_S, abs=2)
        assert on.gateway.metric("provider_attention", provider="first", reason="billing") == 1
        (await on.ask(stream=stream)).check_whole("second")
        assert on.calls("first") == 1


async def test_f09_limited_key_rotates_to_the_next_key_of_its_provider() -> None:
    first = Upstream("first", more='api_keys = ["key-one-0123456789", "key-two-0123456789"]')
    scenario = '[[rules]]\ncredential = "key-one-0123456789"\nthen = "429-retry-after-30"\n'
    async with stage(first, SECOND, scenario=scenario) as on:
        heard = await on.ask()
        heard.check_whole("first")
        assert heard.trail == "first=rate_limited;first=ok"
        (await on.ask()).check_whole("first")
        assert on.calls("first") == 3, "the limited key is not asked again"
        assert on.calls("second") == 0


async def test_f09_limit_of_an_account_holds_for_all_its_keys() -> None:
    keys = 'api_keys = ["key-one-0123456789", "key-two-0123456789"]'
    first = Upstream("first", "sim-429-retry-after-30", kind="groq", more=keys)
    async with stage(first, SECOND) as on:
        heard = await on.ask()
        heard.check_whole("second")
        assert heard.trail == "first=rate_limited;second=ok"
        assert on.calls("first") == 1


@BOTH
async def test_f09_short_wait_is_sat_out_where_nothing_else_is_left(stream: bool) -> None:
    async with stage(Upstream("first", "sim-429-retry-ms-0.4-first-1")) as on:
        began_s = on.clock.now()
        heard = await on.ask(stream=stream)
        assert 0.4 <= on.clock.now() - began_s < 1.5
        heard.check_whole("first")
        assert heard.trail == "first=rate_limited;first=ok"


async def test_f09_short_wait_is_not_sat_out_where_another_can_serve() -> None:
    async with stage(Upstream("first", "sim-429-retry-after-1-first-1"), SECOND) as on:
        began_s = on.clock.now()
        (await on.ask()).check_whole("second")
        assert on.clock.now() - began_s < 0.5


@BOTH
async def test_f15_all_limited_is_a_429_that_says_when_the_first_recovers(stream: bool) -> None:
    async with stage(
        Upstream("first", "sim-429-retry-after-40-first-1"), Upstream("second", "sim-429-retry-after-20-first-1")
    ) as on:
        heard = await on.ask(stream=stream)
        assert heard.status == 429
        assert heard.error["type"] == "rate_limit_error"
        assert heard.error["code"] == "rate_limit_exceeded"
        assert 20 <= heard.retry_after_s <= 21
        assert heard.trail == "first=rate_limited;second=rate_limited"
        assert "x-should-retry" not in heard.headers, "a client's SDK may wait that long"
        assert "retry-after-ms" not in heard.headers
        on.clock.advance(10)
        heard = await on.ask(stream=stream)
        assert heard.status == 429
        assert 10 <= heard.retry_after_s <= 11
        assert heard.headers["x-fairlead-attempts"] == "0"
        assert (on.calls("first"), on.calls("second")) == (1, 1), "stated times spare the upstreams"
        on.clock.advance(heard.retry_after_s)
        (await on.ask(stream=stream)).check_whole("second")
        on.clock.advance(22)
        (await on.ask(stream=stream)).check_whole("first")


@BOTH
async def test_f15_long_limit_tells_sdks_not_to_retry_what_was_sent(stream: bool) -> None:
    async with stage(Upstream("first", "sim-429-retry-after-300")) as on:
        heard = await on.ask(stream=stream)
        assert heard.status == 429
        assert 300 <= heard.retry_after_s <= 302
        assert heard.headers["x-should-retry"] == "false"
        heard = await on.ask(stream=stream)
        assert heard.status == 429
        assert on.calls("first") == 1


@BOTH
async def test_f15_retry_after_is_never_longer_than_an_hour(stream: bool) -> None:
    async with stage(Upstream("first", "sim-daily-quota-retry-after-70000")) as on:
        assert (await on.ask(stream=stream)).retry_after_s == 3600
        assert (await on.ask(stream=stream)).retry_after_s == 3600


@BOTH
async def test_f15_mixed_causes_with_nothing_sent_are_a_503_with_retry_after(stream: bool) -> None:
    async with stage(Upstream("first", "sim-429-retry-after-30"), Upstream("second", "sim-missing")) as on:
        heard = await on.ask(stream=stream)
        assert heard.status == 502
        assert heard.trail == "first=rate_limited;second=model_missing"
        heard = await on.ask(stream=stream)
        assert heard.status == 503
        assert heard.error["code"] == "no_upstream_available"
        assert 30 <= heard.retry_after_s <= 32
        assert (on.calls("first"), on.calls("second")) == (1, 1)


@BOTH
async def test_f15_guessed_times_leave_a_last_resort(stream: bool) -> None:
    async with stage(Upstream("first", "sim-429-retry-after-30"), Upstream("second", "sim-500-first-3")) as on:
        for _ in range(3):
            assert (await on.ask(stream=stream)).status == 502
        assert on.breaker("second", "sim-500-first-3") == 2.0
        heard = await on.ask(stream=stream)
        heard.check_whole("second")
        assert heard.trail == "second=ok"
        assert on.calls("first") == 1, "its time is stated, so it is spared"
        assert on.breaker("second", "sim-500-first-3") == 0.0, "a success ends the set-aside"


async def test_f15_last_resort_that_fails_is_told_and_lengthens_nothing() -> None:
    async with stage(Upstream("first", "gpt", refused_url())) as on:
        assert (await on.ask()).status == 502
        before_s = on.cooldown_s("first", "candidate", "connect")
        for _ in range(5):
            heard = await on.ask()
            assert heard.status == 502
            assert heard.error["code"] == "upstream_error"
        assert on.attempts("first", "connect") == 6
        assert on.cooldown_s("first", "candidate", "connect") <= before_s


async def test_f15_at_most_eight_last_resorts_are_under_way_at_once() -> None:
    async with stage(Upstream("first"), scenario=script((3, "500"), (8, "delay-1"))) as on:
        for _ in range(3):
            assert (await on.ask()).status == 502
        heard = await on.ask_crowd(20, slow=8, slow_s=1)
        assert sorted(answer.status for answer in heard) == [200] * 8 + [503] * 12
        assert on.calls("first") == 3 + 8
        turned_away = [answer for answer in heard if answer.status == 503]
        assert {answer.error["code"] for answer in turned_away} == {"no_upstream_available"}
        assert all(1 <= answer.retry_after_s <= 10 for answer in turned_away)
        assert [answer.status for answer in await on.ask_many(20)] == [200] * 20
