from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.core.conversation import Conversation, Effort, Message, Reasoning, Role, Text, Vendor
from proxy.translate.openai_chat.request import decode_request, encode_request
from tests.fakes.dialects import TARGET


def read(**members: Any) -> Conversation:  # noqa: ANN401
    return decode_request(json.dumps({"messages": [], **members}).encode(), False)


def written(reasoning: Reasoning, *extensions: str) -> dict[str, Any]:
    conversation = Conversation(Vendor.ANTHROPIC, (Message(Role.USER, (Text("Hi"),)),), reasoning=reasoning)
    body = json.loads(encode_request(conversation, replace(TARGET, extensions=frozenset(extensions))).body)
    return {name: value for name, value in body.items() if name not in ("model", "messages")}


@pytest.mark.parametrize(
    ("members", "reasoning"),
    [
        pytest.param({}, Reasoning(), id="nothing"),
        pytest.param({"reasoning_effort": "high"}, Reasoning(Effort.HIGH), id="effort"),
        pytest.param({"reasoning": {"effort": "low"}}, Reasoning(Effort.LOW), id="openrouter-effort"),
        pytest.param(
            {"reasoning": {"max_tokens": 9, "exclude": True}},
            Reasoning(budget_tokens=9, visible=False),
            id="openrouter",
        ),
        pytest.param({"reasoning": {"enabled": False}}, Reasoning(Effort.NONE), id="openrouter-off"),
        pytest.param({"reasoning": {"summary": "auto"}}, Reasoning(summary="auto"), id="summary"),
        pytest.param({"thinking": {"type": "enabled"}}, Reasoning(), id="on"),
        pytest.param({"thinking": {"type": "enabled", "budget_tokens": 9}}, Reasoning(budget_tokens=9), id="budget"),
        pytest.param({"thinking": {"type": "disabled"}}, Reasoning(budget_tokens=0), id="off"),
        pytest.param(
            {"thinking": {"type": "adaptive", "display": "omitted"}},
            Reasoning(adaptive=True, visible=False),
            id="adaptive",
        ),
        pytest.param(
            {"thinking": {"type": "adaptive", "display": "summarized"}, "reasoning_effort": "max"},
            Reasoning(Effort.MAX, adaptive=True, visible=True),
            id="adaptive-with-effort",
        ),
    ],
)
def test_thinking_is_read_in_every_form(members: dict[str, Any], reasoning: Reasoning) -> None:
    assert read(**members).reasoning == reasoning


def test_effort_in_a_vendors_own_word_is_kept_as_it_is() -> None:
    conversation = read(reasoning_effort="default")
    assert conversation.reasoning == Reasoning()
    assert bytes(conversation.rest["reasoning_effort"]) == b'"default"'


@pytest.mark.parametrize(
    ("reasoning", "extensions", "members"),
    [
        pytest.param(Reasoning(Effort.NONE), (), {"reasoning_effort": "none"}, id="none-in-words"),
        pytest.param(Reasoning(budget_tokens=0), (), {}, id="off"),
        pytest.param(Reasoning(budget_tokens=-1), (), {}, id="model-decides"),
        pytest.param(Reasoning(budget_tokens=-1), ("thinking",), {}, id="model-decides-in-claudes-words"),
        pytest.param(
            Reasoning(budget_tokens=9),
            ("thinking",),
            {"thinking": {"type": "enabled", "budget_tokens": 9}},
            id="claudes-words",
        ),
        pytest.param(
            Reasoning(budget_tokens=0), ("thinking_switch",), {"thinking": {"type": "disabled"}}, id="switched-off"
        ),
        pytest.param(
            Reasoning(Effort.NONE), ("thinking_switch",), {"thinking": {"type": "disabled"}}, id="switched-off-in-words"
        ),
        pytest.param(
            Reasoning(Effort.LOW), ("thinking_switch",), {"reasoning_effort": "low"}, id="switched-on-as-it-is"
        ),
        pytest.param(
            Reasoning(Effort.LOW, visible=False),
            ("reasoning",),
            {"reasoning": {"effort": "low", "exclude": True}},
            id="openrouters-words",
        ),
        pytest.param(Reasoning(), ("reasoning",), {}, id="nothing"),
    ],
)
def test_thinking_is_written(reasoning: Reasoning, extensions: tuple[str, ...], members: dict[str, Any]) -> None:
    assert written(reasoning, *extensions) == members


def test_tokens_of_either_name_count() -> None:
    assert [read(max_tokens=1).params.max_tokens, read(max_tokens=1, max_completion_tokens=2).params.max_tokens] == [
        1,
        2,
    ]


def test_stop_may_be_one_word_or_many() -> None:
    assert [read(stop="a").params.stop, read(stop=["a", "b"]).params.stop, read().params.stop] == [
        ("a",),
        ("a", "b"),
        (),
    ]


def test_user_has_two_names() -> None:
    conversation = read(safety_identifier="s")
    assert (conversation.params.user, dict(conversation.rest)) == ("s", {})
