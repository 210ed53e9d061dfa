"""F20: a change of the configuration lets what is under way finish and keeps retries off what was taken away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from proxy.core.secret import Secret
from tests.fakes.gateway import load
from tests.fakes.heard import Heard
from tests.fakes.rawserver import BLINK_S, RawServer, response
from tests.fakes.rawserver import answer as always
from tests.fakes.rawstreams import DONE, FINISH, ROLE, said, streaming
from tests.fakes.stage import Stage, Upstream, configuration, stage
from tests.fakes.upstream_calls import settles
from tests.fakes.wireclient import WireClient, chat
from tests.integration.clientstage import BEARER, KEY, KEYS
from tests.integration.faults.cases import BOTH

SLOW_S = 1.0
SLOW_FAILURE = Upstream("first", "sim-500-delay-1")
SECOND = Upstream("second", "sim-ok", priority=2)
THIRD = Upstream("third", "sim-ok", priority=3)


async def begun(on: Stage, upstream: str, *, stream: bool = False, calls: int = 1) -> asyncio.Task[Heard]:
    """Ask, and wait until the upstream is working on it: its first call, or that one."""
    task = asyncio.create_task(on.ask(stream=stream))
    assert await settles(lambda: on.calls(upstream) >= calls)
    await asyncio.sleep(BLINK_S)
    return task


@BOTH
async def test_f20_request_under_way_finishes_on_a_provider_that_is_deleted(stream: bool) -> None:
    async with stage(Upstream("first", "sim-think-1"), SECOND) as on:
        task = await begun(on, "first", stream=stream)
        on.publish(SECOND)
        on.clock.advance(SLOW_S)
        (await task).check_whole("first")
        (await on.ask(stream=stream)).check_whole("second")
        assert on.calls("first") == 1
        assert on.gateway.metric("config_version") == 1


@BOTH
async def test_f20_request_under_way_finishes_on_a_provider_that_is_disabled(stream: bool) -> None:
    first = Upstream("first", "sim-think-1")
    async with stage(first, SECOND) as on:
        task = await begun(on, "first", stream=stream)
        on.publish(Upstream("first", first.model, more="enabled = false"), SECOND)
        on.clock.advance(SLOW_S)
        (await task).check_whole("first")
        (await on.ask(stream=stream)).check_whole("second")
        assert on.calls("first") == 1


async def test_f20_stream_past_its_commit_finishes_on_a_provider_that_is_deleted() -> None:
    events = [ROLE, *said("Once", " upon", " a", " time"), FINISH, DONE]
    async with RawServer(streaming(*events, gap_s=0.08)) as first:
        async with stage(Upstream("first", "gpt", first.url), SECOND) as on:
            task = asyncio.create_task(on.ask(stream=True))
            assert await settles(lambda: on.attempts("first", "ok") == 1), "committed"
            on.publish(SECOND)
            heard = await task
            heard.check_clean()
            assert heard.text == "Once upon a time"
            assert await settles(lambda: first.open == 0, 1.0), "its connection is not kept for later"


async def test_f20_session_goes_on_when_its_provider_its_model_and_its_client_s_key_are_deleted() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        key = '[[auth.keys]]\nname = "ci"\nkey = "client-key-0123456789"\nparallel = 2\n'
        async with stage(Upstream("first", url=url), sections=key) as on:
            state = on.gateway.parts.state
            address = on.gateway.url.replace("http", "ws") + "/v1/realtime?model=m"
            headers = {"authorization": "Bearer client-key-0123456789"}
            async with connect(address, additional_headers=headers, proxy=None) as client:
                on.publish(SECOND, sections='auth = { mode = "none" }')
                await client.send("still there?")
                assert await client.recv() == "still there?"
                assert list(state.view.provider_in_flight) == ["first"]
            assert await on.quiet()
            assert state.keys.uses["ci"].in_flight == 0
            assert (await on.ask()).trail == "second=ok"


TAKEN_AWAY = [
    pytest.param((SLOW_FAILURE, THIRD), id="deleted"),
    pytest.param((SLOW_FAILURE, Upstream("second", priority=2, more="enabled = false"), THIRD), id="disabled"),
]


@BOTH
@pytest.mark.parametrize("left", TAKEN_AWAY)
async def test_f20_failover_passes_over_a_provider_that_was_taken_away(
    left: tuple[Upstream, ...], stream: bool
) -> None:
    async with stage(SLOW_FAILURE, SECOND, THIRD) as on:
        task = await begun(on, "first", stream=stream)
        on.publish(*left)
        on.clock.advance(SLOW_S)
        heard = await task
        heard.check_whole("third")
        assert heard.trail == "first=server_error;third=ok"
        assert on.calls("second") == 0


@BOTH
async def test_f20_failover_passes_over_a_provider_that_an_operator_disables(stream: bool) -> None:
    async with stage(SLOW_FAILURE, SECOND, THIRD) as on:
        task = await begun(on, "first", stream=stream)
        on.gateway.parts.state.disable("second")
        on.clock.advance(SLOW_S)
        heard = await task
        heard.check_whole("third")
        assert on.calls("second") == 0


@BOTH
async def test_f20_failover_passes_over_a_candidate_that_left_the_model(stream: bool) -> None:
    """The provider stays, but serves another model only."""
    async with stage(SLOW_FAILURE, SECOND, THIRD) as on:
        task = await begun(on, "first", stream=stream)
        on.publish(SLOW_FAILURE, Upstream("second", "sim-tokens-3", priority=2), THIRD)
        on.clock.advance(SLOW_S)
        heard = await task
        heard.check_whole("third")
        assert on.calls("second") == 0


@BOTH
async def test_f20_nothing_left_after_the_change_is_an_error_of_what_was_tried(stream: bool) -> None:
    async with stage(SLOW_FAILURE, SECOND) as on:
        task = await begun(on, "first", stream=stream)
        on.publish(SLOW_FAILURE)
        on.clock.advance(SLOW_S)
        heard = await task
        assert heard.status == 502
        assert heard.trail == "first=server_error"
        assert on.calls("second") == 0


@BOTH
async def test_f20_retry_in_place_does_not_go_to_a_provider_that_was_disabled(stream: bool) -> None:
    first = Upstream("first", "sim-409-first-1-delay-1")
    async with stage(first, SECOND) as on:
        task = await begun(on, "first", stream=stream)
        on.publish(Upstream("first", first.model, more="enabled = false"), SECOND)
        on.clock.advance(SLOW_S)
        heard = await task
        heard.check_whole("second")
        assert heard.trail == "first=conflict;second=ok"


async def test_f20_short_limit_that_is_sat_out_is_asked_again_after_the_change() -> None:
    """While a client waits for the stated second its only provider is disabled: nothing is sent to it any more."""
    first = Upstream("first", "sim-429-retry-ms-0.5-first-1")
    async with stage(first) as on:
        task = await begun(on, "first", stream=False)
        assert await settles(lambda: on.attempts("first", "rate_limited") == 1)
        on.publish(Upstream("first", first.model, more="enabled = false"))
        heard = await task
        assert heard.status == 429
        assert heard.trail == "first=rate_limited"
        assert on.calls("first") == 1


ONE, TWO = "sk-one-planted-0123456789", "sk-two-planted-0123456789"


@BOTH
async def test_f20_retry_does_not_use_a_key_that_was_removed(stream: bool) -> None:
    keys = f'api_keys = ["{ONE}", "{TWO}"]'
    first = Upstream("first", "sim-429-retry-after-30-delay-1", more=keys)
    async with stage(first, SECOND) as on:
        task = await begun(on, "first", stream=stream)
        on.publish(Upstream("first", first.model, more=f'api_keys = ["{ONE}"]'), SECOND)
        on.clock.advance(SLOW_S)
        heard = await task
        heard.check_whole("second")
        assert on.calls("first") == 1


async def test_f20_new_base_url_takes_the_traffic_at_once_and_the_old_one_is_let_go() -> None:
    body = response(b'{"id":"1","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}', b"A: b")

    async with RawServer(always(body)) as old, RawServer(always(body)) as new:
        async with stage(Upstream("first", "gpt", old.url)) as on:
            assert (await on.ask()).status == 200
            assert old.open == 1, "kept for the next request"
            on.publish(Upstream("first", "gpt", new.url))
            assert await settles(lambda: old.open == 0, 1.0)
            assert (await on.ask()).status == 200
            assert (old.accepted, new.accepted) == (1, 1)


async def test_f20_body_that_arrives_after_the_change_is_judged_by_the_new_configuration() -> None:
    """Nobody counted tokens when the request began; now the model has a window, which is too small for it."""

    async def body() -> AsyncIterator[bytes]:
        yield b'{"model": "m", "messages": [{"role": "user", "content": "'
        await changed.wait()
        yield b"hello " * 1_000 + b'"}]}'

    changed = asyncio.Event()
    first = Upstream("first")
    async with stage(first) as on:
        sending = on.gateway.client.post(
            "/v1/chat/completions", content=body(), headers={"content-type": "application/json"}
        )
        task = asyncio.create_task(sending)
        assert await settles(lambda: on.gateway.parts.edge.admission.in_flight == 1)
        on.publish(first, model="capabilities = { context_window_tokens = 100 }")
        changed.set()
        answer = await task
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context_length_exceeded")
        assert on.calls("first") == 0


@pytest.mark.parametrize(
    ("keys", "status"),
    [
        pytest.param(KEYS.replace(KEY, "another-key-0123456789"), 401, id="taken-away"),
        pytest.param(f'{KEYS}models = ["other"]\n', 404, id="let-to-other-models"),
        pytest.param(KEYS.replace("tester", "renamed"), 200, id="renamed"),
    ],
)
async def test_f20_body_that_arrives_after_its_key_was_changed_has_the_rights_of_now(keys: str, status: int) -> None:
    first = Upstream("first")
    async with stage(first, sections=KEYS) as on, WireClient(on.gateway.url) as client:
        body = json.dumps(chat("m")).encode()
        client.begin(len(body), BEARER)
        client.writer.write(body[:9])
        assert await settles(lambda: on.gateway.parts.edge.admission.in_flight == 1)
        on.publish(first, sections=keys)
        client.writer.write(body[9:])
        assert (await client.heard()).status == status
        assert on.calls("first") == (status == 200)


async def test_f20_configuration_that_cannot_be_put_in_force_changes_nothing() -> None:
    first = Upstream("first", more=f'api_key = "{ONE}"')
    async with stage(first, SECOND) as on:
        parts = on.gateway.parts
        before, other = parts.edge.engine.snapshot, configuration((SECOND, THIRD), on.simulator_url, "", "")
        with pytest.raises(ValueError):
            parts.publish(replace(load(other), database_url=Secret("postgresql://[::1/books")))
        assert parts.edge.engine.snapshot is before
        assert ONE not in parts.redactor(f"the key {ONE}")
        assert (await on.ask()).trail == "first=ok"


async def test_f20_changes_under_load_lose_no_request() -> None:
    """Thirty changes, each taking away one of three providers, under a steady load."""
    every = [Upstream(name, "sim-ok-delay-0.02", priority=1) for name in ("first", "second", "third")]
    async with stage(*every, model='rotation = "round_robin"') as on:
        asking = [asyncio.create_task(on.ask_many(10, stream=bool(turn % 2))) for turn in range(20)]
        for turn in range(30):
            await asyncio.sleep(0.01)
            on.publish(*(upstream for place, upstream in enumerate(every) if place != turn % 3))
        answers = [answer for many in await asyncio.gather(*asking) for answer in many]
        assert [answer.status for answer in answers] == [200] * 200
