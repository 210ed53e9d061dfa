"""What realtime sessions used, in the ledger: read from copies of what passes, priced by class, booked to the key."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from openai import AsyncOpenAI
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from proxy.core.usage import Usage
from tests.fakes.clock import ShiftedClock
from tests.fakes.gateway import RunningGateway
from tests.fakes.rawserver import Peer
from tests.fakes.wireclient import WireClient
from tests.integration.contracts.ledger import ended, kept
from tests.integration.contracts.scene import scene
from tests.integration.contracts.tunnels import (
    ACCEPTED,
    CLIENT_KEY,
    CLOSE,
    KEYS,
    MASKED,
    MASKED_CLOSE,
    accepting,
    handshake,
    one,
    speaking,
    ws,
)

PRICE = """[prices."a/up"]
input_usd_per_mtok = 4
cached_input_usd_per_mtok = 1
audio_input_usd_per_mtok = 32
output_usd_per_mtok = 16
audio_output_usd_per_mtok = 64
"""
HEARD = "conversation.item.input_audio_transcription.completed"
COUNTED = {
    "total_tokens": 130,
    "input_tokens": 100,
    "output_tokens": 30,
    "input_token_details": {
        "text_tokens": 40,
        "audio_tokens": 60,
        "cached_tokens": 50,
        "cached_tokens_details": {"text_tokens": 20, "audio_tokens": 30},
    },
    "output_token_details": {"text_tokens": 10, "audio_tokens": 20},
}
USED = Usage(100, 30, 50, audio_input_tokens=30, audio_output_tokens=20)
COST_NUSD = (20 * 4 + 50 * 1 + 30 * 32 + 10 * 16 + 20 * 64) * 1000
SOUND = "UklGRg" * 10_000


def event(type_: str, **members: object) -> str:
    return json.dumps({"type": type_, "event_id": "event_1", **members})


BEGUN = event("response.created", response={"id": "resp_1", "status": "in_progress"})
DONE = event("response.done", response={"id": "resp_1", "status": "completed", "output": [], "usage": COUNTED})
DELTA = event("response.output_audio.delta", response_id="resp_1", delta=SOUND)
ANSWER = (BEGUN, DELTA, DELTA, DONE)


def named(transcriber: str) -> str:
    """A session that transcribes by this model."""
    session = {"type": "realtime", "audio": {"input": {"transcription": {"model": transcriber}}}}
    return event("session.updated", session=session)


def transcribed(**usage: object) -> str:
    return event(HEARD, item_id="item_1", transcript="hello", usage=usage)


def text_frame(message: str) -> bytes:
    """As a server sends it, of any length."""
    return b"\x81\x7f" + len(message).to_bytes(8, "big") + message.encode()


async def record(events: Sequence[str], toml: str = PRICE) -> tuple[Usage | None, int | None, str]:
    """Let an upstream say these, and leave in good order; return what the ledger has of it."""

    async def speak(connection: ServerConnection) -> None:
        for message in events:
            await connection.send(message)
        await connection.close()

    async with speaking(speak, toml) as (gateway, _):
        ledger = kept(gateway)
        async with connect(ws(gateway)) as connection:
            assert [message async for message in connection] == list(events)
        await ended(ledger)
    return ledger.closed.usage, ledger.closed.cost_nusd, ledger.closed.end


async def test_session_of_openai_s_own_client_is_one_record_with_all_that_it_used() -> None:
    async def speak(connection: ServerConnection) -> None:
        await connection.send(event("session.created", session={"type": "realtime"}))
        for _ in range(2):
            await connection.recv()
            for message in ANSWER:
                await connection.send(message)
        await connection.wait_closed()

    async with speaking(speak, KEYS + PRICE) as (gateway, _):
        ledger = kept(gateway)
        async with (
            AsyncOpenAI(api_key=CLIENT_KEY, base_url=f"{gateway.url}/v1") as client,
            client.realtime.connect(model="m") as connection,
        ):
            assert (await connection.recv()).type == "session.created"
            for _ in range(2):
                await connection.response.create()
                heard = [await connection.recv() for _ in ANSWER]
                assert heard[-1].type == "response.done"
                assert heard[-1].response.usage is not None
                assert heard[-1].response.usage.to_dict() == COUNTED
        await ended(ledger)
        assert gateway.metric("unpriced_requests_total", provider="a", model="m") == 0
        assert gateway.metric("tokens_total", provider="a", model="m", type="prompt") == 200
        assert gateway.metric("cost_usd_total", provider="a", model="m") == pytest.approx(2 * COST_NUSD / 1e9)
    closed = ledger.closed
    assert closed.usage == Usage(200, 60, 100, audio_input_tokens=60, audio_output_tokens=40)
    assert (closed.end, closed.cost_nusd, closed.price) == ("ok", 2 * COST_NUSD, "configured")


ESTIMATE = replace(USED, estimated=True)
UNKNOWN = Usage(estimated=True)
SAID = [
    pytest.param(ANSWER, USED, COST_NUSD, id="answer"),
    pytest.param(["hello"], UNKNOWN, None, id="nothing"),
    pytest.param([event("response.done", response={"usage": None})], UNKNOWN, None, id="no-usage"),
    pytest.param([*ANSWER, BEGUN, DELTA], ESTIMATE, COST_NUSD, id="answer-that-was-not-finished"),
    pytest.param(["hello", *ANSWER], ESTIMATE, COST_NUSD, id="no-json"),
    pytest.param(["{" + " " * 900_000 + DONE[1:]], USED, COST_NUSD, id="long-and-oddly-written"),
]


@pytest.mark.parametrize(("events", "usage", "cost_nusd"), SAID)
async def test_record_says_what_the_session_said_and_whether_it_is_all(
    events: Sequence[str], usage: Usage, cost_nusd: int | None
) -> None:
    assert await record(events) == (usage, cost_nusd, "ok")


async def test_session_without_a_price_has_its_tokens_and_no_cost() -> None:
    assert await record(ANSWER, "") == (USED, None, "ok")


BY_TOKEN = transcribed(type="tokens", input_tokens=9, output_tokens=2, input_token_details={"audio_tokens": 8})
OF_EAR = Usage(9, 2, audio_input_tokens=8)
BOTH = Usage(109, 32, 50, audio_input_tokens=38, audio_output_tokens=20)
EAR = '[prices."a/ear"]\ninput_usd_per_mtok = 2\noutput_usd_per_mtok = 10\naudio_input_usd_per_mtok = 6\n'
EAR_NUSD = (1 * 2 + 8 * 6 + 2 * 10) * 1000
TRANSCRIPTS = [
    pytest.param([named("ear"), BY_TOKEN, *ANSWER], BOTH, COST_NUSD + EAR_NUSD, id="in-a-conversation"),
    pytest.param([named("ear"), BY_TOKEN], OF_EAR, EAR_NUSD, id="alone"),
    pytest.param([named("up"), BY_TOKEN], OF_EAR, (1 * 4 + 8 * 32 + 2 * 16) * 1000, id="by-the-session-s-model"),
    pytest.param([BY_TOKEN], OF_EAR, (1 * 4 + 8 * 32 + 2 * 16) * 1000, id="by-none-that-is-named"),
    pytest.param([named("other"), *ANSWER, BY_TOKEN], ESTIMATE, COST_NUSD, id="without-a-price"),
    pytest.param([named("other"), BY_TOKEN], UNKNOWN, None, id="alone-without-a-price"),
    pytest.param(
        [named("ear"), *ANSWER, transcribed(type="duration", seconds=2.5)], ESTIMATE, COST_NUSD, id="by-the-second"
    ),
]


@pytest.mark.parametrize(("events", "usage", "cost_nusd"), TRANSCRIPTS)
async def test_transcript_costs_what_the_model_costs_that_made_it(
    events: Sequence[str], usage: Usage, cost_nusd: int | None
) -> None:
    assert await record(events, PRICE + EAR) == (usage, cost_nusd, "ok")


# Whatever passes, however it is cut, and whoever leaves.


async def tunnelled(gateway: RunningGateway, expected: bytes) -> None:
    """Open a tunnel and hear exactly this."""
    async with WireClient(gateway.url) as client:
        client.writer.write(handshake())
        await client.head()
        await client.hear(expected)


async def test_usage_is_read_wherever_its_bytes_are_cut() -> None:
    message = DONE.encode()
    pieces = [b"\x01\x02" + message[:2], b"\x89\x00", b"\x80\x7e" + (len(message) - 2).to_bytes(2, "big") + message[2:]]
    stream = b"".join(pieces) + CLOSE

    async def talk(peer: Peer) -> None:
        await peer.head()
        await peer.send(ACCEPTED + b"\r\n")
        for byte in stream:
            await peer.send(bytes([byte]), gap_s=0.0005)
        peer.close()

    async with scene(PRICE + one(), a=talk) as gateway:
        ledger = kept(gateway)
        await tunnelled(gateway, stream)
        await ended(ledger)
    assert (ledger.closed.usage, ledger.closed.cost_nusd, ledger.closed.end) == (USED, COST_NUSD, "ok")


NOISE = [
    pytest.param(b"\xc1\x02hi" + text_frame(DONE), id="compressed"),
    pytest.param(b"\x83\x02hi" + text_frame(DONE), id="unknown-frame"),
    pytest.param(b"\x80\x02hi" + text_frame(DONE), id="end-of-nothing"),
    pytest.param(text_frame('{"type":"response.done",' + " " * 1_100_000 + "}"), id="too-long"),
]


@pytest.mark.parametrize("noise", NOISE)
async def test_what_cannot_be_read_passes_and_makes_the_record_an_estimate(noise: bytes) -> None:
    stream = text_frame(DONE) + noise

    async with scene(PRICE + one(), a=accepting(stream)) as gateway:
        ledger = kept(gateway)
        await tunnelled(gateway, stream)
        await ended(ledger)
    assert (ledger.closed.usage, ledger.closed.cost_nusd) == (ESTIMATE, COST_NUSD)


async def test_client_that_leaves_in_the_middle_has_used_what_was_answered_before() -> None:
    async with scene(PRICE + one(), a=accepting(*map(text_frame, (*ANSWER, BEGUN)))) as gateway:
        ledger = kept(gateway)
        await tunnelled(gateway, b"".join(map(text_frame, (*ANSWER, BEGUN))))
        await ended(ledger)
    assert (ledger.closed.end, ledger.closed.usage, ledger.closed.cost_nusd) == ("client_gone", ESTIMATE, COST_NUSD)


async def leave(peer: Peer) -> None:
    peer.close()


async def test_session_that_the_upstream_breaks_off_has_used_what_it_said() -> None:
    async with scene(PRICE + one(), a=accepting(text_frame(DONE), then=leave)) as gateway:
        ledger = kept(gateway)
        await tunnelled(gateway, text_frame(DONE))
        await ended(ledger)
    assert (ledger.closed.end, ledger.closed.usage, ledger.closed.cost_nusd) == ("truncated", USED, COST_NUSD)


async def test_session_that_is_silent_for_too_long_has_used_what_it_said() -> None:
    toml = PRICE + one("timeouts = { idle_s = 0.2 }")
    async with scene(toml, a=accepting(text_frame(DONE))) as gateway, WireClient(gateway.url) as client:
        ledger = kept(gateway)
        client.writer.write(handshake())
        await client.head()
        assert (await client.reader.read(-1)).startswith(text_frame(DONE))
        await ended(ledger)
    assert (ledger.closed.end, ledger.closed.usage) == ("truncated", USED)


async def test_what_the_client_says_is_not_taken_for_what_the_upstream_says() -> None:
    async with scene(PRICE + one(), a=accepting(text_frame("{}"))) as gateway, WireClient(gateway.url) as client:
        ledger = kept(gateway)
        client.writer.write(handshake() + MASKED + text_frame(DONE) + MASKED_CLOSE)
        await client.head()
        await client.hear(text_frame("{}"))
        client.writer.close()
        await ended(ledger)
    assert ledger.closed.usage == UNKNOWN


# No compression: what is read is what is charged.


async def test_compression_that_a_client_offers_goes_no_further() -> None:
    async def speak(connection: ServerConnection) -> None:
        for message in ANSWER:
            await connection.send(message)
        await connection.wait_closed()

    async with speaking(speak, PRICE) as (gateway, seen):
        ledger = kept(gateway)
        async with connect(ws(gateway), compression="deflate") as connection:
            assert [await connection.recv() for _ in ANSWER] == list(ANSWER)
            assert connection.response is not None
            assert "Sec-WebSocket-Extensions" not in connection.response.headers
        await ended(ledger)
        request = seen[0].request
    assert request is not None
    assert "Sec-WebSocket-Extensions" not in request.headers
    assert (ledger.closed.usage, ledger.closed.cost_nusd) == (USED, COST_NUSD)


async def test_extension_that_nobody_offered_is_a_failure() -> None:
    extended = accepting(fields=b"Sec-WebSocket-Extensions: permessage-deflate\r\n")
    async with scene(one(), a=extended) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake("/v1/realtime?model=m", "sec-websocket-extensions: permessage-deflate"))
        heard = await client.heard()
    assert (heard.status, heard.trail) == (502, "a=protocol")


# Budgets.


async def settled(gateway: RunningGateway, nusd: int) -> None:
    """Wait until the key has spent this, and no less nor more."""
    async with asyncio.timeout(5):
        while gateway.parts.state.keys.spent(time.time()) != {"ci": (nusd, nusd)}:
            await asyncio.sleep(0.01)


async def test_budget_settles_on_what_the_session_used() -> None:
    async def speak(connection: ServerConnection) -> None:
        for message in ANSWER:
            await connection.send(message)
        await connection.close()

    toml = KEYS + "budget_usd_day = 5\nallow_unpriced = true\n" + PRICE
    async with speaking(speak, toml) as (gateway, _):
        header = {"authorization": f"Bearer {CLIENT_KEY}"}
        async with connect(ws(gateway), additional_headers=header) as connection:
            assert [message async for message in connection] == list(ANSWER)
        await settled(gateway, COST_NUSD)


async def test_key_whose_budget_a_session_used_up_opens_no_other() -> None:
    async def speak(connection: ServerConnection) -> None:
        for _ in range(100):
            await connection.send(DONE)
        await connection.close()

    toml = KEYS + "budget_usd_day = 0.1\nallow_unpriced = true\n" + PRICE
    async with speaking(speak, toml) as (gateway, _):
        header = {"authorization": f"Bearer {CLIENT_KEY}"}
        async with connect(ws(gateway), additional_headers=header) as connection:
            with pytest.raises(ConnectionClosed):
                while True:
                    await connection.recv()
        await settled(gateway, 100 * COST_NUSD)
        with pytest.raises(InvalidStatus) as refusal:
            await connect(ws(gateway), additional_headers=header)
    assert refusal.value.response.status_code == 429
    assert b"insufficient_quota" in refusal.value.response.body


LONG = "timeouts = { idle_s = 3000 }"
PER_MINUTE = [
    pytest.param(KEYS + "tpm = 20\n" + one(LONG), id="of-the-key"),
    pytest.param(KEYS + one("limits = { tpm = 20 }\n" + LONG), id="of-the-provider"),
]


@pytest.mark.parametrize("toml", PER_MINUTE)
@pytest.mark.parametrize(("passes_s", "status"), [(0, 429), (1200, 101)])
async def test_tokens_count_by_the_minute_as_if_spread_over_the_session(
    toml: str, passes_s: float, status: int
) -> None:
    go_on, clock = asyncio.Event(), ShiftedClock()

    async def speak(peer: Peer) -> None:
        await go_on.wait()
        await peer.send(text_frame(DONE) + CLOSE)
        peer.close()

    opening = handshake("/v1/realtime?model=m", f"authorization: Bearer {CLIENT_KEY}")
    async with scene(toml, clock=clock, a=accepting(then=speak)) as gateway:
        ledger = kept(gateway)
        async with WireClient(gateway.url) as client:
            client.writer.write(opening)
            assert (await client.head())[0] == 101
            clock.advance(passes_s)
            go_on.set()
            assert await client.reader.read(-1) == text_frame(DONE) + CLOSE
        await ended(ledger)
        async with WireClient(gateway.url) as client:
            client.writer.write(opening)
            assert (await client.head())[0] == status
