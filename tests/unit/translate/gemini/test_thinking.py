"""How much to think, by the generation of the model."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.apischema.gemini import ThinkingConfig
from proxy.core.conversation import Effort, Reasoning
from proxy.core.translation import Target
from proxy.translate.gemini.models import traits_of
from proxy.translate.gemini.thinking import read_thinking, write_thinking
from tests.unit.translate.gemini.making import asked, encoded

E = Effort


def config(model: str, reasoning: Reasoning) -> dict[str, Any] | None:
    return write_thinking(reasoning, traits_of(model))


def seen(**amount: object) -> dict[str, object]:
    return {**amount, "includeThoughts": True}


@pytest.mark.parametrize(
    ("model", "effort", "level"),
    [
        ("gemini-3.8-flash", E.NONE, "LOW"),
        ("gemini-3.8-flash", E.MINIMAL, "LOW"),
        ("gemini-3.8-flash", E.LOW, "LOW"),
        ("gemini-3.8-flash", E.MEDIUM, "MEDIUM"),
        ("gemini-3.8-flash", E.HIGH, "HIGH"),
        ("gemini-3.8-flash", E.XHIGH, "HIGH"),
        ("gemini-3.8-flash", E.MAX, "HIGH"),
        ("gemini-3.5-flash", E.NONE, "MINIMAL"),
        ("gemini-3.5-flash", E.MINIMAL, "MINIMAL"),
        ("gemini-3-pro-preview", E.MEDIUM, "HIGH"),
        ("gemini-3-pro-preview", E.MINIMAL, "LOW"),
    ],
)
def test_an_effort_is_the_nearest_level(model: str, effort: Effort, level: str) -> None:
    written = config(model, Reasoning(effort))
    assert written is not None and written["thinkingLevel"] == level
    assert "thinkingBudget" not in written


@pytest.mark.parametrize(
    ("model", "effort", "budget"),
    [
        ("gemini-2.5-flash", E.NONE, 0),
        ("gemini-2.5-flash", E.MINIMAL, 1024),
        ("gemini-2.5-flash", E.LOW, 1024),
        ("gemini-2.5-flash", E.MEDIUM, 8192),
        ("gemini-2.5-flash", E.HIGH, 24_576),
        ("gemini-2.5-flash", E.MAX, 24_576),
        ("gemini-2.5-pro", E.NONE, 128),
        ("gemini-2.5-pro", E.XHIGH, 32_768),
    ],
)
def test_an_effort_is_a_budget_for_2_5(model: str, effort: Effort, budget: int) -> None:
    written = config(model, Reasoning(effort))
    assert written is not None and written["thinkingBudget"] == budget
    assert "thinkingLevel" not in written


@pytest.mark.parametrize(
    ("model", "budget", "amount"),
    [
        pytest.param("gemini-2.5-flash", 5000, seen(thinkingBudget=5000), id="as-asked"),
        pytest.param("gemini-2.5-flash", 99_999, seen(thinkingBudget=24_576), id="too-much"),
        pytest.param("gemini-2.5-flash-lite", 10, seen(thinkingBudget=512), id="too-little"),
        pytest.param("gemini-2.5-pro", 0, {"thinkingBudget": 128}, id="cannot-stop"),
        pytest.param("gemini-2.5-flash", 0, {"thinkingBudget": 0}, id="off"),
        pytest.param("gemini-2.5-flash", -1, seen(thinkingBudget=-1), id="dynamic"),
        pytest.param("gemini-3.8-flash", 0, {"thinkingLevel": "LOW"}, id="level-for-off"),
        pytest.param("gemini-3.8-flash", -1, seen(), id="no-level-for-dynamic"),
        pytest.param("gemini-3.8-flash", 1000, seen(thinkingLevel="LOW"), id="level-for-little"),
        pytest.param("gemini-3.8-flash", 5000, seen(thinkingLevel="MEDIUM"), id="level-for-some"),
        pytest.param("gemini-3.8-flash", 50_000, seen(thinkingLevel="HIGH"), id="level-for-much"),
    ],
)
def test_a_budget_is_said_in_the_models_way(model: str, budget: int, amount: dict[str, object]) -> None:
    assert config(model, Reasoning(budget_tokens=budget)) == amount


@pytest.mark.parametrize(
    ("model", "reasoning", "written"),
    [
        pytest.param("gemini-3.8-flash", Reasoning(), None, id="nothing-asked"),
        pytest.param("gemini-2.0-flash", Reasoning(E.HIGH), None, id="cannot-be-told"),
        pytest.param("gemini-3.8-flash", Reasoning(adaptive=True), seen(), id="its-own-choice-by-level"),
        pytest.param(
            "gemini-2.5-pro", Reasoning(adaptive=True), seen(thinkingBudget=-1), id="its-own-choice-by-budget"
        ),
        pytest.param("gemini-2.5-pro", Reasoning(visible=True), {"includeThoughts": True}, id="to-see-alone"),
        pytest.param("gemini-3.8-flash", Reasoning(summary="auto"), {"includeThoughts": True}, id="a-summary"),
        pytest.param(
            "gemini-3.8-flash",
            Reasoning(E.LOW, visible=False),
            {"thinkingLevel": "LOW", "includeThoughts": False},
            id="not-to-see",
        ),
        pytest.param("gemini-3.8-flash", Reasoning(E.HIGH, 100), seen(thinkingLevel="HIGH"), id="both-for-levels"),
        pytest.param("gemini-2.5-pro", Reasoning(E.HIGH, 200), seen(thinkingBudget=200), id="both-for-budgets"),
    ],
)
def test_reasoning_is_written(model: str, reasoning: Reasoning, written: dict[str, object] | None) -> None:
    assert config(model, reasoning) == written


def test_nothing_is_left_to_say() -> None:
    assert config("gemini-3.8-flash", Reasoning(E.NONE, visible=None)) == {"thinkingLevel": "LOW"}
    assert config("gemini-3.8-flash", Reasoning(adaptive=True, visible=None, budget_tokens=-1)) == seen()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(None, Reasoning(), id="none"),
        pytest.param(ThinkingConfig(True, 512), Reasoning(budget_tokens=512, visible=True), id="budget"),
        pytest.param(ThinkingConfig(thinking_level="HIGH"), Reasoning(E.HIGH), id="level"),
        pytest.param(ThinkingConfig(thinking_level="THINKING_LEVEL_UNSPECIFIED"), Reasoning(), id="unspecified"),
    ],
)
def test_a_config_is_read(given: ThinkingConfig | None, expected: Reasoning) -> None:
    assert read_thinking(given) == expected


@pytest.mark.parametrize(
    ("model", "reasoning", "dropped"),
    [
        pytest.param("gemini-3.8-flash", Reasoning(E.NONE), ("reasoning_effort",), id="always-thinks-by-level"),
        pytest.param("gemini-2.5-pro", Reasoning(budget_tokens=0), ("reasoning_effort",), id="always-thinks-by-budget"),
        pytest.param("gemini-2.5-flash", Reasoning(E.NONE), (), id="can-stop"),
        pytest.param("gemini-3.8-flash", Reasoning(E.LOW), (), id="thinks-a-little"),
    ],
)
def test_a_model_that_cannot_stop_thinking_is_named(model: str, reasoning: Reasoning, dropped: tuple[str, ...]) -> None:
    assert encoded(asked(reasoning=reasoning), Target(model, "acct")).dropped == dropped
