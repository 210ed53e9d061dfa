"""The official OpenAI SDK's Responses through Fairlead: OpenAI's own as they come, other vendors' translated."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import FunctionToolParam, Response
from pydantic import BaseModel

from tests.fakes.vendors import VENDORS, Vendors

WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
CLIMATE: FunctionToolParam = {**WEATHER, "name": "get_climate"}
everywhere = pytest.mark.parametrize("vendor", VENDORS)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
NATIVE = ("openai", "azure", "azure-dated", "ollama", "perplexity")


class Count(BaseModel):
    count: int


def asked(client: OpenAI, stream: bool, **members: Any) -> Response:  # noqa: ANN401 - any member
    if not stream:
        answer: Response = client.responses.create(**members)
        return answer
    with client.responses.stream(**members) as events:
        kinds = [event.type for event in events]
        assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
        return events.get_final_response()


@everywhere
@both_ways
def test_text_and_usage(client: OpenAI, deployed: Vendors, vendor: str, stream: bool) -> None:
    answer = asked(client, stream, model=vendor, input="hello")
    assert answer.output_text.startswith(f"This answer is simulated by {vendor}:")
    assert (answer.object, answer.status) == ("response", "completed")
    assert answer.usage is not None
    assert answer.usage.input_tokens == 5
    assert answer.usage.total_tokens == 5 + answer.usage.output_tokens
    dialect = deployed.last(vendor)["dialect"]
    assert dialect == ("openai_responses" if vendor in NATIVE else VENDORS[vendor].speaks)


@everywhere
@both_ways
def test_answer_repeats_what_was_asked(client: OpenAI, vendor: str, stream: bool) -> None:
    answer = asked(
        client,
        stream,
        model=vendor,
        input="hello",
        instructions="Be brief.",
        tools=[WEATHER],
        tool_choice="auto",
        max_output_tokens=400,
        metadata={"trace": "t1"},
    )
    assert (answer.instructions, answer.max_output_tokens, answer.metadata) == ("Be brief.", 400, {"trace": "t1"})
    assert [(tool.type, tool.to_dict()["name"]) for tool in answer.tools] == [("function", "get_weather")]


@everywhere
@both_ways
def test_tools_in_two_turns(client: OpenAI, vendor: str, stream: bool) -> None:
    said: list[Any] = [{"role": "user", "content": "use all tools"}]
    members = {"model": vendor, "tools": [WEATHER, CLIMATE], "instructions": "Be brief.", "store": False}
    called = asked(client, stream, **members, input=said)
    calls = [item for item in called.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        ("get_weather", {"city": "simulated"}),
        ("get_climate", {"city": "simulated"}),
    ]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "fine"} for call in calls]
    answered = asked(client, stream, **members, input=[*said, *called.output, *results])
    assert "It came with 2 tool results." in answered.output_text


@pytest.mark.parametrize("vendor", [name for name in VENDORS if name != "bedrock-key"])
def test_structured_output_is_parsed(client: OpenAI, vendor: str) -> None:
    answer = client.responses.parse(model=vendor, input="hello", text_format=Count)
    assert answer.output_parsed == Count(count=1)


@everywhere
def test_image_reaches_the_model(client: OpenAI, vendor: str) -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"}
    content: Any = [{"type": "input_text", "text": "what is this?"}, image]
    answer = client.responses.create(model=vendor, input=[{"role": "user", "content": content}])
    assert "It held an image" in answer.output_text


@pytest.mark.parametrize("vendor", ["openai", "anthropic", "gemini", "bedrock", "cohere"])
@both_ways
def test_reasoning_comes_as_an_item(client: OpenAI, vendor: str, stream: bool) -> None:
    answer = asked(
        client,
        stream,
        model=f"{vendor}--reasoning-3",
        input="hello",
        reasoning={"effort": "low", "summary": "auto"},
        include=["reasoning.encrypted_content"],
    )
    thought = answer.output[0]
    assert thought.type == "reasoning"
    assert "".join(part.text for part in thought.summary).split() == ["one", "two", "three"]
    # Gemini signs what it says, Cohere nothing.
    assert vendor in ("gemini", "cohere") or thought.encrypted_content


@everywhere
@both_ways
@pytest.mark.parametrize(
    ("phrase", "error"),
    [
        pytest.param("invalid", openai.BadRequestError, id="invalid"),
        pytest.param("overload", openai.InternalServerError, id="overload"),
        pytest.param("rate-limit-retry-9", openai.RateLimitError, id="rate-limit"),
    ],
)
def test_error_is_raised_as_its_class(
    client: OpenAI, vendor: str, phrase: str, error: type[openai.APIStatusError], stream: bool
) -> None:
    with pytest.raises(error):
        client.responses.create(model=f"{vendor}--{phrase}", input="hello", stream=stream)


@everywhere
def test_leaving_a_stream_closes_the_upstream(client: OpenAI, deployed: Vendors, vendor: str) -> None:
    model = f"{vendor}--rate-40-tokens-400"
    stream = client.responses.create(model=model, input="hello", stream=True)
    next(event for event in stream if event.type == "response.output_text.delta")
    stream.close()
    deployed.check_let_go(model)


def test_state_that_another_vendor_cannot_keep_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="anthropic", input="hello", previous_response_id="resp_1")
    assert caught.value.param == "previous_response_id"
