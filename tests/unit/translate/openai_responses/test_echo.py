"""An answer of Responses repeats what was asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from proxy.core.conversation import Answer, Choice, Finish, Text
from proxy.translate.openai_responses.echo import echoed
from proxy.translate.openai_responses.response import encode_answer
from proxy.translate.openai_responses.stream import Encoder
from proxy.wire.jsonbody import split_object
from tests.fakes.dialects import ENVELOPE
from tests.fakes.strict import check_answer, check_stream

WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
ASKED: dict[str, Any] = {
    "model": "m",
    "input": "hi",
    "stream": False,
    "store": True,
    "include": ["reasoning.encrypted_content"],
    "instructions": "Be brief.",
    "temperature": 0.5,
    "top_p": 0.9,
    "max_output_tokens": 99,
    "parallel_tool_calls": False,
    "tools": [WEATHER, {"type": "function", "name": "bare"}, {"type": "custom", "name": "c"}],
    "tool_choice": {"type": "function", "name": "get_weather"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}, "verbosity": "low"},
    "reasoning": {"effort": "low", "summary": None},
    "metadata": {"a": "b"},
    "truncation": None,
    "user": "u",
}


def fields(asked: dict[str, Any]) -> dict[str, Raw]:
    return split_object(json.dumps(asked).encode())


def whole(asked: dict[str, Any]) -> dict[str, Any]:
    answer = Answer((Choice((Text("Hello"),), Finish.STOP),))
    body = encode_answer(answer, replace(ENVELOPE, echo=echoed(fields(asked))))
    check_answer("openai_responses", body)
    found: dict[str, Any] = json.loads(body)
    return found


def test_what_was_asked_is_repeated() -> None:
    said = whole(ASKED)
    unsaid = {"parameters": None, "strict": None}
    tools = [{**unsaid, **WEATHER}, {**unsaid, "type": "function", "name": "bare"}, {"type": "custom", "name": "c"}]
    left = {"input", "stream", "model", "truncation"}
    expected = {**{name: value for name, value in ASKED.items() if name not in left}, "tools": tools}
    assert {name: said[name] for name in expected if name not in ("store", "include")} == {
        name: value for name, value in expected.items() if name not in ("store", "include")
    }
    assert said["truncation"] == "disabled"
    assert not {"input", "store", "include", "stream"} & said.keys()


@pytest.mark.parametrize("asked", [{}, {"tools": None, "temperature": None}])
def test_what_was_not_asked_is_at_its_default(asked: dict[str, Any]) -> None:
    said = whole(asked)
    assert (said["tools"], said["tool_choice"], said["temperature"]) == ([], "auto", None)
    assert said["parallel_tool_calls"] is True


def test_half_a_character_in_a_tool_does_no_harm() -> None:
    assert whole({"tools": [{**WEATHER, "description": "\ud83d"}]})["tools"][0]["description"] == "\ufffd"


def test_events_repeat_it_too() -> None:
    encoder = Encoder(replace(ENVELOPE, echo=echoed(fields(ASKED))))
    events = [line[6:] for line in encoder.finish().splitlines() if line.startswith(b"data: ")]
    check_stream("openai_responses", events)
    told = [json.loads(event)["response"] for event in events]
    assert [response["instructions"] for response in told] == ["Be brief."] * 3
