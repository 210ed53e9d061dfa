"""How much a model is to think, in each generation's words."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.conversation import (
    Effort,
    FunctionTool,
    Params,
    Reasoning,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolChoiceMode,
    ToolResult,
    Vendor,
)
from tests.unit.translate.anthropic.said import body, own, sent, talk, thinking
from tests.unit.translate.talking import assistant, user

LEGACY, OPUS_4_5, BOTH = "claude-sonnet-4-5", "claude-opus-4-5", "claude-opus-4-6"
SUMMARIZED = {"type": "adaptive", "display": "summarized"}


def said(model: str, **members: Any) -> tuple[object, object, bool]:  # noqa: ANN401 - members of `Reasoning`
    """The thinking, the effort, and whether the wish was left out."""
    conversation = thinking(**members)
    sent_body = body(conversation, model)
    effort = sent_body.get("output_config", {}).get("effort")
    return sent_body.get("thinking"), effort, "reasoning_effort" in sent(conversation, model).dropped


def budget(tokens: int) -> dict[str, object]:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("claude-opus-5-5", Effort.MINIMAL, "low"),
        ("claude-opus-5-5", Effort.LOW, "low"),
        ("claude-opus-4-7", Effort.XHIGH, "xhigh"),
        ("claude-sonnet-5", Effort.MAX, "max"),
        (BOTH, Effort.XHIGH, "high"),
        (BOTH, Effort.MAX, "max"),
    ],
)
def test_an_effort_makes_newer_models_think_adaptively(model: str, effort: Effort, expected: str) -> None:
    assert said(model, effort=effort) == (SUMMARIZED, expected, False)


@pytest.mark.parametrize(
    ("effort", "tokens"),
    [
        (Effort.MINIMAL, 1_024),
        (Effort.LOW, 2_048),
        (Effort.MEDIUM, 8_192),
        (Effort.HIGH, 16_384),
        (Effort.XHIGH, 24_576),
        (Effort.MAX, 32_000),
    ],
)
def test_an_effort_is_a_budget_for_older_models(effort: Effort, tokens: int) -> None:
    assert said(LEGACY, effort=effort) == (budget(tokens), None, False)


def test_one_generation_takes_both() -> None:
    assert said(OPUS_4_5, effort=Effort.MAX) == (budget(32_000), "high", False)


def test_the_oldest_models_do_not_think() -> None:
    assert said("claude-3-5-haiku-latest", effort=Effort.LOW) == (None, None, True)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param("claude-opus-4-8", (None, None, False), id="off-unless-asked"),
        pytest.param("claude-sonnet-5", ({"type": "disabled"}, None, False), id="disabled"),
        pytest.param("claude-sonnet-5-5", ({"type": "between_tools"}, None, False), id="between-tools"),
        pytest.param("claude-opus-5-5", (None, "low", True), id="always-on"),
    ],
)
@pytest.mark.parametrize("wish", [{"effort": Effort.NONE}, {"budget_tokens": 0}])
def test_thinking_is_turned_off_as_far_as_the_model_lets(model: str, expected: object, wish: dict[str, Any]) -> None:
    assert said(model, **wish) == expected


@pytest.mark.parametrize(
    ("effort", "expected"), [(Effort.MAX, "high"), (Effort.MEDIUM, "medium"), (Effort.XHIGH, "high")]
)
def test_without_thinking_effort_ends_at_high(effort: Effort, expected: str) -> None:
    assert said("claude-opus-5", effort=effort, budget_tokens=0) == ({"type": "disabled"}, expected, False)


@pytest.mark.parametrize(
    ("tokens", "effort"), [(1_024, "low"), (5_000, "medium"), (16_384, "high"), (90_000, "max"), (-1, None)]
)
def test_a_budget_is_an_effort_for_newer_models(tokens: int, effort: str | None) -> None:
    assert said("claude-opus-4-8", budget_tokens=tokens) == (SUMMARIZED, effort, False)


def test_an_exact_budget_is_kept_where_it_is_still_taken() -> None:
    assert said(BOTH, budget_tokens=5_000) == (budget(5_000), None, False)


def test_a_budget_left_to_the_model_is_a_medium_one() -> None:
    assert said(LEGACY, budget_tokens=-1) == (budget(8_192), None, False)
    assert said(LEGACY, adaptive=True, effort=Effort.HIGH) == (budget(16_384), None, False)


@pytest.mark.parametrize(
    ("most", "members", "tokens"),
    [
        pytest.param(4_000, {"effort": Effort.HIGH}, 2_000, id="half-for-the-answer"),
        pytest.param(1_500, {"effort": Effort.HIGH}, 1_024, id="at-least-the-least"),
        pytest.param(4_000, {"budget_tokens": 9_000}, 3_999, id="below-the-limit"),
        pytest.param(4_000, {"budget_tokens": 100}, 1_024, id="exact-but-too-small"),
    ],
)
def test_a_budget_stays_between_its_bounds(most: int, members: dict[str, Any], tokens: int) -> None:
    conversation = talk(params=Params(max_tokens=most), reasoning=Reasoning(**members))
    assert body(conversation, LEGACY)["thinking"] == budget(tokens)


def test_there_is_no_thinking_in_so_few_tokens() -> None:
    assert said_with_most(1_024) == (None, ("reasoning_effort",))


def said_with_most(most: int) -> tuple[object, tuple[str, ...]]:
    conversation = talk(params=Params(max_tokens=most), reasoning=Reasoning(Effort.LOW))
    return body(conversation, LEGACY).get("thinking"), sent(conversation, LEGACY).dropped


@pytest.mark.parametrize(
    ("model", "visible", "expected"),
    [
        ("claude-opus-5-5", False, {"type": "adaptive", "display": "omitted"}),
        ("claude-opus-5-5", True, SUMMARIZED),
        (LEGACY, False, {"type": "enabled", "budget_tokens": 2_048, "display": "omitted"}),
        (LEGACY, True, budget(2_048)),
    ],
)
def test_thoughts_are_shown_or_hidden(model: str, visible: bool, expected: object) -> None:
    assert said(model, effort=Effort.LOW, visible=visible)[0] == expected


def test_to_see_thoughts_asks_for_them_only_where_the_model_thinks_anyway() -> None:
    assert said("claude-opus-5-5", visible=True)[0] == SUMMARIZED
    assert said("claude-opus-4-8", visible=True)[0] is None


def test_a_client_of_the_vendor_says_effort_and_thinking_apart() -> None:
    effort_alone = talk(vendor=Vendor.ANTHROPIC, reasoning=Reasoning(Effort.LOW))
    assert "thinking" not in body(effort_alone)
    assert body(effort_alone)["output_config"] == {"effort": "low"}
    assert body(talk(vendor=Vendor.ANTHROPIC, reasoning=Reasoning(adaptive=True)))["thinking"] == {"type": "adaptive"}


def test_an_effort_that_an_older_model_does_not_know_is_named_in_the_clients_words() -> None:
    encoded = sent(talk(vendor=Vendor.ANTHROPIC, reasoning=Reasoning(Effort.LOW)), LEGACY)
    assert encoded.dropped == ("thinking",)
    assert b"effort" not in encoded.body


FORCED = ToolChoice(ToolChoiceMode.REQUIRED)
TOOL = FunctionTool("f")
CALL, RESULT = ToolCall("c", "f", "{}"), ToolResult("c", ())


def test_a_forced_tool_leaves_no_room_for_a_budget() -> None:
    conversation = talk(tools=(TOOL,), tool_choice=FORCED, reasoning=Reasoning(Effort.LOW))
    assert "thinking" not in body(conversation, LEGACY)
    assert sent(conversation, LEGACY).dropped == ("reasoning_effort",)
    assert body(conversation, BOTH)["thinking"] == SUMMARIZED


def test_a_forced_tool_turns_an_exact_budget_adaptive_where_it_can() -> None:
    conversation = talk(tools=(TOOL,), tool_choice=FORCED, reasoning=Reasoning(budget_tokens=9_000))
    assert body(conversation, BOTH)["thinking"] == SUMMARIZED


@pytest.mark.parametrize(
    ("parts", "thinks"),
    [
        pytest.param((CALL,), False, id="another-vendors-turn"),
        pytest.param((Thinking("t", own()), CALL), True, id="own-turn"),
        pytest.param((Thinking("", own(), redacted=True), CALL), True, id="own-turn-redacted"),
    ],
)
def test_a_tool_loop_goes_on_thinking_only_from_a_thought(parts: tuple[Any, ...], thinks: bool) -> None:
    conversation = talk(user("go"), assistant(*parts), user(RESULT), tools=(TOOL,), reasoning=Reasoning(Effort.LOW))
    assert ("thinking" in body(conversation, LEGACY)) is thinks


def test_a_result_without_a_turn_before_it_stops_no_thinking() -> None:
    conversation = talk(user(RESULT), reasoning=Reasoning(Effort.LOW))
    assert "thinking" in body(conversation, LEGACY)


def test_a_begun_answer_leaves_no_room_for_a_budget() -> None:
    conversation = talk(user("go"), assistant("So "), reasoning=Reasoning(Effort.LOW))
    assert "thinking" not in body(conversation, LEGACY)
