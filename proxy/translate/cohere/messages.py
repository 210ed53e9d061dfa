"""A conversation as Cohere's messages and documents.

Cohere knows the four roles at any place, but does not answer a system message. A result of a tool is a message of its
own, in the order of the results. What the model thought goes back only beside the calls it led to, as `tool_plan`:
elsewhere it is of no more use. Files in text become `documents`, which the model may cite.

Source: cohere 7.3.1 types/chat_message_v2.py, assistant_message.py, tool_content.py, document.py, read 2026-11-20.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from proxy.core.conversation import (
    Audio,
    Conversation,
    Document,
    FileRef,
    Image,
    Inline,
    Message,
    Native,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.translate.answeringcalls import results_first
from proxy.translate.cohere.unsupported import refused
from proxy.translate.cohere.vocab import CITATION

Block = dict[str, Any]

_TEXTUAL = ("text/", "application/json", "application/xml")
_NO_OUTPUT = "(no output)"  # no vendor's tools say nothing; that a message without content is refused is not verified
_DETAILS = frozenset({"auto", "low", "high"})


class Turns(Struct):
    """`documents`: those that users sent."""

    messages: list[Block]
    documents: list[Block]


def write_turns(conversation: Conversation) -> Turns:
    """Write all messages.

    Raises:
        Untranslatable: A part that Cohere cannot take.
    """
    turns = Turns([], [])
    for index, message in enumerate(conversation.messages):
        param = f"messages[{index}].content"
        match message.role:
            case Role.SYSTEM | Role.DEVELOPER:
                _say("system", _texts(message.parts), turns)
            case Role.ASSISTANT:
                _assistant(message, turns)
            case _:
                _user(message, param, turns)
    turns.messages = results_first(turns.messages)
    if turns.messages and turns.messages[-1]["role"] == "system":  # it answers a user; not verified to be refused
        turns.messages[-1]["role"] = "user"
    return turns


def _say(role: str, texts: list[str], turns: Turns) -> None:
    if texts:
        content = texts[0] if len(texts) == 1 else [{"type": "text", "text": text} for text in texts]
        turns.messages.append({"role": role, "content": content})


def _user(message: Message, param: str, turns: Turns) -> None:
    content: list[Block] = []
    for place, part in enumerate(message.parts):
        where = f"{param}[{place}]"
        if isinstance(part, ToolResult):
            turns.messages.append(_result(part, where))
        elif isinstance(part, Document):
            turns.documents.append(_document(part, where))
        else:
            content += _content(part, where)
    if all(block["type"] == "text" for block in content):
        _say("user", [block["text"] for block in content], turns)
    else:
        turns.messages.append({"role": "user", "content": content})


def _content(part: Part, param: str) -> list[Block]:
    match part:
        case Text() | Refusal():
            return [{"type": "text", "text": part.text}] if part.text else []
        case Image():
            return [{"type": "image_url", "image_url": _image(part, param)}]
        case Audio():
            raise refused("audio", param)
        case _:
            return []


def _assistant(message: Message, turns: Turns) -> None:
    texts = _texts(message.parts)
    calls = [_call(part) for part in message.parts if isinstance(part, ToolCall)]
    turn: Block = {"role": "assistant"}
    if calls:
        turn["tool_calls"] = calls
        plan = "".join(part.text for part in message.parts if isinstance(part, Thinking))
        if plan:
            turn["tool_plan"] = plan
    if texts:
        turn["content"] = "".join(texts)
    citations = [
        part.value
        for part in message.parts
        if isinstance(part, Native) and part.vendor is Vendor.COHERE and part.kind == CITATION
    ]
    if citations:
        turn["citations"] = citations
    if calls or texts:
        turns.messages.append(turn)


def _texts(parts: Sequence[Part]) -> list[str]:
    return [part.text for part in parts if isinstance(part, Text | Refusal) and part.text]


def _call(part: ToolCall) -> Block:
    return {
        "id": part.id,
        "type": "function",
        "function": {"name": part.name, "arguments": part.arguments or "{}"},
    }


def _result(part: ToolResult, param: str) -> Block:
    content: list[Block] = []
    for inner in part.parts:
        match inner:
            case Text():
                content += [{"type": "text", "text": inner.text}] if inner.text.strip() else []
            case Document():
                content.append({"type": "document", "document": _document(inner, param)})
            case _:
                raise refused("result_image", param)
    alone = content[0].get("text") if len(content) == 1 else None
    return {"role": "tool", "tool_call_id": part.call_id, "content": alone or content or _NO_OUTPUT}


def _image(part: Image, param: str) -> Block:
    source = part.source
    if isinstance(source, FileRef):
        raise refused("file_id", param)
    url = f"data:{source.media_type};base64,{source.data}" if isinstance(source, Inline) else source.url
    return {"url": url, "detail": part.detail} if part.detail in _DETAILS else {"url": url}


def _document(part: Document, param: str) -> Block:
    """Read a file that is text; Cohere reads no other."""
    source = part.source
    if isinstance(source, FileRef):
        raise refused("file_id", param)
    if not isinstance(source, Inline) or not source.media_type.startswith(_TEXTUAL):
        raise refused("document_type", param)
    try:
        text = base64.b64decode(source.data, validate=True).decode()
    except ValueError as exc:  # of base64, of ASCII or of UTF-8
        raise refused("document_text", param) from exc
    return {"data": {"text": text, "title": part.name} if part.name else {"text": text}}
