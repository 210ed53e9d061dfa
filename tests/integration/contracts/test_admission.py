"""DESIGN.md sections 3 and 4: a provider's own limits. Reached means left out with its free time; nothing queues."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.fakes.clock import ShiftedClock
from tests.fakes.gateway import RunningGateway
from tests.fakes.heard import Heard
from tests.fakes.rawserver import Peer, response
from tests.integration.contracts.scene import JSON, Witness, ask, model, post, providers, refused, said, scene

ADMIN = "admin-token-0123456789"
OPEN = f'[auth]\nmode = "none"\nadmin_token = "{ADMIN}"\n'


class Held:
    """An upstream that answers nobody before `open` is set."""

    def __init__(self, answer: bytes) -> None:
        self.open = asyncio.Event()
        self.calls = 0
        self._answer = answer

    async def __call__(self, peer: Peer) -> None:
        while True:
            await peer.request()
            self.calls += 1
            await self.open.wait()
            await peer.send(self._answer)


@asynccontextmanager
async def waiting(gateway: RunningGateway, count: int, held: Held) -> AsyncIterator[list[asyncio.Task[Heard]]]:
    """So many requests that an upstream holds; they are answered at the end."""
    tasks = [asyncio.create_task(ask(gateway)) for _ in range(count)]
    async with asyncio.timeout(5):
        while held.calls < count:
            await asyncio.sleep(0.005)
    yield tasks
    held.open.set()
    assert {heard.status for heard in await asyncio.gather(*tasks)} == {200}


async def test_one_silent_upstream_gets_three_quarters_of_the_gateway() -> None:
    toml = "[server]\nmax_in_flight = 8\n" + providers("a", "b") + model("a", "b")
    a, b = Held(said()), Witness(said())
    async with scene(toml, a=a, b=b) as gateway, waiting(gateway, 6, a):
        for _ in range(3):
            assert (await ask(gateway)).trail == "b=ok"
    assert (a.calls, b.calls) == (6, 3)


async def test_those_who_fail_over_to_a_silent_upstream_keep_to_its_share_too() -> None:
    toml = "[server]\nmax_in_flight = 8\n" + providers("a", "b", "c") + model("a", "b", "c")
    a, b, c = Witness(refused(500)), Held(said()), Witness(said())
    async with scene(toml, a=a, b=b, c=c) as gateway:
        tasks = [asyncio.create_task(ask(gateway)) for _ in range(8)]
        async with asyncio.timeout(5):
            while sum(task.done() for task in tasks) < 2 or b.calls < 6:
                await asyncio.sleep(0.005)
        assert (b.calls, c.calls) == (6, 2)
        b.open.set()
        answers = await asyncio.gather(*tasks)
    assert {heard.status for heard in answers} == {200}


async def test_full_gateway_refuses_at_once_and_has_room_again_afterwards() -> None:
    toml = "[server]\nmax_in_flight = 2\n" + providers("a", more="limits = { parallel = 10 }") + model("a")
    a = Held(said())
    async with scene(toml, a=a) as gateway:
        async with waiting(gateway, 2, a):
            heard = await ask(gateway)
            livez = await gateway.client.get("/livez")
        assert (await ask(gateway)).status == 200
    assert (heard.status, heard.error["code"], heard.headers["retry-after"]) == (503, "overloaded", "1")
    assert "x-should-retry" not in heard.headers
    assert livez.status_code == 200


async def test_configured_parallel_limit_lets_the_next_candidate_serve() -> None:
    toml = OPEN + providers("a", more="limits = { parallel = 2 }") + providers("b") + model("a", "b")
    a, b = Held(said()), Witness(said())
    async with scene(toml, a=a, b=b) as gateway, waiting(gateway, 2, a):
        assert (await ask(gateway)).trail == "b=ok"
        (omitted,) = (await _explained(gateway))["omitted"]
        assert (omitted["reason"], omitted["provider"], omitted["seconds_left"]) == ("limit_reached", "a", 1.0)


async def test_lone_provider_at_its_parallel_limit_is_a_429_that_says_a_second() -> None:
    a = Held(said())
    toml = providers("a", more="limits = { parallel = 1 }") + model("a")
    async with scene(toml, a=a) as gateway, waiting(gateway, 1, a):
        heard = await ask(gateway)
    assert (heard.status, heard.error["code"], heard.retry_after_s) == (429, "rate_limit_exceeded", 1)
    assert (a.calls, heard.headers["x-fairlead-attempts"]) == (1, "0")


async def test_requests_a_minute_are_counted_and_the_free_time_is_told() -> None:
    clock = ShiftedClock()
    toml = OPEN + providers("a", more="limits = { rpm = 3 }") + providers("b") + model("a", "b")
    async with scene(toml, clock=clock, a=Witness(said()), b=Witness(said())) as gateway:
        trails = [(await ask(gateway)).trail for _ in range(5)]
        (omitted,) = (await _explained(gateway))["omitted"]
        clock.advance(21)
        trails += [(await ask(gateway)).trail for _ in range(2)]
    assert trails == ["a=ok", "a=ok", "a=ok", "b=ok", "b=ok", "a=ok", "b=ok"]
    assert omitted["reason"] == "limit_reached"
    assert 19 <= omitted["seconds_left"] <= 20


async def test_every_send_counts_against_the_requests_a_minute() -> None:
    toml = OPEN + providers("a", more="limits = { rpm = 2 }") + providers("b") + model("a", "b")
    async with scene(toml, a=Witness(refused(409)), b=Witness(said())) as gateway:
        assert (await ask(gateway)).trail == "a=conflict;a=conflict;b=ok"
        assert (await ask(gateway)).trail == "b=ok"


def _used(tokens: int) -> bytes:
    return said(usage={"prompt_tokens": tokens, "completion_tokens": 0})


async def test_tokens_that_were_used_are_counted_and_the_free_time_is_told() -> None:
    clock = ShiftedClock()
    toml = OPEN + providers("a", more="limits = { tpm = 600 }") + providers("b") + model("a", "b")
    async with scene(toml, clock=clock, a=Witness(_used(900), _used(1)), b=Witness(said())) as gateway:
        trails = [(await ask(gateway)).trail for _ in range(2)]
        (omitted,) = (await _explained(gateway))["omitted"]
        clock.advance(28)
        trails.append((await ask(gateway)).trail)
        clock.advance(4)
        trails.append((await ask(gateway)).trail)
    assert trails == ["a=ok", "b=ok", "b=ok", "a=ok"]
    assert 28 <= omitted["seconds_left"] <= 31


@pytest.mark.parametrize("member", ["max_tokens", "max_completion_tokens"])
async def test_tokens_that_were_only_announced_are_given_back(member: str) -> None:
    toml = providers("a", more="limits = { tpm = 600 }") + model("a")
    body = f'{{"model":"m","messages":[],"{member}":500}}'.encode()
    async with scene(toml, a=Witness(_used(10))) as gateway:
        statuses = Counter([(await post(gateway, body)).status for _ in range(20)])
    assert statuses == {200: 20}


WASTED = [
    pytest.param(refused(400, "no", code="string_above_max_length"), id="refused"),
    pytest.param(refused(500), id="failed"),
    pytest.param(response(b"{", JSON), id="nonsense"),
    pytest.param(_used(10), id="answered"),
]


@pytest.mark.parametrize("announced", [10**6, 10**18])
@pytest.mark.parametrize("first", WASTED)
async def test_no_client_can_use_a_provider_up_by_announcing_tokens(first: bytes, announced: int) -> None:
    clock = ShiftedClock()
    toml = providers("a", more="limits = { tpm = 600 }\nbreaker = false") + model("a")
    body = f'{{"model":"m","messages":[],"max_tokens":{announced}}}'.encode()
    async with scene(toml, clock=clock, a=Witness(first, said())) as gateway:
        await post(gateway, body)
        heard = await ask(gateway)
    assert heard.status == 200


async def test_client_that_leaves_gives_its_announced_tokens_back() -> None:
    toml = providers("a", more="limits = { tpm = 600 }") + model("a")
    a = Held(said())
    async with scene(toml, a=a) as gateway:
        leaving = asyncio.create_task(ask(gateway, max_tokens=10**9))
        async with asyncio.timeout(5):
            while not a.calls:
                await asyncio.sleep(0.005)
            leaving.cancel()
            while gateway.parts.state.view.in_flight:
                await asyncio.sleep(0.005)
        a.open.set()
        assert (await ask(gateway)).status == 200


async def _explained(gateway: RunningGateway) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {ADMIN}"}
    answer = await gateway.client.get("/admin/explain", params={"model": "m"}, headers=headers)
    explained: dict[str, Any] = answer.json()
    return explained
