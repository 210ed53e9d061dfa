"""Events of realtime sessions: what they say of use."""

from __future__ import annotations

import json
from pathlib import Path

import openai
import pytest

from proxy.core.translation import Undecodable
from proxy.core.usage import Usage
from proxy.translate.realtime import AnswerBegan, Answered, Listening, Noted, Transcribed, is_wanted, read_event

COUNTED = {
    "total_tokens": 821,
    "input_tokens": 789,
    "output_tokens": 32,
    "input_token_details": {
        "text_tokens": 313,
        "audio_tokens": 476,
        "image_tokens": 0,
        "cached_tokens": 640,
        "cached_tokens_details": {"text_tokens": 256, "audio_tokens": 384, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 9, "audio_tokens": 23},
}
ALL = Usage(789, 32, 640, audio_input_tokens=92, audio_output_tokens=23)
BARE: dict[str, object] = {
    "input_tokens": 7,
    "output_tokens": 3,
    "input_token_details": None,
    "output_token_details": {},
}
HEARD = "conversation.item.input_audio_transcription.completed"
BY_TOKEN = {"type": "tokens", "input_tokens": 9, "output_tokens": 2, "input_token_details": {"audio_tokens": 8}}
GENERAL = {"type": "realtime", "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}

READ = [
    pytest.param({"type": "response.created", "response": {"usage": None}}, AnswerBegan(), id="begun"),
    pytest.param({"type": "response.done", "response": {"usage": COUNTED}}, Answered(ALL), id="answered"),
    pytest.param({"type": "response.done", "response": {"usage": BARE}}, Answered(Usage(7, 3)), id="no-details"),
    pytest.param({"type": "response.done", "response": {"usage": {"output_tokens": 3}}}, Answered(Usage(0, 3)), id="o"),
    pytest.param({"type": "response.done", "response": {"usage": None}}, Answered(None), id="usage-null"),
    pytest.param({"type": "response.done", "response": {"usage": {"input_tokens": -1}}}, Answered(None), id="below-0"),
    pytest.param({"type": "response.done", "response": {"usage": "much"}}, Answered(None), id="usage-in-words"),
    pytest.param({"type": "response.done"}, Answered(None), id="no-response"),
    pytest.param({"type": HEARD, "usage": BY_TOKEN}, Transcribed(Usage(9, 2, audio_input_tokens=8)), id="transcribed"),
    pytest.param({"type": HEARD, "usage": {"type": "duration", "seconds": 1.5}}, Transcribed(None), id="seconds"),
    pytest.param(
        {"type": "transcription.done", "text": "a", "usage": {"prompt_tokens": 5, "completion_tokens": 1}},
        Transcribed(Usage(5, 1)),
        id="vllm",
    ),
    pytest.param({"type": "transcription.done", "text": "a", "usage": None}, Transcribed(None), id="vllm-no-usage"),
    pytest.param({"type": "session.created", "session": GENERAL}, Listening("gpt-4o-transcribe"), id="session"),
    pytest.param({"type": "session.updated", "session": {"audio": {"input": None}}}, Listening(""), id="deaf"),
    pytest.param({"type": "session.updated", "session": {"audio": None}}, Listening(""), id="silent"),
    pytest.param(
        {"type": "transcription_session.updated", "session": {"input_audio_transcription": {"model": "whisper-1"}}},
        Listening("whisper-1"),
        id="session-before",
    ),
    pytest.param(
        {"type": "session.updated", "session": {"input_audio_transcription": {"model": None}}}, Listening(""), id="none"
    ),
    pytest.param({"type": "session.created", "id": "sess-1", "created": 1}, None, id="vllm-session"),
    pytest.param({"type": "rate_limits.updated", "rate_limits": []}, None, id="another"),
    pytest.param({}, None, id="no-type"),
]


@pytest.mark.parametrize(("event", "noted"), READ)
def test_event_says_what_was_used_or_nothing(event: object, noted: Noted | None) -> None:
    assert read_event(json.dumps(event).encode()) == noted


def test_half_characters_in_what_was_said_do_no_harm() -> None:
    event = b'{"type": "response.done", "response": {"output": ["\\ud83d"], "usage": {"input_tokens": 1}}}'
    assert read_event(event) == Answered(Usage(1))


@pytest.mark.parametrize("message", [b"", b"hello", b"[]", b'{"type": 1}', b'{"response": []}', b"[" * 100_000])
def test_what_is_no_event_is_undecodable(message: bytes) -> None:
    with pytest.raises(Undecodable):
        read_event(message)


WANTED = [
    pytest.param(b'{"type":"response.done","event_id":"e","response":{"obj', True, id="answered"),
    pytest.param(b'{ "event_id" : "e" , "type" : "response.done"', True, id="behind-its-id"),
    pytest.param(b'{"type":"response.output_audio.delta","delta":"response.done', False, id="sound"),
    pytest.param(b'{"event_id":"e","type":"response.output_text.delta","delta":"', False, id="text"),
    pytest.param(b'{"type":"conversation.item.retrieved","item":{', False, id="item"),
    pytest.param(b'{"response":{"usage":{}},"type":"response.done"}', True, id="odd-order"),
    pytest.param(b'{"type":"response\\u002edone"', True, id="escaped"),
    pytest.param(b"", True, id="nothing"),
]


@pytest.mark.parametrize(("beginning", "wanted"), WANTED)
def test_beginning_tells_whether_the_rest_is_looked_at(beginning: bytes, wanted: bool) -> None:
    assert is_wanted(beginning) is wanted


def test_every_event_of_openai_s_that_tells_usage_is_wanted() -> None:
    types = Path(openai.__file__).parent / "types" / "realtime"
    telling = {"response.done", "response.created", "session.created", "session.updated", HEARD}
    kinds = {
        line.split('"')[1]
        for path in types.glob("*.py")
        for line in path.read_text().splitlines()
        if line.strip().startswith('type: Literal["')
    }
    assert telling < kinds
    assert {kind for kind in kinds if is_wanted(b'{"type":"%b",' % kind.encode())} == telling
