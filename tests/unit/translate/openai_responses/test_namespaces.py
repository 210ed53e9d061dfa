"""Tools that a client groups in namespaces, as Codex CLI does its MCP servers and its agents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.core.conversation import Answer, Choice, Conversation, CustomTool, Finish, FunctionTool, ToolCall, ToolResult
from proxy.core.streamparts import Finished, StreamPart, ToolBegan, ToolDelta
from proxy.core.translation import Undecodable
from proxy.translate.openai_responses.namespaces import flat_name, flattened, namespaces
from proxy.translate.openai_responses.request import decode_request, encode_request
from proxy.translate.openai_responses.response import decode_answer, encode_answer
from proxy.translate.openai_responses.stream import Encoder
from proxy.translate.told import told
from tests.fakes.dialects import ENVELOPE, TARGET

GROUP: dict[str, Any] = {
    "type": "namespace",
    "name": "mcp__weather",
    "description": "Tools of a server.",
    "tools": [
        {"type": "function", "name": "look", "description": "d", "strict": False, "parameters": {"type": "object"}}
    ],
}
PLAIN = {"type": "function", "name": "look", "parameters": {"type": "object"}}
CALL = {"type": "function_call", "call_id": "c", "name": "look", "namespace": "mcp__weather", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c", "output": "sunny"}
OWN_CALL = {"type": "function_call", "call_id": "o", "name": "look", "arguments": "{}"}
GROUPED = replace(ENVELOPE, namespaces={"mcp__weather__look": ("mcp__weather", "look")})


def body(*tools: dict[str, Any], items: tuple[dict[str, Any], ...] = ()) -> bytes:
    return json.dumps({"model": "m", "input": list(items), "tools": list(tools)}).encode()


def read(*tools: dict[str, Any], items: tuple[dict[str, Any], ...] = ()) -> Conversation:
    return decode_request(body(*tools, items=items), False)


def test_group_becomes_functions_with_both_names_in_one() -> None:
    tools = flattened(read(PLAIN, GROUP)).tools
    assert [tool.name for tool in tools if isinstance(tool, FunctionTool)] == ["look", "mcp__weather__look"]
    grouped = tools[1]
    assert isinstance(grouped, FunctionTool)
    assert (grouped.description, grouped.strict, bytes(grouped.schema or b"")) == ("d", False, b'{"type": "object"}')


def test_custom_tool_of_a_group_stays_one() -> None:
    group = {**GROUP, "tools": [{"type": "custom", "name": "patch"}]}
    assert flattened(read(group)).tools == (CustomTool("mcp__weather__patch"),)


def test_calls_of_a_group_and_their_results_have_its_name() -> None:
    said, told, own = flattened(read(GROUP, items=(CALL, RESULT, OWN_CALL))).messages
    assert said.parts == (ToolCall("c", "mcp__weather__look", "{}"),)
    assert [part.name for part in told.parts if isinstance(part, ToolResult)] == ["mcp__weather__look"]
    assert own.parts == (ToolCall("o", "look", "{}"),)


def test_conversation_without_groups_stays_as_it_is() -> None:
    conversation = read(PLAIN, items=(OWN_CALL,))
    assert flattened(conversation) is conversation


def test_group_without_the_name_of_a_tool_is_refused() -> None:
    with pytest.raises(Undecodable) as caught:
        flattened(read({**GROUP, "tools": [{"type": "function"}]}))
    assert caught.value.param == "tools[0].tools[0].name"


@pytest.mark.parametrize(
    ("namespace", "flat"),
    [
        pytest.param("mcp__weather", "mcp__weather__look", id="grouped"),
        pytest.param("functions", "look", id="default-group"),
        pytest.param("", "look", id="no-group"),
    ],
)
def test_flat_name(namespace: str, flat: str) -> None:
    assert flat_name(namespace, "look") == flat


def test_long_names_are_cut_and_told_apart() -> None:
    names = [flat_name("mcp__" + "n" * 60, tool) for tool in ("a", "b")]
    assert [len(name) for name in names] == [64, 64]
    assert names[0] != names[1]


def test_request_says_what_its_names_stand_for() -> None:
    assert namespaces(body(PLAIN, GROUP)) == {"mcp__weather__look": ("mcp__weather", "look")}
    assert namespaces(body(PLAIN)) is None
    assert namespaces(json.dumps({"input": '"namespace"', "tools": None, "x": "namespace"}).encode()) == {}


def test_same_dialect_keeps_the_groups_through_the_hub() -> None:
    sent = json.loads(encode_request(read(GROUP, items=(CALL, RESULT)), TARGET).body)
    assert sent["tools"] == [GROUP]
    assert sent["input"][0] == CALL


@pytest.mark.parametrize("custom", [False, True], ids=["function", "custom"])
def test_whole_answer_tells_both_names(custom: bool) -> None:
    calls = (ToolCall("c", "mcp__weather__look", "x", custom=custom), ToolCall("o", "look", "x", custom=custom))
    answer = Answer((Choice(calls, Finish.TOOL_CALLS),))
    grouped, own = json.loads(encode_answer(answer, GROUPED))["output"]
    assert (grouped["namespace"], grouped["name"]) == ("mcp__weather", "look")
    assert own["name"] == "look"
    assert "namespace" not in own


def test_every_event_of_a_stream_tells_both_names() -> None:
    encoder = Encoder(GROUPED)
    parts: tuple[StreamPart, ...] = (
        ToolBegan(0, "c", "mcp__weather__look"),
        ToolDelta(0, "{}"),
        Finished(Finish.TOOL_CALLS),
    )
    stream = b"".join([*map(encoder.feed, parts), encoder.finish()])
    events = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith(b"data: ")]
    items = [event["item"] for event in events if "item" in event] + events[-1]["response"]["output"]
    assert [(item["namespace"], item["name"]) for item in items] == [("mcp__weather", "look")] * 3


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call"])
def test_whole_answer_of_the_same_dialect_keeps_both_names_as_a_stream(kind: str) -> None:
    called = {"type": kind, "call_id": "c", "name": "look", "namespace": "mcp__weather"}
    answer = decode_answer(json.dumps({"status": "completed", "output": [called]}).encode(), "account")
    encoder = Encoder(GROUPED)
    events = b"".join(encoder.feed(part) for part in told(answer)) + encoder.finish()
    items = [json.loads(line[6:])["item"] for line in events.splitlines() if b'"item":' in line]
    assert [(item["name"], item["namespace"]) for item in items] == [("look", "mcp__weather")] * 2
