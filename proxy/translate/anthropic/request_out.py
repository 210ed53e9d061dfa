"""A conversation of the hub, as a Messages request for one model where it is served."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from proxy.core.conversation import Conversation, Vendor
from proxy.core.translation import Encoded, Target
from proxy.translate.anthropic.params import (
    JSON_INSTRUCTION,
    answer_format,
    most_tokens,
    sampling,
    service_tier,
    stop_sequences,
    user_id,
)
from proxy.translate.anthropic.reasoning import Wish, plan
from proxy.translate.anthropic.tools import is_forced, loses_strict, write_choice, write_tools
from proxy.translate.anthropic.turns import Turns, is_begun, loops_without_thought
from proxy.translate.anthropic.unsupported import refuse, refused, unheard
from proxy.translate.claude import Generation, generation
from proxy.translate.claudethinking import ThinkingPlan
from proxy.translate.media import asks_detail

# Source: anthropic SDK 2.11.0 lib/vertex/_client.py (a version in the body, no model), read 2026-11-20. The SDK now
# sends 2026-10-21, which refuses sampling parameters; this older value is not verified.
VERTEX_VERSION = "vertex-2023-10-16"
# Source: platform.claude.com build-with-claude/prompt-caching, as other clients quote it, read 2026-11-20.
MOST_MARKS = 4

_ENCODER = msgspec.json.Encoder()
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])


def encode_request(conversation: Conversation, target: Target) -> Encoded:
    """Write a request.

    Raises:
        Untranslatable: It means something that this model cannot do.
        Undecodable: A schema in it is no JSON object.
    """
    refuse(conversation)
    takes = generation(target.model, target.host)
    dropped = unheard(conversation)
    turns = Turns(target, takes)
    turns.write(conversation)
    tools_marked: list[dict[str, object]] = []
    tools = write_tools(conversation, takes, tools_marked, turns.tools)
    thinking = _thinking(conversation, turns, most_tokens(conversation, target, takes), takes)
    if thinking.dropped:
        dropped.append("thinking" if conversation.dialect_vendor is Vendor.ANTHROPIC else "reasoning_effort")
    if loses_strict(conversation, takes):
        dropped.append("strict")
    if asks_detail(conversation):
        dropped.append("detail")

    body = _head(conversation, target, takes)
    if tools:
        body["tools"] = tools
        if choice := write_choice(conversation, takes):
            body["tool_choice"] = choice
    body |= _settings(conversation, takes, thinking, dropped)
    if thinking.thinking is not None:
        body["thinking"] = thinking.thinking
    if config := _output_config(conversation, target, takes, thinking):
        body["output_config"] = config
    if conversation.format is not None and conversation.format.schema is None:
        turns.system.append({"type": "text", "text": JSON_INSTRUCTION})
    if turns.system:
        body["system"] = turns.system
    body["messages"] = [{"role": turn.role, "content": turn.content()} for turn in turns.turns]
    _keep_rest(conversation, body)
    natives = turns.natives_marked + sum(b'"cache_control"' in bytes(tool) for tool in tools if isinstance(tool, Raw))
    _spare_marks([*tools_marked, *turns.marked], natives + ("cache_control" in body))
    return Encoded(_ENCODER.encode(body), tuple(dict.fromkeys(dropped)), tuple(sorted(turns.betas)))


def _thinking(conversation: Conversation, turns: Turns, max_tokens: int, takes: Generation) -> ThinkingPlan:
    begun = is_begun(turns.turns)
    if begun is not None:
        if not takes.prefill:
            raise refused("prefill", "messages")
        begun["text"] = str(begun["text"]).rstrip()  # the API refuses white space at the end
    wish = Wish(
        conversation.reasoning,
        effort_thinks=conversation.dialect_vendor is not Vendor.ANTHROPIC,
        max_tokens=max_tokens,
        blocked=begun is not None or is_forced(conversation) or loops_without_thought(turns.turns),
    )
    return plan(wish, takes)


def _head(conversation: Conversation, target: Target, takes: Generation) -> dict[str, object]:
    body: dict[str, object] = {}
    if target.host == "vertex":
        body["anthropic_version"] = VERTEX_VERSION
    else:
        body["model"] = target.model
    body["max_tokens"] = most_tokens(conversation, target, takes)
    if conversation.stream:
        body["stream"] = True
    return body


def _settings(
    conversation: Conversation, takes: Generation, thinking: ThinkingPlan, dropped: list[str]
) -> dict[str, object]:
    """Write what is neither said nor offered, and name what has no place."""
    settings, refuses = sampling(conversation, takes, thinks=thinking.active)
    dropped += refuses
    written: dict[str, object] = dict(settings)
    stop, lost = stop_sequences(conversation)
    if stop:
        written["stop_sequences"] = stop
    if lost:
        dropped.append("stop")
    user, lost = user_id(conversation)
    if user:
        written["metadata"] = {"user_id": user}
    if lost:
        dropped.append("user")
    tier, lost = service_tier(conversation, takes)
    if tier:
        written["service_tier"] = tier
    if lost:
        dropped.append("service_tier")
    return written


def _output_config(
    conversation: Conversation, target: Target, takes: Generation, thinking: ThinkingPlan
) -> dict[str, object]:
    config: dict[str, object] = {"effort": thinking.effort} if thinking.effort else {}
    if conversation.format is not None and (schema := answer_format(conversation.format, target, takes)):
        config["format"] = schema
    return config


def _keep_rest(conversation: Conversation, body: dict[str, object]) -> None:
    """Give Anthropic's own members back to it."""
    if conversation.dialect_vendor is not Vendor.ANTHROPIC:
        return
    for name, value in conversation.rest.items():
        if name == "output_config":
            config = body.get(name)
            body[name] = {**_MEMBERS.decode(value), **(config if isinstance(config, dict) else {})}
        else:
            body.setdefault(name, value)


def _spare_marks(marked: list[dict[str, object]], natives: int) -> None:
    """Keep as many cache marks as the API takes: the last ones, which hold the longest stretches.

    Args:
        natives: Marks that are not ours to take away.
    """
    for block in marked[: max(0, len(marked) + natives - MOST_MARKS)]:
        del block["cache_control"]
