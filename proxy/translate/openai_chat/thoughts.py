"""What a model thought, in the forms that vendors and gateways have added to OpenAI chat.

`reasoning_content` (DeepSeek, Qwen, xAI, llama.cpp), `reasoning` (OpenRouter, Groq, vLLM), `reasoning_details`
(OpenRouter: with signatures) and `thinking_blocks` (LiteLLM: Anthropic's blocks). Only the last two can be sent back to
whom they came from; clients are given `reasoning_content` and `thinking_blocks`.

Source: openrouter 1.3.84 components/reasoningdetailunion.py, litellm 1.109.1 types/llms/openai.py, read 2026-11-20;
github.com/NousResearch/hermes-agent/pull/18263 (DeepSeek and empty thoughts, asked live), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from proxy.apischema import openai_chat as schema
from proxy.core.conversation import Part, Signature, Thinking, Vendor
from proxy.core.signature import PREFIX, opened, sealed
from proxy.core.translation import Target

_FORMATS = {
    "anthropic-claude-v1": Vendor.ANTHROPIC,
    "google-gemini-v1": Vendor.GOOGLE,
    "openai-responses-v1": Vendor.OPENAI,
}
_FORMAT_WORDS = {vendor: word for word, vendor in _FORMATS.items()}


def decode_told(message: schema.Message) -> list[Thinking]:
    """Read the thoughts of a client's history. A signature counts only if it says where it came from."""
    if message.thinking_blocks:
        blocks = [found for block in message.thinking_blocks if (found := _sealed_block(block))]
        return _with_text(blocks, message.reasoning_content or "")
    text = message.reasoning_content or message.reasoning or _details_text(message.reasoning_details or ())
    return [Thinking(text)] if text else []


def _with_text(blocks: list[Thinking], text: str) -> list[Thinking]:
    """The same text stands in both members, unless all blocks are hidden ones or seals alone."""
    return [Thinking(text), *blocks] if text and not any(block.text for block in blocks) else blocks


def _sealed_block(block: schema.ThinkingBlock) -> Thinking | None:
    if block.type == "redacted_thinking":
        data = block.data or ""
        return Thinking("", opened(data, Vendor.OPENAI), redacted=True) if data.startswith(PREFIX) else None
    signature = block.signature or ""
    if signature.startswith(PREFIX):
        return Thinking(block.thinking or "", opened(signature, Vendor.OPENAI))
    return Thinking(block.thinking) if block.thinking else None


def _details_text(details: Sequence[schema.ReasoningDetail]) -> str:
    return "".join([detail.text or detail.summary or "" for detail in details])


def decode_answered(message: schema.Message, account: str) -> list[Thinking]:
    """Read the thoughts of an upstream's answer, or of what one chunk adds to it."""
    if message.thinking_blocks:
        blocks = [_block(block, account) for block in message.thinking_blocks]
        return _with_text(blocks, message.reasoning_content or "")
    details = message.reasoning_details or ()
    text = message.reasoning_content or message.reasoning or _details_text(details)
    signatures = [found for detail in details if (found := _signature(detail, account))]
    if not signatures:
        return [Thinking(text)] if text else []
    thoughts: list[Thinking] = []
    for redacted, signature in signatures:
        if redacted:
            thoughts.append(Thinking("", signature, redacted=True))
        else:
            thoughts.append(Thinking(text, signature))
            text = ""
    return [Thinking(text), *thoughts] if text else thoughts


def _signature(detail: schema.ReasoningDetail, account: str) -> tuple[bool, Signature] | None:
    vendor = _FORMATS.get(detail.format or "", Vendor.OPENAI)
    if detail.signature:
        return False, Signature(vendor, account, detail.signature)
    return (True, Signature(vendor, account, detail.data)) if detail.data else None


def _block(block: schema.ThinkingBlock, account: str) -> Thinking:
    if block.type == "redacted_thinking":
        return Thinking("", Signature(Vendor.ANTHROPIC, account, block.data or ""), redacted=True)
    signature = Signature(Vendor.ANTHROPIC, account, block.signature) if block.signature else None
    return Thinking(block.thinking or "", signature)


def encode_for_client(parts: Iterable[Part]) -> dict[str, Any]:
    """Write the thoughts of an answer: the text for who shows it, the blocks for who sends them back."""
    thoughts = [part for part in parts if isinstance(part, Thinking)]
    members: dict[str, Any] = {}
    if text := "".join([thought.text for thought in thoughts]):
        members["reasoning_content"] = text
    if blocks := [block_object(thought) for thought in thoughts if thought.signature is not None]:
        members["thinking_blocks"] = blocks
    return members


def block_object(thought: Thinking) -> dict[str, str]:
    """Write one signed thought as LiteLLM does."""
    seal = "" if thought.signature is None else sealed(thought.signature)
    if thought.redacted:
        return {"type": "redacted_thinking", "data": seal}
    return {"type": "thinking", "thinking": thought.text, "signature": seal}


def encode_for_upstream(parts: Iterable[Part], target: Target) -> dict[str, Any]:
    """Write the thoughts of the history that this upstream takes.

    Signed ones go only to the account that signed them, in the form that it gave them in.
    """
    thoughts = [part for part in parts if isinstance(part, Thinking)]
    members: dict[str, Any] = {}
    text = "".join([thought.text for thought in thoughts])
    if not text and "every_thought" in target.extensions:
        text = " "  # an empty one counts as none for DeepSeek's larger models
    if "reasoning_content" in target.extensions and text:
        members["reasoning_content"] = text
    own = [(thought, signature) for thought in thoughts if (signature := _own_signature(thought, target))]
    if "reasoning_details" in target.extensions:
        details = [_detail_object(thought, signature) for thought, signature in own]
        return {**members, "reasoning_details": details} if details else members
    blocks = [_block_back(thought, signature) for thought, signature in own if signature.vendor is Vendor.ANTHROPIC]
    return {**members, "thinking_blocks": blocks} if blocks else members


def _own_signature(thought: Thinking, target: Target) -> Signature | None:
    signature = thought.signature
    return signature if signature is not None and target.account and signature.account == target.account else None


def _block_back(thought: Thinking, signature: Signature) -> dict[str, str]:
    if thought.redacted:
        return {"type": "redacted_thinking", "data": signature.value}
    return {"type": "thinking", "thinking": thought.text, "signature": signature.value}


def _detail_object(thought: Thinking, signature: Signature) -> dict[str, str]:
    form = {"format": _FORMAT_WORDS.get(signature.vendor, "unknown")}
    if thought.redacted:
        return {"type": "reasoning.encrypted", "data": signature.value, **form}
    return {"type": "reasoning.text", "text": thought.text, "signature": signature.value, **form}
