"""What a client asks of thinking, for the families that are no Claude."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.conversation import Effort, Reasoning
from tests.unit.translate.bedrock import made
from tests.unit.translate.bedrock.made import sent
from tests.unit.translate.talking import talk


@pytest.mark.parametrize(
    ("model", "reasoning", "fields"),
    [
        pytest.param(made.GPT, Reasoning(Effort.NONE), {"reasoning": {"effort": "none"}}, id="gpt-none"),
        pytest.param(made.GPT, Reasoning(Effort.MINIMAL), {"reasoning": {"effort": "low"}}, id="gpt-minimal"),
        pytest.param(made.GPT, Reasoning(Effort.XHIGH), {"reasoning": {"effort": "xhigh"}}, id="gpt-xhigh"),
        pytest.param(made.GPT, Reasoning(budget_tokens=9000), {"reasoning": {"effort": "high"}}, id="gpt-budget"),
        pytest.param(made.GPT, Reasoning(budget_tokens=10**6), {"reasoning": {"effort": "max"}}, id="gpt-huge-budget"),
        pytest.param(made.GPT_OSS, Reasoning(Effort.MAX), {"reasoning_effort": "high"}, id="gpt-oss"),
        pytest.param(
            made.NOVA_2,
            Reasoning(Effort.MEDIUM),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}},
            id="nova-2",
        ),
        pytest.param(
            made.NOVA_2, Reasoning(budget_tokens=0), {"reasoningConfig": {"type": "disabled"}}, id="nova-2-off"
        ),
    ],
)
def test_a_family_is_told_in_its_words(model: str, reasoning: Reasoning, fields: dict[str, Any]) -> None:
    body, dropped = sent(talk(reasoning=reasoning), model)
    assert (body["additionalModelRequestFields"], dropped) == (fields, ())


def test_who_cannot_stop_thinking_thinks_little_and_it_is_named() -> None:
    body, dropped = sent(talk(reasoning=Reasoning(Effort.NONE)), made.GPT_OSS)
    assert (body["additionalModelRequestFields"], dropped) == ({"reasoning_effort": "low"}, ("reasoning_effort",))


def test_nova_that_thinks_hard_takes_no_limits() -> None:
    asked = talk(reasoning=Reasoning(Effort.HIGH), max_tokens=100, temperature=0.5, top_p=0.5, top_k=3)
    body, dropped = sent(asked, made.NOVA_2)
    assert "inferenceConfig" not in body
    assert dropped == ("max_tokens", "temperature", "top_p", "top_k")


def test_nova_that_thinks_a_little_takes_them() -> None:
    body, dropped = sent(talk(reasoning=Reasoning(Effort.LOW), max_tokens=100, temperature=0.5), made.NOVA_2)
    assert body["inferenceConfig"] == {"maxTokens": 100, "temperature": 0.5}
    assert dropped == ()


@pytest.mark.parametrize(
    ("reasoning", "dropped"),
    [
        pytest.param(Reasoning(Effort.HIGH), ("reasoning_effort",), id="effort"),
        pytest.param(Reasoning(Effort.NONE), (), id="off-is-what-it-does"),
        pytest.param(Reasoning(adaptive=True), (), id="left-to-the-model"),
        pytest.param(Reasoning(budget_tokens=-1), (), id="budget-left-to-the-model"),
        pytest.param(Reasoning(), (), id="unsaid"),
    ],
)
def test_a_family_without_words_for_it_is_not_told(reasoning: Reasoning, dropped: tuple[str, ...]) -> None:
    body, left_out = sent(talk(reasoning=reasoning), made.NOVA)
    assert "additionalModelRequestFields" not in body
    assert left_out == dropped
