"""The messages of a request to an upstream that speaks OpenAI Responses, as items of its input.

The order in which the assistant thought, spoke and called is kept; a result of a custom tool has a type of its own.

Source: OpenAI Python SDK 3.51.0, types/responses/response_input_item_param.py, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Raw

from proxy.core.conversation import (
    Image,
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
from proxy.core.translation import Target
from proxy.translate.callids import LONGEST_RESPONSES, shortened
from proxy.translate.openai_responses.parts import encode_part
from proxy.translate.openai_responses.reasoning import encode_for_upstream
from proxy.translate.openai_responses.unsupported import refused
from proxy.translate.openai_responses.vocab import HOSTED

Item = dict[str, Any] | Raw


def encode_input(messages: Sequence[Message], target: Target) -> list[Item]:
    """Write the messages in their order.

    Raises:
        Untranslatable: A message holds what Responses has no form for.
    """
    items: list[Item] = []
    custom: set[str] = set()
    for index, message in enumerate(messages):
        where = f"messages[{index}].content"
        if message.role is Role.ASSISTANT:
            _append_said(items, message.parts, custom, target, where)
        else:
            _append_told(items, message, custom, where)
    return items


def _append_told(items: list[Item], message: Message, custom: set[str], where: str) -> None:
    content: list[dict[str, Any]] = []
    for place, part in enumerate(message.parts):
        if isinstance(part, ToolResult):
            items.append(_result(part, f"{where}[{place}]", is_custom=part.call_id in custom))
        elif (written := encode_part(part, f"{where}[{place}]")) is not None:
            content.append(written)
    if not content and message.parts:
        return
    told: str | list[dict[str, Any]] = content
    if not content or (len(content) == 1 and content[0]["type"] == "input_text"):
        told = content[0]["text"] if content else ""
    items.append({"type": "message", "role": message.role.value, "content": told})


def _result(result: ToolResult, where: str, *, is_custom: bool) -> Item:
    written = [part for inner in result.parts if (part := encode_part(inner, where)) is not None]
    only_text = len(written) <= 1 and all(part["type"] == "input_text" for part in written)
    output: str | list[dict[str, Any]] = "".join([part["text"] for part in written]) if only_text else written
    kind = "custom_tool_call_output" if is_custom else "function_call_output"
    return {"type": kind, "call_id": shortened(result.call_id, LONGEST_RESPONSES), "output": output}


def _append_said(items: list[Item], parts: Sequence[Part], custom: set[str], target: Target, where: str) -> None:
    for place, part in enumerate(parts):
        if isinstance(part, Image):
            raise refused("assistant_image", f"{where}[{place}]")
        if (item := _item(part, custom, target)) is not None:
            items.append(item)


def _item(part: Part, custom: set[str], target: Target) -> Item | None:
    """Write one part, each as an item of its own; blocks of other vendors mean nothing here.

    What the assistant said goes as a plain text: only with an id of OpenAI's would it be a message as answers have it.
    """
    match part:
        case Text() | Refusal():
            return _message(part)
        case ToolCall():
            return _call(part, custom)
        case Thinking():
            return encode_for_upstream(part, target)
        case Native(vendor=Vendor.OPENAI, kind=kind, value=value) if kind in HOSTED:
            return value
        case _:
            return None


def _message(part: Text | Refusal) -> Item | None:
    if not part.text:
        return None
    phase = {"phase": part.phase} if isinstance(part, Text) and part.phase else {}
    return {"type": "message", "role": "assistant", "content": part.text, **phase}


def _call(call: ToolCall, custom: set[str]) -> Item:
    id_ = shortened(call.id, LONGEST_RESPONSES)
    named = {"call_id": id_, "name": call.name, **({"namespace": call.namespace} if call.namespace else {})}
    if call.custom:
        custom.add(call.id)
        return {"type": "custom_tool_call", **named, "input": call.arguments}
    return {"type": "function_call", **named, "arguments": call.arguments or "{}"}
