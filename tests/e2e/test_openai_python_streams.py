"""The official Python SDK, pointed at a deployed gateway: streams, their odd forms, and leaving them half-read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from openai import OpenAI, Stream
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from tests.e2e.asking import ARGUMENTS, CITY, HELLO, TOOLS, USE_ALL_TOOLS, Voyage, finishes, text_of
from tests.fakes.deployment import Deployment


def chunks_of(client: OpenAI, model: str) -> list[ChatCompletionChunk]:
    return list(client.chat.completions.create(model=model, messages=HELLO, stream=True))


def test_stream_says_what_the_whole_answer_says(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="chat", messages=HELLO)
    chunks = chunks_of(client, "chat")
    assert text_of(chunks) == whole.choices[0].message.content
    assert finishes(chunks) == ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[0].choices[0].delta.role == "assistant"


def test_stream_has_no_usage_unless_asked_for(client: OpenAI, deployed: Deployment) -> None:
    chunks = chunks_of(client, "python-tokens-5")
    assert all(chunk.choices for chunk in chunks), "no chunk that holds only usage"
    assert [chunk.usage for chunk in chunks] == [None] * 7
    sent = json.loads(deployed.arrivals("python-tokens-5")[-1]["body"])
    assert sent["stream_options"] == {"include_usage": True}, "the gateway counts all the same"


def test_usage_that_was_asked_for_comes_last(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="python-tokens-5", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = stream
    assert [chunk.usage for chunk in chunks] == [None] * 7
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (5, 5, 10)


def test_stream_options_null_is_no_wish_for_usage(client: OpenAI) -> None:
    stream = client.chat.completions.create(model="chat", messages=HELLO, stream=True, stream_options=None)
    assert all(chunk.choices for chunk in stream)


def test_stream_of_several_choices(client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="chat", messages=HELLO, n=2, stream=True))
    assert finishes(chunks) == ["stop", "stop"]
    assert text_of(chunks, 1) == f"{text_of(chunks)} This is choice 2."


def test_stream_tells_who_answers_before_its_first_chunk(client: OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(
        model="python-backed-503-tokens-3", messages=HELLO, stream=True
    ) as raw:
        assert raw.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert raw.headers["cache-control"] == "no-cache"
        assert raw.headers["x-fairlead-provider"] == "second"
        assert raw.headers["x-fairlead-trail"] == "python=overloaded;second=ok"
        lines = [line for line in raw.iter_lines() if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    assert lines.count("data: [DONE]") == 1


def test_first_chunk_does_not_wait_for_the_last(client: OpenAI) -> None:
    stream = client.chat.completions.create(model="python-rate-5-tokens-6", messages=HELLO, stream=True)
    arrived_s = [time.monotonic() for chunk in stream if chunk.choices[0].delta.content]
    assert len(arrived_s) == 6
    assert arrived_s[-1] - arrived_s[0] > 0.5, "made in 1 s"


@pytest.mark.parametrize(
    "oddity",
    [
        pytest.param("crlf", id="lines-end-with-cr-lf"),
        pytest.param("split-1", id="byte-by-byte"),
        pytest.param("pings-3-ping-gap-0.05", id="comments-before-the-first-output"),
        pytest.param("broken-line", id="a-line-that-is-no-json"),
        pytest.param("no-done", id="no-terminator"),
        pytest.param("gzip", id="compressed-unasked"),
        pytest.param("json-for-stream", id="an-answer-in-json"),
    ],
)
def test_odd_stream_of_an_upstream_is_a_clean_one_for_the_sdk(client: OpenAI, oddity: str) -> None:
    chunks = chunks_of(client, f"python-{oddity}")
    assert text_of(chunks).startswith("This answer is simulated by python:")
    assert finishes(chunks) == ["stop"]


def test_stream_helper_gathers_the_whole_answer(client: OpenAI) -> None:
    with client.chat.completions.stream(model="chat", messages=HELLO, stream_options={"include_usage": True}) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].finish_reason == "stop"
    assert final.usage is not None
    assert final.usage.completion_tokens > 0


def test_tools_are_called_in_parallel_in_a_stream(client: OpenAI) -> None:
    with client.chat.completions.stream(model="chat", messages=USE_ALL_TOOLS, tools=TOOLS) as stream:
        choice = stream.get_final_completion().choices[0]
    calls = choice.message.tool_calls or []
    assert choice.finish_reason == "tool_calls"
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        ("get_weather", ARGUMENTS),
        ("get_climate", ARGUMENTS),
    ]
    assert len({call.id for call in calls}) == 2


def test_results_of_streamed_tool_calls_are_fed_back(client: OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [*USE_ALL_TOOLS]
    with client.chat.completions.stream(model="chat", messages=messages, tools=TOOLS) as stream:
        asked = stream.get_final_completion().choices[0].message
    messages.append(
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
                for call in asked.tool_calls or []
            ],
        }
    )
    for call in asked.tool_calls or []:
        messages.append({"role": "tool", "tool_call_id": call.id, "content": CITY})
    chunks = list(client.chat.completions.create(model="chat", messages=messages, tools=TOOLS, stream=True))
    assert "It came with 2 tool results." in text_of(chunks)


def test_structured_output_is_parsed_from_a_stream(client: OpenAI) -> None:
    with client.chat.completions.stream(model="chat", messages=HELLO, response_format=Voyage) as stream:
        parsed = stream.get_final_completion().choices[0].message.parsed
    assert parsed is not None
    assert parsed.legs[0].port == CITY


def test_reasoning_passes_through(client: OpenAI) -> None:
    chunks = chunks_of(client, "python-reasoning-3-tokens-2")
    extras = [chunk.choices[0].delta.model_extra or {} for chunk in chunks]
    assert "".join(extra.get("reasoning_content") or "" for extra in extras) == " one two three"


def test_large_stream_arrives_whole(client: OpenAI) -> None:
    assert len(text_of(chunks_of(client, "python-huge-3"))) >= 3 * 1024 * 1024


def test_completions_stream(client: OpenAI) -> None:
    whole = client.completions.create(model="chat", prompt="hi", max_tokens=5)
    stream = client.completions.create(model="chat", prompt="hi", max_tokens=5, stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == whole.choices[0].text


def leave_by_close(stream: Stream[ChatCompletionChunk]) -> None:
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    stream.close()


def leave_by_with(stream: Stream[ChatCompletionChunk]) -> None:
    with stream:
        next(stream)


@pytest.mark.parametrize("leave", [leave_by_close, leave_by_with])
def test_leaving_a_stream_closes_the_upstream_within_a_second(
    client: OpenAI, deployed: Deployment, leave: Callable[[Stream[ChatCompletionChunk]], None]
) -> None:
    model = "python-rate-20-tokens-400"
    stream = client.chat.completions.create(model=model, messages=HELLO, stream=True)
    assert deployed.in_flight(within_s=0) == 1
    leave(stream)
    left_s = time.time()
    request = deployed.last_end(model)
    assert request["end"] == "client_gone"
    assert request["ended_at_s"] - left_s < 1.0
    assert deployed.in_flight() == 0
    assert client.chat.completions.create(model="python-ok", messages=HELLO).choices, "the client goes on"
