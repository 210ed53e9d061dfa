"""A whole answer of OpenAI Responses, from an upstream to the hub and from the hub to the client.

Source: OpenAI Python SDK 3.51.0, types/responses/response.py, response_output_item.py, read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from proxy.apischema import openai_responses as schema
from proxy.core.conversation import (
    Answer,
    Choice,
    Finish,
    Image,
    Inline,
    Native,
    Part,
    Refusal,
    Signature,
    Text,
    Thinking,
    ToolCall,
    Vendor,
)
from proxy.core.translation import Envelope, Undecodable
from proxy.translate.openai_responses.citations import KIND, read_citations, written_citations
from proxy.translate.openai_responses.items import generated_image
from proxy.translate.openai_responses.logprobs import chat_logprobs, item_tokens
from proxy.translate.openai_responses.namespaces import flat_name
from proxy.translate.openai_responses.output import (
    Output,
    call_item,
    custom_item,
    ended_object,
    image_item,
    item_id,
    item_status,
    message_item,
    named_call,
    text_part,
)
from proxy.translate.openai_responses.parts import decode_parts
from proxy.translate.openai_responses.reasoning import decode_answered, encode_for_client
from proxy.translate.openai_responses.usage import decode_usage
from proxy.translate.openai_responses.vocab import HOSTED, read_end
from proxy.wire.typedjson import decoded

_ANSWER = msgspec.json.Decoder(schema.Answer)
_KIND = msgspec.json.Decoder(schema.Kind)
_ITEM = msgspec.json.Decoder(schema.Item)
_ENCODER = msgspec.json.Encoder()
_UNFINISHED = ("in_progress", "queued")


def decode_answer(body: bytes, account: str) -> Answer:
    """Read an upstream's whole answer.

    Raises:
        Undecodable: Not an answer of Responses, or one that is still being made.
    """
    answer = decoded(_ANSWER, body)
    if answer.output is None:
        raise Undecodable("`output` is missing.", param="output")
    if answer.status in _UNFINISHED:
        raise Undecodable("The answer is not finished.", param="status")
    parts: list[Part] = []
    logprobs: Raw | None = None
    said = 0  # letters
    for index, raw_item in enumerate(answer.output):
        where = f"output[{index}]"
        kind = decoded(_KIND, raw_item, where).type or ""
        if kind not in _READ:
            parts.append(Native(Vendor.OPENAI, kind, raw_item))
            continue
        item = decoded(_ITEM, raw_item, where)
        found = _read_item(item, where, account, said)
        parts.extend(found)
        said += sum(len(part.text) for part in found if isinstance(part, Text))
        logprobs = logprobs or _logprobs(item)
    called = any(isinstance(part, ToolCall) for part in parts)
    reason = answer.incomplete_details.reason if answer.incomplete_details else None
    finish = read_end(answer.status, reason, called=called)
    choice = Choice(tuple(parts), finish, logprobs=logprobs)
    created_s = int(answer.created_at or 0)
    return Answer((choice,), answer.id or "", answer.model or "", created_s, decode_usage(answer))


_READ = frozenset({"message", "function_call", "custom_tool_call", "reasoning", "image_generation_call"})


def _read_item(item: schema.Item, where: str, account: str, said: int) -> list[Part]:
    match item.type:
        case "function_call":
            return [ToolCall(item.call_id or item.id or "", _name(item), item.arguments or "")]
        case "custom_tool_call":
            return [ToolCall(item.call_id or item.id or "", _name(item), item.input or "", custom=True)]
        case "reasoning":
            thought = decode_answered(item, account)
            return [] if thought is None else [thought]
        case "image_generation_call":
            return [*generated_image(item)]
        case _:
            parts = decode_parts(item.content, f"{where}.content")
            cited = None if isinstance(item.content, str) else read_citations(item.content or (), said)
            return parts if cited is None else [*parts, cited]


def _name(item: schema.Item) -> str:
    """Name a tool as `named_call` looks for it."""
    return flat_name(item.namespace or "", item.name or "")


def _logprobs(item: schema.Item) -> Raw | None:
    if item.type != "message" or not isinstance(item.content, list):
        return None
    return next((found for part in item.content if (found := chat_logprobs(part.logprobs))), None)


def encode_answer(answer: Answer, envelope: Envelope) -> bytes:
    """Write a whole answer for the client: its first choice, since Responses has one."""
    choice = answer.choices[0] if answer.choices else Choice((), Finish.ERROR)
    return _ENCODER.encode(ended_object(envelope, _output(choice, envelope), choice.finish, answer.usage))


def _output(choice: Choice, envelope: Envelope) -> Output:
    output: Output = []
    status = item_status(choice.finish)
    content: list[dict[str, Any]] | None = None  # of the message that was written last, if nothing came after it
    for part in choice.parts:
        if isinstance(part, Text | Refusal):
            if content is None:
                content = []
                output.append(message_item(item_id("msg", envelope, len(output)), content, status))
            content.append(_content(part, choice))
        elif isinstance(part, Native) and part.kind == KIND and part.vendor is Vendor.OPENAI:
            _cite(content, part)
        else:
            items = _items(part, envelope, len(output), status)
            output.extend(items)
            content = None if items else content
    return output


def _content(part: Text | Refusal, choice: Choice) -> dict[str, Any]:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return text_part(part.text, logprobs=item_tokens(choice.logprobs))


def _cite(content: list[dict[str, Any]] | None, native: Native) -> None:
    for part in reversed(content or []):
        if part["type"] == "output_text":
            part["annotations"] = written_citations(native)
            return


def _items(part: Part, envelope: Envelope, index: int, status: str) -> Output:
    """Write what is an item of its own; Gemini's signature on a call is one more before it."""
    match part:
        case ToolCall(signature=Signature() as signature):
            seal = encode_for_client("", signature, item_id("rs", envelope, index))
            return [seal, _call(part, envelope, index + 1, status)]
        case ToolCall():
            return [_call(part, envelope, index, status)]
        case Thinking(text=text, signature=signature):
            return [encode_for_client(text, signature, item_id("rs", envelope, index))]
        case Image(source=Inline() as source):
            return [image_item(item_id("ig", envelope, index), source)]
        case Native(vendor=Vendor.OPENAI, kind=kind, value=value) if kind in HOSTED:
            return [value]
        case _:
            return []


def _call(call: ToolCall, envelope: Envelope, index: int, status: str) -> dict[str, Any]:
    told = named_call(envelope, call.id, call.name)
    if call.custom:
        return custom_item(item_id("ctc", envelope, index), told, call.arguments)
    return call_item(item_id("fc", envelope, index), told, call.arguments or "{}", status)
