"""What a client asks of thinking, for each generation of Claude."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.capabilities import Capabilities
from proxy.core.conversation import (
    Effort,
    Message,
    Reasoning,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
    Vendor,
)
from tests.unit.translate.bedrock import made
from tests.unit.translate.bedrock.made import sent
from tests.unit.translate.talking import TOOL, assistant, talk, user

ADAPTIVE = {"type": "adaptive", "display": "summarized"}
OPUS_4_5 = "anthropic.claude-opus-4-5-20251101-v1:0"
SONNET_5_5 = "anthropic.claude-sonnet-5-5"


def said(reasoning: Reasoning, model: str, **params: Any) -> tuple[Any, Any, tuple[str, ...]]:  # noqa: ANN401
    """Give `thinking`, effort and what was left out."""
    body, dropped = sent(talk(reasoning=reasoning, **params), model)
    fields = body.get("additionalModelRequestFields", {})
    return fields.get("thinking"), body.get("outputConfig", {}).get("effort"), dropped


def budget(tokens: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("model", "reasoning", "thinking", "effort"),
    [
        pytest.param(made.OPUS_4_6, Reasoning(Effort.HIGH), ADAPTIVE, "high", id="adaptive"),
        pytest.param(made.OPUS_4_6, Reasoning(Effort.MINIMAL), ADAPTIVE, "low", id="adaptive-minimal"),
        pytest.param(made.OPUS_4_6, Reasoning(Effort.XHIGH), ADAPTIVE, "high", id="adaptive-without-xhigh"),
        pytest.param(made.OPUS_5, Reasoning(Effort.XHIGH), ADAPTIVE, "xhigh", id="adaptive-with-xhigh"),
        pytest.param(made.OPUS_5, Reasoning(adaptive=True), ADAPTIVE, None, id="adaptive-alone"),
        pytest.param(made.OPUS_5, Reasoning(budget_tokens=5000), ADAPTIVE, "medium", id="adaptive-for-a-budget"),
        pytest.param(made.OPUS_5, Reasoning(budget_tokens=-1), ADAPTIVE, None, id="adaptive-for-any-budget"),
        pytest.param(
            made.OPUS_5,
            Reasoning(Effort.LOW, visible=False),
            {"type": "adaptive", "display": "omitted"},
            "low",
            id="adaptive-unseen",
        ),
        pytest.param(made.SONNET, Reasoning(Effort.MEDIUM), budget(8192), None, id="budget"),
        pytest.param(made.SONNET, Reasoning(budget_tokens=5000), budget(5000), None, id="budget-in-tokens"),
        pytest.param(made.SONNET, Reasoning(budget_tokens=10), budget(1024), None, id="budget-at-least"),
        pytest.param(made.SONNET, Reasoning(budget_tokens=-1), budget(8192), None, id="budget-left-to-us"),
        pytest.param(made.SONNET, Reasoning(adaptive=True), budget(8192), None, id="budget-for-adaptive"),
        pytest.param(OPUS_4_5, Reasoning(Effort.MAX), budget(32000), "high", id="budget-and-effort"),
        pytest.param(made.OPUS_4_6, Reasoning(Effort.NONE), None, None, id="off-unsaid"),
        pytest.param(made.OPUS_5, Reasoning(Effort.NONE), {"type": "disabled"}, None, id="off"),
        pytest.param(SONNET_5_5, Reasoning(Effort.NONE), {"type": "between_tools"}, None, id="off-between-tools"),
        pytest.param(
            made.OPUS_5, Reasoning(Effort.MAX, budget_tokens=0), {"type": "disabled"}, "high", id="off-with-effort"
        ),
        pytest.param(made.OPUS_5, Reasoning(), None, None, id="unsaid"),
    ],
)
def test_a_generation_is_told_in_its_words(
    model: str, reasoning: Reasoning, thinking: dict[str, Any] | None, effort: str | None
) -> None:
    assert said(reasoning, model) == (thinking, effort, ())


@pytest.mark.parametrize(
    ("model", "reasoning", "effort"),
    [
        pytest.param(made.HAIKU_3, Reasoning(Effort.HIGH), None, id="it-cannot-think"),
        pytest.param(made.FABLE, Reasoning(Effort.NONE), "low", id="it-cannot-stop"),
    ],
)
def test_what_a_generation_cannot_is_named(model: str, reasoning: Reasoning, effort: str | None) -> None:
    assert said(reasoning, model) == (None, effort, ("reasoning_effort",))


@pytest.mark.parametrize(
    ("max_tokens", "reasoning", "expected", "most"),
    [
        pytest.param(10_000, Reasoning(Effort.MAX), budget(5000), 10_000, id="half-is-left"),
        pytest.param(4000, Reasoning(budget_tokens=8000), budget(3999), 4000, id="below-max-tokens"),
        pytest.param(1500, Reasoning(Effort.LOW), budget(1024), 1500, id="at-least"),
        pytest.param(None, Reasoning(budget_tokens=8000), budget(8000), 12_096, id="room-is-made"),
        pytest.param(None, Reasoning(budget_tokens=63_000), budget(63_000), 64_000, id="room-up-to-the-limit"),
    ],
)
def test_a_budget_leaves_room_for_the_answer(
    max_tokens: int | None, reasoning: Reasoning, expected: dict[str, Any], most: int
) -> None:
    body, dropped = sent(talk(reasoning=reasoning, max_tokens=max_tokens))
    assert body["additionalModelRequestFields"]["thinking"] == expected
    assert body["inferenceConfig"]["maxTokens"] == most
    assert dropped == ()


def test_what_is_known_of_the_model_limits_the_answer() -> None:
    asked = talk(reasoning=Reasoning(budget_tokens=8000))
    body, _ = sent(asked, capabilities=Capabilities(max_output_tokens=9000))
    assert body["inferenceConfig"]["maxTokens"] == 9000


def test_an_answer_too_short_to_think_is_given_without() -> None:
    assert said(Reasoning(Effort.LOW), made.SONNET, max_tokens=1000) == (None, None, ("reasoning_effort",))


def test_while_it_thinks_it_takes_no_sampling() -> None:
    asked = talk(reasoning=Reasoning(Effort.LOW), temperature=0.5, top_p=1.0, top_k=3)
    body, dropped = sent(asked)
    assert body["inferenceConfig"].keys() == {"maxTokens"}
    assert "top_k" not in body["additionalModelRequestFields"]
    assert dropped == ("temperature", "top_k")


@pytest.mark.parametrize(
    ("model", "effort", "dropped"),
    [
        pytest.param(made.OPUS_5, "high", (), id="told"),
        pytest.param(made.SONNET, None, ("reasoning_effort",), id="no-word-for-it"),
    ],
)
def test_in_anthropics_dialect_an_effort_asks_for_no_thoughts(
    model: str, effort: str | None, dropped: tuple[str, ...]
) -> None:
    assert said(Reasoning(Effort.HIGH), model, vendor=Vendor.ANTHROPIC) == (None, effort, dropped)


def test_in_anthropics_dialect_thoughts_are_shown_as_the_model_does() -> None:
    thinking, _, _ = said(Reasoning(adaptive=True), made.OPUS_5, vendor=Vendor.ANTHROPIC)
    assert thinking == {"type": "adaptive"}


def test_a_forced_tool_ends_a_budget() -> None:
    choice = ToolChoice(ToolChoiceMode.REQUIRED)
    body, dropped = sent(talk(tools=[TOOL], tool_choice=choice, reasoning=Reasoning(Effort.LOW)))
    assert "additionalModelRequestFields" not in body
    assert dropped == ("reasoning_effort",)


CALL = ToolCall("c1", "look_up", "{}")
RESULT = user(ToolResult("c1", (Text("ok"),)))
OURS = Thinking("Hm.", Signature(Vendor.ANTHROPIC, "acct", "c2ln"))
FOREIGN = Thinking("Hm.", Signature(Vendor.GOOGLE, "acct", "c2ln"))


@pytest.mark.parametrize(
    ("history", "thinks"),
    [
        pytest.param((user("Hi"), assistant(OURS, CALL), RESULT), True, id="with-its-thought"),
        pytest.param((user("Hi"), assistant(FOREIGN, CALL), RESULT), False, id="with-anothers-thought"),
        pytest.param((user("Hi"), assistant(CALL), RESULT), False, id="without-a-thought"),
        pytest.param((user("Hi"), assistant(CALL), RESULT, assistant("Done"), user("On")), True, id="loop-is-over"),
    ],
)
def test_a_tool_loop_goes_on_only_from_its_own_thought(history: tuple[Message, ...], thinks: bool) -> None:
    body, dropped = sent(talk(*history, tools=[TOOL], reasoning=Reasoning(Effort.LOW)))
    assert ("thinking" in body.get("additionalModelRequestFields", {})) is thinks
    assert (dropped == ()) is thinks
