"""A request of OpenAI chat, from the client to the hub and from the hub to an upstream.

Extensions of the dialect that a `Target` may name: `allowed_tools`, `cache_control`, `extra_content`, `images` (in the
assistant's messages), `reasoning`, `reasoning_content`, `reasoning_details`, `thinking`, `top_k`. What is not named is
not sent: most vendors refuse members that they do not know. No members are `nine_letter_ids`, ids of calls as they must
be there, `every_thought`: `reasoning_content` stands in each message of the assistant, else its next turn is a 400, and
`thinking_switch`: models think unless `thinking` says that they are not to.

Source: OpenAI Python SDK 3.51.0, types/chat/completion_create_params.py, read 2026-11-20;
github.com/NousResearch/hermes-agent/pull/15228 (DeepSeek: in each message), read 2026-11-21.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxy.apischema import openai_chat as schema
from proxy.core.conversation import NOTHING, Conversation, Vendor
from proxy.core.translation import Encoded, Target, Undecodable
from proxy.translate.effort import read_effort
from proxy.translate.foreign import refuse_foreign
from proxy.translate.openai_chat.history import decode_messages
from proxy.translate.openai_chat.outgoing import encode_messages
from proxy.translate.openai_chat.params import decode_params, decode_reasoning, encode_params
from proxy.translate.openai_chat.tools import decode_choice, decode_format, decode_tools, encode_format, encode_tools
from proxy.translate.openai_chat.unsupported import UNSUPPORTED
from proxy.wire.jsonbody import raw, split_object
from proxy.wire.typedjson import decoded, given


class _Tools(Struct):
    tools: list[Raw]


_REQUEST = msgspec.json.Decoder(schema.Request)
_TOOLS = msgspec.json.Decoder(_Tools)
_ENCODER = msgspec.json.Encoder()
_KNOWN = frozenset(schema.Request.__struct_fields__)
_NULL = b"null"


def decode_request(body: bytes, stream: bool) -> Conversation:
    """Read a client's request.

    Raises:
        Undecodable: Not OpenAI chat, or something of it that no other dialect can be given.
    """
    request = decoded(_REQUEST, body)
    if given(request.functions) is not None or given(request.function_call) is not None:
        raise Undecodable("`functions` cannot be translated: use `tools`.", param="functions")
    rest = {name: value for name, value in split_object(body).items() if name not in _KNOWN and bytes(value) != _NULL}
    if request.user and request.safety_identifier:
        rest["safety_identifier"] = raw(request.safety_identifier)
    if request.reasoning_effort and read_effort(request.reasoning_effort) is None:
        rest["reasoning_effort"] = raw(request.reasoning_effort)  # a vendor's own word
    return Conversation(
        Vendor.OPENAI,
        decode_messages(request.messages),
        decode_tools(request, lambda: decoded(_TOOLS, body).tools),
        decode_choice(request.tool_choice),
        decode_format(request.response_format),
        decode_reasoning(request),
        decode_params(request),
        stream,
        rest or NOTHING,
    )


def encode_request(conversation: Conversation, target: Target) -> Encoded:
    """Write a request to an upstream.

    Raises:
        Untranslatable: It asks for something that OpenAI chat cannot.
    """
    refuse_foreign(conversation, Vendor.OPENAI)
    params, dropped = encode_params(conversation, target)
    body: dict[str, Any] = {
        "model": target.model,
        "messages": encode_messages(conversation.messages, target),
        **encode_tools(conversation, target),
        **encode_format(conversation.format),
        **params,
    }
    if conversation.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    for name, value in conversation.rest.items():
        if conversation.dialect_vendor is not Vendor.OPENAI or name in UNSUPPORTED:
            dropped.append(name)
        else:
            body[name] = value
    return Encoded(_ENCODER.encode(body), tuple(dropped))
