"""The input of a client's request, from OpenAI Responses to the hub.

What the model did stands in items of its own; items in a row become one message of the assistant. Tool results become
messages of the user, one each. What a provider keeps for itself cannot be read by another and is refused, but for
references to thoughts. References to what is kept here have been replaced before (`references`).

Source: OpenAI Python SDK 3.51.0, types/responses/response_input_item_param.py; @ai-sdk/openai 4.0.118,
dist/index.js, read 2026-11-20.
"""

from __future__ import annotations

from typing import cast

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from proxy.apischema import openai_responses as schema
from proxy.core.conversation import (
    Document,
    Image,
    Inline,
    Message,
    Native,
    Part,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.translation import Undecodable
from proxy.translate.openai_responses.parts import decode_parts
from proxy.translate.openai_responses.reasoning import decode_told, with_signatures
from proxy.translate.openai_responses.unsupported import refused
from proxy.translate.openai_responses.vocab import HOSTED, ROLES
from proxy.wire.typedjson import decoded

_ITEMS = msgspec.json.Decoder(list[Raw])
_KIND = msgspec.json.Decoder(schema.Kind)
_ITEM = msgspec.json.Decoder(schema.Item)
_TEXT = msgspec.json.Decoder(str)

_CALLS = {"function_call", "custom_tool_call"}
_RESULTS = {"function_call_output", "custom_tool_call_output"}
_THOUGHT = "rs_"  # how the ids of reasoning items begin


class _Reader:
    """Collects the messages of an input."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._said: list[Part] = []  # by the assistant, since the last message of anyone else
        self._names: dict[str, str] = {}  # of the tools, by the ids of their calls

    def close(self) -> None:
        if self._said:
            self.messages.append(Message(Role.ASSISTANT, tuple(with_signatures(self._said))))
            self._said = []

    def read(self, raw_item: Raw, where: str) -> None:
        kind = decoded(_KIND, raw_item, where).type or "message"
        if kind in HOSTED:
            self._said.append(Native(Vendor.OPENAI, kind, raw_item))
            return
        if kind == "item_reference" and (decoded(_ITEM, raw_item, where).id or "").startswith(_THOUGHT):
            return  # as any thought of another vendor's
        if kind not in _READ:
            raise refused("item_reference" if kind == "item_reference" else "stored_item", where)
        item = decoded(_ITEM, raw_item, where)
        if kind in _CALLS:
            self._said.append(self._call(item, where, custom=kind == "custom_tool_call"))
        elif kind in _RESULTS:
            self.close()
            self.messages.append(Message(Role.USER, (self._result(item, where),)))
        elif kind == "reasoning":
            thought = decode_told(item)
            self._said.extend([] if thought is None else [thought])
        elif kind == "image_generation_call":
            self._said.extend(generated_image(item))
        else:
            self._message(item, where)

    def _message(self, item: schema.Item, where: str) -> None:
        role = ROLES.get(item.role or "")
        if role is None:
            raise Undecodable(f"`{where}.role` is not a role that is known.", param=f"{where}.role")
        parts = decode_parts(item.content, f"{where}.content")
        if role is Role.ASSISTANT:
            phase = item.phase or ""
            self._said.extend([replace(part, phase=phase) if isinstance(part, Text) else part for part in parts])
        else:
            self.close()
            self.messages.append(Message(role, tuple(parts)))

    def _call(self, item: schema.Item, where: str, *, custom: bool) -> ToolCall:
        if not item.call_id or not item.name:
            missing = f"{where}.name" if item.call_id else f"{where}.call_id"
            raise Undecodable(f"`{missing}` is missing.", param=missing)
        self._names[item.call_id] = item.name
        arguments = (item.input if custom else item.arguments) or ""
        return ToolCall(item.call_id, item.name, arguments, custom=custom, namespace=item.namespace or "")

    def _result(self, item: schema.Item, where: str) -> ToolResult:
        if not item.call_id:
            raise Undecodable(f"`{where}.call_id` is missing.", param=f"{where}.call_id")
        parts = decode_parts(item.output, f"{where}.output")
        if not all(isinstance(part, Text | Image | Document) for part in parts):
            raise Undecodable(f"`{where}.output` may hold only text, images and files.", param=f"{where}.output")
        name = self._names.get(item.call_id, item.name or "")
        return ToolResult(item.call_id, cast("tuple[Text | Image | Document, ...]", tuple(parts)), name)


_READ = frozenset({*_CALLS, *_RESULTS, "message", "reasoning", "image_generation_call"})


def decode_input(asked: Raw, instructions: str | None) -> tuple[Message, ...]:
    """Read `instructions` and `input`.

    Raises:
        Undecodable: Not an input of Responses.
        Untranslatable: It names what only a provider has kept.
    """
    messages = [Message(Role.SYSTEM, (Text(instructions),))] if instructions else []
    if bytes(asked)[:1] == b'"':
        return (*messages, Message(Role.USER, (Text(decoded(_TEXT, asked, "input")),)))
    if bytes(asked) == b"null":
        return tuple(messages)
    reader = _Reader()
    items: list[Raw] = decoded(_ITEMS, asked, "input")
    for index, item in enumerate(items):
        reader.read(item, f"input[{index}]")
    reader.close()
    return (*messages, *reader.messages)


def generated_image(item: schema.Item) -> list[Image]:
    """Read an image that the model made; one that failed is none."""
    if not item.result:
        return []
    return [Image(Inline(f"image/{item.output_format or 'png'}", item.result))]
