"""DESIGN.md sections 3 and 8: what a client's key may use, what it is told of that, and what its requests cost."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from tests.fakes.clock import ShiftedClock
from tests.fakes.gateway import RunningGateway
from tests.fakes.heard import Heard
from tests.fakes.rawserver import Handler, Peer
from tests.fakes.rawstreams import DONE, FINISH
from tests.fakes.rawstreams import said as spoken
from tests.integration.contracts.scene import Witness, ask, model, providers, refused, said, scene, streamed

KEY = "client-key-0123456789"
AUTH = {"authorization": f"Bearer {KEY}"}
PRICE = "input_usd_per_mtok = 2\noutput_usd_per_mtok = 10\n"
ONE = f'[prices."a/up"]\n{PRICE}' + providers("a") + model("a")
UPSTREAMS = (b"x-ratelimit-remaining-requests: 7", b"x-ratelimit-limit-tokens: 9")
COST = "0.000026"
HALF_A_DAY_S = 43_200


def guarded(limits: str, rest: str = ONE, server: str = "") -> str:
    """A configuration whose one key has these limits."""
    return f'{server}[[auth.keys]]\nname = "ci"\nkey = "{KEY}"\n{limits}\n{rest}'


@asynccontextmanager
async def limited(limits: str, upstream: Handler | None = None, server: str = "") -> AsyncIterator[RunningGateway]:
    clock = ShiftedClock()
    clock.advance((HALF_A_DAY_S - clock.wall()) % (2 * HALF_A_DAY_S))  # noon: a day's budget lasts for hours from here
    async with scene(guarded(limits, server=server), clock=clock, a=upstream or Witness(said())) as gateway:
        yield gateway


async def asked(gateway: RunningGateway, max_tokens: int = 50, *, stream: bool = False) -> Heard:
    return await ask(gateway, headers=AUTH, max_tokens=max_tokens, stream=stream)


@pytest.mark.parametrize("expose", ["full", "minimal"])
async def test_cost_of_a_whole_answer_is_exact_and_told_whatever_else_is_hidden(expose: str) -> None:
    async with limited("", server=f'[server]\nexpose = "{expose}"\n') as gateway:
        heard = await asked(gateway)
        assert gateway.metric("cost_usd_total", provider="a", model="m") == pytest.approx(float(COST))
    assert heard.headers["x-fairlead-cost-usd"] == COST
    assert Decimal(heard.headers["x-fairlead-cost-usd"]) == Decimal("3e-6") * 2 + Decimal("2e-6") * 10
    assert ("x-fairlead-provider" in heard.headers) == (expose == "full")


async def test_cost_is_not_told_on_streams_nor_where_nobody_knows_it_nor_on_errors() -> None:
    stream = streamed(*spoken("Hi"), FINISH, DONE)
    async with limited("", Witness(stream, refused(400, "no"))) as gateway:
        answers = [await asked(gateway, stream=True), await asked(gateway)]
    async with scene(providers("a") + model("a"), a=Witness(said())) as gateway:
        answers.append(await ask(gateway))
    assert [heard.status for heard in answers] == [200, 400, 200]
    assert not any("x-fairlead-cost-usd" in heard.headers for heard in answers)


LEFT = [
    pytest.param(
        "rpm = 60\ntpm = 6000",
        {"requests": ("60", "59", r"1s|\d{1,3}ms"), "tokens": ("6000", r"59\d\d", r"\d{1,3}ms")},
        id="both",
    ),
    pytest.param("rpm = 60", {"requests": ("60", "59", r"1s|\d{1,3}ms")}, id="requests"),
    pytest.param("parallel = 3\nbudget_usd_day = 5", {}, id="what-has-no-pace"),
]


@pytest.mark.parametrize("expose", ["full", "minimal"])
@pytest.mark.parametrize(("limits", "left"), LEFT)
async def test_keys_with_limits_are_told_their_own_in_place_of_the_upstreams(
    limits: str, left: dict[str, tuple[str, ...]], expose: str
) -> None:
    async with limited(limits, Witness(said("Hi", *UPSTREAMS)), f'[server]\nexpose = "{expose}"\n') as gateway:
        heard = await asked(gateway)
    told = {name: value for name, value in heard.headers.items() if name.startswith("x-ratelimit-")}
    assert told.keys() == {f"x-ratelimit-{part}-{of}" for of in left for part in ("limit", "remaining", "reset")}
    for of, values in left.items():
        for part, value in zip(("limit", "remaining", "reset"), values, strict=True):
            assert re.fullmatch(value, told[f"x-ratelimit-{part}-{of}"]), told


async def test_keys_without_limits_are_told_the_upstreams() -> None:
    async with limited("", Witness(said("Hi", *UPSTREAMS))) as gateway:
        heard = await asked(gateway)
    assert heard.headers["x-ratelimit-remaining-requests"] == "7"
    assert "x-ratelimit-limit-requests" not in heard.headers


async def test_tokens_that_were_not_used_are_left_in_the_next_answer() -> None:
    async with limited("tpm = 6000") as gateway:
        first = await asked(gateway, max_tokens=5_000)
        second = await asked(gateway, max_tokens=1)
    assert int(first.headers["x-ratelimit-remaining-tokens"]) < 1_000
    assert int(second.headers["x-ratelimit-remaining-tokens"]) > 5_900


REACHED = [
    pytest.param("rpm = 1", "1 requests a minute (rpm)", "rate_limit_exceeded", 60, id="rpm"),
    pytest.param("tpm = 2", "2 tokens a minute (tpm)", "rate_limit_exceeded", None, id="tpm"),
    pytest.param("budget_usd_day = 0.00007", "USD a day (budget_usd_day)", "insufficient_quota", 3600, id="day"),
    pytest.param("budget_usd_month = 0.00007", "USD a month (budget_usd_month)", "insufficient_quota", 3600, id="m"),
]


@pytest.mark.parametrize(("limits", "words", "code", "after_s"), REACHED)
async def test_limit_that_is_reached_is_named_with_what_is_used_and_when_to_come_back(
    limits: str, words: str, code: str, after_s: int | None
) -> None:
    witness = Witness(said())
    async with limited(limits, witness) as gateway:
        await asked(gateway, max_tokens=1)
        heard = await asked(gateway, max_tokens=1)
        assert gateway.metric("requests_total", endpoint="chat", model="m", status="429") == 1
    assert (heard.status, heard.error["code"], witness.calls) == (429, code, 1)
    assert words in heard.error["message"]
    assert KEY not in heard.error["message"] and "ci" not in heard.error["message"].split()
    assert heard.retry_after_s == pytest.approx(after_s or 1, abs=1) or after_s is None
    if limits.startswith("rpm"):
        assert heard.headers["x-ratelimit-remaining-requests"] == "0"


async def test_place_that_is_taken_is_free_again_when_its_request_ends() -> None:
    inside, go = asyncio.Event(), asyncio.Event()

    async def hold(peer: Peer) -> None:
        while True:
            await peer.request()
            inside.set()
            await go.wait()
            await peer.send(said())

    async with limited("parallel = 1", hold) as gateway:
        first = asyncio.create_task(asked(gateway))
        await asyncio.wait_for(inside.wait(), 5)
        heard = await asked(gateway)
        go.set()
        assert (await first).status == 200
        assert (await asked(gateway)).status == 200
    assert (heard.status, heard.error["code"], heard.retry_after_s) == (429, "rate_limit_exceeded", 1)
    assert "1 requests at once (parallel)" in heard.error["message"]


async def test_request_that_may_cost_more_than_the_whole_budget_is_told_so_and_not_to_come_back() -> None:
    async with limited("budget_usd_day = 0.001") as gateway:
        heard = await asked(gateway, max_tokens=1_000)
        assert (await asked(gateway, max_tokens=10)).status == 200
    assert (heard.status, heard.error["type"]) == (429, "insufficient_quota")
    assert "more than this key's whole budget" in heard.error["message"]
    assert "retry-after" not in heard.headers


async def test_budget_that_is_not_known_yet_is_a_503() -> None:
    async with limited("budget_usd_day = 5") as gateway:
        gateway.parts.state.keys.expect_restore()
        heard = await asked(gateway)
        gateway.parts.state.keys.restore({"ci": (1, 1)}, gateway.parts.edge.engine.clock.wall())
        assert (await asked(gateway)).status == 200
    assert (heard.status, heard.error["code"], heard.retry_after_s) == (503, "budget_unknown", 5)


async def test_rate_comes_back_with_time() -> None:
    clock = ShiftedClock()
    async with scene(guarded("rpm = 1"), clock=clock, a=Witness(said())) as gateway:
        assert [(await asked(gateway)).status for _ in range(2)] == [200, 429]
        clock.advance(60)
        assert (await asked(gateway)).status == 200


async def test_candidate_without_a_price_never_serves_a_key_with_a_budget() -> None:
    token = "admin-token-0123456789"
    keys = f'[auth]\nadmin_token = "{token}"\n' + guarded("budget_usd_day = 5", "")
    keys += '[[auth.keys]]\nname = "lax"\nkey = "another-key-0123456789"\nbudget_usd_day = 5\nallow_unpriced = true\n'
    toml = keys + f'[prices."b/up"]\n{PRICE}' + providers("a", "b") + model("a", "b") + model("a", called="cheap")
    a, b = Witness(said()), Witness(said())
    async with scene(toml, a=a, b=b) as gateway:
        assert (await asked(gateway)).trail == "b=ok"
        alone = await ask(gateway, "cheap", headers=AUTH)
        lax = await ask(gateway, headers={"authorization": "Bearer another-key-0123456789"})
        admin = {"authorization": f"Bearer {token}"}
        shown = await gateway.client.get("/admin/explain", params={"model": "m", "key": "ci"}, headers=admin)
    assert (alone.status, "price" in alone.error["message"]) == (400, True)
    assert lax.trail == "a=ok"
    assert [(row["provider"], row["reason"]) for row in shown.json()["omitted"]] == [("a", "unpriced")]
    assert (a.calls, b.calls) == (1, 1)


async def test_operator_sees_what_keys_have_used() -> None:
    token = "admin-token-0123456789"
    toml = f'[auth]\nadmin_token = "{token}"\n' + guarded("rpm = 60\nparallel = 4\nbudget_usd_day = 5")
    async with scene(toml, a=Witness(said())) as gateway:
        await asked(gateway)
        shown = await gateway.client.get("/admin/state", headers={"authorization": f"Bearer {token}"})
    (row,) = shown.json()["keys"]
    assert (row["key"], row["parallel"], row["tokens"]) == ("ci", {"limit": 4, "used": 0}, None)
    assert (row["requests"]["limit"], row["requests"]["remaining"]) == (60, 59)
    (budget,) = row["budgets"]
    assert (budget["spent_usd"], budget["reserved_usd"], budget["limit_usd"]) == (COST, "0.00", "5.00")
    assert KEY not in json.dumps(shown.json())
