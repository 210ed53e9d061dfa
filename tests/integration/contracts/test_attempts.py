"""DESIGN.md section 4, "Attempts": one budget, whatever is tried and whoever asks."""

from __future__ import annotations

import json
import time

import pytest

from tests.fakes.clock import ShiftedClock
from tests.fakes.rawserver import cut_after
from tests.integration.contracts.scene import (
    BROKEN,
    LIMITED,
    TWO,
    Witness,
    ask,
    keyed,
    model,
    post,
    providers,
    refused,
    said,
    scene,
    used,
)

TOO_LONG = refused(400, "maximum context length is 8 tokens", code="context_length_exceeded")
POLICY = refused(400, "refused", code="content_filter")


@pytest.mark.parametrize("budget", [1, 2, 4])
async def test_every_send_counts_against_one_budget(budget: int) -> None:
    """A retry after a conflict, three credentials and two providers: five sends if there were room."""
    toml = (
        f"[defaults]\nmax_attempts = {budget}\n"
        + providers("a")
        + keyed("b", "key-one", "key-two", "key-three")
        + model("a", "b")
    )
    a, b = Witness(refused(409)), Witness(LIMITED)
    async with scene(toml, a=a, b=b) as gateway:
        heard = await ask(gateway)
    assert a.calls + b.calls == budget
    assert heard.headers["x-fairlead-attempts"] == str(budget)
    assert heard.trail.count(";") == budget - 1


async def test_candidate_that_the_budget_did_not_reach_may_be_asked_at_once() -> None:
    toml = "[defaults]\nmax_attempts = 2\n" + providers("a", "b", "c") + model("a", "b", "c")
    async with scene(toml, a=Witness(LIMITED), b=Witness(LIMITED), c=Witness(said())) as gateway:
        heard = await ask(gateway)
        assert (heard.status, heard.error["code"], heard.retry_after_s) == (429, "rate_limit_exceeded", 1)
        assert "x-should-retry" not in heard.headers, "the client's next one is served"
        assert (await ask(gateway)).status == 200


async def test_refusals_that_used_up_the_budget_say_nothing_of_the_candidate_behind() -> None:
    toml = "[defaults]\nmax_attempts = 2\n" + providers("a", "b", "c") + model("a", "b", "c")
    refusing = refused(401, "no")
    async with scene(toml, a=Witness(refusing), b=Witness(refusing), c=Witness(said())) as gateway:
        heard = await ask(gateway)
        assert (heard.status, heard.error["code"]) == (502, "upstream_error")


async def test_at_most_two_sends_to_a_provider_while_another_is_untried() -> None:
    toml = keyed("a", "one", "two", "three", "four") + providers("b") + model("a", "b")
    a = Witness(LIMITED)
    async with scene(toml, a=a, b=Witness(BROKEN)) as gateway:
        heard = await ask(gateway)
    assert heard.trail == "a=rate_limited;a=rate_limited;b=server_error;a=rate_limited;a=rate_limited"
    assert used(a) == ["one", "two", "three", "four"]


async def test_credentials_are_used_in_the_order_of_the_file_while_they_are_healthy() -> None:
    clock = ShiftedClock()
    a = Witness(said(), LIMITED, said(), said(), said())
    async with scene(keyed("a", "one", "two") + model("a"), clock=clock, a=a) as gateway:
        for _ in range(3):
            assert (await ask(gateway)).status == 200
        clock.advance(33)
        assert (await ask(gateway)).status == 200
    assert used(a) == ["one", "one", "two", "two", "one"]


async def test_credentials_take_turns_where_asked() -> None:
    a = Witness(said())
    toml = keyed("a", "one", "two", "three", more='credentials = "round_robin"') + model("a")
    async with scene(toml, a=a) as gateway:
        for _ in range(6):
            await ask(gateway)
    assert used(a) == ["one", "two", "three", "one", "two", "three"]


@pytest.mark.parametrize("path", ["chat/completions", "completions", "embeddings", "moderations"])
async def test_every_endpoint_may_be_sent_again_after_a_cut(path: str) -> None:
    async with scene(TWO, a=cut_after(said(), 40), b=Witness(said())) as gateway:
        heard = await post(gateway, b'{"model":"m","input":"x","prompt":"x"}', path=f"/v1/{path}")
    assert (heard.status, heard.trail) == (200, "a=connect;b=ok")


UNSUPPORTED = refused(400, "Unsupported parameter: 'seed' is not supported with this model.", param="seed")
UNKNOWN = refused(400, "Unrecognized request argument supplied: max_tokens", param="max_tokens")


async def test_refused_hint_is_left_out_in_one_resend_and_named() -> None:
    a, b = Witness(UNSUPPORTED, said()), Witness(said())
    async with scene(TWO, a=a, b=b) as gateway:
        heard = await ask(gateway, seed=7, temperature=0)
        assert not gateway.parts.state.view.asides
    assert (heard.status, heard.trail, b.calls) == (200, "a=invalid_request;a=ok", 0)
    assert [body.keys() for body in a.bodies] == [
        {"model", "messages", "seed", "temperature"},
        {"model", "messages", "temperature"},
    ]
    assert heard.headers["x-fairlead-dropped-params"] == "seed"


NOT_TAKEN = refused(400, "('messages.1' : property 'reasoning_content' is unsupported)")
NOT_THERE = refused(400, "The `reasoning_content` in the thinking mode must be passed back to the API.")


@pytest.mark.parametrize(
    ("kind", "refusal", "sent", "resent"),
    [
        pytest.param("groq", NOT_TAKEN, {"reasoning_content": "hm"}, {}, id="not-taken"),
        pytest.param("deepseek", NOT_THERE, {}, {"reasoning_content": " "}, id="not-there"),
    ],
)
async def test_thoughts_of_another_vendor_cost_one_resend(
    kind: str, refusal: bytes, sent: dict[str, str], resent: dict[str, str]
) -> None:
    a, spoken = Witness(refusal, said()), {"role": "assistant", "content": "b"}
    messages = [{"role": "user", "content": "a"}, {**spoken, **sent}, {"role": "user", "content": "c"}]
    async with scene(providers("a", kind=kind) + model("a"), a=a) as gateway:
        heard = await ask(gateway, messages=messages)
    assert (heard.status, heard.trail) == (200, "a=invalid_request;a=ok")
    assert [body["messages"][1] for body in a.bodies] == [{**spoken, **sent}, {**spoken, **resent}]


async def test_resend_happens_once_and_then_the_fault_is_the_clients() -> None:
    a, b = Witness(UNSUPPORTED), Witness(said())
    async with scene(TWO, a=a, b=b) as gateway:
        heard = await ask(gateway, seed=7)
    assert (heard.status, a.calls, b.calls) == (400, 2, 0)
    assert "'seed' is not supported" in heard.error["message"]


async def test_member_that_matters_is_never_left_out() -> None:
    a, b = Witness(UNKNOWN), Witness(said())
    async with scene(TWO, a=a, b=b) as gateway:
        heard = await ask(gateway, max_tokens=7)
    assert (heard.status, a.calls, b.calls) == (400, 1, 0)


WINDOWS = [
    pytest.param(("up", 100), ("up", 200), True, id="larger"),
    pytest.param(("up", 200), ("up", 100), False, id="smaller"),
    pytest.param(("up", 100), ("up", 100), False, id="equal"),
    pytest.param(("up", 0), ("other", 0), True, id="unknown-of-another-model"),
    pytest.param(("up", 0), ("up", 0), False, id="unknown-of-the-same-model"),
    pytest.param(("up", 100), ("other", 0), True, id="known-to-unknown"),
]


@pytest.mark.parametrize(("first", "second", "goes_on"), WINDOWS)
async def test_too_long_a_request_goes_to_a_larger_window_only(
    first: tuple[str, int], second: tuple[str, int], goes_on: bool
) -> None:
    rows = []
    for name, (upstream, window) in (("a", first), ("b", second)):
        more = f", capabilities = {{ context_window_tokens = {window} }}" if window else ""
        rows.append(f'{{ provider = "{name}", model = "{upstream}"{more} }}')
    toml = f"{providers('a', 'b')}[models.m]\ncandidates = [{', '.join(rows)}]"
    b = Witness(said())
    async with scene(toml, a=Witness(TOO_LONG), b=b) as gateway:
        heard = await ask(gateway)
        assert not gateway.parts.state.view.asides
    assert b.calls == int(goes_on)
    assert (heard.status, heard.trail) == ((200, "a=context_too_long;b=ok") if goes_on else (400, "a=context_too_long"))
    if not goes_on:
        assert (heard.error["code"], heard.headers["x-should-retry"]) == ("context_length_exceeded", "false")


@pytest.mark.parametrize(
    ("section", "status", "trail"),
    [
        pytest.param("", 400, "a=content_policy", id="not-asked-for"),
        pytest.param("[server]\ncontent_policy_failover = true\n", 200, "a=content_policy;b=ok", id="asked-for"),
    ],
)
async def test_content_policy_fails_over_only_where_asked(section: str, status: int, trail: str) -> None:
    async with scene(section + TWO, a=Witness(POLICY), b=Witness(said())) as gateway:
        heard = await ask(gateway)
        assert not gateway.parts.state.view.asides
    assert (heard.status, heard.trail) == (status, trail)


async def test_content_policy_of_everyone_is_the_first_ones() -> None:
    toml = "[server]\ncontent_policy_failover = true\n" + TWO
    other = refused(400, "the second", code="content_filter")
    async with scene(toml, a=Witness(POLICY), b=Witness(other)) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.error["message"]) == (400, "refused")


@pytest.mark.parametrize(
    "needs",
    [
        pytest.param({"tools": [{"type": "function", "function": {"name": "f"}}]}, id="tools"),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
            id="images",
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": ""}}]}]},
            id="audio",
        ),
        pytest.param({"response_format": {"type": "json_schema", "json_schema": {}}}, id="json_schema"),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b"}}]}]},
            id="image_urls",
        ),
    ],
)
async def test_candidate_that_lacks_what_the_request_needs_is_passed_over(needs: dict[str, object]) -> None:
    lacking = "tools = false, images = false, image_urls = false, audio = false, json_schema = false"
    toml = f"""{providers("a", "b")}[models.m]
    candidates = [
      {{ provider = "a", model = "up", capabilities = {{ {lacking} }}, priority = 1 }},
      {{ provider = "b", model = "up", priority = 2 }},
    ]
    [models.lacking]
    candidates = [{{ provider = "a", model = "up", capabilities = {{ {lacking} }} }}]"""
    async with scene(toml, a=Witness(said()), b=Witness(said())) as gateway:
        needing = json.dumps({"model": "m", "messages": [], **needs}).encode()
        trails = [(await post(gateway, needing)).trail, (await ask(gateway)).trail]
        refused_for = await post(gateway, needing.replace(b'"m"', b'"lacking"'))
    assert trails == ["b=ok", "a=ok"]
    assert (refused_for.status, refused_for.error["code"]) == (400, "invalid_request")
    assert "cannot take" in refused_for.error["message"]


async def test_stated_delays_are_waited_for_where_nothing_is_set_aside() -> None:
    soon = refused(429, "slow down", b"Retry-After: 1")
    a, b = Witness(soon, said()), Witness(soon)
    async with scene("[defaults]\ncooldowns = false\n" + TWO, a=a, b=b) as gateway:
        began_s = time.monotonic()
        heard = await ask(gateway)
        assert (heard.status, heard.trail) == (200, "a=rate_limited;b=rate_limited;a=ok")
        assert time.monotonic() - began_s >= 0.9


async def test_alerts_are_raised_where_nothing_is_set_aside() -> None:
    a, b = Witness(refused(401)), Witness(said())
    async with scene("[defaults]\ncooldowns = false\n" + TWO, a=a, b=b) as gateway:
        for _ in range(2):
            assert (await ask(gateway)).status == 200
        assert gateway.metric("provider_attention", provider="a", reason="auth") == 1
    assert (a.calls, b.calls) == (2, 2)
