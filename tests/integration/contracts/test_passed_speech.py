"""Speech passes as it comes, and never for the whole where it is cut."""

from __future__ import annotations

import asyncio

import pytest

from proxy.core.usage import Usage
from tests.fakes.rawserver import Handler, Peer, chunk, chunked, cut_after, response, stall_after
from tests.fakes.wireclient import WireClient
from tests.integration.contracts.ledger import ended, kept
from tests.integration.contracts.passed import AUDIO, SOUND, document, event, events, post
from tests.integration.contracts.scene import TWO, Witness, scene


async def test_speech_commits_at_its_first_byte_and_comes_in_chunks() -> None:
    said = asyncio.Event()

    async def speak(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n\r\n")
        await peer.send(chunk(SOUND[:7]))
        await said.wait()
        await peer.send(chunk(SOUND[7:]) + b"0\r\n\r\n")

    async with scene(TWO, a=speak, b=Witness(b"")) as gateway, WireClient(gateway.url) as client:
        ledger = kept(gateway)
        client.send({"model": "m", "input": "hi", "voice": "v"}, path="/v1/audio/speech")
        status, headers = await client.head()
        assert await client.chunk() == SOUND[:7]
        said.set()
        assert await client.body(headers) == SOUND[7:]
        assert (status, headers["content-type"], headers["x-fairlead-provider"]) == (200, "audio/mpeg", "a")
    assert (ledger.closed.end, ledger.closed.usage, ledger.closed.cost_nusd) == ("ok", Usage(estimated=True), None)


SPEECH = '[prices."a/up"]\ninput_usd_per_mtok = 0.6\noutput_usd_per_mtok = 2\naudio_output_usd_per_mtok = 12\n'
PIECE = event("speech.audio.delta", audio="UklGRg==" * 2000)
SPOKEN = event("speech.audio.done", usage={"input_tokens": 5, "output_tokens": 90, "total_tokens": 95})
SPOKEN_EVENTS = [
    pytest.param([PIECE, PIECE, SPOKEN], Usage(5, 90, audio_output_tokens=90), 5 * 600 + 90 * 12_000, id="told"),
    pytest.param([PIECE, event("speech.audio.done")], Usage(estimated=True), None, id="untold"),
    pytest.param([b"data: no JSON\n\n", PIECE[:-9]], Usage(estimated=True), None, id="unread"),
]


@pytest.mark.parametrize(("pieces", "usage", "cost_nusd"), SPOKEN_EVENTS)
async def test_speech_in_events_passes_as_it_comes_and_costs_what_its_last_one_says(
    pieces: list[bytes], usage: Usage, cost_nusd: int | None
) -> None:
    a = Witness(events(*pieces) + b"0\r\n\r\n")
    async with scene(SPEECH + TWO, a=a, b=Witness(b"")) as gateway:
        ledger = kept(gateway)
        answer = await post(gateway, "/v1/audio/speech", input="hi", voice="v", stream_format="sse")
    assert answer.content == b"".join(pieces)
    assert answer.headers["content-type"] == "text/event-stream"
    assert (ledger.closed.end, ledger.closed.usage, ledger.closed.cost_nusd) == ("ok", usage, cost_nusd)


async def test_client_that_leaves_speech_after_its_usage_was_told_has_used_that() -> None:
    upstream = stall_after(events(PIECE, SPOKEN) + b"0\r\n\r\n", len(events(PIECE, SPOKEN)))
    async with scene(SPEECH + TWO, a=upstream, b=Witness(b"")) as gateway:
        ledger = kept(gateway)
        async with WireClient(gateway.url) as client:
            client.send({"model": "m", "input": "hi"}, path="/v1/audio/speech")
            await client.head()
            heard = b""
            while SPOKEN not in heard:
                heard += await client.chunk()
        await ended(ledger)
    assert (ledger.closed.end, ledger.closed.usage) == ("client_gone", Usage(5, 90, audio_output_tokens=90))


CUTS = [
    pytest.param(cut_after(chunked(SOUND), 2000), id="cut"),
    pytest.param(cut_after(response(SOUND, AUDIO), 2000), id="short"),
]


@pytest.mark.parametrize("upstream", CUTS)
async def test_speech_that_is_cut_never_passes_for_the_whole(upstream: Handler) -> None:
    async with scene(TWO, a=upstream, b=Witness(b"")) as gateway, WireClient(gateway.url) as client:
        ledger = kept(gateway)
        client.send({"model": "m", "input": "hi"}, path="/v1/audio/speech")
        _, headers = await client.head()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.body(headers)
        assert gateway.metric("streams_truncated_total", provider="a") == 1
    assert ledger.closed.end == "truncated"


@pytest.mark.parametrize("upstream", CUTS)
async def test_speech_that_is_cut_never_passes_for_the_whole_in_http_1_0(upstream: Handler) -> None:
    """Whose answers end where the connection does."""
    async with scene(TWO, a=upstream, b=Witness(b"")) as gateway, WireClient(gateway.url) as client:
        body = b'{"model":"m","input":"hi"}'
        fields = f"host: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        client.writer.write(f"POST /v1/audio/speech HTTP/1.0\r\n{fields}\r\n\r\n".encode() + body)
        with pytest.raises(ConnectionError):
            await client.reader.read()


async def test_speech_that_stalls_is_cut_after_the_idle_time() -> None:
    toml = TWO.replace('api_key = "sk-of-a"', 'api_key = "sk-of-a"\ntimeouts = { idle_s = 0.2 }')
    upstream = stall_after(response(SOUND, AUDIO), 2000)
    async with scene(toml, a=upstream, b=Witness(b"")) as gateway, WireClient(gateway.url) as client:
        client.send({"model": "m", "input": "hi"}, path="/v1/audio/speech")
        _, headers = await client.head()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.body(headers)


async def test_client_that_leaves_speech_frees_the_upstream() -> None:
    upstream = stall_after(response(SOUND, AUDIO), 2000)
    async with scene(TWO, a=upstream, b=Witness(b"")) as gateway:
        ledger = kept(gateway)
        async with WireClient(gateway.url) as client:
            client.send({"model": "m", "input": "hi"}, path="/v1/audio/speech")
            await client.head()
        await ended(ledger)
    assert (ledger.closed.end, ledger.closed.usage) == ("client_gone", Usage(estimated=True))


EMPTY_SPEECH = [
    pytest.param(response(b"", AUDIO), "protocol", id="nothing"),
    pytest.param(response(b"<html>", b"Content-Type: text/html"), "protocol", id="page"),
    pytest.param(document({"error": {"message": "busy", "code": "server_error"}}), "server_error", id="error"),
]


@pytest.mark.parametrize(("answer", "kind"), EMPTY_SPEECH)
async def test_answer_that_is_no_speech_is_told_as_a_failure(answer: bytes, kind: str) -> None:
    async with scene(TWO, a=Witness(answer), b=Witness(b"")) as gateway:
        heard = await post(gateway, "/v1/audio/speech", input="hi")
    assert (heard.status_code, heard.headers["x-fairlead-trail"]) == (502, f"a={kind}")


async def test_speech_in_json_or_events_passes_as_it_came() -> None:
    told = document({"audio": "AAAA"})
    spoken = events(event("speech.audio.delta", audio="AA"), event("speech.audio.done")) + b"0\r\n\r\n"
    async with scene(TWO, a=Witness(told, spoken), b=Witness(b"")) as gateway:
        whole = await post(gateway, "/v1/audio/speech", input="hi")
        stream = await post(gateway, "/v1/audio/speech", input="hi", stream_format="sse")
    assert whole.json() == {"audio": "AAAA"}
    assert stream.content == event("speech.audio.delta", audio="AA") + event("speech.audio.done")
    assert stream.headers["content-type"] == "text/event-stream"
