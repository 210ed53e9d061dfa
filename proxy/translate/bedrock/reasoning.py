"""How much a model is to think, in the words of its family.

Claude: `thinking` among the additional fields, and `outputConfig.effort` (`thinking`). Nova 2: `reasoningConfig`.
OpenAI's models: `reasoning.effort`, or flat where they are open. No other family is told.

Sources, read 2026-11-20: live answers recorded in vercel/ai
packages/amazon-bedrock/src/__fixtures__ (nova-2-high-reasoning-*, openai-cris-reasoning-*); stdapi-ai/stdapi.ai#283 and
jeremychone/rust-genai#315 (which words OpenAI's models take).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from proxy.core.conversation import Effort, Reasoning
from proxy.translate.bedrock.blocks import Block
from proxy.translate.bedrock.families import Family
from proxy.translate.claudethinking import effort_of

DROPPED = ("reasoning_effort",)

_THREE: Mapping[Effort, str] = {
    Effort.NONE: "low",
    Effort.MINIMAL: "low",
    Effort.LOW: "low",
    Effort.MEDIUM: "medium",
    Effort.HIGH: "high",
    Effort.XHIGH: "high",
    Effort.MAX: "high",
}


class Thought(Struct, frozen=True):
    """What a request says of thinking.

    Attributes:
        fields: Of `additionalModelRequestFields`.
        effort: `outputConfig.effort`; "" = left out.
        thinks: The model was told to think, so it takes no sampling parameters.
        max_tokens: What `maxTokens` must be because of it; None = as the client says, 0 = it must be left out.
        dropped: What was left out.
    """

    fields: Block = {}
    effort: str = ""
    thinks: bool = False
    max_tokens: int | None = None
    dropped: tuple[str, ...] = ()


NOTHING = Thought()


def write_reasoning(asked: Reasoning, family: Family) -> Thought:
    """Write what the client asks for of a model that is no Claude, as far as its family has words for it."""
    effort = effort_of(asked)
    if effort is None:
        return NOTHING
    match family:
        case Family.NOVA_2:
            return _nova(effort)
        case Family.GPT:
            return Thought(fields={"reasoning": {"effort": "low" if effort is Effort.MINIMAL else str(effort)}})
        case Family.GPT_OSS:
            dropped = DROPPED if effort is Effort.NONE else ()  # it always thinks
            return Thought(fields={"reasoning_effort": _THREE[effort]}, dropped=dropped)
        case _:
            return NOTHING if effort is Effort.NONE else Thought(dropped=DROPPED)


def _nova(effort: Effort) -> Thought:
    if effort is Effort.NONE:
        return Thought(fields={"reasoningConfig": {"type": "disabled"}})
    word = _THREE[effort]
    fields = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": word}}
    # At "high" it refuses maxTokens, temperature and topP.
    return Thought(fields=fields, thinks=True, max_tokens=0) if word == "high" else Thought(fields=fields)
