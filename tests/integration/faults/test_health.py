"""F11, F12 and F16: which statuses move a request on, and when a provider that fails is left alone and tried again."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.fakes.stage import Stage, Upstream, script, stage
from tests.fakes.upstream_calls import settles
from tests.integration.faults.cases import BOTH, SECOND

CLOSED, OPEN = 0.0, 2.0


@BOTH
@pytest.mark.parametrize("status", [500, 502, 504, 520, 521, 522, 523, 524, 525, 526])
async def test_f11_server_failures_fail_over_and_feed_the_breaker(status: int, stream: bool) -> None:
    phrase = f"sim-{status}"
    async with stage(Upstream("first", phrase), SECOND) as on:
        for _ in range(3):
            assert on.breaker("first", phrase) == CLOSED
            heard = await on.ask(stream=stream)
            heard.check_whole("second")
            assert heard.trail == "first=server_error;second=ok"
        assert on.failovers("first", "second", "server_error") == 3
        assert on.breaker("first", phrase) == OPEN
        assert (await on.ask(stream=stream)).trail == "second=ok"


@BOTH
@pytest.mark.parametrize(
    ("phrase", "kind"),
    [
        ("529", "openai"),
        ("503", "openai"),
        ("overload-200", "openai"),
        ("overload-as-anthropic", "openai"),
        ("overload-as-mistral", "mistral"),
        ("503-as-deepseek", "deepseek"),
    ],
)
async def test_f11_overload_fails_over_and_cools_down_when_it_goes_on(phrase: str, kind: str, stream: bool) -> None:
    async with stage(Upstream("first", f"sim-{phrase}", kind=kind), SECOND) as on:
        for _ in range(2):
            heard = await on.ask(stream=stream)
            heard.check_whole("second")
            assert heard.trail == "first=overloaded;second=ok"
            assert not on.is_anything_aside(), "now and then it passes by itself"
        (await on.ask(stream=stream)).check_whole("second")
        assert on.cooldown_s("first", "candidate", "overloaded") == pytest.approx(15, abs=1)
        assert on.breaker("first", f"sim-{phrase}") == CLOSED
        assert (await on.ask(stream=stream)).trail == "second=ok"
        assert on.calls("first") == 3


@BOTH
async def test_f11_overload_with_a_stated_time_cools_down_at_once(stream: bool) -> None:
    async with stage(Upstream("first", "sim-529-retry-after-25-first-1"), SECOND) as on:
        (await on.ask(stream=stream)).check_whole("second")
        assert 24 <= on.cooldown_s("first", "candidate", "overloaded") <= 27
        on.clock.advance(20)
        assert (await on.ask(stream=stream)).trail == "second=ok"
        on.clock.advance(8)
        assert (await on.ask(stream=stream)).trail == "first=ok"


CONFLICTS = [408, 409, 424, 425, 498]


@BOTH
@pytest.mark.parametrize("status", CONFLICTS)
async def test_f11_passing_conflict_is_retried_once_in_place(status: int, stream: bool) -> None:
    async with stage(Upstream("first", f"sim-{status}-first-1"), SECOND) as on:
        heard = await on.ask(stream=stream)
        heard.check_whole("first")
        assert heard.trail == "first=conflict;first=ok"
        assert on.attempts("first", "conflict") == 1
        assert on.calls("second") == 0
        assert not on.is_anything_aside()


@BOTH
@pytest.mark.parametrize("status", CONFLICTS)
async def test_f11_lasting_conflict_goes_to_the_next_and_sets_nothing_aside(status: int, stream: bool) -> None:
    async with stage(Upstream("first", f"sim-{status}"), SECOND) as on:
        for _ in range(4):
            heard = await on.ask(stream=stream)
            heard.check_whole("second")
            assert heard.trail == "first=conflict;first=conflict;second=ok"
        assert on.failovers("first", "second", "conflict") == 4
        assert not on.is_anything_aside()


@BOTH
async def test_f11_clients_own_fault_stops_at_the_first(stream: bool) -> None:
    async with stage(Upstream("first", "sim-policy"), SECOND) as on:
        heard = await on.ask(stream=stream)
        assert heard.status == 400
        assert heard.error["code"] == "content_policy_violation"
        assert heard.trail == "first=content_policy"
        assert on.calls("second") == 0
        assert not on.is_anything_aside()


async def test_f12_provider_that_fails_fast_does_not_attract_the_traffic() -> None:
    """Under least-busy a provider that refuses at once is always the least busy."""
    ailing = Upstream("first", "sim-502", priority=1)
    sound = Upstream("second", "sim-ok-delay-0.03", priority=1)
    async with stage(ailing, sound, model='rotation = "least_busy"') as on:
        answers = [answer for _ in range(20) for answer in await on.ask_many(5)]
        for answer in answers:
            answer.check_whole("second")
        assert on.breaker("first", "sim-502") == OPEN
        assert on.calls("first") <= 3 + 4, "three in a row, and what was under way by then"
        assert on.calls("second") == 100
        assert on.gateway.metric("provider_up", provider="first") == 0


async def test_f12_overloaded_provider_does_not_attract_the_traffic() -> None:
    ailing = Upstream("first", "sim-503", priority=1)
    sound = Upstream("second", "sim-ok-delay-0.03", priority=1)
    async with stage(ailing, sound, model='rotation = "least_busy"') as on:
        for _ in range(20):
            for answer in await on.ask_many(5):
                answer.check_whole("second")
        assert on.calls("first") <= 3 + 4


async def test_f12_two_sound_providers_share_the_traffic_by_load() -> None:
    async with stage(
        Upstream("first", "sim-ok-delay-0.05", priority=1),
        Upstream("second", "sim-ok-delay-0.05", priority=1),
        model='rotation = "least_busy"',
    ) as on:
        await on.ask_many(20)
        assert (on.calls("first"), on.calls("second")) == (10, 10)


@BOTH
@pytest.mark.parametrize("share", [30, 50])
async def test_f16_flapping_lone_provider_still_serves_what_it_can(share: int, stream: bool) -> None:
    async with stage(Upstream("first", f"sim-500-percent-{share}")) as on:
        statuses = Counter([(await on.ask(stream=stream)).status for _ in range(60)])
        assert on.calls("first") == 60, "the breaker of a lone provider keeps nobody out"
        failed = sum(entry.progress.status == 500 for entry in on.arrivals("first"))
        assert statuses == {200: 60 - failed, 502: failed}
        assert 60 * share / 100 * 0.5 < failed < 60 * share / 100 * 1.5


@BOTH
@pytest.mark.parametrize("share", [30, 50])
async def test_f16_flapping_provider_never_shows_where_another_can_serve(share: int, stream: bool) -> None:
    async with stage(Upstream("first", f"sim-500-percent-{share}"), SECOND) as on:
        for _ in range(60):
            answer = await on.ask(stream=stream)
            assert answer.status == 200
            assert answer.trail in ("first=ok", "first=server_error;second=ok", "second=ok")
            on.clock.advance(1)
        failed = sum(entry.progress.status == 500 for entry in on.arrivals("first"))
        assert on.failovers("first", "second", "server_error") == failed
        assert on.calls("first") > 10, "it is tried again and again"


async def open_breaker(on: Stage) -> None:
    for _ in range(3):
        (await on.ask()).check_whole("second")
    assert on.breaker("first", "sim-ok") == OPEN
    assert on.calls("first") == 3


async def test_f16_half_open_breaker_admits_one_probe_of_fifty() -> None:
    async with stage(Upstream("first"), SECOND, scenario=script((3, "500"), (1, "delay-1"))) as on:
        await open_breaker(on)
        on.clock.advance(9)
        assert {answer.trail for answer in await on.ask_many(5)} == {"second=ok"}
        on.clock.advance(1.5)
        by = Counter([answer.trail for answer in await on.ask_crowd(50, slow=1, slow_s=1)])
        assert by == {"first=ok": 1, "second=ok": 49}
        assert on.breaker("first", "sim-ok") == CLOSED
        assert {answer.trail for answer in await on.ask_many(50)} == {"first=ok"}, "then all"


async def test_f16_failed_probe_doubles_the_time_and_costs_one_request_a_detour() -> None:
    scenario = script((3, "500"), (2, "500-delay-1"), (1, "delay-1"))
    async with stage(Upstream("first"), SECOND, scenario=scenario) as on:
        await open_breaker(on)
        for open_s in (10, 20):
            on.clock.advance(open_s - 1)
            assert {answer.trail for answer in await on.ask_many(5)} == {"second=ok"}
            on.clock.advance(1.5)
            by = Counter([answer.trail for answer in await on.ask_crowd(20, slow=1, slow_s=1)])
            assert by == {"first=server_error;second=ok": 1, "second=ok": 19}
        on.clock.advance(41)
        by = Counter([answer.trail for answer in await on.ask_crowd(20, slow=1, slow_s=1)])
        assert by == {"first=ok": 1, "second=ok": 19}
        assert on.breaker("first", "sim-ok") == CLOSED


async def test_f16_herd_on_a_provider_that_has_just_died_opens_the_breaker_once() -> None:
    phrase = "sim-500-delay-1"
    async with stage(Upstream("first", phrase), SECOND) as on:
        for answer in await on.ask_crowd(50, slow=50, slow_s=1):
            answer.check_whole("second")
        assert on.calls("first") == 50, "all were under way when it showed"
        assert 8 < on.cooldown_s("first", "candidate", "server_error") <= 10, "not fifty steps of the ladder"
        assert {answer.trail for answer in await on.ask_many(50)} == {"second=ok"}


async def test_f16_client_that_leaves_its_probe_lets_the_next_request_probe() -> None:
    async with stage(Upstream("first"), SECOND, scenario=script((3, "500"), (1, "delay-9"))) as on:
        await open_breaker(on)
        on.clock.advance(11)
        probe = asyncio.create_task(on.ask())
        assert await settles(lambda: on.calls("first") == 4, 1.0)
        assert (await on.ask()).trail == "second=ok"
        probe.cancel()
        assert await on.quiet(1.0), "its claim is given back"
        assert on.breaker("first", "sim-ok") != CLOSED, "a client that leaves proves nothing"
        assert (await on.ask()).trail == "first=ok"
        assert on.breaker("first", "sim-ok") == CLOSED


async def test_f16_probe_that_hangs_lets_one_more_through_after_half_a_minute() -> None:
    scenario = script((3, "500"), (1, "delay-100"), (1, "delay-1"))
    async with stage(Upstream("first"), SECOND, scenario=scenario) as on:
        await open_breaker(on)
        on.clock.advance(11)
        probe = asyncio.create_task(on.ask())
        assert await settles(lambda: on.calls("first") == 4, 1.0)
        on.clock.advance(29)
        assert {answer.trail for answer in await on.ask_many(5)} == {"second=ok"}
        on.clock.advance(2)
        more = asyncio.create_task(on.ask())
        assert await settles(lambda: on.calls("first") == 5, 1.0)
        assert {answer.trail for answer in await on.ask_many(20)} == {"second=ok"}
        on.clock.advance(1)
        (await more).check_whole("first")
        assert on.breaker("first", "sim-ok") == CLOSED
        on.clock.advance(100)
        (await probe).check_whole("first")
