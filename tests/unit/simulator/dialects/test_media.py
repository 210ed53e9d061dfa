"""Pictures, speech, transcriptions and ranking, as OpenAI and its like have them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.fakes.asking import Answered, asked, refused

_SPEECH = {"model": "sim-ok", "input": "one two", "voice": "alloy"}
_RANK = {"model": "sim-ok", "query": "fox", "documents": ["cow", {"text": "fox"}]}
Json = dict[str, Any]


async def _transcribed(**fields: str) -> Answered:
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
    file = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nxxxx\r\n--b--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    return await asked("/v1/audio/transcriptions", "".join([*parts, file]).encode(), headers)


async def test_picture_is_a_picture() -> None:
    answer = (await asked("/v1/images/generations", {"model": "sim-ok", "prompt": "a dot", "n": 2})).json
    assert base64.b64decode(answer["data"][1]["b64_json"]).startswith(b"\x89PNG")
    assert answer["usage"]["output_tokens"] == 544


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"model": "dall-e-3"}, id="by-default"),
        pytest.param({"model": "sim-ok", "response_format": "url"}, id="asked-for"),
    ],
)
async def test_picture_may_be_an_address(members: Json) -> None:
    answer = (await asked("/v1/images/generations", {"prompt": "a dot", **members})).json
    assert answer["data"][0]["url"].startswith("https://simulator.invalid/")


@pytest.mark.parametrize(
    ("kind", "content_type", "start"),
    [("mp3", "audio/mpeg", b"ID3"), ("wav", "audio/wav", b"RIFF"), ("pcm", "audio/pcm", b"\0")],
)
async def test_speech_has_its_form(kind: str, content_type: str, start: bytes) -> None:
    answer = await asked("/v1/audio/speech", {**_SPEECH, "response_format": kind})
    assert (answer.headers["content-type"], answer.body[: len(start)]) == (content_type, start)
    assert "content-length" not in answer.headers


async def test_speech_in_events_is_the_same_sound_and_tells_its_usage() -> None:
    spoken = {**_SPEECH, "response_format": "pcm"}
    answer = await asked("/v1/audio/speech", {**spoken, "stream_format": "sse"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *sound, last = answer.events
    plain = await asked("/v1/audio/speech", spoken)
    assert b"".join([base64.b64decode(event["audio"]) for event in sound]) == plain.body
    assert last["usage"] == {"input_tokens": 2, "output_tokens": 2, "total_tokens": 4}


async def test_speech_is_cut_like_any_stream() -> None:
    whole = await asked("/v1/audio/speech", _SPEECH)
    cut = await asked("/v1/audio/speech", {**_SPEECH, "model": "sim-cut-after-1"})
    assert 0 < len(cut.body) < len(whole.body)


@pytest.mark.parametrize(
    ("kind", "start"),
    [("json", '{"text"'), ("text", "This text"), ("srt", "1\n"), ("vtt", "WEBVTT"), ("verbose_json", '{"task"')],
)
async def test_transcription_has_its_form(kind: str, start: str) -> None:
    answer = await _transcribed(model="sim-ok", response_format=kind)
    assert answer.body.decode().startswith(start)
    assert "4 bytes" in answer.body.decode()


async def test_transcription_streams() -> None:
    events = (await _transcribed(model="sim-ok", stream="true")).events
    assert events[-1] == "[DONE]"
    assert "".join(event["delta"] for event in events[:-2]) == events[-2]["text"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        pytest.param("/v1/images/generations", {"model": "sim-ok"}, "Missing parameter: 'prompt'", id="no-prompt"),
        pytest.param("/v1/audio/speech", {**_SPEECH, "speed": 9}, "less than or equal to 4", id="too-fast"),
        pytest.param("/v1/audio/speech", {**_SPEECH, "foo": 9}, "Unknown parameter: 'foo'", id="unknown"),
        pytest.param("/v1/audio/transcriptions", {}, "multipart form", id="no-form"),
        pytest.param("/v1/rerank", {"model": "sim-ok", "query": "x"}, "documents is missing", id="no-documents"),
    ],
)
async def test_what_does_not_fit_is_refused(path: str, body: Json, words: str) -> None:
    assert words in await refused(path, body)


async def test_transcription_needs_a_file_and_a_known_form() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nsim-ok\r\n--b--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert "'file'" in await refused("/v1/audio/transcriptions", body, headers)
    assert (await _transcribed(model="sim-ok", response_format="xml")).status == 400


@pytest.mark.parametrize(("members", "returned"), [({}, True), ({"return_documents": False}, False)])
async def test_ranking_returns_documents_unless_told_not_to(members: Json, returned: bool) -> None:
    rows = (await asked("/v1/rerank", {**_RANK, **members})).json["results"]
    assert [row["index"] for row in rows] == [1, 0]
    assert ("document" in rows[0]) == returned
