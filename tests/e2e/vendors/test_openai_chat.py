"""The official OpenAI SDK's chat completions through Fairlead, to an account of every vendor in its own dialect."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolMessageParam

from tests.e2e.asking import ARGUMENTS, CITY, HELLO, TOOLS, USE_ALL_TOOLS, Voyage, finishes, text_of
from tests.fakes.vendors import VENDORS, Vendors

PIXEL = "data:image/png;base64,iVBORw0KGgo="
everywhere = pytest.mark.parametrize("vendor", VENDORS)
CLAUDES = ("anthropic", "vertex-claude", "bedrock")
HELD_TO_SCHEMAS = [name for name in VENDORS if name != "bedrock-key"]  # Nova is not
# An error of the vendor's, and what the SDK raises for it: ours to bear where it is ours, else the client's.
ERRORS = (
    pytest.param("invalid", openai.BadRequestError, id="invalid"),
    pytest.param("context", openai.BadRequestError, id="context"),
    pytest.param("server-error", openai.InternalServerError, id="server-error"),
    pytest.param("overload", openai.InternalServerError, id="overload"),
)


@everywhere
def test_chat_is_answered_with_text_and_usage(client: OpenAI, deployed: Vendors, vendor: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model=vendor, messages=HELLO)
    answer = raw.parse()
    assert (answer.choices[0].message.content or "").startswith(f"This answer is simulated by {vendor}:")
    assert (answer.choices[0].finish_reason, answer.choices[0].message.role) == ("stop", "assistant")
    assert (answer.object, raw.headers["x-fairlead-provider"]) == ("chat.completion", vendor)
    assert "x-fairlead-dropped-params" not in raw.headers
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 5
    assert answer.usage.total_tokens == 5 + answer.usage.completion_tokens
    assert deployed.last(vendor)["dialect"] == VENDORS[vendor].speaks


@everywhere
def test_stream_says_the_same_and_ends_with_usage(client: OpenAI, vendor: str) -> None:
    whole = client.chat.completions.create(model=vendor, messages=HELLO)
    chunks = list(
        client.chat.completions.create(
            model=vendor, messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert text_of(chunks) == whole.choices[0].message.content
    assert finishes(chunks) == ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk.usage for chunk in chunks if chunk.usage] == [chunks[-1].usage]
    assert whole.usage is not None
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens


@everywhere
def test_stream_without_usage_has_none(client: OpenAI, vendor: str) -> None:
    chunks = list(client.chat.completions.create(model=vendor, messages=HELLO, stream=True))
    assert finishes(chunks) == ["stop"]
    assert not [chunk for chunk in chunks if chunk.usage]


@everywhere
def test_cached_tokens_and_the_limit_are_told(client: OpenAI, vendor: str) -> None:
    answer = client.chat.completions.create(model=f"{vendor}--tokens-5-cached-2", messages=HELLO)
    limited = client.chat.completions.create(model=vendor, messages=HELLO, max_completion_tokens=16)
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (5, 5)
    details = answer.usage.prompt_tokens_details
    assert details is not None
    # Cohere's cached tokens are of what it used, and not of what it bills.
    assert details.cached_tokens == (0 if vendor == "cohere" else 2)
    assert limited.choices[0].finish_reason == "length"


@everywhere
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_tools_in_several_turns(client: OpenAI, vendor: str, stream: bool) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "use get_climate"},
    ]
    for turn in (1, 2):
        called = _asked(client, vendor, messages, stream=stream)
        (call,) = called.tool_calls or []
        assert call.type == "function"
        assert (call.function.name, json.loads(call.function.arguments)) == ("get_climate", ARGUMENTS)
        messages.append(called.to_dict())  # type: ignore[arg-type]  # a message as it came is one to send
        messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps({"mild": CITY})})
        answered = _asked(client, vendor, messages, stream=stream)
        assert not answered.tool_calls
        assert f"It came with {turn} tool result" in (answered.content or "")
        messages += [answered.to_dict(), {"role": "user", "content": "use get_climate"}]  # type: ignore[list-item]


@everywhere
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_parallel_tools_and_their_results(client: OpenAI, vendor: str, stream: bool) -> None:
    messages = [*USE_ALL_TOOLS]
    called = _asked(client, vendor, messages, stream=stream)
    calls = [call for call in called.tool_calls or [] if call.type == "function"]
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        ("get_weather", ARGUMENTS),
        ("get_climate", ARGUMENTS),
    ]
    assert len({call.id for call in calls}) == 2
    results: list[ChatCompletionToolMessageParam] = [
        {"role": "tool", "tool_call_id": call.id, "content": "fine"} for call in reversed(calls)
    ]
    answered = _asked(client, vendor, [*messages, called.to_dict(), *results], stream=stream)  # type: ignore[list-item]
    assert "It came with 2 tool results." in (answered.content or "")


def _asked(
    client: OpenAI, vendor: str, messages: list[ChatCompletionMessageParam], *, stream: bool
) -> openai.types.chat.ChatCompletionMessage:
    if not stream:
        return client.chat.completions.create(model=vendor, messages=messages, tools=TOOLS).choices[0].message
    with client.chat.completions.stream(model=vendor, messages=messages, tools=TOOLS) as events:
        return events.get_final_completion().choices[0].message


@pytest.mark.parametrize("vendor", HELD_TO_SCHEMAS)
def test_structured_output_is_parsed(client: OpenAI, vendor: str) -> None:
    answer = client.chat.completions.parse(model=vendor, messages=HELLO, response_format=Voyage)
    voyage = answer.choices[0].message.parsed
    assert voyage is not None
    assert voyage.legs[0].port == CITY


@pytest.mark.parametrize("vendor", HELD_TO_SCHEMAS)
def test_structured_output_is_streamed(client: OpenAI, vendor: str) -> None:
    with client.chat.completions.stream(model=vendor, messages=HELLO, response_format=Voyage) as stream:
        voyage = stream.get_final_completion().choices[0].message.parsed
    assert voyage is not None


def test_schema_that_a_model_cannot_be_held_to_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="JSON schema") as caught:
        client.chat.completions.parse(model="bedrock-key", messages=HELLO, response_format=Voyage)
    assert caught.value.param == "response_format"


@everywhere
def test_image_reaches_the_model(client: OpenAI, vendor: str) -> None:
    content: list[openai.types.chat.ChatCompletionContentPartParam] = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
    ]
    answer = client.chat.completions.create(model=vendor, messages=[{"role": "user", "content": content}])
    assert "It held an image" in (answer.choices[0].message.content or "")


@everywhere
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_reasoning_is_told_and_counted(client: OpenAI, vendor: str, stream: bool) -> None:
    model = f"{vendor}--reasoning-3"
    if stream:
        chunks = list(
            client.chat.completions.create(
                model=model,
                messages=HELLO,
                reasoning_effort="low",
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        deltas = [choice.delta.model_extra or {} for chunk in chunks for choice in chunk.choices]
        thought, usage = "".join(str(delta.get("reasoning_content") or "") for delta in deltas), chunks[-1].usage
    else:
        answer = client.chat.completions.create(model=model, messages=HELLO, reasoning_effort="low")
        thought = str((answer.choices[0].message.model_extra or {}).get("reasoning_content") or "")
        usage = answer.usage
    # Responses shows thoughts only to who asks for a summary, which chat has no word for.
    assert thought.split() == ([] if vendor == "perplexity" else ["one", "two", "three"])
    assert usage is not None
    details = usage.completion_tokens_details
    assert vendor in _COUNTS_NO_THOUGHTS or (details is not None and details.reasoning_tokens == 3)


# Their usage does not tell thoughts from words.
_COUNTS_NO_THOUGHTS = ("bedrock", "bedrock-key", "cohere", "ollama")


@pytest.mark.parametrize("vendor", CLAUDES)
@pytest.mark.parametrize("phrase", ["reasoning-3", "redacted-reasoning-3"])
def test_thoughts_go_back_with_their_signatures(client: OpenAI, deployed: Vendors, vendor: str, phrase: str) -> None:
    model = f"{vendor}--{phrase}"
    answer = client.chat.completions.create(model=model, messages=HELLO, reasoning_effort="low")
    messages: Any = [*HELLO, answer.choices[0].message.to_dict(), *HELLO]
    client.chat.completions.create(model=model, messages=messages, reasoning_effort="low")
    blocks = (answer.choices[0].message.model_extra or {})["thinking_blocks"]
    seal = blocks[0].get("signature") or blocks[0]["data"]
    value = seal.split(".", 3)[3]
    assert value in deployed.last(model)["body"]


@everywhere
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("phrase", "error"), ERRORS)
def test_error_is_raised_as_its_class(
    client: OpenAI, vendor: str, phrase: str, error: type[openai.APIStatusError], stream: bool
) -> None:
    with pytest.raises(error) as caught:
        client.chat.completions.create(model=f"{vendor}--{phrase}", messages=HELLO, stream=stream)
    assert caught.value.body
    assert "message" in dict(caught.value.body)  # type: ignore[call-overload]  # an OpenAI error object


@pytest.mark.parametrize("vendor", [name for name in VENDORS if name not in ("cohere", "ollama")])  # they do not filter
def test_content_that_is_filtered_is_told_as_such(client: OpenAI, vendor: str) -> None:
    answer = client.chat.completions.create(model=f"{vendor}--filtered", messages=HELLO)
    assert answer.choices[0].finish_reason == "content_filter"


@everywhere
def test_leaving_a_stream_closes_the_upstream(client: OpenAI, deployed: Vendors, vendor: str) -> None:
    model = f"{vendor}--rate-40-tokens-400"
    stream = client.chat.completions.create(model=model, messages=HELLO, stream=True)
    next(chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
    stream.close()
    deployed.check_let_go(model)


def test_dropped_params_are_named(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="anthropic", messages=HELLO, seed=7, logit_bias={})
    assert set(raw.headers["x-fairlead-dropped-params"].split(",")) == {"seed", "logit_bias"}


@pytest.mark.parametrize("vendor", [name for name in VENDORS if VENDORS[name].speaks != "openai_chat"])
def test_what_would_change_meaning_is_refused_with_its_name(client: OpenAI, vendor: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model=vendor, messages=HELLO, modalities=["text", "audio"], audio={"voice": "ash", "format": "wav"}
        )
    assert caught.value.param in ("modalities", "audio")
