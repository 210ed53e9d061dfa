"""A conversation as the body of Bedrock's Converse and ConverseStream.

The body names no model and says nothing of streaming: the path does both (`providers.bedrock`).

Source: botocore 1.44.5 bedrock-runtime service-2.json (ConverseRequest, ConverseStreamRequest), read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET
from msgspec.json import Decoder, Encoder

from proxy.apischema.bedrock import GuardrailConfig, PerformanceConfig
from proxy.core.conversation import Conversation
from proxy.core.translation import Encoded, Target
from proxy.translate.bedrock.blocks import Block, BlockWriter
from proxy.translate.bedrock.families import Model, model_of
from proxy.translate.bedrock.messages import write_turns
from proxy.translate.bedrock.params import service_tier, write_inference, write_labels
from proxy.translate.bedrock.reasoning import Thought, write_reasoning
from proxy.translate.bedrock.schema import text_format
from proxy.translate.bedrock.thinking import claude_thought, lost_thread
from proxy.translate.bedrock.tools import write_tools
from proxy.translate.bedrock.unsupported import UNSUPPORTED, leave_out
from proxy.translate.media import asks_detail

_ENCODER = Encoder()
_OWN: Mapping[str, Decoder[Any]] = {
    "guardrailConfig": Decoder(GuardrailConfig),
    "performanceConfig": Decoder(PerformanceConfig),
}
# Source: docs.aws.amazon.com prompt-caching.html, as portkey.ai quotes it (Claude and Nova alike), read 2026-11-21.
MOST_MARKS = 4
_STOP_SEQUENCE = "/delta/stop_sequence"  # Claude tells in its own member which one it was


def encode_request(conversation: Conversation, target: Target) -> Encoded:
    """Write a request.

    Raises:
        Untranslatable: It means something that this model, or Bedrock, cannot do.
    """
    dropped = leave_out(conversation)
    model = model_of(target.model)
    writer = BlockWriter(model, target.account)
    turns = write_turns(conversation, model, writer)
    tooling = write_tools(conversation, model, writer, has_history=turns.has_tools)
    thought = _thought(conversation, target, model, forced=tooling.forced, writer=writer)
    inference = write_inference(conversation.params, model, thought)
    _spare_marks([(tooling.config or {}).get("tools", []), turns.system, *(turn["content"] for turn in turns.messages)])
    body: Block = {
        "messages": turns.messages,
        "system": turns.system,
        "inferenceConfig": inference.config,
        "toolConfig": tooling.config,
        "additionalModelRequestFields": {**inference.fields, **thought.fields, **tooling.fields},
        "outputConfig": _output(conversation, thought, model, target),
        "requestMetadata": write_labels(conversation.params, dropped),
        **_own_members(conversation),
    }
    if tier := service_tier(conversation.params, dropped):
        body["serviceTier"] = {"type": tier}
    if model.claude is not None and conversation.params.stop:
        body["additionalModelResponseFieldPaths"] = [_STOP_SEQUENCE]
    dropped += [*tooling.dropped, *thought.dropped, *inference.dropped]
    if asks_detail(conversation):
        dropped.append("detail")
    body = {name: value for name, value in body.items() if value}
    return Encoded(body=_ENCODER.encode(body), dropped=tuple(dropped))


def _thought(conversation: Conversation, target: Target, model: Model, writer: BlockWriter, *, forced: bool) -> Thought:
    if model.claude is None:
        return write_reasoning(conversation.reasoning, model.family)
    blocked = forced or lost_thread(conversation.messages, writer)
    return claude_thought(conversation, target, model.claude, blocked=blocked)


def _output(conversation: Conversation, thought: Thought, model: Model, target: Target) -> Block:
    config: Block = {}
    if conversation.format is not None and (form := text_format(conversation.format, model, target)):
        config["textFormat"] = form
    if thought.effort:
        config["effort"] = thought.effort
    return config


def _spare_marks(prompt: Sequence[list[Block]]) -> None:
    """Keep as many marks of the cache as Bedrock takes: the last ones, which hold the longest stretches.

    Args:
        prompt: The lists of blocks that make it up, in order.
    """
    surplus = sum("cachePoint" in block for blocks in prompt for block in blocks) - MOST_MARKS
    for blocks in prompt if surplus > 0 else ():
        kept = []
        for block in blocks:
            if surplus > 0 and "cachePoint" in block:
                surplus -= 1
            else:
                kept.append(block)
        blocks[:] = kept


def _own_members(conversation: Conversation) -> Block:
    """Pass Bedrock's own members that a client wrote, if they are what Bedrock takes and no more."""
    own = UNSUPPORTED.own_members(conversation, _OWN)
    guarded = own.get("guardrailConfig")
    if guarded is not None and not conversation.stream:
        guarded.streamProcessingMode = UNSET  # ConverseStream alone has it
    return own
