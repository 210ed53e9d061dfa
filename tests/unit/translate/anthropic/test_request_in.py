"""A client's request, read."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.conversation import (
    CacheMark,
    Effort,
    FunctionTool,
    JsonFormat,
    Message,
    NativeTool,
    Params,
    Reasoning,
    Role,
    Text,
    ToolChoice,
    ToolChoiceMode,
    Vendor,
)
from proxy.core.translation import Undecodable
from proxy.translate.anthropic.request import decode_request
from tests.unit.translate.anthropic.said import received


def test_a_plain_request() -> None:
    conversation = received()
    assert conversation.messages == (Message(Role.USER, (Text("hi"),)),)
    assert conversation.params == Params(max_tokens=9)
    assert (conversation.dialect_vendor, conversation.stream, dict(conversation.rest)) == (Vendor.ANTHROPIC, False, {})
    assert received(stream=True).stream


@pytest.mark.parametrize(
    ("system", "parts"),
    [
        ("s", (Text("s"),)),
        (
            [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
            (Text("s", CacheMark("1h")),),
        ),
    ],
)
def test_the_system_prompt_is_the_first_message(system: object, parts: tuple[Text, ...]) -> None:
    assert received(system=system).messages[0] == Message(Role.SYSTEM, parts)


def test_no_system_prompt_is_no_message() -> None:
    assert len(received(system=None).messages) == 1


def test_system_messages_stand_where_they_stood() -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "system", "content": "s"}]
    assert [message.role for message in received(messages=messages).messages] == [Role.USER, Role.SYSTEM]


def test_settings_are_read() -> None:
    conversation = received(
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        stop_sequences=["END"],
        metadata={"user_id": "u"},
        service_tier="standard_only",
    )
    assert conversation.params == Params(
        max_tokens=9, temperature=0.5, top_p=0.9, top_k=3, stop=("END",), user="u", service_tier="default"
    )


def test_nulls_say_nothing() -> None:
    names = ("metadata", "output_config", "service_tier", "stop_sequences", "thinking", "tool_choice", "tools", "top_p")
    nulls: dict[str, Any] = dict.fromkeys(names)
    assert received(**nulls) == received()
    assert received(metadata={"user_id": None}) == received()


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({"thinking": {"type": "adaptive"}}, Reasoning(adaptive=True), id="adaptive"),
        pytest.param(
            {"thinking": {"type": "adaptive", "display": "omitted"}},
            Reasoning(adaptive=True, visible=False),
            id="hidden",
        ),
        pytest.param(
            {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "summarized"}},
            Reasoning(budget_tokens=2000, visible=True),
            id="budget",
        ),
        pytest.param({"thinking": {"type": "enabled"}}, Reasoning(budget_tokens=-1), id="enabled-without-budget"),
        pytest.param({"thinking": {"type": "disabled"}}, Reasoning(budget_tokens=0), id="disabled"),
        pytest.param({"thinking": {"type": "between_tools"}}, Reasoning(budget_tokens=0), id="between-tools"),
        pytest.param({"output_config": {"effort": "xhigh"}}, Reasoning(Effort.XHIGH), id="effort"),
        pytest.param(
            {"output_config": {"effort": "low"}, "thinking": {"type": "adaptive"}},
            Reasoning(Effort.LOW, adaptive=True),
            id="both",
        ),
    ],
)
def test_reasoning_is_read(members: dict[str, Any], expected: Reasoning) -> None:
    assert received(**members).reasoning == expected


@pytest.mark.parametrize("members", [{"output_config": {"format": None}}, {"output_config": {"format": {"type": "x"}}}])
def test_no_schema_is_no_format(members: dict[str, Any]) -> None:
    assert received(**members).format is None


@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_a_schema_is_read_from_either_place(place: str) -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    members: dict[str, Any] = {place: {"format": wanted} if place == "output_config" else wanted}
    conversation = received(**members)
    assert isinstance(conversation.format, JsonFormat)
    assert conversation.format.schema is not None
    assert bytes(conversation.format.schema) == b'{"type":"object"}'
    assert not conversation.rest


def test_tools_are_read() -> None:
    own, named, bare, server = received(
        tools=[
            {
                "name": "f",
                "description": "d",
                "input_schema": {},
                "strict": True,
                "cache_control": {"type": "ephemeral"},
            },
            {"type": "custom", "name": "g", "input_schema": {}, "eager_input_streaming": True},
            {"name": "h"},
            {"type": "web_search_20260209", "name": "web_search", "max_uses": 3},
        ]
    ).tools
    assert isinstance(own, FunctionTool)
    assert (own.name, own.description, own.strict, own.cache) == ("f", "d", True, CacheMark())
    assert isinstance(named, FunctionTool)
    assert bare == FunctionTool("h")
    assert isinstance(server, NativeTool)
    assert bytes(server.value) == b'{"type":"web_search_20260209","name":"web_search","max_uses":3}'


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, ToolChoice(ToolChoiceMode.AUTO)),
        ({"type": "none"}, ToolChoice(ToolChoiceMode.NONE)),
        ({"type": "any"}, ToolChoice(ToolChoiceMode.REQUIRED)),
        ({"type": "tool", "name": "f"}, ToolChoice(ToolChoiceMode.NAMED, ("f",))),
    ],
)
def test_the_choice_is_read(choice: object, expected: ToolChoice) -> None:
    assert received(tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize(("said", "expected"), [(True, False), (False, None), (None, None)])
def test_one_tool_at_a_time_is_read(said: bool | None, expected: bool | None) -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": said}
    assert received(tool_choice=choice).params.parallel_tool_calls is expected


def test_what_has_no_place_is_kept_raw() -> None:
    rest = received(
        container="c", context_management={"edits": []}, output_config={"effort": "low", "task_budget": {"total": 9}}
    ).rest
    assert {name: bytes(value) for name, value in rest.items()} == {
        "container": b'"c"',
        "context_management": b'{"edits":[]}',
        "output_config": b'{"task_budget":{"total":9}}',
    }


def test_what_is_null_is_not_there() -> None:
    assert not received(container=None, inference_geo=None, output_config=None).rest


def test_half_a_character_is_read_as_a_whole_one_that_is_unknown() -> None:
    body = b'{"messages":[{"role":"user","content":"a\\ud83d"}],"x":"\\ud83d"}'
    assert decode_request(body, False).messages[0].parts == (Text("a\ufffd"),)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 3}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"system": 3}, "system"),
        ({"tools": [{"name": 3}]}, "tools[0].name"),
        ({"tools": [{}]}, "tools[0].name"),
        ({"tool_choice": {"type": "every"}}, "tool_choice"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice"),
        ({"thinking": {"type": "deep"}}, "thinking.type"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
    ],
)
def test_what_is_not_of_the_dialect_is_refused_with_its_place(members: dict[str, Any], param: str) -> None:
    with pytest.raises(Undecodable) as caught:
        received(**members)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b'{"x":' + b"[" * 5_000, "nested too deeply"),
        (b'{"messages":"\\ud83d"}', "messages"),
        (b"\xff", "not valid JSON"),
    ],
)
def test_a_body_that_is_none_is_refused_without_quoting_it(body: bytes, message: str) -> None:
    with pytest.raises(Undecodable, match=message):
        decode_request(body, False)
