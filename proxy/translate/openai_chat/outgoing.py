"""The messages of a request to an upstream that speaks OpenAI chat.

Splits what the hub keeps together: results of tools become messages of their own, before the words that came with them,
since they must follow the calls (`answeringcalls`); images in results, for which a result has no room, follow in a
user's message. Only vendors known to take instructions anywhere get them where the client put them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.core.conversation import (
    Document,
    Image,
    Message,
    Native,
    Part,
    Refusal,
    Role,
    Signature,
    Text,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.signature import fits
from proxy.core.translation import Target
from proxy.translate.answeringcalls import results_first
from proxy.translate.callids import LONGEST_CHAT, nine_letters, shortened
from proxy.translate.instructions import settled
from proxy.translate.openai_chat.parts import encode_cache, encode_part
from proxy.translate.openai_chat.thoughts import encode_for_upstream
from proxy.translate.openai_chat.unsupported import refused
from proxy.translate.openai_chat.vocab import ROLE_WORDS


def encode_messages(messages: Sequence[Message], target: Target) -> list[dict[str, Any]]:
    """Write the messages in their order.

    Raises:
        Untranslatable: A message holds what OpenAI chat has no form for.
    """
    written: list[dict[str, Any]] = []
    if "system_messages" not in target.extensions:
        messages = settled(messages, caches="cache_control" in target.extensions)
    for index, message in enumerate(messages):
        if message.role is Role.ASSISTANT:
            written.append(_assistant(message, index, target))
        else:
            _append_told(written, message, index, target)
    return results_first(written)


def _append_told(written: list[dict[str, Any]], message: Message, index: int, target: Target) -> None:
    parts: list[Part] = []
    shown: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            written.append(_result(part, target))
            shown.extend([inner for inner in part.parts if isinstance(inner, Image | Document)])
        else:
            parts.append(part)
    if message.parts and not parts and not shown:
        return
    content = _content([*shown, *parts], index, target)
    told: dict[str, Any] = {"role": ROLE_WORDS[message.role], "content": content}
    if message.name:
        told["name"] = message.name
    written.append(told)


def _content(parts: Sequence[Part], index: int, target: Target) -> str | list[dict[str, Any]]:
    caches = "cache_control" in target.extensions
    if len(parts) == 1 and isinstance(text := parts[0], Text) and not (caches and text.cache):
        return text.text
    where = f"messages[{index}].content"
    written = [encode_part(part, f"{where}[{place}]", caches=caches) for place, part in enumerate(parts)]
    return [part for part in written if part is not None] or ""


def _call_id(call_id: str, target: Target) -> str:
    return nine_letters(call_id) if "nine_letter_ids" in target.extensions else shortened(call_id, LONGEST_CHAT)


def _result(result: ToolResult, target: Target) -> dict[str, Any]:
    texts = [part.text for part in result.parts if isinstance(part, Text)]
    content = texts[0] if len(texts) == 1 else [{"type": "text", "text": text} for text in texts] or ""
    return {"role": "tool", "tool_call_id": _call_id(result.call_id, target), "content": content}


def _assistant(message: Message, index: int, target: Target) -> dict[str, Any]:
    texts: list[Text] = []
    calls: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    # What says nothing beside a thought is refused by DeepSeek (github.com/can1357/oh-my-pi/pull/788, read 2026-11-21).
    silence = "" if "every_thought" in target.extensions else None
    written: dict[str, Any] = {"role": "assistant", "content": None}
    for place, part in enumerate(message.parts):
        match part:
            case Text():
                texts.append(part)
            case Refusal(text=text):
                texts.append(Text(text))
            case ToolCall():
                calls.append(_call(part, target))
            case Image():
                images.append(_image(part, f"messages[{index}].content[{place}]", target))
            case Native(vendor=Vendor.OPENAI, kind="audio", value=value):
                written["audio"] = value
            case _:
                pass  # thoughts follow below; results and citations of other vendors mean nothing here
    written["content"] = _words(texts, target) or (silence if calls or "audio" in written else "")
    written.update(encode_for_upstream(message.parts, target))
    if images:
        written["images"] = images
    if calls:
        written["tool_calls"] = calls
    if message.name:
        written["name"] = message.name
    written.update(_extra(next((text.signature for text in reversed(texts) if text.signature), None), target))
    return written


def _words(texts: Sequence[Text], target: Target) -> str | list[dict[str, Any]]:
    """One text goes as a string, which everyone takes; empty ones, which some refuse, do not go."""
    caches = "cache_control" in target.extensions
    said = [text for text in texts if text.text]
    if len(said) == 1 and not (caches and said[0].cache):
        return said[0].text
    return [
        {"type": "text", "text": text.text, "cache_control": encode_cache(text.cache)}
        if caches and text.cache is not None
        else {"type": "text", "text": text.text}
        for text in said
    ]


def _call(call: ToolCall, target: Target) -> dict[str, Any]:
    id_ = _call_id(call.id, target)
    if call.custom:
        return {"id": id_, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": id_, "type": "function", "function": function, **_extra(call.signature, target)}


def _extra(signature: Signature | None, target: Target) -> dict[str, Any]:
    if signature is None or not fits(signature, Vendor.GOOGLE, target.account):
        return {}
    if not signature.account and "extra_content" not in target.extensions:
        return {}
    return {"extra_content": {"google": {"thought_signature": signature.value}}}


def _image(image: Image, where: str, target: Target) -> dict[str, Any]:
    written = encode_part(image, where, caches=False)
    if "images" not in target.extensions or written is None:
        raise refused("assistant_image", where)
    return written
