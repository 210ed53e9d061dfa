"""What passes as it came: its usage and its end."""

from __future__ import annotations

import json
from pathlib import Path

import openai
import pytest

from proxy.core.conversation import Finish
from proxy.core.streamparts import Counted, Failed, Finished, TextDelta
from proxy.core.translation import Undecodable
from proxy.core.usage import Usage
from proxy.translate.passed import Decoder, read_spoken, read_usage

SEEN = [
    pytest.param(
        {"input_tokens": 5, "output_tokens": 9, "input_tokens_details": {"image_tokens": 1}}, Usage(5, 9), id="images"
    ),
    pytest.param(
        {"type": "tokens", "input_tokens": 9, "output_tokens": 2, "input_token_details": {"audio_tokens": 8}},
        Usage(9, 2, audio_input_tokens=8),
        id="transcript",
    ),
    pytest.param({"type": "duration", "seconds": 3.5}, None, id="seconds"),
    pytest.param({"total_tokens": 7}, Usage(7), id="ranking"),
    pytest.param({"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7}, Usage(7), id="older-names"),
    pytest.param({"input_tokens": 0, "output_tokens": 0}, None, id="nothing-used"),
    pytest.param({"cost_in_usd_ticks": 200_000_000}, Usage(reported_cost_nusd=20_000_000), id="charged-by-xai"),
    pytest.param(
        {"cost": 0.001, "search_units": 1}, Usage(reported_cost_nusd=1_000_000, searches=1), id="charged-by-openrouter"
    ),
    pytest.param({"cost": -1, "total_tokens": 7}, Usage(7), id="charged-below-nothing"),
    pytest.param({"cost": "much"}, None, id="charged-in-words"),
    pytest.param({"input_tokens": -1}, None, id="below-nothing"),
    pytest.param({"input_tokens": "many"}, None, id="no-number"),
    pytest.param({"input_tokens": 10**12}, None, id="too-many"),
    pytest.param(None, None, id="null"),
    pytest.param([], None, id="list"),
]


@pytest.mark.parametrize(("usage", "read"), SEEN)
def test_usage_is_read_where_it_is_told(usage: object, read: Usage | None) -> None:
    assert read_usage(json.dumps({"usage": usage, "data": []}).encode()) == read


def test_answer_without_usage_has_none() -> None:
    assert read_usage(b'{"created": 1}') is None
    assert read_usage(b'{"text": "\\ud83d", "usage": {"total_tokens": 1}}') == Usage(1)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"<html>", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_undecodable(body: bytes) -> None:
    with pytest.raises(Undecodable):
        read_usage(body)


EVENTS = [
    pytest.param({"type": "image_generation.partial_image", "b64_json": "A"}, [TextDelta("")], id="partial"),
    pytest.param({"type": "transcript.text.delta", "delta": "a"}, [TextDelta("")], id="delta"),
    pytest.param({"choices": [{"delta": {"content": "a"}}]}, [TextDelta("")], id="chunk-of-another-server"),
    pytest.param({"type": "image_edit.completed"}, [Finished(Finish.STOP)], id="completed"),
    pytest.param(
        {"type": "transcript.text.done", "usage": {"input_tokens": 3, "output_tokens": 1}},
        [Counted(Usage(3, 1)), Finished(Finish.STOP)],
        id="done",
    ),
]


@pytest.mark.parametrize(("event", "parts"), EVENTS)
def test_event_says_that_something_came_or_that_all_of_it_did(event: object, parts: list[object]) -> None:
    assert Decoder().feed("", json.dumps(event).encode()) == parts


@pytest.mark.parametrize("event", [{"type": "error", "code": "x"}, {"error": {"message": "no"}}])
def test_error_is_one(event: object) -> None:
    payload = json.dumps(event).encode()
    assert Decoder().feed("", payload) == [Failed(payload)]


def test_terminator_of_other_servers_ends_the_stream() -> None:
    decoder = Decoder()
    assert (decoder.feed("", b" [DONE]"), decoder.done) == ([], True)
    assert Decoder().finish() == []


def test_broken_event_is_undecodable() -> None:
    with pytest.raises(Undecodable):
        Decoder().feed("", b"{")


def test_every_last_event_of_openai_s_is_known_by_its_name() -> None:
    types = Path(openai.__file__).parent / "types"
    names = ("image_gen_completed_event", "image_edit_completed_event", "audio/transcription_text_done_event")
    for name in names:
        source = (types / f"{name}.py").read_text()
        (kind,) = [
            line.split('"')[1]
            for line in source.splitlines()
            if line.strip().startswith('type: Literal["') and "." in line
        ]
        assert Decoder().feed("", json.dumps({"type": kind}).encode()) == [Finished(Finish.STOP)]


SPOKEN = [
    pytest.param({"type": "speech.audio.delta", "audio": "AAAA"}, None, id="sound"),
    pytest.param(
        {"type": "speech.audio.done", "usage": {"input_tokens": 5, "output_tokens": 90, "total_tokens": 95}},
        Usage(5, 90, audio_output_tokens=90),
        id="done",
    ),
    pytest.param({"type": "speech.audio.done"}, None, id="done-without-usage"),
    pytest.param({"type": "other", "usage": {"input_tokens": 5}, "of": "speech.audio.done"}, None, id="another"),
    pytest.param([{"type": "speech.audio.done"}], None, id="no-object"),
]


@pytest.mark.parametrize(("event", "usage"), SPOKEN)
def test_last_event_of_spoken_words_tells_what_they_used(event: object, usage: Usage | None) -> None:
    assert read_spoken(json.dumps(event).encode()) == usage
