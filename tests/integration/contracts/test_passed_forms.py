"""Forms pass byte for byte but for the model: recordings, transcripts and pictures."""

from __future__ import annotations

import pytest

from proxy.core.usage import Usage
from tests.fakes.rawserver import response
from tests.integration.contracts.ledger import kept
from tests.integration.contracts.passed import DELTA, LAST, PICTURE, SOUND, document, events, post, transcribe
from tests.integration.contracts.scene import JSON, TWO, Witness, model, providers, refused, scene


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
