"""How much a model is to think, in the words of its generation.

Source: anthropic SDK 2.11.0 types/thinking_config_*_param.py (a budget is at least 1,024 and below max_tokens);
platform.claude.com/docs/en/build-with-claude/thinking "Thinking with tool use" and "Limits and feature compatibility"
(no forced tools and no begun answer beside a budget; with one, the last assistant turn begins with a thought) and
.../thinking-troubleshooting (no xhigh or max without thinking), copies of 2026-09 and 2026-10 read 2026-11-20. The
budgets are ours.
"""

from __future__ import annotations

from msgspec import Struct

from proxy.core.conversation import Effort, Reasoning
from proxy.translate.claude import Generation, ThinkingMode, ThinkingOff
from proxy.translate.claudethinking import BUDGETS, LEAST_BUDGET, ThinkingPlan, adaptive, level, not_to_think


class Wish(Struct, frozen=True):
    """What the client wants, and what of its request stands in the way.

    Attributes:
        effort_thinks: An effort alone asks for thinking, as in every dialect but Anthropic's own.
        max_tokens: Of this request.
        blocked: A thinking budget would be refused: a tool is forced, the answer is begun, or a tool loop began
            without a thought.
    """

    reasoning: Reasoning
    effort_thinks: bool
    max_tokens: int
    blocked: bool


def plan(wish: Wish, takes: Generation) -> ThinkingPlan:
    """Say it as this generation takes it."""
    reasoning = wish.reasoning
    by_default = takes.off is not ThinkingOff.UNSAID
    if reasoning.budget_tokens == 0 or reasoning.effort is Effort.NONE:
        return not_to_think(reasoning.effort, takes)
    if not _asks(wish, by_default=by_default):
        effort = level(reasoning.effort, takes)
        return ThinkingPlan(None, effort, by_default, dropped=reasoning.effort is not None and effort is None)
    if takes.thinking is ThinkingMode.NONE:
        return ThinkingPlan(dropped=True)
    exact = (reasoning.budget_tokens or 0) > 0 and not wish.blocked
    if takes.thinking is ThinkingMode.ADAPTIVE or (takes.thinking is ThinkingMode.BOTH and not exact):
        return adaptive(reasoning, takes, shown=wish.effort_thinks)
    return _budgeted(wish, takes)


def _asks(wish: Wish, *, by_default: bool) -> bool:
    reasoning = wish.reasoning
    if reasoning.adaptive or reasoning.budget_tokens is not None:
        return True
    if reasoning.effort is not None and wish.effort_thinks:
        return True
    return by_default and reasoning.visible is not None


def _budgeted(wish: Wish, takes: Generation) -> ThinkingPlan:
    reasoning = wish.reasoning
    effort = level(reasoning.effort, takes)
    if (reasoning.budget_tokens or 0) > 0:
        budget = min(reasoning.budget_tokens or 0, wish.max_tokens - 1)
    else:  # leave at least half for the answer
        budget = min(BUDGETS[reasoning.effort or Effort.MEDIUM], wish.max_tokens // 2)
    if wish.blocked or wish.max_tokens <= LEAST_BUDGET:
        return ThinkingPlan(None, effort, dropped=True)
    thinking: dict[str, object] = {"type": "enabled", "budget_tokens": max(LEAST_BUDGET, budget)}
    if reasoning.visible is False:
        thinking["display"] = "omitted"
    return ThinkingPlan(thinking, effort, active=True)
