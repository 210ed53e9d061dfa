"""How much to think: Google's `thinkingConfig` and the hub's `Reasoning`, by the generation of the model.

2.5 takes a budget of tokens, 3 and later a level; both in one request are a 400. An effort that a model does not offer
becomes the nearest that it does, so "none" is the least where a model always thinks.

Sources, read 2026-11-20: https://ai.google.dev/gemini-api/docs/openai (which budget an effort is);
https://ai.google.dev/gemini-api/docs/thinking.
"""

from __future__ import annotations

from typing import Any

from proxy.apischema.gemini import ThinkingConfig
from proxy.core.conversation import Effort, Reasoning
from proxy.translate.effort import read_effort, wanted_effort
from proxy.translate.gemini.models import Control, Traits

_ORDER = {effort: place for place, effort in enumerate(Effort)}
_BUDGETS = {
    Effort.NONE: 0,
    Effort.MINIMAL: 1024,
    Effort.LOW: 1024,
    Effort.MEDIUM: 8192,
    Effort.HIGH: 24_576,
    Effort.XHIGH: 32_768,
    Effort.MAX: 32_768,
}
_DYNAMIC = -1  # the model decides
_NOT_SAID = Reasoning()


def read_thinking(config: ThinkingConfig | None) -> Reasoning:
    """Read `thinkingConfig`; a level that nobody knows is not said."""
    if config is None:
        return _NOT_SAID
    return Reasoning(
        effort=read_effort((config.thinking_level or "").lower()),
        budget_tokens=config.thinking_budget,
        visible=config.include_thoughts,
    )


def write_thinking(reasoning: Reasoning, traits: Traits) -> dict[str, Any] | None:
    """Write `thinkingConfig`; None where nothing is asked, or this model is not told.

    Whoever asks a model to think sees its thoughts, unless they say otherwise.
    """
    if reasoning == _NOT_SAID or traits.control is Control.NONE:
        return None
    config: dict[str, Any] = {}
    amount = _budget(reasoning, traits) if traits.control is Control.BUDGET else _level(reasoning, traits)
    if amount is not None:
        config[traits.control.value] = amount
    if _is_visible(reasoning):
        config["includeThoughts"] = True
    elif reasoning.visible is False:
        config["includeThoughts"] = False
    return config or None


def keeps_thinking(reasoning: Reasoning, traits: Traits) -> bool:
    """Say whether a model thinks that was told not to."""
    return wanted_effort(reasoning) is Effort.NONE and not traits.can_stop and traits.control is not Control.NONE


def _is_visible(reasoning: Reasoning) -> bool:
    if reasoning.visible is not None:
        return reasoning.visible
    return reasoning.effort is not Effort.NONE and reasoning.budget_tokens != 0


def _budget(reasoning: Reasoning, traits: Traits) -> int | None:
    budget = reasoning.budget_tokens
    if budget is None and reasoning.effort is not None:
        budget = _BUDGETS[reasoning.effort]
    if budget is None:
        return _DYNAMIC if reasoning.adaptive else None
    if budget < 0:
        return _DYNAMIC
    if budget == 0 and traits.can_stop:
        return 0
    least, most = traits.budgets
    return min(max(budget, least), most)


def _level(reasoning: Reasoning, traits: Traits) -> str | None:
    effort = wanted_effort(reasoning)
    if effort is None:
        return None
    wanted = _ORDER[effort]
    # Of two as near the greater: a question that deserves thought is not answered with less.
    nearest = min(traits.levels, key=lambda level: (abs(_ORDER[level] - wanted), -_ORDER[level]))
    return nearest.value.upper()
