"""A whole answer of OpenAI chat, from an upstream to the hub and from the hub to the client.

Source: OpenAI Python SDK 3.51.0, types/chat/chat_completion.py and types/completion_usage.py, read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from proxy.apischema import openai_chat as schema
from proxy.core.conversation import (
    Answer,
    Audio,
    Choice,
    Image,
    Inline,
    Link,
    Native,
    Part,
    Refusal,
    Signature,
    Text,
    ToolCall,
    Vendor,
)
from proxy.core.translation import Envelope, Undecodable
from proxy.translate.openai_chat.history import whole_arguments
from proxy.translate.openai_chat.parts import decode_part, decode_parts
from proxy.translate.openai_chat.reading import answered_signature, call_ids, cited, decode_audio, decode_usage
from proxy.translate.openai_chat.thoughts import decode_answered, encode_for_client
from proxy.translate.openai_chat.vocab import FINISH_WORDS, read_finish
from proxy.translate.openai_chat.writing import (
    TIERS,
    audio_object,
    call_object,
    completion_id,
    extra_content,
    image_object,
    usage_object,
)
from proxy.wire.typedjson import decoded, given

_ANSWER = msgspec.json.Decoder(schema.Answer)
_LIST = msgspec.json.Decoder(list[Raw])
_ENCODER = msgspec.json.Encoder()


def decode_answer(body: bytes, account: str) -> Answer:
    """Read an upstream's whole answer.

    Raises:
        Undecodable: Not an answer of OpenAI chat.
    """
    answer = decoded(_ANSWER, body)
    if not answer.choices:
        raise Undecodable("`choices` is missing.", param="choices")
    choices = [_choice(answer, choice, account) for choice in answer.choices]
    created_s = int(answer.created or 0)
    return Answer(tuple(choices), answer.id or "", answer.model or "", created_s, decode_usage(answer))


def _choice(answer: schema.Answer, choice: schema.Choice, account: str) -> Choice:
    """Gemini's compatible endpoint leaves out the message of an answer that says nothing."""
    message, ids = choice.message, call_ids(answer.id, choice.index)
    parts = [] if message is None else _parts(message, f"choices[{choice.index}].message", account, ids)
    called = any(isinstance(part, ToolCall) for part in parts)
    finish = read_finish(choice.finish_reason or "", called=called)
    return Choice(tuple(parts), finish, choice.index, logprobs=given(choice.logprobs))


def _parts(message: schema.Message, where: str, account: str, ids: str) -> list[Part]:
    parts: list[Part] = [*decode_answered(message, account), *decode_parts(message.content, f"{where}.content")]
    if message.refusal:
        parts.append(Refusal(message.refusal))
    signature = answered_signature(message.extra_content, account)
    if signature is not None:
        said = "".join([part.text for part in parts if isinstance(part, Text)])
        parts = [*[part for part in parts if not isinstance(part, Text)], Text(said, signature=signature)]
    for place, image in enumerate(message.images or ()):
        parts.append(decode_part(image, f"{where}.images", place))
    parts.extend(decode_audio(message.audio))
    if (annotations := cited(message)) is not None:
        parts.append(annotations)
    for place, call in enumerate(message.tool_calls or ()):
        parts.append(_call(call, f"{ids}{place}", account))
    if message.function_call is not None and message.function_call.name:
        name = message.function_call.name
        parts.append(ToolCall(f"{ids}0", name, whole_arguments(message.function_call.arguments)))
    return parts


def _call(call: schema.ToolCall, own_id: str, account: str) -> ToolCall:
    signature, id_ = answered_signature(call.extra_content, account), call.id or own_id
    if call.custom is not None:
        return ToolCall(id_, call.custom.name or "", call.custom.input or "", signature, custom=True)
    function = call.function or schema.FunctionCall()
    return ToolCall(id_, function.name or "", whole_arguments(function.arguments), signature)


def encode_answer(answer: Answer, envelope: Envelope) -> bytes:
    """Write a whole answer for the client."""
    body: dict[str, Any] = {
        "id": completion_id(envelope),
        "object": "chat.completion",
        "created": envelope.created_s,
        "model": envelope.model,
        "choices": [_choice_object(choice, envelope) for choice in answer.choices],
    }
    if answer.usage is not None:
        body["usage"] = usage_object(answer.usage)
        if answer.usage.service_tier in TIERS:
            body["service_tier"] = answer.usage.service_tier
    body["system_fingerprint"] = None
    return _ENCODER.encode(body)


def _choice_object(choice: Choice, envelope: Envelope) -> dict[str, Any]:
    return {
        "index": choice.index,
        "message": _message_object(choice.parts, envelope),
        "logprobs": choice.logprobs,
        "finish_reason": FINISH_WORDS[choice.finish],
    }


def _message_object(parts: tuple[Part, ...], envelope: Envelope) -> dict[str, Any]:
    texts = [part.text for part in parts if isinstance(part, Text)]
    refusals = [part.text for part in parts if isinstance(part, Refusal)]
    calls = [call_object(part) for part in parts if isinstance(part, ToolCall)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts or not (calls or refusals) else None,
        "refusal": "".join(refusals) or None,
        **encode_for_client(parts),
        **_shown(parts, envelope),
    }
    if calls:
        message["tool_calls"] = calls
    return message


def _shown(parts: tuple[Part, ...], envelope: Envelope) -> dict[str, Any]:
    """Write what is no text and no call; blocks of other vendors have no place here."""
    members: dict[str, Any] = {}
    for part in parts:
        match part:
            case Text(signature=Signature() as signature):
                members.update(extra_content(signature))
            case Image(source=Inline() | Link() as source):
                images = members.setdefault("images", [])
                images.append(image_object(source, len(images)))
            case Audio(source=Inline(data=data)):
                members["audio"] = audio_object(data, envelope)
            case Native(vendor=Vendor.OPENAI, kind="annotations", value=value):
                members.setdefault("annotations", []).extend(_listed(value))
            case _:
                pass
    return members


def _listed(annotations: Raw) -> list[Raw]:
    """Take a list of citations apart; what is none says nothing."""
    try:
        return _LIST.decode(annotations)
    except (ValueError, RecursionError):
        return []
