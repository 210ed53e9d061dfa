"""DESIGN.md section 3: fallbacks (depth 1, same budget, deadline and tried set) and embeddings, which never mix."""

from __future__ import annotations

import time

import pytest

from tests.fakes.clock import ShiftedClock
from tests.fakes.rawserver import silence
from tests.integration.contracts.scene import BROKEN, Witness, ask, model, post, providers, refused, said, scene

EMBEDDINGS = "/v1/embeddings"
EMBED = b'{"model": "m", "input": "hello"}'


async def test_fallback_serves_after_every_candidate_of_the_model() -> None:
    toml = providers("a", "b", "c") + model("a", "b", more='fallbacks = ["spare"]') + model("c", called="spare")
    async with scene(toml, a=Witness(BROKEN), b=Witness(refused(429)), c=Witness(said("spared"))) as gateway:
        heard = await ask(gateway)
        assert gateway.metric("requests_total", endpoint="chat", model="m", status="200") == 1
    assert (heard.text, heard.trail) == ("spared", "a=server_error;b=rate_limited;c=ok")


async def test_fallbacks_of_a_fallback_do_not_count() -> None:
    toml = (
        providers("a", "b", "c")
        + model("a", more='fallbacks = ["second"]')
        + model("b", called="second", more='fallbacks = ["third"]')
        + model("c", called="third")
    )
    c = Witness(said())
    async with scene(toml, a=Witness(BROKEN), b=Witness(BROKEN), c=c) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.trail, c.calls) == (502, "a=server_error;b=server_error", 0)


async def test_fallback_may_be_named_by_its_alias_and_several_are_tried_in_order() -> None:
    toml = (
        providers("a", "b", "c")
        + model("a", more='fallbacks = ["also-second", "third"]')
        + model("b", called="second", more='aliases = ["also-second"]')
        + model("c", called="third")
    )
    async with scene(toml, a=Witness(BROKEN), b=Witness(BROKEN), c=Witness(said())) as gateway:
        heard = await ask(gateway)
    assert heard.trail == "a=server_error;b=server_error;c=ok"


async def test_fallback_shares_the_budget() -> None:
    toml = (
        "[defaults]\nmax_attempts = 2\n"
        + providers("a", "b", "c")
        + model("a", "b", more='fallbacks = ["spare"]')
        + model("c", called="spare")
    )
    c = Witness(said())
    async with scene(toml, a=Witness(BROKEN), b=Witness(BROKEN), c=c) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.headers["x-fairlead-attempts"], c.calls) == (502, "2", 0)


async def test_fallback_shares_the_deadline() -> None:
    toml = providers("a", "b") + model("a", more='fallbacks = ["spare"]') + model("b", called="spare")
    b = Witness(said())
    async with scene(toml, a=silence(), b=b) as gateway:
        began_s = time.monotonic()
        heard = await ask(gateway, headers={"x-fairlead-deadline-ms": "1300"})
        took_s = time.monotonic() - began_s
    assert (heard.status, heard.error["code"], b.calls) == (504, "upstream_timeout", 0)
    assert 1.2 < took_s < 2


async def test_candidate_that_was_tried_is_not_tried_again_for_the_fallback() -> None:
    toml = providers("a", "b") + model("a", more='fallbacks = ["spare"]') + model("a", "b", called="spare")
    a = Witness(BROKEN)
    async with scene(toml, a=a, b=Witness(said())) as gateway:
        heard = await ask(gateway)
    assert (heard.trail, a.calls) == ("a=server_error;b=ok", 1)


async def test_fallback_inherits_the_permission() -> None:
    keys = '[auth]\nkeys = [{ name = "k", key = "key-0123456789abcdef", models = ["m"] }]\n'
    toml = keys + providers("a", "b") + model("a", more='fallbacks = ["spare"]') + model("b", called="spare")
    headers = {"authorization": "Bearer key-0123456789abcdef"}
    async with scene(toml, a=Witness(BROKEN), b=Witness(said())) as gateway:
        assert (await ask(gateway, "spare", headers=headers)).status == 404
        heard = await ask(gateway, headers=headers)
    assert (heard.status, heard.trail) == (200, "a=server_error;b=ok")


async def test_fallback_never_uses_a_provider_that_the_key_may_not() -> None:
    keys = '[auth]\nkeys = [{ name = "k", key = "key-0123456789abcdef", providers = ["a"] }]\n'
    toml = keys + providers("a", "b") + model("a", more='fallbacks = ["spare"]') + model("b", called="spare")
    b = Witness(said())
    async with scene(toml, a=Witness(BROKEN), b=b) as gateway:
        heard = await ask(gateway, headers={"x-api-key": "key-0123456789abcdef"})
    assert (heard.status, b.calls) == (502, 0)


async def test_no_failover_holds_for_fallbacks_too() -> None:
    toml = providers("a", "b") + model("a", more='fallbacks = ["spare"]') + model("b", called="spare")
    b = Witness(said())
    async with scene(toml, a=Witness(BROKEN), b=b) as gateway:
        heard = await ask(gateway, headers={"x-fairlead-no-failover": "true"})
    assert (heard.status, b.calls) == (502, 0)


async def test_fallback_serves_at_once_while_the_model_is_set_aside_and_gives_way_when_it_recovers() -> None:
    clock = ShiftedClock()
    toml = providers("a", "b") + model("a", more='fallbacks = ["spare"]') + model("b", called="spare")
    a = Witness(refused(429, "slow down", b"Retry-After: 30"), said("first"))
    async with scene(toml, clock=clock, a=a, b=Witness(said("spared"))) as gateway:
        trails = [(await ask(gateway)).trail, (await ask(gateway)).trail]
        clock.advance(32)
        trails.append((await ask(gateway)).trail)
    assert trails == ["a=rate_limited;b=ok", "b=ok", "a=ok"]


async def test_embeddings_have_no_fallback() -> None:
    toml = providers("a", "b") + model("a", more='fallbacks = ["spare"]') + model("b", called="spare")
    b = Witness(said())
    async with scene(toml, a=Witness(BROKEN), b=b) as gateway:
        heard = await post(gateway, EMBED, path=EMBEDDINGS)
    assert (heard.status, b.calls) == (502, 0)


@pytest.mark.parametrize(
    ("same_vectors", "trail"),
    [
        pytest.param("false", "a=server_error;c=ok", id="never"),
        pytest.param("true", "a=server_error;b=ok", id="said-so"),
    ],
)
async def test_embeddings_never_cross_to_another_upstream_model(same_vectors: str, trail: str) -> None:
    toml = (
        providers("a", "b", "c")
        + f"""[models.m]
        same_vectors = {same_vectors}
        candidates = [
          {{ provider = "a", model = "small", priority = 1 }},
          {{ provider = "b", model = "large", priority = 2 }},
          {{ provider = "c", model = "small", priority = 3 }},
        ]"""
    )
    answer = said()
    async with scene(toml, a=Witness(BROKEN), b=Witness(answer), c=Witness(answer)) as gateway:
        heard = await post(gateway, EMBED, path=EMBEDDINGS)
        chat = await ask(gateway)
    assert (heard.status, heard.trail) == (200, trail)
    assert chat.trail == "a=server_error;b=ok"


async def test_embeddings_keep_to_their_model_while_its_only_provider_is_set_aside() -> None:
    toml = (
        providers("a", "b")
        + """[models.m]
        rotation = "round_robin"
        candidates = [{ provider = "a", model = "small" }, { provider = "b", model = "large" }]"""
    )
    b = Witness(said())
    async with scene(toml, a=Witness(refused(429, "slow", b"Retry-After: 30")), b=b) as gateway:
        answers = [await post(gateway, EMBED, path=EMBEDDINGS) for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 429]
    assert b.calls == 0
