"""DESIGN.md section 4, "Attempts" and "Time": one budget and one deadline, whatever is tried and whoever asks."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.fakes.clock import ShiftedClock
from tests.fakes.rawserver import Peer, answer_once, chunk, cut_after, silence, stall_after
from tests.fakes.rawstreams import DONE, FINISH, HEAD, streaming
from tests.fakes.rawstreams import said as spoken
from tests.integration.contracts.scene import Witness, ask, model, post, providers, refused, said, scene

BROKEN = refused(500, "oops")
LIMITED = refused(429, "slow down", b"Retry-After: 30")
TOO_LONG = refused(400, "maximum context length is 8 tokens", code="context_length_exceeded")
POLICY = refused(400, "refused", code="content_filter")
ONE = providers("a") + model("a")
TWO = providers("a", "b") + model("a", "b")


def keyed(name: str, *keys: str, more: str = "") -> str:
    """A provider with several credentials."""
    return f'[providers.{name}]\nkind = "openai_compatible"\nbase_url = "@{name}/v1"\napi_keys = {list(keys)}\n{more}\n'


def used(witness: Witness) -> list[str]:
    """The credential of each request."""
    return [dict(witness.headers(place))["authorization"].removeprefix("Bearer ") for place in range(witness.calls)]


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


@pytest.mark.parametrize(
    ("configured_s", "header_ms", "bounds_s"),
    [
        pytest.param(600, "1200", (1.1, 1.9), id="shortened"),
        pytest.param(1.2, "600000", (1.1, 1.9), id="never-lengthened"),
        pytest.param(1.2, None, (1.1, 1.9), id="configured"),
        pytest.param(600, "999", (0, 0.5), id="no-attempt-with-under-a-second"),
    ],
)
@pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
async def test_deadline_is_the_sooner_of_the_two(
    configured_s: float, header_ms: str | None, bounds_s: tuple[float, float], stream: bool
) -> None:
    headers = {} if header_ms is None else {"x-fairlead-deadline-ms": header_ms}
    async with scene(f"[defaults]\ndeadline_s = {configured_s}\n{TWO}", a=silence(), b=silence()) as gateway:
        began_s = time.monotonic()
        heard = await ask(gateway, headers=headers, stream=stream)
        took_s = time.monotonic() - began_s
    assert (heard.status, heard.error["code"]) == (504, "upstream_timeout")
    assert bounds_s[0] <= took_s <= bounds_s[1]
    assert heard.headers["x-fairlead-attempts"] == ("0" if bounds_s[0] == 0 else "1")
    assert heard.headers.get("x-should-retry") == (None if bounds_s[0] == 0 else "false")


@pytest.mark.parametrize("value", ["0", "-1", "", "soon", "1.5", "1e3", "+5", "9" * 40, "\xb2", "5, 5"])
async def test_deadline_that_is_no_number_is_refused(value: str) -> None:
    a = Witness(said())
    async with scene(ONE, a=a) as gateway:
        answer = await gateway.client.post(
            "/v1/chat/completions", json={"model": "m"}, headers=[(b"x-fairlead-deadline-ms", value.encode("latin-1"))]
        )
    assert (answer.status_code, answer.json()["error"]["code"], a.calls) == (400, "invalid_request", 0)


@pytest.mark.parametrize(
    ("value", "trail"),
    [
        pytest.param("true", "a=server_error", id="true"),
        pytest.param("TRUE", "a=server_error", id="upper-case"),
        pytest.param("1", "a=server_error", id="one"),
        pytest.param("false", "a=server_error;b=ok", id="false"),
        pytest.param("0", "a=server_error;b=ok", id="zero"),
        pytest.param("", "a=server_error;b=ok", id="empty"),
    ],
)
async def test_client_may_forbid_failover(value: str, trail: str) -> None:
    async with scene(TWO, a=Witness(BROKEN), b=Witness(said())) as gateway:
        heard = await ask(gateway, headers={"x-fairlead-no-failover": value})
    assert heard.trail == trail


async def test_no_failover_still_tries_the_next_credential() -> None:
    toml = keyed("a", "one", "two") + providers("b") + model("a", "b")
    a, b = Witness(LIMITED, said()), Witness(said())
    async with scene(toml, a=a, b=b) as gateway:
        heard = await ask(gateway, headers={"x-fairlead-no-failover": "true"})
    assert (heard.trail, used(a), b.calls) == ("a=rate_limited;a=ok", ["one", "two"], 0)


async def test_no_failover_answers_a_limit_as_a_limit() -> None:
    async with scene(TWO, a=Witness(LIMITED), b=Witness(said())) as gateway:
        heard = await ask(gateway, headers={"x-fairlead-no-failover": "true"})
    assert (heard.status, heard.trail) == (429, "a=rate_limited")
    assert 30 <= heard.retry_after_s <= 32


KEY = "key-0123456789abcdef"
KEYED = f'[auth]\nkeys = [{{ name = "k", key = "{KEY}", providers = ["a", "c*"] }}]\n'
THREE = providers("a", "b", "c") + model("a", "b", more='fallbacks = ["spare"]') + model("c", called="spare")


@pytest.mark.parametrize(
    ("pinned", "status", "trail"),
    [
        pytest.param("a", 502, "a=server_error", id="no-failover-past-it"),
        pytest.param("b", 200, "b=ok", id="lower-priority"),
        pytest.param("c", 200, "c=ok", id="of-a-fallback"),
        pytest.param("d", 400, "", id="unknown"),
        pytest.param("B", 400, "", id="other-case"),
        pytest.param("a,b", 400, "", id="two"),
        pytest.param("*", 400, "", id="no-glob"),
        pytest.param("", 200, "a=server_error;b=ok", id="empty"),
    ],
)
async def test_client_may_name_its_provider(pinned: str, status: int, trail: str) -> None:
    async with scene(THREE, a=Witness(BROKEN), b=Witness(said()), c=Witness(said())) as gateway:
        heard = await ask(gateway, headers={"x-fairlead-provider": pinned})
    assert (heard.status, heard.trail) == (status, trail)


@pytest.mark.parametrize(
    ("pinned", "status", "trail"),
    [
        pytest.param("", 200, "a=server_error;c=ok", id="none"),
        pytest.param("a", 502, "a=server_error", id="allowed"),
        pytest.param("b", 400, "", id="not-allowed"),
        pytest.param("c", 200, "c=ok", id="allowed-by-a-glob"),
    ],
)
async def test_named_provider_is_within_the_rights_of_the_key(pinned: str, status: int, trail: str) -> None:
    b = Witness(said())
    async with scene(KEYED + THREE, a=Witness(BROKEN), b=b, c=Witness(said())) as gateway:
        heard = await ask(gateway, headers={"x-fairlead-provider": pinned, "x-api-key": KEY})
    assert (heard.status, heard.trail, b.calls) == (status, trail, 0)


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


async def test_deadline_of_a_stream_ends_with_its_first_output() -> None:
    async def speak_for_long(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD, chunk(spoken("Hi")[0]))
        await asyncio.sleep(1.3)
        await peer.send(chunk(FINISH), chunk(DONE), b"0\r\n\r\n")

    async with scene(ONE, a=speak_for_long) as gateway:
        heard = await ask(gateway, stream=True, headers={"x-fairlead-deadline-ms": "1100"})
    heard.check_clean()
    assert heard.text == "Hi"


async def test_deadline_of_a_whole_answer_is_its_last_byte() -> None:
    async with scene(ONE, a=stall_after(said(), 120)) as gateway:
        began_s = time.monotonic()
        heard = await ask(gateway, headers={"x-fairlead-deadline-ms": "1200"})
        took_s = time.monotonic() - began_s
    assert (heard.status, heard.error["code"], heard.trail) == (504, "upstream_timeout", "a=timeout_response")
    assert 1.1 <= took_s <= 1.9


HASTY = "timeouts = { headers_s = 0.15, first_output_s = 0.3, idle_s = 0.2, response_s = 0.6 }\n"
PLACES = [
    pytest.param(0, "timeout_headers", 0.15, id="before-the-headers"),
    pytest.param(len(HEAD), "timeout_idle", 0.2, id="before-any-event"),
]


@pytest.mark.parametrize(("size", "outcome", "after_s"), PLACES)
async def test_timeouts_of_streams_are_their_own(size: int, outcome: str, after_s: float) -> None:
    toml = providers("a", more=HASTY) + model("a")
    async with scene(toml, a=stall_after(HEAD, size)) as gateway:
        began_s = time.monotonic()
        heard = await ask(gateway, stream=True)
        took_s = time.monotonic() - began_s
    assert (heard.status, heard.trail) == (504, f"a={outcome}")
    assert after_s - 0.02 <= took_s <= after_s + 0.3


async def test_pings_put_off_the_silence_and_not_the_first_output() -> None:
    toml = providers("a", more=HASTY) + model("a")
    async with scene(toml, a=streaming(*[b": ping\n\n"] * 40, gap_s=0.02)) as gateway:
        heard = await ask(gateway, stream=True)
    assert (heard.status, heard.trail) == (504, "a=timeout_first_output")


async def test_whole_answers_have_none_of_the_streams_timeouts() -> None:
    """Such an upstream answers only when it has finished, and may then be slow to send."""
    toml = providers("a", more=HASTY) + model("a")
    async with scene(toml, a=answer_once(b"", said()[:60], b"", said()[60:], gap_s=0.12)) as gateway:
        heard = await ask(gateway)
    assert (heard.status, heard.text) == (200, "hello")


async def test_timeouts_of_a_candidate_win_over_its_models_and_providers() -> None:
    toml = providers("a", "b", more="timeouts = { response_s = 0.1 }\n")
    toml += """[models.m]
    timeouts = { response_s = 0.3 }
    candidates = [
      { provider = "a", model = "up", timeouts = { response_s = 0.9 } },
      { provider = "b", model = "up" },
    ]"""
    async with scene(toml, a=answer_once(b"", said(), gap_s=0.5), b=answer_once(b"", said(), gap_s=0.2)) as gateway:
        trails = [(await ask(gateway, headers={"x-fairlead-provider": name})).trail for name in "ab"]
    assert trails == ["a=ok", "b=ok"]


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
