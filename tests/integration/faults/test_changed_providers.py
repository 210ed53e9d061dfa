"""F20: what is remembered of a provider fits the one that is configured: another address, key or limit begins anew."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from tests.fakes.rawserver import Peer, RawServer, response
from tests.fakes.rawserver import answer as always
from tests.fakes.stage import Upstream, script, stage
from tests.fakes.upstream_calls import settles
from tests.integration.faults.cases import BOTH
from tests.integration.faults.test_changes import ONE, SECOND, SLOW_S, THIRD, TWO, begun


async def test_f20_new_key_ends_what_the_old_one_had_brought_about() -> None:
    scenario = f'[[rules]]\ncredential = "{ONE}"\nthen = "auth"\n'
    async with stage(Upstream("first", more=f'api_key = "{ONE}"'), SECOND, scenario=scenario) as on:
        assert (await on.ask()).trail == "first=auth;second=ok"
        assert on.gateway.metric("provider_attention", provider="first", reason="auth") == 1
        on.publish(Upstream("first", more=f'api_key = "{TWO}"'), SECOND)
        assert not on.is_anything_aside()
        assert on.gateway.metric("provider_attention", provider="first", reason="auth") == 0
        assert (await on.ask()).trail == "first=ok"


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        pytest.param("groq", "429-retry-after-30", id="limit-of-the-account"),
        pytest.param("openai_compatible", "404", id="model-that-it-may-not-see"),
    ],
)
async def test_f20_new_key_ends_what_its_account_was_refused(kind: str, refusal: str) -> None:
    first = Upstream("first", kind=kind, more=f'api_key = "{ONE}"')
    async with stage(first, SECOND, scenario=script((1, refusal))) as on:
        assert (await on.ask()).trail.endswith("second=ok")
        assert on.is_anything_aside()
        on.publish(replace(first, more=f'api_key = "{TWO}"'), SECOND)
        assert (await on.ask()).trail == "first=ok"


@pytest.mark.parametrize("left", [pytest.param((TWO,), id="deleted"), pytest.param((TWO, ONE), id="behind-the-other")])
async def test_f20_request_goes_on_with_a_key_that_has_another_place_by_now(left: tuple[str, ...]) -> None:
    scenario = f'[[rules]]\ncredential = "{ONE}"\nthen = "auth-delay-1"\n'
    first = Upstream("first", more=f'api_keys = ["{ONE}", "{TWO}"]')
    async with stage(first, scenario=scenario) as on:
        task = await begun(on, "first")
        on.publish(replace(first, more=f"api_keys = {json.dumps(left)}"))
        on.clock.advance(SLOW_S)
        assert (await task).trail == "first=auth;first=ok"


async def test_f20_probe_of_a_key_that_has_another_place_by_now_frees_it() -> None:
    rules = '[[rules]]\ncredential = "{}"\nfirst = 1\nthen = "{}"\n'
    first = Upstream("first", "sim-ok-delay-1", more=f'api_keys = ["{ONE}", "{TWO}"]')
    async with stage(first, SECOND, scenario=rules.format(ONE, "billing") + rules.format(TWO, "auth")) as on:
        assert (await on.ask()).trail == "first=billing;first=auth;second=ok"
        on.clock.advance(31)
        probe = await begun(on, "first", calls=3)
        on.publish(replace(first, more=f'api_keys = ["{TWO}"]'), SECOND)
        on.clock.advance(SLOW_S)
        assert (await probe).trail == "first=ok"
        assert not on.is_anything_aside()
        assert on.gateway.metric("provider_attention", provider="first", reason="auth") == 0


async def test_f20_late_refusal_of_a_key_that_has_another_place_by_now_is_held_against_it() -> None:
    scenario = f'[[rules]]\ncredential = "{ONE}"\nthen = "auth-delay-1"\n'
    first = Upstream("first", more=f'api_keys = ["{ONE}", "{TWO}"]')
    async with stage(first, scenario=scenario) as on:
        task = await begun(on, "first")
        on.publish(replace(first, more=f'api_keys = ["{TWO}", "{ONE}"]'))
        on.clock.advance(SLOW_S)
        assert (await task).trail == "first=auth;first=ok"
        assert on.is_anything_aside()
        assert on.gateway.metric("provider_attention", provider="first", reason="auth") == 1


async def test_f20_request_under_way_passes_over_a_key_that_is_set_aside_at_its_place_of_now() -> None:
    rules = '[[rules]]\ncredential = "{}"\nthen = "{}"\n'
    first = Upstream("first", more=f'api_keys = ["{ONE}", "{TWO}"]')
    async with stage(first, SECOND, scenario=rules.format(ONE, "auth-delay-1") + rules.format(TWO, "billing")) as on:
        task = await begun(on, "first")
        on.publish(replace(first, more=f'api_keys = ["{TWO}"]'), SECOND)
        assert (await on.ask()).trail == "first=billing;second=ok"
        on.clock.advance(SLOW_S)
        assert (await task).trail == "first=auth;second=ok"


async def test_f20_late_refusal_of_a_key_that_was_replaced_calls_nobody() -> None:
    first = Upstream("first", "sim-401-delay-1", more=f'api_key = "{ONE}"')
    async with stage(first, SECOND) as on:
        task = await begun(on, "first", stream=False)
        on.publish(Upstream("first", "sim-ok", more=f'api_key = "{TWO}"'), SECOND)
        on.clock.advance(SLOW_S)
        assert (await task).trail == "first=auth;second=ok"
        assert on.gateway.metric("provider_attention", provider="first", reason="auth") == 0
        assert (await on.ask()).trail == "first=ok"


async def test_f20_late_refusal_by_a_provider_that_was_deleted_calls_nobody() -> None:
    async with stage(Upstream("first", "sim-401-delay-1"), SECOND) as on:
        task = await begun(on, "first", stream=False)
        on.publish(SECOND)
        on.clock.advance(SLOW_S)
        assert (await task).trail == "first=auth;second=ok"
        assert on.gateway.metric("provider_attention", provider="first", reason="auth") == 0
        assert not on.is_anything_aside()


async def test_f20_new_base_url_ends_what_the_old_one_had_brought_about() -> None:
    no_model = b'{"error":{"message":"no such model","code":"model_not_found"}}'
    async with RawServer(always(response(no_model, status=b"404 Not Found"))) as wrong:
        async with stage(Upstream("first", "sim-ok", wrong.url), SECOND) as on:
            assert (await on.ask()).trail == "first=model_missing;second=ok"
            on.publish(Upstream("first", "sim-ok"), SECOND)
            assert not on.is_anything_aside()
            assert (await on.ask()).trail == "first=ok"


async def test_f20_new_base_url_ends_an_alert_and_may_give_cause_for_another() -> None:
    first = Upstream("first", more=f'api_key = "{ONE}"')
    scenario = script((1, "auth")) + script((1, "auth"), provider="moved")
    async with stage(first, SECOND, scenario=scenario) as on:
        assert (await on.ask()).trail == "first=auth;second=ok"
        on.publish(replace(first, url=f"{on.simulator_url}/moved/v1"), SECOND)
        assert on.gateway.metric("provider_attention", provider="first", reason="auth") == 0
        assert (await on.ask()).trail == "first=auth;second=ok"
        assert on.gateway.metric("provider_attention", provider="first", reason="auth") == 1


async def test_f20_late_failure_at_an_old_base_url_sets_nothing_aside_at_the_new_one() -> None:
    async def dying(peer: Peer) -> None:
        await peer.request()
        await gone.wait()
        peer.reset()

    gone = asyncio.Event()
    async with RawServer(dying) as old, stage(Upstream("first", "sim-ok", old.url), SECOND) as on:
        tasks = [asyncio.create_task(on.ask()) for _ in range(5)]
        assert await settles(lambda: old.accepted == 5)
        on.publish(Upstream("first", "sim-ok"), SECOND)
        gone.set()
        assert {heard.trail for heard in await asyncio.gather(*tasks)} == {"first=connect;second=ok"}
        assert not on.is_anything_aside()
        assert (await on.ask()).trail == "first=ok"


async def test_f20_late_answer_of_an_old_base_url_is_no_success_of_the_new_one() -> None:
    """It ends no alert, and what fails three times in a row at the new address is out of the way."""
    body = b'{"id":"1","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'

    async def slow(peer: Peer) -> None:
        await peer.request()
        await answered.wait()
        await peer.send(response(body, b"Content-Type: application/json"))

    answered = asyncio.Event()
    scenario = script((2, "500"), (1, "auth"), (1, "500"))
    key = f'api_key = "{ONE}"'
    async with RawServer(slow) as old, stage(Upstream("first", url=old.url, more=key), SECOND, scenario=scenario) as on:
        task = asyncio.create_task(on.ask())
        assert await settles(lambda: old.accepted == 1)
        on.publish(Upstream("first", more=key), SECOND)
        failed = [(await on.ask()).trail for _ in range(3)]
        assert failed == ["first=server_error;second=ok"] * 2 + ["first=auth;second=ok"]
        answered.set()
        assert (await task).trail == "first=ok"
        assert on.gateway.metric("provider_attention", provider="first", reason="auth") == 1
        on.clock.advance(31)
        assert (await on.ask()).trail == "first=server_error;second=ok"
        assert on.breaker("first", "sim-ok") == 2


@BOTH
async def test_f20_probe_whose_key_is_replaced_meanwhile_ends_what_was_held_against_the_provider(stream: bool) -> None:
    first = Upstream("first", "sim-think-1", more=f'api_key = "{ONE}"')
    async with stage(first, SECOND, scenario=script((3, "500"))) as on:
        assert {(await on.ask()).trail for _ in range(3)} == {"first=server_error;second=ok"}
        on.clock.advance(11)
        task = await begun(on, "first", stream=stream, calls=4)
        on.publish(replace(first, more=f'api_key = "{TWO}"'), SECOND)
        assert on.is_anything_aside()
        on.clock.advance(SLOW_S)
        assert (await task).trail == "first=ok"
        assert not on.is_anything_aside()


@pytest.mark.parametrize(("then", "outcome"), [("think-1", "ok"), ("429-retry-after-30-delay-1", "rate_limited")])
async def test_f20_probe_of_a_provider_that_moves_meanwhile_leaves_the_new_address_free(
    then: str, outcome: str
) -> None:
    """It holds no claim that the new address would wait for."""
    scenario = script((1, "429-retry-after-30"), (1, then))
    async with stage(Upstream("first"), SECOND, scenario=scenario) as on:
        assert (await on.ask()).trail == "first=rate_limited;second=ok"
        on.clock.advance(33)
        task = await begun(on, "first", calls=2)
        on.publish(Upstream("first", url=f"{on.simulator_url}/moved/v1"), SECOND)
        assert (await on.ask()).trail == "first=ok"
        on.clock.advance(SLOW_S)
        assert (await task).trail.startswith(f"first={outcome}")
        assert not on.is_anything_aside()


@pytest.mark.parametrize(
    "now", ["", "limits = { rpm = 600 }", "limits = { tpm = 1 }"], ids=["taken-away", "raised", "another"]
)
async def test_f20_limit_that_is_lifted_admits_at_once(now: str) -> None:
    async with stage(Upstream("first", more="limits = { rpm = 1 }"), SECOND) as on:
        assert [(await on.ask()).trail for _ in range(2)] == ["first=ok", "second=ok"]
        on.publish(Upstream("first", more=now), SECOND)
        assert (await on.ask()).trail == "first=ok"


async def test_f20_what_ends_after_its_limit_was_lifted_takes_nothing_from_it() -> None:
    first = Upstream("first", "sim-think-1-tokens-500", more="limits = { tpm = 10 }")
    async with stage(first, SECOND) as on:
        task = await begun(on, "first")
        on.publish(replace(first, more=""), SECOND)
        on.clock.advance(SLOW_S)
        assert (await task).trail == "first=ok"
        task = await begun(on, "first", calls=2)
        on.clock.advance(SLOW_S)
        assert (await task).trail == "first=ok"


@BOTH
async def test_f20_fewer_at_once_counts_those_that_are_under_way(stream: bool) -> None:
    first = Upstream("first", "sim-think-1", more="limits = { parallel = 3 }")
    async with stage(first, SECOND) as on:
        tasks = [await begun(on, "first", stream=stream, calls=calls) for calls in (1, 2, 3)]
        on.publish(replace(first, more="limits = { parallel = 1 }"), SECOND)
        assert (await on.ask(stream=stream)).trail == "second=ok"
        on.clock.advance(SLOW_S)
        assert {heard.trail for heard in await asyncio.gather(*tasks)} == {"first=ok"}
        assert await on.quiet()
        task = await begun(on, "first", stream=stream, calls=4)
        assert (await on.ask(stream=stream)).trail == "second=ok"
        on.clock.advance(SLOW_S)
        assert (await task).trail == "first=ok"


async def test_f20_change_that_leaves_a_provider_alone_keeps_its_cooldown() -> None:
    first = Upstream("first", "sim-429-retry-after-30")
    async with stage(first, SECOND) as on:
        assert (await on.ask()).trail == "first=rate_limited;second=ok"
        on.publish(first, SECOND, THIRD)
        assert (await on.ask()).trail == "second=ok"
        assert on.calls("first") == 1
