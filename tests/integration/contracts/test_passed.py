"""Endpoints whose requests pass as they came: rankings, images, recordings and transcripts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from proxy.core.usage import Usage
from tests.fakes.gateway import RunningGateway
from tests.fakes.rawserver import Handler, Peer, chunk, chunked, cut_after, response, stall_after
from tests.fakes.wireclient import WireClient
from tests.integration.contracts.scene import Witness, model, providers, refused, scene
from tests.integration.contracts.test_accounting import kept

TWO = providers("a", "b") + model("a", "b")
JSON = b"Content-Type: application/json"
AUDIO = b"Content-Type: audio/mpeg"
EVENTS = b"Content-Type: text/event-stream"
SOUND = bytes(range(256)) * 40
RANKED = {"id": "r", "results": [{"index": 1, "relevance_score": 0.5}], "usage": {"total_tokens": 7}}
PICTURE = {"created": 1, "data": [{"b64_json": "aGVsbG8="}]}
IMAGE_USAGE = {"input_tokens": 5, "output_tokens": 9, "total_tokens": 14, "input_tokens_details": {"text_tokens": 5}}


def document(content: dict[str, Any], *fields: bytes) -> bytes:
    return response(json.dumps(content).encode(), JSON, *fields)


def event(name: str, **members: object) -> bytes:
    data = json.dumps({"type": name, **members})
    return f"event: {name}\ndata: {data}\n\n".encode()


def events(*pieces: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(*pieces)


async def transcribe(
    gateway: RunningGateway, *, path: str = "/v1/audio/transcriptions", name: str | None = "m", **fields: str
) -> httpx.Response:
    data = fields if name is None else {"model": name, **fields}
    return await gateway.client.post(path, data=data, files={"file": ("a.wav", SOUND, "audio/wav")})


async def post(gateway: RunningGateway, path: str, **members: object) -> httpx.Response:
    return await gateway.client.post(path, json={"model": "m", **members})


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank", "/openai/deployments/m/rerank"])
async def test_ranking_passes_to_a_vendor_of_the_same_shape_and_back(path: str) -> None:
    a = Witness(document(RANKED))
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        ledger = kept(gateway)
        answer = await post(gateway, path, query="q", documents=["x", "y"], top_n=1, odd={"kept": 1})
    assert answer.json() == RANKED
    assert a.targets == ["/v1/rerank"]
    assert a.bodies == [{"model": "up", "query": "q", "documents": ["x", "y"], "top_n": 1, "odd": {"kept": 1}}]
    assert ledger.closed.usage == Usage(7)


async def test_ranking_is_sent_again_elsewhere_after_a_failure_in_the_middle() -> None:
    async with scene(TWO, a=cut_after(document(RANKED), 90), b=Witness(document(RANKED))) as gateway:
        answer = await post(gateway, "/v1/rerank", query="q", documents=["x", "y"])
    assert (answer.status_code, answer.headers["x-fairlead-trail"]) == (200, "a=protocol;b=ok")


async def test_ranking_by_cohere_is_its_own_request_in_the_client_s_shape() -> None:
    said = {"id": "r", "results": [{"index": 1, "relevance_score": 0.5}], "meta": {"billed_units": {"search_units": 1}}}
    a = Witness(document(said))
    toml = '[providers.a]\nkind = "cohere"\nbase_url = "@a"\napi_key = "sk-of-a"\n' + model("a")
    async with scene(toml, a=a) as gateway:
        answer = await post(gateway, "/v1/rerank", query="q", documents=["x", {"text": "y"}], return_documents=True)
    assert a.targets == ["/v2/rerank"]
    assert a.bodies == [{"model": "up", "query": "q", "documents": ["x", "y"]}]
    assert answer.json()["results"] == [{"index": 1, "relevance_score": 0.5, "document": {"text": "y"}}]
    assert answer.json()["model"] == "up"


async def test_ranking_at_qwen_has_a_path_of_its_own() -> None:
    a = Witness(document(RANKED))
    toml = '[providers.a]\nkind = "qwen"\nbase_url = "@a/compatible-mode/v1"\napi_key = "sk-of-a"\n' + model("a")
    async with scene(toml, a=a) as gateway:
        answer = await post(gateway, "/v1/rerank", query="q", documents=["x"])
    assert (answer.status_code, a.targets) == (200, ["/compatible-api/v1/reranks"])


async def test_images_are_relayed_whole_with_their_usage_and_no_invented_cost() -> None:
    a = Witness(document({**PICTURE, "usage": IMAGE_USAGE}), document(PICTURE))
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        ledger = kept(gateway)
        reported = await post(gateway, "/v1/images/generations", prompt="a cat", n=1)
        record = ledger.closed
        ledger.told.clear()
        await post(gateway, "/v1/images/generations", prompt="a cat")
        unreported = ledger.closed
        assert gateway.metric("unpriced_requests_total", provider="a", model="m") == 2
        assert gateway.metric("requests_total", endpoint="images", model="m", status="200") == 2
    assert reported.json()["data"] == PICTURE["data"]
    assert a.bodies[0] == {"model": "up", "prompt": "a cat", "n": 1}
    assert (record.usage, record.cost_nusd) == (Usage(5, 9), None)
    assert (unreported.usage, unreported.cost_nusd) == (Usage(estimated=True), None)
    assert "x-fairlead-cost-usd" not in reported.headers


RESPONDED = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
CHARGED = [
    pytest.param("xai", "/v1/images/generations", {**PICTURE, "usage": {"cost_in_usd_ticks": 200_000_000}}, id="image"),
    pytest.param("openrouter", "/v1/rerank", {**RANKED, "usage": {"cost": 0.02, "search_units": 1}}, id="ranking"),
    pytest.param(
        "openrouter", "/v1/responses", {**RESPONDED, "usage": {"input_tokens": 3, "cost": 0.02}}, id="responses"
    ),
    pytest.param("cohere", "/v1/rerank", {**RANKED, "meta": {"billed_units": {"search_units": 2}}}, id="searches"),
]


@pytest.mark.parametrize(("kind", "path", "answer"), CHARGED)
async def test_what_the_upstream_charges_or_counts_is_the_cost(kind: str, path: str, answer: dict[str, Any]) -> None:
    toml = '[prices."a/up"]\nsearch_usd = 0.01\n' + providers("a", kind=kind) + model("a")
    body = {"prompt": "a cat", "query": "q", "documents": ["x", "y"], "input": "hi"}
    async with scene(toml, a=Witness(document(answer))) as gateway:
        ledger = kept(gateway)
        heard = await post(gateway, path, **body)
        assert gateway.metric("unpriced_requests_total", provider="a", model="m") == 0
    assert ledger.closed.cost_nusd == 20_000_000
    assert heard.headers["x-fairlead-cost-usd"] == "0.02"
    assert ledger.closed.usage is not None and not ledger.closed.usage.estimated


PARTIAL = event("image_generation.partial_image", b64_json="AAAA", partial_image_index=0)
COMPLETE = event("image_generation.completed", b64_json="AAAABBBB", usage=IMAGE_USAGE)


async def test_partial_images_pass_as_events_and_end_with_the_last() -> None:
    a = Witness(events(PARTIAL, COMPLETE) + b"0\r\n\r\n")
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        ledger = kept(gateway)
        answer = await post(gateway, "/v1/images/generations", prompt="a cat", stream=True)
    assert answer.content == PARTIAL + COMPLETE
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert a.bodies == [{"model": "up", "prompt": "a cat", "stream": True}]
    assert ledger.closed.usage == Usage(5, 9)


async def test_partial_images_without_a_last_one_end_in_an_error_event() -> None:
    async with scene(TWO, a=Witness(events(PARTIAL) + b"0\r\n\r\n"), b=Witness(b"")) as gateway:
        answer = await post(gateway, "/v1/images/generations", prompt="a cat", stream=True)
    assert answer.content.startswith(PARTIAL)
    assert json.loads(answer.content[len(PARTIAL) :].removeprefix(b"data: "))["error"]["code"] == "upstream_truncated"


@pytest.mark.parametrize(
    ("code", "trail"),
    [
        pytest.param("rate_limit_exceeded", "a=rate_limited;b=ok", id="refused"),
        pytest.param("server_error", "a=server_error", id="perhaps-begun"),
    ],
)
async def test_error_before_the_first_image_is_no_stream(code: str, trail: str) -> None:
    failed = events(event("error", error={"message": "no", "type": "x", "code": code}))
    b = Witness(events(PARTIAL, COMPLETE) + b"0\r\n\r\n")
    async with scene(TWO, a=Witness(failed + b"0\r\n\r\n"), b=b) as gateway:
        answer = await post(gateway, "/v1/images/generations", prompt="a cat", stream=True)
    assert answer.headers["x-fairlead-trail"] == trail


UNREPEATED = [
    pytest.param("/v1/images/generations", {"prompt": "p"}, id="images"),
    pytest.param("/v1/audio/speech", {"input": "hi", "voice": "v"}, id="speech"),
]


@pytest.mark.parametrize(("path", "members"), UNREPEATED)
async def test_what_would_be_paid_for_twice_is_not_sent_again_once_begun(path: str, members: dict[str, str]) -> None:
    b = Witness(document(PICTURE))
    async with scene(TWO, a=Witness(refused(500, "broken")), b=b) as gateway:
        answer = await post(gateway, path, **members)
    assert (answer.status_code, b.calls) == (502, 0)
    assert answer.json()["error"]["code"] == "upstream_error"


@pytest.mark.parametrize(("path", "members"), UNREPEATED)
async def test_what_was_refused_or_never_sent_goes_to_the_next(path: str, members: dict[str, str]) -> None:
    good = response(SOUND, AUDIO) if "speech" in path else document(PICTURE)
    for first in (refused(429, "slow down"), refused(404, "Not Found")):
        async with scene(TWO, a=Witness(first), b=Witness(good)) as gateway:
            answer = await post(gateway, path, **members)
        assert (answer.status_code, answer.headers["x-fairlead-provider"]) == (200, "b")


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
        async with asyncio.timeout(5):
            while len(ledger.told) < 2:
                await asyncio.sleep(0.01)
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
        async with asyncio.timeout(5):
            while len(ledger.told) < 2:
                await asyncio.sleep(0.01)
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


async def test_file_without_content_is_followed_by_the_next_answer_and_nothing_else() -> None:
    upstream = Witness(b"HTTP/1.1 204 No Content\r\n\r\n")
    async with scene(providers("a") + model("a"), a=upstream) as gateway, WireClient(gateway.url) as client:
        for path in ("/v1/files/f/content", "/livez"):
            client.writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        status, headers = await client.head()
        assert (status, "transfer-encoding" in headers) == (204, False)
        assert (await client.heard()).body == b"ok\n"


async def test_speech_in_json_or_events_passes_as_it_came() -> None:
    told = document({"audio": "AAAA"})
    spoken = events(event("speech.audio.delta", audio="AA"), event("speech.audio.done")) + b"0\r\n\r\n"
    async with scene(TWO, a=Witness(told, spoken), b=Witness(b"")) as gateway:
        whole = await post(gateway, "/v1/audio/speech", input="hi")
        stream = await post(gateway, "/v1/audio/speech", input="hi", stream_format="sse")
    assert whole.json() == {"audio": "AAAA"}
    assert stream.content == event("speech.audio.delta", audio="AA") + event("speech.audio.done")
    assert stream.headers["content-type"] == "text/event-stream"


async def test_form_passes_byte_for_byte_but_for_the_model() -> None:
    a = Witness(document({"text": "hello"}))
    boundary = b"----edge"
    before = b'------edge\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + SOUND + b"\r\n"
    head = b'------edge\r\nContent-Disposition: form-data; name="model"\r\n\r\n'
    after = b'\r\n------edge\r\nContent-Disposition: form-data; name="x"\r\n\r\n\xff\x00\r\n------edge--\r\n'
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        answer = await gateway.client.post(
            "/v1/audio/transcriptions",
            content=before + head + b"m" + after,
            headers={"content-type": "multipart/form-data; boundary=" + boundary.decode()},
        )
    assert answer.json() == {"text": "hello"}
    assert a.requests[0].body == before + head + b"up" + after
    assert ("content-type", "multipart/form-data; boundary=----edge") in a.headers()
    assert [name for name, _ in a.headers()].count("content-type") == 1


FORMATS = [
    pytest.param("text/plain; charset=utf-8", b"hello\n", id="text"),
    pytest.param("text/plain", b"1\n00:00:00,000 --> 00:00:01,000\nhello\n", id="srt"),
    pytest.param("text/vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n", id="vtt"),
    pytest.param("application/json", b'{"text": "hello", "segments": [], "duration": 1.0}', id="verbose-json"),
]


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/audio/translations"])
@pytest.mark.parametrize(("content_type", "body"), FORMATS)
async def test_transcript_passes_in_every_format(path: str, content_type: str, body: bytes) -> None:
    a = Witness(response(body, b"Content-Type: " + content_type.encode()))
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        answer = await transcribe(gateway, path=path, response_format="any")
    assert (answer.content, answer.headers["content-type"]) == (body, content_type)
    assert a.targets == [path]
    assert ("accept", "*/*") in a.headers()


async def test_transcript_whose_usage_is_told_is_priced_and_its_recording_is_never_estimated() -> None:
    used = {"type": "tokens", "input_tokens": 10, "output_tokens": 2, "input_token_details": {"audio_tokens": 8}}
    price = '[prices."a/up"]\ninput_usd_per_mtok = 2\noutput_usd_per_mtok = 10\n'
    a = Witness(document({"text": "hi", "usage": used}), document({"text": "hi", "usage": {"type": "duration"}}))
    async with scene(price + TWO, a=a, b=Witness(b"")) as gateway:
        ledger = kept(gateway)
        told = await transcribe(gateway)
        priced = ledger.closed
        ledger.told.clear()
        await transcribe(gateway)
        unpriced = ledger.closed
    assert priced.usage == Usage(10, 2, audio_input_tokens=8)
    assert (priced.cost_nusd, told.headers["x-fairlead-cost-usd"]) == (40_000, "0.00004")
    assert (unpriced.usage, unpriced.cost_nusd) == (Usage(estimated=True), None)


DELTA = event("transcript.text.delta", delta="hel")
LAST = event("transcript.text.done", text="hello", usage={"type": "tokens", "input_tokens": 3, "output_tokens": 1})


async def test_transcript_streams_where_the_form_asks_for_it() -> None:
    a = Witness(events(DELTA, LAST) + b"0\r\n\r\n")
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        ledger = kept(gateway)
        answer = await transcribe(gateway, stream="true")
    assert answer.content == DELTA + LAST
    assert (ledger.closed.usage, ledger.closed.stream) == (Usage(3, 1), True)


async def test_transcript_that_was_to_stream_and_came_whole_is_taken() -> None:
    a = Witness(response(b"WEBVTT\n", b"Content-Type: text/vtt"))
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        answer = await transcribe(gateway, stream="true")
    assert (answer.content, answer.headers["content-type"]) == (b"WEBVTT\n", "text/vtt")


NO_TRANSCRIPT = [
    pytest.param(response(b"<html>", b"Content-Type: text/html"), "protocol", id="page"),
    pytest.param(response(b'{"text":', JSON), "protocol", id="broken-json"),
    pytest.param(document({"error": {"message": "no", "code": "rate_limit_exceeded"}}), "rate_limited", id="error"),
]


@pytest.mark.parametrize(("answer", "kind"), NO_TRANSCRIPT)
async def test_answer_that_is_no_transcript_is_a_failure(answer: bytes, kind: str) -> None:
    async with scene(TWO, a=Witness(answer), b=Witness(document({"text": "x"}))) as gateway:
        heard = await transcribe(gateway)
    assert heard.headers["x-fairlead-trail"].startswith(f"a={kind}")


async def test_form_fails_over_from_its_own_bytes_to_each_provider_s_model() -> None:
    toml = providers("a", "b") + (
        "[models.m]\ncandidates = [\n"
        '{ provider = "a", model = "one" }, { provider = "b", model = "two", priority = 2 }]\n'
    )
    a, b = Witness(refused(429, "slow")), Witness(document({"text": "x"}))
    async with scene(toml, a=a, b=b) as gateway:
        answer = await transcribe(gateway, language="de")
    assert answer.headers["x-fairlead-trail"] == "a=rate_limited;b=ok"
    assert a.requests[0].body.replace(b"\r\none\r\n", b"\r\ntwo\r\n") == b.requests[0].body


async def test_part_that_the_provider_drops_is_left_out_and_named() -> None:
    toml = providers("a", more='drop_params = ["language", "prompt"]') + model("a")
    a = Witness(document({"text": "x"}))
    async with scene(toml, a=a) as gateway:
        answer = await transcribe(gateway, language="de", temperature="0")
    assert answer.headers["x-fairlead-dropped-params"] == "language"
    assert b'name="language"' not in a.requests[0].body
    assert b'name="temperature"' in a.requests[0].body


async def test_form_without_a_model_gets_the_default_one() -> None:
    a = Witness(document({"text": "x"}))
    async with scene(providers("a") + model("a", more="default = true"), a=a) as gateway:
        answer = await transcribe(gateway, name=None)
    assert answer.status_code == 200
    assert b'form-data; name="model"\r\n\r\nup\r\n' in a.requests[0].body


async def test_json_where_a_form_is_usual_passes_as_json() -> None:
    a = Witness(document(PICTURE))
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        answer = await post(gateway, "/v1/images/edits", prompt="p", images=[{"file_id": "f"}])
    assert answer.json() == PICTURE
    assert a.bodies == [{"model": "up", "prompt": "p", "images": [{"file_id": "f"}]}]
    assert ("content-type", "application/json") in a.headers()


@pytest.mark.parametrize("path", ["/v1/images/edits", "/v1/images/variations"])
async def test_pictures_pass_in_forms(path: str) -> None:
    a = Witness(document(PICTURE))
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        answer = await transcribe(gateway, path=path, prompt="p")
    assert (answer.json(), a.targets) == (PICTURE, [path])


PART = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
HOSTILE = [
    pytest.param(PART + PART + b"--b--", id="two-models"),
    pytest.param(PART + b"x", id="no-end"),
    pytest.param(PART.replace(b'"model"', b'"mo\\"del"') + b"--b--", id="escaped-quote"),
    pytest.param(PART.replace(b"m\r\n", b"m\n--b\n\r\n") + b"--b--", id="boundary-behind-a-bare-line-feed"),
    pytest.param(PART + b'--b\r\nContent-Disposition: form-data; name="stream"\r\n\r\nyes\r\n--b--', id="stream"),
    pytest.param(b"", id="nothing"),
]


@pytest.mark.parametrize("body", HOSTILE)
async def test_form_that_could_be_read_in_two_ways_is_refused(body: bytes) -> None:
    a = Witness(document({"text": "x"}))
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        heard = await gateway.client.post(
            "/v1/audio/transcriptions", content=body, headers={"content-type": "multipart/form-data; boundary=b"}
        )
    assert (heard.status_code, heard.json()["error"]["code"], a.calls) == (400, "invalid_request", 0)


async def test_form_is_bounded_like_every_body() -> None:
    async with scene("[server]\nmax_body_bytes = 5000\n" + TWO, a=Witness(b""), b=Witness(b"")) as gateway:
        heard = await transcribe(gateway)
    assert (heard.status_code, heard.json()["error"]["code"]) == (413, "request_too_large")


async def test_form_of_a_web_page_is_refused_in_open_mode() -> None:
    a = Witness(document({"text": "x"}))
    async with scene(TWO, a=a, b=Witness(b"")) as gateway:
        for headers in ({"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}, {"host": "evil.test"}):
            heard = await gateway.client.post(
                "/v1/audio/transcriptions", data={"model": "m"}, files={"file": ("a", SOUND)}, headers=headers
            )
            assert heard.status_code == 403
    assert a.calls == 0


async def test_key_may_call_only_its_models_in_forms_too() -> None:
    key = '[[auth.keys]]\nname = "ci"\nkey = "client-key-0123456789"\nmodels = ["m"]\n'
    other = model("a", "b", called="secret")
    a = Witness(document({"text": "x"}))
    async with scene(key + TWO + other, a=a, b=Witness(b"")) as gateway:
        gateway.client.headers["authorization"] = "Bearer client-key-0123456789"
        assert (await transcribe(gateway)).status_code == 200
        heard = await transcribe(gateway, name="secret")
    assert (heard.status_code, heard.json()["error"]["code"]) == (404, "model_not_found")


async def test_key_with_a_budget_is_told_that_nobody_knows_the_price() -> None:
    key = '[[auth.keys]]\nname = "ci"\nkey = "client-key-0123456789"\nbudget_usd_day = 5\n'
    price = '[prices."a/up"]\ninput_usd_per_mtok = 2\noutput_usd_per_mtok = 10\n'
    toml = price + providers("a") + model("a")
    async with scene(key + toml, a=Witness(document(PICTURE))) as gateway:
        gateway.client.headers["authorization"] = "Bearer client-key-0123456789"
        refusal = await post(gateway, "/v1/images/generations", prompt="p")
    async with scene(key + "allow_unpriced = true\n" + toml, a=Witness(document(PICTURE))) as gateway:
        gateway.client.headers["authorization"] = "Bearer client-key-0123456789"
        allowed = await post(gateway, "/v1/images/generations", prompt="p")
    assert refusal.status_code == 400
    assert "its price is unknown" in refusal.json()["error"]["message"]
    assert allowed.status_code == 200


async def test_endpoint_that_a_provider_lacks_sets_nothing_of_its_model_aside() -> None:
    a = Witness(response(b'{"detail":"Not Found"}', JSON, status=b"404 Not Found"), document(RANKED))
    async with scene(providers("a") + model("a"), a=a) as gateway:
        first = await post(gateway, "/v1/rerank", query="q", documents=["x"])
        second = await post(gateway, "/v1/rerank", query="q", documents=["x"])
    assert (first.status_code, first.headers["x-fairlead-trail"]) == (404, "a=unsupported")
    assert second.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods_are_refused(method: str) -> None:
    async with scene(TWO, a=Witness(b""), b=Witness(b"")) as gateway:
        heard = await gateway.client.request(method, "/v1/audio/speech")
    assert (heard.status_code, heard.headers["allow"]) == (405, "POST")
