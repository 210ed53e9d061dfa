"""generateContent requests, to and from the hub.

The model and the choice of streaming stand in the path: `proxy.api` reads them there and `providers` writes them. What
only Google understands stays in `rest`, whole members and the rests of `generationConfig` and `toolConfig` alike, and
goes back to Google alone.

Source: google-genai SDK 3.4.0, google/genai/models.py (_GenerateContentParameters_to_mldev, _to_vertex), read
2026-11-20.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from proxy.core.conversation import Conversation, Message, ToolChoice, Vendor
from proxy.core.translation import Encoded, Target, Undecodable
from proxy.translate.gemini.contents import write_messages
from proxy.translate.gemini.history import read_contents, read_system
from proxy.translate.gemini.models import traits_of
from proxy.translate.gemini.params import MEMBER, NOTHING_SAID, read_config, write_config
from proxy.translate.gemini.reading import read_members
from proxy.translate.gemini.tools import CALLING, read_tool_config, read_tools, write_tool_choice, write_tools
from proxy.translate.gemini.unsupported import check, dropped_hints
from proxy.translate.gemini.vocab import TIERS_FROM_OPENAI, TIERS_TO_OPENAI
from proxy.wire.typedjson import decoded

_STRING: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_ENCODER = msgspec.json.Encoder()
_NULL = b"null"
_TOOL_CONFIG = "toolConfig"
_KEPT_APART = frozenset({MEMBER, _TOOL_CONFIG})


def decode_request(body: bytes, stream: bool) -> Conversation:
    """Read a request of a Gemini client.

    Args:
        stream: The path says `streamGenerateContent`.

    Raises:
        Undecodable: It is not of this dialect.
    """
    members = {name: value for name, value in read_members(body).items() if bytes(value) != _NULL}
    if "contents" not in members:
        raise Undecodable("`contents` is missing.", param="contents")
    messages: list[Message] = read_contents(members.pop("contents"))
    if "systemInstruction" in members:
        system = read_system(members.pop("systemInstruction"))
        messages = messages if system is None else [system, *messages]
    tools = read_tools(members.pop("tools")) if "tools" in members else ()
    choice: ToolChoice | None = None
    if _TOOL_CONFIG in members:
        choice, others = read_tool_config(members.pop(_TOOL_CONFIG))
        _keep(members, _TOOL_CONFIG, others)
    tier = decoded(_STRING, members.pop("serviceTier"), "serviceTier") if "serviceTier" in members else None
    config = NOTHING_SAID
    words = TIERS_TO_OPENAI.get((tier or "").lower(), "")
    if MEMBER in members or words:
        config = read_config(members.pop(MEMBER, Raw(b"{}")), words)
        _keep(members, MEMBER, config.rest)
    return Conversation(
        Vendor.GOOGLE,
        tuple(messages),
        tools,
        choice,
        config.format,
        config.reasoning,
        config.params,
        stream,
        members,
    )


def encode_request(conversation: Conversation, target: Target) -> Encoded:
    """Write a request for the Gemini API, or for Vertex: their bodies are the same.

    Raises:
        Untranslatable: It asks for what this model cannot do.
    """
    traits = traits_of(target.model)
    check(conversation, traits)
    written = write_messages(conversation, target, traits)
    body: dict[str, Any] = {"contents": written.contents}
    if written.system is not None:
        body["systemInstruction"] = written.system
    _tools(conversation, body)
    if config := write_config(conversation, traits):
        body[MEMBER] = config
    if tier := TIERS_FROM_OPENAI.get(conversation.params.service_tier):
        body["serviceTier"] = tier
    if conversation.dialect_vendor is Vendor.GOOGLE:
        body |= {name: value for name, value in conversation.rest.items() if name not in _KEPT_APART}
    return Encoded(_ENCODER.encode(body), tuple(dropped_hints(conversation, traits)))


def _keep(members: dict[str, Raw], name: str, others: dict[str, Raw]) -> None:
    if said := {member: value for member, value in others.items() if bytes(value) != _NULL}:
        members[name] = Raw(_ENCODER.encode(said))


def _tools(conversation: Conversation, body: dict[str, Any]) -> None:
    if tools := write_tools(conversation.tools):
        body["tools"] = tools
    config: dict[str, Any] = {}
    if conversation.dialect_vendor is Vendor.GOOGLE and _TOOL_CONFIG in conversation.rest:
        config |= _MEMBERS.decode(conversation.rest[_TOOL_CONFIG])
    if calling := write_tool_choice(conversation.tool_choice, conversation.tools):
        config[CALLING] = calling
    if config:
        body[_TOOL_CONFIG] = config
