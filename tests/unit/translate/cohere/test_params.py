"""Sampling and limits in Cohere's ranges, thinking, and the members that a client may write for Cohere itself."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.conversation import Effort, Reasoning
from proxy.core.translation import Untranslatable
from tests.unit.translate.cohere.made import MODEL, THINKER, sent
from tests.unit.translate.talking import talk

BARE = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "stream": False}


def added(model: str = MODEL, **asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:  # noqa: ANN401 - of talk
    body, dropped = sent(talk(**asked), model)
    return {name: value for name, value in body.items() if name not in BARE}, dropped


def test_a_request_of_words_is_bare() -> None:
    assert sent(talk()) == (BARE, ())
    assert sent(talk(stream=True))[0]["stream"] is True


@pytest.mark.parametrize(
    ("params", "written"),
    [
        pytest.param(
            {"max_tokens": 5, "seed": 0, "stop": ("a", "")},
            {"max_tokens": 5, "seed": 0, "stop_sequences": ["a"]},
            id="limits",
        ),
        pytest.param(
            {"temperature": 0.5, "top_p": 0.5, "top_k": 7}, {"temperature": 0.5, "p": 0.5, "k": 7}, id="sampling"
        ),
        pytest.param(
            {"temperature": -1.0, "top_p": 1.0, "top_k": 900}, {"temperature": 0.0, "p": 0.99, "k": 500}, id="ranges"
        ),
        pytest.param({"top_p": 0.0, "top_k": -1}, {"p": 0.01, "k": 0}, id="least"),
        pytest.param(
            {"frequency_penalty": 2.0, "presence_penalty": -2.0},
            {"frequency_penalty": 1.0, "presence_penalty": 0.0},
            id="penalties",
        ),
        pytest.param({"logprobs": True}, {"logprobs": True}, id="logprobs"),
        pytest.param({"logprobs": False}, {}, id="no-logprobs"),
    ],
)
def test_sampling_and_limits(params: dict[str, Any], written: dict[str, Any]) -> None:
    assert added(**params) == (written, ())


def test_too_many_stop_sequences_are_refused() -> None:
    with pytest.raises(Untranslatable) as caught:
        added(stop=tuple("abcdef"))
    assert caught.value.param == "stop"


@pytest.mark.parametrize(
    ("reasoning", "thinking"),
    [
        pytest.param(Reasoning(), None, id="unsaid"),
        pytest.param(Reasoning(Effort.HIGH), {"type": "enabled"}, id="effort"),
        pytest.param(Reasoning(Effort.NONE), {"type": "disabled"}, id="none"),
        pytest.param(Reasoning(budget_tokens=0), {"type": "disabled"}, id="no-budget"),
        pytest.param(Reasoning(budget_tokens=500), {"type": "enabled", "token_budget": 500}, id="budget"),
        pytest.param(Reasoning(budget_tokens=-1), {"type": "enabled"}, id="any-budget"),
        pytest.param(Reasoning(adaptive=True), {"type": "enabled"}, id="adaptive"),
    ],
)
def test_thinking(reasoning: Reasoning, thinking: dict[str, Any] | None) -> None:
    written, dropped = added(THINKER, reasoning=reasoning)
    assert (written.get("thinking"), dropped) == (thinking, ())


@pytest.mark.parametrize(
    ("reasoning", "dropped"),
    [
        pytest.param(Reasoning(Effort.HIGH), ("reasoning_effort",), id="effort"),
        pytest.param(Reasoning(Effort.NONE), (), id="off-is-what-it-does"),
    ],
)
def test_a_model_that_does_not_think_is_not_told(reasoning: Reasoning, dropped: tuple[str, ...]) -> None:
    assert added(reasoning=reasoning) == ({}, dropped)


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        pytest.param(
            "documents",
            b'["a",{"data":{"text":"b"},"id":"d1"},{"data":{}}]',
            ["a", {"data": {"text": "b"}, "id": "d1"}, {"data": {}}],
            id="documents",
        ),
        pytest.param("citation_options", b'{"mode":"FAST"}', {"mode": "FAST"}, id="citations"),
        pytest.param("safety_mode", b'"STRICT"', "STRICT", id="safety"),
    ],
)
def test_coheres_own_members_pass(name: str, value: bytes, written: Any) -> None:  # noqa: ANN401 - JSON
    assert added(rest={name: value}) == ({name: written}, ())


@pytest.mark.parametrize(
    ("name", "value"),
    [("documents", b"[3]"), ("citation_options", b'{"mode":"FAST","x":1}'), ("safety_mode", b'"LOOSE"')],
)
def test_members_that_cohere_would_not_take_are_refused(name: str, value: bytes) -> None:
    with pytest.raises(Untranslatable) as caught:
        added(rest={name: value})
    assert caught.value.param == name
