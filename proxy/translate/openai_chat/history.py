"""The messages of a client's request, from OpenAI chat to the hub.

Tool results, which OpenAI gives a role of their own, become parts of user messages; each stays a message of its own, in
its place. Takes the deprecated `function_call` and `function` role too.

Source: OpenAI Python SDK 3.51.0, types/chat/chat_completion_message_param.py, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec
from msgspec.structs import replace

from proxy.apischema import openai_chat as schema
from proxy.core.conversation import (
    CacheMark,
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
from proxy.core.signature import opened
from proxy.core.translation import Undecodable
from proxy.translate.openai_chat.parts import decode_cache, decode_part, decode_parts
from proxy.translate.openai_chat.thoughts import decode_told
from proxy.translate.openai_chat.vocab import ROLES
from proxy.wire.jsonbody import raw

_ENCODER = msgspec.json.Encoder()


def decode_messages(messages: Sequence[schema.Message]) -> tuple[Message, ...]:
    """Read the messages in their order.

    Raises:
        Undecodable: An unknown role, or a message that lacks what its role asks for.
    """
    names: dict[str, str] = {}  # of the tools, by the ids of their calls
    return tuple([_message(message, index, names) for index, message in enumerate(messages)])


def _message(message: schema.Message, index: int, names: dict[str, str]) -> Message:
    role = ROLES.get(message.role or "")
    if role is None:
        param = f"messages[{index}].role"
        raise Undecodable(f"`{param}` is not a role that is known.", param=param)
    if message.role in ("tool", "function"):
        return Message(role, (_result(message, index, names),))
    parts = decode_parts(message.content, f"messages[{index}].content")
    if role is Role.ASSISTANT:
        parts = _assistant(message, parts, index)
        names.update([(part.id, part.name) for part in parts if isinstance(part, ToolCall)])
    if message.cache_control is not None and parts:
        parts[-1] = _marked(parts[-1], decode_cache(message.cache_control))
    return Message(role, tuple(parts), message.name or "")


def _result(message: schema.Message, index: int, names: dict[str, str]) -> ToolResult:
    call_id = message.tool_call_id or (message.name if message.role == "function" else "")
    if not call_id:
        param = f"messages[{index}].tool_call_id"
        raise Undecodable(f"`{param}` is missing.", param=param)
    parts = decode_parts(message.content, f"messages[{index}].content")
    if not all(isinstance(part, Text | Image | Document) for part in parts):
        param = f"messages[{index}].content"
        raise Undecodable(f"`{param}` may hold only text, images and files.", param=param)
    return ToolResult(
        call_id,
        cast("tuple[Text | Image | Document, ...]", tuple(parts)),
        message.name or names.get(call_id, ""),
        cache=decode_cache(message.cache_control),
    )


def _assistant(message: schema.Message, content: list[Part], index: int) -> list[Part]:
    """Put what the model did in the order in which it does it: thoughts, words, calls."""
    parts: list[Part] = [*decode_told(message), *content]
    if message.refusal:
        parts.append(Refusal(message.refusal))
    if (signature := told_signature(message.extra_content)) is not None:
        _sign_last_text(parts, signature)
    for place, image in enumerate(message.images or ()):
        parts.append(decode_part(image, f"messages[{index}].images", place))
    if message.audio is not None and message.audio.id:
        parts.append(Native(Vendor.OPENAI, "audio", raw({"id": message.audio.id})))
    for place, call in enumerate(message.tool_calls or ()):
        parts.append(_call(call, f"messages[{index}].tool_calls[{place}]"))
    if message.function_call is not None:
        name = message.function_call.name or ""
        parts.append(ToolCall(name, name, whole_arguments(message.function_call.arguments)))
    return parts


def _call(call: schema.ToolCall, where: str) -> ToolCall:
    signature = told_signature(call.extra_content)
    if call.custom is not None:
        return ToolCall(call.id or "", call.custom.name or "", call.custom.input or "", signature, custom=True)
    if call.function is None or not call.function.name:
        raise Undecodable(f"`{where}.function.name` is missing.", param=f"{where}.function.name")
    return ToolCall(call.id or "", call.function.name, whole_arguments(call.function.arguments), signature)


def arguments_text(arguments: object) -> str:
    """Give a call's arguments as JSON text, also where a vendor writes them as an object."""
    if arguments is None:
        return ""
    return arguments if isinstance(arguments, str) else _ENCODER.encode(arguments).decode()


def whole_arguments(arguments: object) -> str:
    """Do the same for arguments that came in one piece, where null stands for none."""
    text = arguments_text(arguments)
    return "" if text == "null" else text


def told_signature(extra: schema.ExtraContent | None) -> Signature | None:
    """Read Google's signature as its own compatible endpoint has it."""
    if extra is None or extra.google is None or not extra.google.thought_signature:
        return None
    return opened(extra.google.thought_signature, Vendor.GOOGLE)


def _sign_last_text(parts: list[Part], signature: Signature) -> None:
    for place in range(len(parts) - 1, -1, -1):
        part = parts[place]
        if isinstance(part, Text):
            parts[place] = replace(part, signature=signature)
            return
    parts.append(Text("", signature=signature))


def _marked(part: Part, cache: CacheMark | None) -> Part:
    return replace(part, cache=cache) if isinstance(part, Text | Image | Document | ToolCall) else part
