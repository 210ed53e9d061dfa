"""Whole answers of the Messages dialect: an upstream's read, a client's written.

Source: anthropic SDK 2.11.0 (types/message.py, types/content_block.py), read 2026-11-20.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from proxy.apischema import anthropic as wire
from proxy.core.conversation import (
    Answer,
    Choice,
    Finish,
    Native,
    Part,
    Refusal,
    Signature,
    Text,
    Thinking,
    ToolCall,
    Vendor,
)
from proxy.core.signature import sealed
from proxy.core.translation import Envelope
from proxy.translate.anthropic.blocks import BlockReader
from proxy.translate.anthropic.reading import as_object
from proxy.translate.anthropic.usage import decode_counts, read_usage, write_usage
from proxy.translate.anthropic.vocab import FINISHES, stop_reason
from proxy.translate.foreign import EXTRAS
from proxy.wire.typedjson import decoded

_ANSWER = msgspec.json.Decoder(wire.Answer)
_ENCODER = msgspec.json.Encoder()
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
Blocks = list[dict[str, object] | Raw]


def decode_answer(body: bytes, account: str) -> Answer:
    """Read an upstream's answer.

    Args:
        account: As in `Target.account`: whose signatures it holds.

    Raises:
        Undecodable: It is not of this dialect.
    """
    answer = decoded(_ANSWER, body)
    reader = BlockReader(lambda value: Signature(Vendor.ANTHROPIC, account, value))
    parts = reader.parts(answer.content, "content")
    if (why := refusal(answer.stop_details)) is not None:
        parts = (*parts, why)
    finish = FINISHES.get(answer.stop_reason, Finish.STOP)
    choice = Choice(parts, finish, stop_sequence=answer.stop_sequence or "")
    return Answer((choice,), answer.id, answer.model, usage=read_usage(decode_counts(answer.usage)))


def refusal(details: wire.StopDetails | None) -> Refusal | None:
    """Give the words of a refusal, where there are any."""
    return Refusal(details.explanation) if details is not None and details.explanation else None


def encode_answer(answer: Answer, envelope: Envelope) -> bytes:
    """Write an answer for a client: its first choice, since a message has one."""
    choice = answer.choices[0] if answer.choices else Choice((), Finish.STOP)
    refusals = [part.text for part in choice.parts if isinstance(part, Refusal)]
    message = head(answer.id, envelope)
    message["content"] = _blocks(choice.parts)
    message |= ending(choice.finish, choice.stop_sequence, "".join(refusals))
    message["usage"] = write_usage(answer.usage)
    return _ENCODER.encode(message)


def head(upstream_id: str, envelope: Envelope) -> dict[str, object]:
    """Write what a message says of itself before it says anything."""
    own = upstream_id if upstream_id.startswith("msg_") else "msg_" + envelope.request_id.removeprefix("req_")
    return {"id": own, "type": "message", "role": "assistant", "model": envelope.model, "content": []}


def ending(finish: Finish, stop_sequence: str, refused: str) -> dict[str, object]:
    """Write why a message ended.

    Args:
        refused: The words of a refusal.
    """
    reason = stop_reason(finish, stop_sequence, refused=bool(refused))
    return {
        "stop_reason": reason,
        "stop_sequence": stop_sequence if reason == "stop_sequence" else None,
        "stop_details": (
            {"type": "refusal", "category": None, "explanation": refused or None} if reason == "refusal" else None
        ),
    }


def call_block(call_id: str, name: str, arguments: Raw) -> dict[str, object]:
    """Write a tool call."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def thought_block(text: str, signature: Signature | None, *, redacted: bool) -> dict[str, object]:
    """Write a thought; its signature says where it came from, so that it can go back there."""
    value = sealed(signature) if signature else ""
    return (
        {"type": "redacted_thinking", "data": value}
        if redacted
        else {"type": "thinking", "thinking": text, "signature": value}
    )


def _blocks(parts: tuple[Part, ...]) -> Blocks:
    blocks: Blocks = []
    for part in parts:
        match part:
            case Text():
                blocks.append({"type": "text", "text": part.text})
            case Thinking():
                blocks.append(thought_block(part.text, part.signature, redacted=part.redacted))
            case ToolCall():
                if part.signature:
                    blocks.append(thought_block("", part.signature, redacted=True))
                arguments = as_object(part.arguments, "input" if part.custom else "arguments")
                blocks.append(call_block(part.id, part.name, arguments))
            case Native() if part.vendor is Vendor.ANTHROPIC:
                last = blocks[-1] if blocks else None
                if part.kind != EXTRAS:
                    blocks.append(part.value)
                elif isinstance(last, dict):
                    last.update(_MEMBERS.decode(part.value))
            case _:
                pass  # images, audio and other vendors' own blocks have no place in a message
    return blocks
