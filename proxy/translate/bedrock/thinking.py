"""How much Claude is to think, in the words of its generation.

Source: docs.aws.amazon.com claude-messages-adaptive-thinking.html; anthropic 2.11.0 types/thinking_config_*_param.py (a
budget's limits); botocore 1.44.5 bedrock-runtime service-2.json (OutputConfig.effort: without thinking at most "high"),
read 2026-11-20. What blocks a budget is as Anthropic's own dialect has it. The budgets are ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.core.conversation import Conversation, Effort, Message, Role, ToolCall, Vendor
from proxy.core.translation import Target
from proxy.translate.bedrock.blocks import Block, BlockWriter
from proxy.translate.bedrock.reasoning import DROPPED, Thought
from proxy.translate.claude import Generation, ThinkingMode
from proxy.translate.claudethinking import BUDGETS, LEAST_BUDGET, ThinkingPlan, adaptive, level, not_to_think

_ASSISTANT = Role.ASSISTANT  # CPython 3.11 calls a Python function to get a member out of its enum

_ROOM = 4_096  # tokens for the answer beside the budget, where nobody says how many


def claude_thought(conversation: Conversation, target: Target, takes: Generation, *, blocked: bool) -> Thought:
    """Write what the client asks for.

    Args:
        blocked: A budget would be refused: a tool is forced, or a tool loop began without a thought.
    """
    asked = conversation.reasoning
    if asked.effort is Effort.NONE or asked.budget_tokens == 0:
        return _thought(not_to_think(asked.effort, takes))
    word = level(asked.effort, takes) or ""
    # In Anthropic's own dialect an effort alone does not ask for thoughts.
    is_foreign = conversation.dialect_vendor is not Vendor.ANTHROPIC
    by_effort = asked.effort is not None and is_foreign
    if not (by_effort or asked.adaptive or asked.budget_tokens is not None):
        return Thought(effort=word, dropped=DROPPED if asked.effort is not None and not word else ())
    match takes.thinking:
        case ThinkingMode.NONE:
            return Thought(dropped=DROPPED)
        case ThinkingMode.BUDGET:
            return Thought(effort=word, dropped=DROPPED) if blocked else _budget(conversation, target, takes)
        case _:
            return _thought(adaptive(asked, takes, shown=is_foreign))


def lost_thread(messages: Sequence[Message], writer: BlockWriter) -> bool:
    """Say whether the model's last words are calls without the thought that led to them.

    With a budget, Claude refuses such a turn. It comes from another vendor or account, whose thoughts cannot go along.
    """
    last = next((message for message in reversed(messages) if message.role is _ASSISTANT), None)
    if last is None or not any(isinstance(part, ToolCall) for part in last.parts):
        return False
    return not any(writer.is_signed(part) for part in last.parts)


def _thought(plan: ThinkingPlan) -> Thought:
    fields: Block = {"thinking": plan.thinking} if plan.thinking else {}
    return Thought(fields, plan.effort or "", thinks=plan.active, dropped=DROPPED if plan.dropped else ())


def _budget(conversation: Conversation, target: Target, takes: Generation) -> Thought:
    asked, most = conversation.reasoning, conversation.params.max_tokens
    word = level(asked.effort, takes) or ""
    exact = asked.budget_tokens or 0
    budget = exact if exact > 0 else BUDGETS[asked.effort or Effort.MEDIUM]
    if most is None:
        limit = target.capabilities.max_output_tokens or takes.max_tokens
        most = min(limit, max(budget, LEAST_BUDGET) + _ROOM)
    elif exact <= 0:
        budget = min(budget, most // 2)  # the other half is for the answer
    budget = min(budget, most - 1)
    if most <= LEAST_BUDGET:
        return Thought(effort=word, dropped=DROPPED)
    thinking = {"type": "enabled", "budget_tokens": max(budget, LEAST_BUDGET)}
    return Thought({"thinking": thinking}, word, thinks=True, max_tokens=most)
