"""Which tools are called, and with what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.simulator.request import ChatRequest
from proxy.simulator.toolcalls import chosen_calls, cut_calls

_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 3}},
            "required": ["city", "days"],
        },
    },
}
_CLOCK = {"type": "function", "function": {"name": "get_time"}}


def _request(text: str, **members: Any) -> ChatRequest:  # noqa: ANN401 - any member
    return ChatRequest(**{"messages": [{"role": "user", "content": text}], "tools": [_WEATHER, _CLOCK], **members})


@pytest.mark.parametrize(
    ("text", "members", "names"),
    [
        pytest.param("hello", {}, [], id="nobody-asks"),
        pytest.param("use a tool", {}, ["get_weather"], id="any-tool-is-the-first"),
        pytest.param("call Get_Time please", {}, ["get_time"], id="named"),
        pytest.param("get_weather and get_time", {}, ["get_weather", "get_time"], id="both-named"),
        pytest.param("use all tools", {}, ["get_weather", "get_time"], id="all"),
        pytest.param("use all tools", {"parallel_tool_calls": False}, ["get_weather"], id="one-at-a-time"),
        pytest.param("use a tool", {"tool_choice": "none"}, [], id="forbidden"),
        pytest.param("hello", {"tool_choice": "auto"}, [], id="auto"),
        pytest.param("hello", {"tool_choice": "required"}, ["get_weather"], id="required"),
        pytest.param(
            "hello",
            {"tool_choice": {"type": "function", "function": {"name": "get_time"}}},
            ["get_time"],
            id="forced-by-name",
        ),
        pytest.param(
            "hello", {"tool_choice": {"type": "function", "function": {"name": "other"}}}, [], id="forced-unknown"
        ),
        pytest.param("hello", {"tool_choice": {"type": "function"}}, [], id="forced-without-a-name"),
        pytest.param("use a tool", {"tools": []}, [], id="no-tools"),
        pytest.param("use a tool", {"tools": [{"type": "custom", "custom": {"name": "x"}}]}, [], id="no-functions"),
        pytest.param("use a tool", {"messages": [{"role": "tool", "content": "tool"}]}, [], id="after-a-result"),
    ],
)
def test_tools_are_called_when_asked_for(text: str, members: dict[str, Any], names: list[str]) -> None:
    assert [call.name for call in chosen_calls(_request(text, **members), text)] == names


def test_arguments_fit_the_schema_and_ids_differ() -> None:
    calls = chosen_calls(_request("all tools"), "all tools")
    assert [json.loads("".join(call.arguments)) for call in calls] == [{"city": "simulated", "days": 3}, {}]
    assert len({call.id for call in calls}) == 2


def test_calls_are_cut_at_the_token_limit() -> None:
    calls = chosen_calls(_request("all tools"), "all tools")
    assert cut_calls(calls, 100) == calls
    assert [call.tokens for call in cut_calls(calls, 3)] == [3]
    assert [call.tokens for call in cut_calls(calls, calls[0].tokens + 1)] == [calls[0].tokens, 1]
