"""A request of OpenAI Responses, from the client to the hub and from the hub to an upstream.

Nothing is kept here: what refers to an earlier response, and what is to run in the background, is refused.

Source: OpenAI Python SDK 3.51.0, types/responses/response_create_params.py, read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from proxy.apischema import openai_responses as schema
from proxy.core.conversation import NOTHING, Conversation, Vendor
from proxy.core.translation import Encoded, Target
from proxy.translate.effort import read_effort
from proxy.translate.foreign import refuse_foreign
from proxy.translate.openai_responses.items import decode_input
from proxy.translate.openai_responses.outgoing import encode_input
from proxy.translate.openai_responses.params import LOGPROBS, SEALED, decode_params, decode_reasoning, encode_params
from proxy.translate.openai_responses.tools import decode_choice, decode_format, decode_tools, encode_tools
from proxy.translate.openai_responses.unsupported import UNSUPPORTED, refused
from proxy.wire.jsonbody import raw, split_object
from proxy.wire.typedjson import decoded, given


class _Tools(Struct):
    tools: list[Raw]


_REQUEST = msgspec.json.Decoder(schema.Request)
_TOOLS = msgspec.json.Decoder(_Tools)
_ENCODER = msgspec.json.Encoder()
_KNOWN = frozenset(schema.Request.__struct_fields__)
_INCLUDE = "include"
_ANSWERED = frozenset({LOGPROBS, SEALED})  # of what may be included, what the hub has a place for


def decode_request(body: bytes, stream: bool) -> Conversation:
    """Read a client's request.

    Raises:
        Undecodable: Not OpenAI Responses, or something of it that no other dialect can be given.
        Untranslatable: It needs what only a provider that keeps responses has.
    """
    request = decoded(_REQUEST, body)
    _refuse_kept(request)
    return Conversation(
        Vendor.OPENAI,
        decode_input(request.input, request.instructions),
        decode_tools(request, lambda: decoded(_TOOLS, body).tools),
        decode_choice(request.tool_choice),
        decode_format(request.text.format if request.text else None),
        decode_reasoning(request.reasoning),
        decode_params(request),
        stream,
        _rest(body, request) or NOTHING,
    )


def _refuse_kept(request: schema.Request) -> None:
    for name, asked in (
        ("previous_response_id", bool(request.previous_response_id)),
        ("conversation", given(request.conversation) is not None),
        ("background", bool(request.background)),
        ("prompt", given(request.prompt) is not None),
    ):
        if asked:
            raise refused(name, name)


def _rest(body: bytes, request: schema.Request) -> dict[str, Raw]:
    rest = {name: value for name, value in split_object(body).items() if name not in _KNOWN and value != schema.NULL}
    if request.include and not _ANSWERED.issuperset(request.include):
        rest[_INCLUDE] = raw(request.include)
    if request.store:
        rest["store"] = raw(True)
    if request.user and request.safety_identifier:
        rest["safety_identifier"] = raw(request.safety_identifier)
    if request.reasoning and request.reasoning.effort and read_effort(request.reasoning.effort) is None:
        rest["reasoning"] = raw({"effort": request.reasoning.effort})  # a vendor's own word
    return rest


def encode_request(conversation: Conversation, target: Target) -> Encoded:
    """Write a request to an upstream, which is to keep nothing of it.

    Raises:
        Untranslatable: It asks for something that Responses cannot.
    """
    refuse_foreign(conversation, Vendor.OPENAI)
    params, dropped = encode_params(conversation)
    body: dict[str, Any] = {
        "model": target.model,
        "input": encode_input(conversation.messages, target),
        **encode_tools(conversation),
        **params,
    }
    if conversation.stream:
        body["stream"] = True
    for name, value in conversation.rest.items():
        taken = name in body and name != _INCLUDE  # which the client wrote whole
        if conversation.dialect_vendor is not Vendor.OPENAI or name in UNSUPPORTED or taken:
            dropped.append(name)
        else:
            body[name] = value
    return Encoded(_ENCODER.encode(body), tuple(dropped))
