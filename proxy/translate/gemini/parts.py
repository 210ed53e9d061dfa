"""Google's parts, as a model says them and a client sends them back, to and from the parts of the hub.

Knows one part at a time: who speaks, which call a result answers and where signatures may go is `contents`' affair.

Source: google-genai SDK 3.4.0, google/genai/types.py (Part, FunctionCall), read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from proxy.apischema import gemini
from proxy.core.conversation import Audio, Document, Image, Native, Signature, Text, Thinking, ToolCall, Vendor
from proxy.translate.foreign import EXTRAS
from proxy.translate.gemini.media import read_blob, read_file
from proxy.translate.gemini.signatures import Opened

_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_ENCODER = msgspec.json.Encoder()
EMPTY = Raw(b"{}")

Said = Text | Thinking | Image | Audio | Document | ToolCall | Native
Opener = Callable[[str], Opened]


def from_account(account: str) -> Opener:
    """Make what reads the signatures of an upstream's answer."""
    return lambda value: Opened(Signature(Vendor.GOOGLE, account, value))


def read_part(part: gemini.Part, opener: Opener, call_id: str) -> Said | None:
    """Read one part of a content; None for one that says nothing, or of a kind that nobody knows.

    Args:
        opener: Reads a signature.
        call_id: The id of a function call that has none.
    """
    if part.text is not None:
        return _words(part, part.text, opener)
    if part.function_call is not None:
        call = part.function_call
        signature = opener(part.thought_signature).signature if part.thought_signature else None
        return ToolCall(call.id or call_id, call.name, _text(call.args), signature)
    if part.inline_data is not None:
        return read_blob(part.inline_data)
    if part.file_data is not None:
        return read_file(part.file_data)
    native = _native(part)
    if native is None and part.thought_signature:  # alone: it seals what was said before
        return _words(part, "", opener)
    return native


def own_members(given: gemini.Part | gemini.FunctionDeclaration, names: Mapping[str, str]) -> Native | None:
    """Keep members that only Google understands; None where there are none.

    Args:
        names: Google's, by those of the attributes.
    """
    found = {name: getattr(given, place) for place, name in names.items()}
    members = {name: value for name, value in found.items() if value is not UNSET and bytes(value) != b"null"}
    return Native(Vendor.GOOGLE, EXTRAS, Raw(_ENCODER.encode(members))) if members else None


def text_part(text: str, signature: str | None = None, *, thought: bool = False) -> dict[str, Any]:
    part: dict[str, Any] = {"text": text}
    if thought:
        part["thought"] = True
    if signature:
        part["thoughtSignature"] = signature
    return part


def call_part(call: ToolCall, signature: str | None = None) -> dict[str, Any]:
    """Write a function call; arguments that are no JSON object are put into one."""
    part: dict[str, Any] = {"functionCall": {"id": call.id, "name": call.name, "args": _object(call)}}
    if signature:
        part["thoughtSignature"] = signature
    return part


def object_in(text: str) -> Raw | None:
    """Return a text as raw JSON if it is a JSON object."""
    if not text.lstrip().startswith("{"):
        return None
    raw = text.encode()
    try:
        _MEMBERS.decode(raw)
    except (ValueError, RecursionError):
        return None
    return Raw(raw)


def _words(part: gemini.Part, text: str, opener: Opener) -> Text | Thinking | None:
    opened = opener(part.thought_signature) if part.thought_signature else None
    signature = opened.signature if opened else None
    if part.thought:
        redacted = opened is not None and opened.redacted
        return Thinking(text, signature, redacted) if text or signature else None
    return Text(text, signature=signature) if text or signature else None


def _native(part: gemini.Part) -> Native | None:
    for kind, value in (
        ("executableCode", part.executable_code),
        ("codeExecutionResult", part.code_execution_result),
        ("toolCall", part.tool_call),
        ("toolResponse", part.tool_response),
    ):
        if not isinstance(value, UnsetType):
            members = {kind: value, **({"thoughtSignature": part.thought_signature} if part.thought_signature else {})}
            return Native(Vendor.GOOGLE, kind, Raw(_ENCODER.encode(members)))
    return None


def _text(args: Raw | UnsetType) -> str:
    return "{}" if isinstance(args, UnsetType) or bytes(args) == b"null" else bytes(args).decode()


def _object(call: ToolCall) -> Raw | dict[str, str]:
    if not call.arguments.strip():
        return EMPTY
    if call.custom:
        return {"input": call.arguments}
    return object_in(call.arguments) or {"input": call.arguments}
