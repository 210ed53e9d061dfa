"""The official Python SDK, pointed at a deployed gateway: tools and structured output."""

from __future__ import annotations

import json

import openai
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.e2e.asking import ARGUMENTS, CITY, HELLO, TOOLS, USE_ALL_TOOLS, Voyage


def test_tool_is_called_and_its_result_is_fed_back(client: OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "use get_climate"}]
    first = client.chat.completions.create(model="chat", messages=messages, tools=TOOLS)
    assert first.choices[0].finish_reason == "tool_calls"
    assert first.choices[0].message.content is None
    (call,) = first.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_climate", ARGUMENTS)
    messages += [
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
            ],
        },
        {"role": "tool", "tool_call_id": call.id, "content": json.dumps({"mild": CITY})},
    ]
    second = client.chat.completions.create(model="chat", messages=messages, tools=TOOLS)
    assert second.choices[0].finish_reason == "stop"
    assert "It came with 1 tool result." in (second.choices[0].message.content or "")


def test_tools_are_called_in_parallel_unless_the_client_says_no(client: OpenAI) -> None:
    both = client.chat.completions.create(model="chat", messages=USE_ALL_TOOLS, tools=TOOLS)
    one = client.chat.completions.create(model="chat", messages=USE_ALL_TOOLS, tools=TOOLS, parallel_tool_calls=False)
    names = [
        [call.function.name for call in answer.choices[0].message.tool_calls or [] if call.type == "function"]
        for answer in (both, one)
    ]
    assert names == [["get_weather", "get_climate"], ["get_weather"]]


def test_tool_choice_is_obeyed(client: OpenAI) -> None:
    none = client.chat.completions.create(model="chat", messages=USE_ALL_TOOLS, tools=TOOLS, tool_choice="none")
    assert none.choices[0].message.tool_calls is None
    forced = client.chat.completions.create(
        model="chat",
        messages=HELLO,
        tools=TOOLS,
        tool_choice={"type": "function", "function": {"name": "get_climate"}},
    )
    (call,) = forced.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "get_climate"


def test_structured_output_is_parsed(client: OpenAI) -> None:
    answer = client.chat.completions.parse(model="chat", messages=HELLO, response_format=Voyage)
    voyage = answer.choices[0].message.parsed
    assert voyage is not None
    assert voyage.legs[0].port == CITY


def test_tool_arguments_are_parsed(client: OpenAI) -> None:
    tools = [openai.pydantic_function_tool(Voyage, name="plan_voyage")]
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "use the tool"}]
    answer = client.chat.completions.parse(model="chat", messages=messages, tools=tools)
    (call,) = answer.choices[0].message.tool_calls or []
    assert isinstance(call.function.parsed_arguments, Voyage)


def test_json_mode(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="chat", messages=HELLO, response_format={"type": "json_object"})
    assert json.loads(answer.choices[0].message.content or "") == {"simulated": True}
