"""The OpenAI SDK refers to items of earlier Responses by their ids, as the AI SDK does unless it is told otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import Response

from tests.e2e.vendors.test_openai_responses import CLIMATE, WEATHER, asked, both_ways, everywhere
from tests.fakes.vendors import OTHER_KEY, Vendors

USER: Any = {"role": "user", "content": "use all tools"}
TOOLS: Any = {"tools": [WEATHER, CLIMATE]}


def references(answer: Response) -> list[Any]:
    return [{"type": "item_reference", "id": item.id} for item in answer.output]


def results(answer: Response) -> Iterable[dict[str, Any]]:
    for item in answer.output:
        if item.type == "function_call":
            yield {"type": "function_call_output", "call_id": item.call_id, "output": "fine"}


@everywhere
@both_ways
def test_conversation_goes_on_by_references(client: OpenAI, vendor: str, stream: bool) -> None:
    called = asked(client, stream, model=vendor, input=[USER], **TOOLS)
    said = [USER, *references(called), *results(called)]
    answered = asked(client, stream, model=vendor, input=said, **TOOLS)
    assert "It came with 2 tool results." in answered.output_text
    again = asked(client, stream, model=vendor, input=[*said, *references(answered), USER], **TOOLS)
    assert [item.type for item in again.output].count("function_call") == 2


@pytest.mark.parametrize("first", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("then", ["openai", "anthropic", "gemini"])
@both_ways
def test_conversation_goes_on_at_another_vendor(
    client: OpenAI, deployed: Vendors, first: str, then: str, stream: bool
) -> None:
    thinking: Any = {"reasoning": {"effort": "low", "summary": "auto"}, **TOOLS}
    called = asked(client, stream, model=f"{first}--reasoning-3", input=[USER], **thinking)
    assert "reasoning" in {item.type for item in called.output}
    said = [USER, *references(called), *results(called)]
    answered = asked(client, stream, model=f"{then}--reasoning-3", input=said, **thinking)
    assert "It came with 2 tool results." in answered.output_text
    body = deployed.last(f"{then}--reasoning-3")["body"]
    assert "item_reference" not in body
    assert '"^f.' not in body


@both_ways
def test_nobody_finds_what_another_key_was_answered(client: OpenAI, stream: bool) -> None:
    said = asked(client, stream, model="anthropic", input="hello")
    input_ = [*references(said), USER]
    client.responses.create(model="anthropic", input=input_)
    with pytest.raises(openai.BadRequestError, match="No item of this id is kept here") as caught:
        client.with_options(api_key=OTHER_KEY).responses.create(model="anthropic", input=input_)
    assert caught.value.param == "input[0]"


@both_ways
def test_nothing_is_kept_for_who_asks_so(client: OpenAI, stream: bool) -> None:
    said = asked(client, stream, model="anthropic", input="hello", store=False)
    with pytest.raises(openai.BadRequestError, match="No item of this id is kept here"):
        client.responses.create(model="anthropic", input=[*references(said), USER])
