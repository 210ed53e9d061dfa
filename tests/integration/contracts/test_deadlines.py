"""DESIGN.md section 4, "Time": one deadline for all attempts, and the timeouts of each."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.fakes.rawserver import Peer, answer_once, chunk, silence, stall_after
from tests.fakes.rawstreams import DONE, FINISH, HEAD, streaming
from tests.fakes.rawstreams import said as spoken
from tests.integration.contracts.scene import ONE, TWO, Witness, ask, model, providers, said, scene


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


@pytest.mark.parametrize(
    ("configured_s", "header_ms", "next_trail"),
    [
        pytest.param(600, "1200", "a=ok", id="the-clients"),
        pytest.param(1.2, None, "b=ok", id="the-operators"),
    ],
)
async def test_own_deadline_of_a_client_holds_nothing_against_an_upstream(
    configured_s: float, header_ms: str | None, next_trail: str
) -> None:
    a = Witness(said())

    async def silent_at_first(peer: Peer) -> None:
        if not asked.is_set():
            asked.set()
            await peer.request()
            await asyncio.sleep(5)
        await a(peer)

    asked = asyncio.Event()
    headers = {} if header_ms is None else {"x-fairlead-deadline-ms": header_ms}
    config = f"[defaults]\ndeadline_s = {configured_s}\n{TWO}"
    async with scene(config, a=silent_at_first, b=Witness(said())) as gateway:
        hasty = await ask(gateway, headers=headers)
        assert (hasty.status, hasty.trail) == (504, "a=timeout_response")
        assert (await ask(gateway)).trail == next_trail


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


ANSWER = said()
BODY_AT = ANSWER.index(b"\r\n\r\n") + 4


async def test_stream_that_is_answered_in_json_has_the_time_of_a_whole_answer() -> None:
    toml = providers("a", more=HASTY) + model("a")
    pieces = (ANSWER[:BODY_AT], b"", b"", ANSWER[BODY_AT:])
    async with scene(toml, a=answer_once(*pieces, gap_s=0.12)) as gateway:
        heard = await ask(gateway, stream=True)
    assert (heard.status, heard.text, heard.trail) == (200, "hello", "a=ok")


async def test_json_that_stalls_where_a_stream_was_asked_for_is_late_as_a_whole_answer() -> None:
    toml = providers("a", more=HASTY) + model("a")
    async with scene(toml, a=stall_after(ANSWER, BODY_AT)) as gateway:
        heard = await ask(gateway, stream=True)
    assert (heard.status, heard.trail) == (504, "a=timeout_response")


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
