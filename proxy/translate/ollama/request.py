"""A request of Ollama's `/api/chat`, from the client to the hub and from the hub to an upstream.

Source: ollama 0.6.3 _types.py, github.com/ollama/ollama docs/api.md, read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from proxy.apischema import ollama as schema
from proxy.core.conversation import NOTHING, Conversation, Vendor
from proxy.core.translation import Encoded, Target
from proxy.translate.foreign import refuse_foreign
from proxy.translate.media import asks_detail
from proxy.translate.ollama.history import decode_messages
from proxy.translate.ollama.outgoing import encode_messages
from proxy.translate.ollama.params import (
    decode_format,
    decode_params,
    decode_reasoning,
    decode_tools,
    encode_params,
    encode_tools,
)
from proxy.wire.jsonbody import raw, split_object
from proxy.wire.typedjson import decoded, given

_REQUEST = msgspec.json.Decoder(schema.Request)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_ENCODER = msgspec.json.Encoder()
_KNOWN = frozenset(schema.Request.__struct_fields__)
_KNOWN_OPTIONS = frozenset(schema.Options.__struct_fields__)


def decode_request(body: bytes, stream: bool) -> Conversation:
    """Read a client's request. `stream` is the caller's to tell: Ollama streams unless it is told not to.

    Raises:
        Undecodable: Not a chat of Ollama's.
    """
    request = decoded(_REQUEST, body)
    rest = {name: value for name, value in split_object(body).items() if name not in _KNOWN and value != schema.NULL}
    if (options := given(request.options)) is not None:
        members = decoded(_MEMBERS, options, "options")
        if own := {name: value for name, value in members.items() if name not in _KNOWN_OPTIONS}:
            rest["options"] = raw(own)
    return Conversation(
        Vendor.OLLAMA,
        decode_messages(request.messages),
        decode_tools(request.tools or ()),
        None,
        decode_format(request.format),
        decode_reasoning(request.think),
        decode_params(request),
        stream,
        rest or NOTHING,
    )


def encode_request(conversation: Conversation, target: Target) -> Encoded:
    """Write a request to an upstream.

    Raises:
        Untranslatable: It asks for something that Ollama cannot.
    """
    refuse_foreign(conversation, Vendor.OLLAMA)
    members, options, dropped = encode_params(conversation, target)
    body: dict[str, Any] = {
        "model": target.model,
        "messages": encode_messages(conversation.messages),
        "stream": conversation.stream,
        **members,
    }
    if asks_detail(conversation):
        dropped.append("detail")
    if tools := encode_tools(conversation):
        body["tools"] = tools
    if conversation.dialect_vendor is not Vendor.OLLAMA:
        dropped.extend(conversation.rest)
    else:
        rest = dict(conversation.rest)
        if (own := rest.pop("options", None)) is not None:
            options.update(_MEMBERS.decode(own))
        body.update(rest)
    if options:
        body["options"] = options
    return Encoded(_ENCODER.encode(body), tuple(dropped))
