"""The messages of a request to Ollama: content is one text, images lie beside it, arguments are objects.

Source: ollama 0.6.3 _types.py, github.com/ollama/ollama api/types.go, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from proxy.core.conversation import (
    Audio,
    Document,
    Image,
    Inline,
    Message,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from proxy.translate.answeringcalls import results_first
from proxy.translate.media import words_of
from proxy.translate.ollama.unsupported import refused
from proxy.translate.ollama.vocab import ROLE_WORDS

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_BETWEEN = {Role.ASSISTANT: ""}  # what the model said in pieces is one text; others' parts are paragraphs
_PARAGRAPH = "\n\n"


def encode_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Write the messages in their order; results come before the words that came with them.

    Raises:
        Untranslatable: A message holds what Ollama has no form for.
    """
    written: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        where = f"messages[{index}].content"
        for place, part in enumerate(message.parts):
            if isinstance(part, ToolResult):
                written.append(_result(part, f"{where}[{place}]"))
        own = [part for part in message.parts if not isinstance(part, ToolResult)]
        if own or not message.parts:
            written.append(_message(message.role, own, where))
    return results_first(written)


def _message(role: Role, parts: Sequence[Part], where: str) -> dict[str, Any]:
    content = _text(parts, _BETWEEN.get(role, _PARAGRAPH), where)
    written: dict[str, Any] = {"role": ROLE_WORDS[role], "content": content}
    if thinking := "".join([part.text for part in parts if isinstance(part, Thinking)]):
        written["thinking"] = thinking
    if images := _images(parts, where):
        written["images"] = images
    if calls := [call_object(part, place) for place, part in enumerate(_calls(parts))]:
        written["tool_calls"] = calls
    return written


def _result(result: ToolResult, where: str) -> dict[str, Any]:
    written: dict[str, Any] = {"role": "tool", "content": _text(result.parts, _PARAGRAPH, where)}
    if images := _images(result.parts, where):
        written["images"] = images
    if result.name:
        written["tool_name"] = result.name
    written["tool_call_id"] = result.call_id
    return written


def _text(parts: Iterable[Part], between: str, where: str) -> str:
    texts = []
    for part in parts:
        match part:
            case Text(text=text) | Refusal(text=text):
                texts.append(text)
            case Document(source=Inline(media_type=media_type) as source) if media_type.startswith("text/"):
                texts.append(words_of(source, where))
            case Document():
                raise refused("document", where)
            case Audio():
                raise refused("audio", where)
            case _:
                pass
    return between.join([text for text in texts if text])


def _images(parts: Iterable[Part], where: str) -> list[str]:
    images = []
    for part in parts:
        if isinstance(part, Image):
            if not isinstance(part.source, Inline):
                raise refused("image_url", where)
            images.append(part.source.data)
    return images


def _calls(parts: Iterable[Part]) -> list[ToolCall]:
    return [part for part in parts if isinstance(part, ToolCall)]


def call_object(call: ToolCall, index: int) -> dict[str, Any]:
    """Write a tool call. Arguments that are no JSON object are given as the one argument `input`."""
    return {
        "id": call.id,
        "function": {"index": index, "name": call.name, "arguments": arguments_object(call.arguments)},
    }


def arguments_object(arguments: str) -> dict[str, Any]:
    """Read a call's arguments as the object that Ollama wants."""
    if not arguments:
        return {}
    try:
        return dict(_OBJECT.decode(arguments))
    except (ValueError, RecursionError):
        return {"input": arguments}
