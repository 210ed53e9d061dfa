"""What a simulated model says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.errors import MalformedRequest
from proxy.core.usage import Usage
from proxy.simulator.answers import Answer, Serial, Speaker, chat_answer, completion_answer
from proxy.simulator.behaviour import NORMAL, Behaviour
from proxy.simulator.request import ChatRequest, CompletionRequest, StreamOptions

_SERIAL = Serial(17, 1_795_000_000)


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def _chat(behaviour: Behaviour = NORMAL, **members: Any) -> Answer:  # noqa: ANN401 - any member
    request = ChatRequest(**{"messages": [_user("hello there")], **members})
    return chat_answer(request, Speaker("sim-backup", "sim-demo", behaviour), _SERIAL)


def _text(answer: Answer, index: int = 0) -> str:
    return "".join(answer.choices[index].text or ())


def test_answer_says_that_it_is_simulated_and_by_whom() -> None:
    assert _text(_chat()).startswith("This answer is simulated by sim-backup: no language model was asked.")


def test_same_request_gets_the_same_answer() -> None:
    assert _chat() == _chat()
    assert _text(_chat()) != _text(_chat(messages=[_user("hello again")]))


def test_answer_repeats_nothing_of_the_request_but_sizes() -> None:
    assert "plantedsecret" not in _text(_chat(messages=[_user("plantedsecret")]))


def test_serial_makes_id_and_time() -> None:
    answer = _chat()
    assert (answer.id, answer.created_s, answer.model) == ("chatcmpl-simulated00000011", 1_795_000_000, "sim-demo")


def test_usage_counts_prompt_and_answer_exactly() -> None:
    answer = _chat(messages=[_user("one two three"), {"role": "assistant", "content": "four"}])
    assert answer.usage == Usage(prompt_tokens=4 + 2 * 4, completion_tokens=len(answer.choices[0].text or ()))


def test_tools_and_images_count_as_prompt() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    with_image = _chat(messages=[{"role": "user", "content": [{"type": "text", "text": "hello there"}, image]}])
    with_tools = _chat(tools=[{"type": "function", "function": {"name": "f"}}])
    assert with_image.usage.prompt_tokens == _chat().usage.prompt_tokens + 85
    assert with_tools.usage.prompt_tokens > _chat().usage.prompt_tokens
    assert "It held an image of type image/png." in _text(with_image)


def test_tool_results_are_mentioned() -> None:
    messages = [_user("hi"), {"role": "tool", "content": "5"}, {"role": "tool", "content": "6"}]
    assert "It came with 2 tool results." in _text(_chat(messages=messages))


def test_conversation_without_a_user_is_answered() -> None:
    assert "had 0 words" in _text(_chat(messages=[{"role": "system", "content": "be brief"}]))


def test_choices_differ_by_their_number() -> None:
    answer = _chat(n=3)
    assert len({_text(answer, index) for index in range(3)}) == 3
    assert answer.usage.completion_tokens == sum(choice.tokens for choice in answer.choices)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_token_limit_cuts_the_answer(name: str) -> None:
    limit: dict[str, Any] = {name: 3}
    answer = _chat(**limit)
    assert (answer.choices[0].finish, answer.usage.completion_tokens) == ("length", 3)


def test_limit_that_is_not_reached_changes_nothing() -> None:
    assert _chat(max_tokens=10_000) == _chat()


@pytest.mark.parametrize("stop", ["is", ["never", "is"], ["", "is"]])
def test_stop_words_end_the_text_before_them(stop: str | list[str]) -> None:
    answer = _chat(stop=stop)
    assert (_text(answer), answer.choices[0].finish) == ("Th", "stop")


def test_tool_calls_replace_the_text() -> None:
    answer = _chat(tools=[{"type": "function", "function": {"name": "f"}}], tool_choice="required")
    choice = answer.choices[0]
    assert (choice.text, [call.name for call in choice.calls], choice.finish) == (None, ["f"], "tool_calls")
    assert answer.usage.completion_tokens == choice.calls[0].tokens


def test_tool_calls_are_cut_by_the_limit() -> None:
    answer = _chat(tools=[{"type": "function", "function": {"name": "f"}}], tool_choice="required", max_tokens=1)
    assert (answer.choices[0].finish, answer.usage.completion_tokens) == ("length", 1)


def test_structured_output_fits_its_schema() -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    answer = _chat(n=2, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
    assert [json.loads(_text(answer, index)) for index in range(2)] == [{"ok": True}, {"ok": True}]


@pytest.mark.parametrize(
    ("response_format", "is_json"),
    [
        pytest.param({"type": "json_object"}, True, id="object"),
        pytest.param({"type": "text"}, False, id="text"),
        pytest.param({"type": "json_schema"}, False, id="schema-missing"),
    ],
)
def test_other_response_formats(response_format: dict[str, Any], is_json: bool) -> None:
    assert _text(_chat(response_format=response_format)).startswith("{") is is_json


def test_reasoning_comes_first_and_is_counted_as_completion() -> None:
    answer = _chat(Behaviour(reasoning_tokens=5, cached_tokens=3, tokens=2))
    assert answer.usage == Usage(prompt_tokens=6, completion_tokens=7, cached_tokens=3, reasoning_tokens=5)
    assert len(answer.choices[0].reasoning) == 5


def test_reasoning_uses_up_the_limit_first() -> None:
    choice = _chat(Behaviour(reasoning_tokens=5), max_tokens=4).choices[0]
    assert (len(choice.reasoning), choice.text, choice.finish) == (4, (), "length")


def test_cache_cannot_hold_more_than_the_prompt() -> None:
    assert _chat(Behaviour(cached_tokens=500)).usage.cached_tokens == 6


@pytest.mark.parametrize(
    ("behaviour", "tokens", "size_bytes"),
    [
        pytest.param(Behaviour(tokens=200), 200, None, id="longer"),
        pytest.param(Behaviour(tokens=0), 0, 0, id="none"),
        pytest.param(Behaviour(huge_mb=2), 128, 2 * 1024 * 1024, id="huge"),
    ],
)
def test_answer_has_the_size_asked_for(behaviour: Behaviour, tokens: int, size_bytes: int | None) -> None:
    answer = _chat(behaviour)
    assert answer.usage.completion_tokens == tokens
    assert size_bytes is None or len(_text(answer)) == size_bytes


def test_token_may_be_a_character() -> None:
    assert (_chat(Behaviour(by_character=True)).choices[0].text or ())[:4] == ("T", "h", "i", "s")


@pytest.mark.parametrize("messages", [None, []])
def test_chat_without_messages_is_refused(messages: list[dict[str, Any]] | None) -> None:
    with pytest.raises(MalformedRequest, match="at least one message"):
        _chat(messages=messages)


def test_completion_answers_every_prompt_n_times() -> None:
    request = CompletionRequest(prompt=["a", "b"], n=2, stream_options=StreamOptions(include_usage=True))
    answer = completion_answer(request, Speaker("p", "m", NORMAL), _SERIAL)
    assert (len(answer.choices), answer.chat, answer.include_usage) == (4, False, True)
    assert (answer.id, answer.usage.prompt_tokens) == ("cmpl-simulated00000011", 2)
