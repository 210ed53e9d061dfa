"""Ollama's own client against `/api/chat` of Fairlead, to Ollama itself and to models of other vendors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.vendors.asking import Sdk
from tests.fakes.tools import require_module
from tests.fakes.vendors import VENDORS, Vendors

HELLO = [{"role": "user", "content": "hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
everywhere = pytest.mark.parametrize("vendor", VENDORS)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@everywhere
def test_chat_and_its_counts(ollama: Sdk, deployed: Vendors, vendor: str) -> None:
    answer = ollama.chat(model=vendor, messages=HELLO)
    assert answer.message.content.startswith(f"This answer is simulated by {vendor}:")
    assert (answer.done, answer.done_reason, answer.prompt_eval_count) == (True, "stop", 5)
    assert vendor != "ollama" or deployed.last(vendor)["path"] == "/ollama/api/chat"


@everywhere
def test_stream_ends_with_the_counts(ollama: Sdk, vendor: str) -> None:
    whole = ollama.chat(model=vendor, messages=HELLO)
    parts = list(ollama.chat(model=vendor, messages=HELLO, stream=True))
    assert "".join(part.message.content or "" for part in parts) == whole.message.content
    assert [part.done for part in parts[-2:]] == [False, True]
    assert parts[-1].eval_count == whole.eval_count


@everywhere
@both_ways
def test_tools_in_two_turns(ollama: Sdk, vendor: str, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "use the tool"}]
    if stream:
        parts = list(ollama.chat(model=vendor, messages=messages, tools=[WEATHER], stream=True))
        message = next(part.message for part in parts if part.message.tool_calls)
    else:
        message = ollama.chat(model=vendor, messages=messages, tools=[WEATHER]).message
    assert message.tool_calls[0].function.arguments == {"city": "simulated"}
    messages += [message, {"role": "tool", "tool_name": "get_weather", "content": "sunny"}]
    assert "1 tool result" in ollama.chat(model=vendor, messages=messages, tools=[WEATHER]).message.content


@pytest.mark.parametrize("vendor", [name for name in VENDORS if name != "bedrock-key"])
def test_structured_output_fits_the_schema(ollama: Sdk, vendor: str) -> None:
    schema = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}
    assert ollama.chat(model=vendor, messages=HELLO, format=schema).message.content == '{"count": 1}'


@pytest.mark.parametrize("vendor", ["ollama", "anthropic", "gemini", "bedrock"])
def test_thinking_is_told(ollama: Sdk, vendor: str) -> None:
    answer = ollama.chat(model=f"{vendor}--reasoning-3", messages=HELLO, think=True)
    assert answer.message.thinking.split() == ["one", "two", "three"]


def test_models_are_listed_and_shown(ollama: Sdk) -> None:
    assert {model.model for model in ollama.list().models} >= {f"{vendor}:latest" for vendor in VENDORS}
    assert ollama.show("anthropic").details is not None
    assert ollama.show("anthropic:latest").details is not None
    assert ollama.ps().models == []


@everywhere
@both_ways
@pytest.mark.parametrize(
    ("phrase", "status"),
    [
        pytest.param("invalid", 400, id="invalid"),
        pytest.param("overload", 502, id="overload"),
        pytest.param("rate-limit-retry-9", 429, id="rate-limit"),
    ],
)
def test_error_has_its_status(ollama: Sdk, vendor: str, phrase: str, status: int, stream: bool) -> None:
    with pytest.raises(require_module("ollama").ResponseError) as caught:
        list(ollama.chat(model=f"{vendor}--{phrase}", messages=HELLO, stream=stream))
    assert caught.value.status_code == status
    assert caught.value.error


@everywhere
def test_leaving_a_stream_closes_the_upstream(ollama: Sdk, deployed: Vendors, vendor: str) -> None:
    model = f"{vendor}--rate-40-tokens-400"
    stream = ollama.chat(model=model, messages=HELLO, stream=True)
    next(stream)
    stream.close()
    deployed.check_let_go(model)


@everywhere
def test_prompt_is_generated_from(ollama: Sdk, deployed: Vendors, vendor: str) -> None:
    answer = ollama.generate(model=vendor, prompt="hello", system="be brief", options={"num_ctx": 64})
    assert answer.response.startswith(f"This answer is simulated by {vendor}:")
    assert (answer.done, answer.done_reason, answer.context) == (True, "stop", None)
    assert answer.prompt_eval_count > 0
    assert vendor != "ollama" or deployed.last(vendor)["path"] == "/ollama/api/chat"


@everywhere
def test_prompt_is_streamed_from(ollama: Sdk, vendor: str) -> None:
    whole = ollama.generate(model=vendor, prompt="hello")
    parts = list(ollama.generate(model=vendor, prompt="hello", stream=True))
    assert "".join(part.response for part in parts) == whole.response
    assert [part.done for part in parts[-2:]] == [False, True]
    assert parts[-1].eval_count == whole.eval_count


def test_model_is_loaded_without_asking_anyone(ollama: Sdk, deployed: Vendors) -> None:
    ollama.chat(model="openai", messages=HELLO)
    before = deployed.last("openai")
    assert ollama.generate(model="openai", keep_alive="5m").done_reason == "load"
    assert [part.done_reason for part in ollama.generate(model="openai", prompt="", stream=True)] == ["load"]
    assert deployed.last("openai") == before


@pytest.mark.parametrize(
    "unchatty", [{"raw": True}, {"suffix": "end"}, {"template": "{{ .Prompt }}"}, {"context": [1]}]
)
@pytest.mark.parametrize("vendor", ["ollama", "anthropic"])
def test_prompt_that_is_no_chat_is_refused(ollama: Sdk, vendor: str, unchatty: dict[str, Any]) -> None:
    with pytest.raises(require_module("ollama").ResponseError, match="sent as a chat") as caught:
        ollama.generate(model=vendor, prompt="hello", **unchatty)
    assert caught.value.status_code == 400


@pytest.mark.parametrize("vendor", ["ollama", "openai", "gemini", "vertex-gemini", "cohere"])
def test_texts_are_embedded_in_both_ways(ollama: Sdk, vendor: str) -> None:
    embedded = ollama.embed(model=vendor, input=["hello", "there"])
    assert embedded.embeddings[0] != embedded.embeddings[1]
    assert ollama.embeddings(model=vendor, prompt="hello").embedding == embedded.embeddings[0]


def test_names_may_be_asked_for_as_they_are_listed(ollama: Sdk, deployed: Vendors) -> None:
    """Open WebUI does: it knows no name without a tag."""
    assert ollama.chat(model="openai:latest", messages=HELLO).message.content.startswith("This answer is simulated")
    assert ollama.generate(model="openai:latest", prompt="hello").response.startswith("This answer is simulated")
    assert ollama.embed(model="openai:latest", input="hello").embeddings
    assert deployed.last("openai")["model"] == "gpt-4.1"
