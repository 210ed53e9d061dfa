"""Ids of calls that a vendor refuses are made fit, and a call and its result stay together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.core.conversation import Conversation, Message, Role, Text, ToolCall, ToolResult, Vendor
from proxy.core.translation import Target
from proxy.translate.callids import LONGEST_CHAT, LONGEST_RESPONSES, nine_letters, shortened
from tests.fakes.dialects import DIALECTS, TARGET

LONG = "call_" + "x" * 200
MISTRAL = replace(TARGET, extensions=frozenset({"nine_letter_ids"}))


@pytest.mark.parametrize("longest", [LONGEST_CHAT, LONGEST_RESPONSES])
def test_long_ids_are_shortened_and_stay_apart(longest: int) -> None:
    fits = "c" * longest
    assert shortened(fits, longest) == fits
    found = {shortened(fits + end, longest) for end in "abc"}
    assert len(found) == 3
    assert all(len(call_id) <= longest for call_id in found)


def test_ids_of_nine_letters() -> None:
    assert nine_letters("abcDEF123") == "abcDEF123"
    found = {nine_letters(call_id) for call_id in ("call_1", "call_2", "abc", "abcdefgh_", LONG)}
    assert len(found) == 5
    assert all(len(call_id) == 9 and call_id.isalnum() for call_id in found)


def sent(dialect: str, target: Target) -> dict[str, Any]:
    messages = (
        Message(Role.USER, (Text("go"),)),
        Message(Role.ASSISTANT, (ToolCall(LONG, "f", "{}"), ToolCall("c/1", "p", "text", custom=True))),
        Message(Role.USER, (ToolResult(LONG, (Text("a"),)), ToolResult("c/1", (Text("b"),)))),
    )
    body: dict[str, Any] = json.loads(
        DIALECTS[dialect].encode_request(Conversation(Vendor.OLLAMA, messages), target).body
    )
    return body


@pytest.mark.parametrize(
    ("target", "ids"),
    [
        pytest.param(TARGET, [shortened(LONG, LONGEST_CHAT), "c/1"], id="forty-letters"),
        pytest.param(MISTRAL, [nine_letters(LONG), nine_letters("c/1")], id="nine-letters"),
    ],
)
def test_calls_and_results_of_chat_have_the_same_ids(target: Target, ids: list[str]) -> None:
    _, said, *results = sent("openai_chat", target)["messages"]
    assert [call["id"] for call in said["tool_calls"]] == ids
    assert [result["tool_call_id"] for result in results] == ids


def test_calls_and_results_of_responses_have_the_same_ids() -> None:
    _, *items = sent("openai_responses", TARGET)["input"]
    assert [item["call_id"] for item in items] == [shortened(LONG, LONGEST_RESPONSES), "c/1"] * 2
    assert [item["type"] for item in items[2:]] == ["function_call_output", "custom_tool_call_output"]
