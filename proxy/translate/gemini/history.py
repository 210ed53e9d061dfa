"""A Gemini client's `systemInstruction` and `contents`, to messages of the hub.

Google's results name their call by id since its third generation, by name and order before: whoever sends no ids gets
some that are the same in each request of a conversation.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw, UnsetType

from proxy.apischema.gemini import Content, FunctionResponse, FunctionResponsePart, Part
from proxy.core.conversation import Audio, Document, Image, Message, Role, Text, Thinking, ToolCall, ToolResult
from proxy.core.conversation import Part as HubPart
from proxy.core.translation import Undecodable
from proxy.translate.gemini.media import read_blob, read_file
from proxy.translate.gemini.parts import own_members, read_part
from proxy.translate.gemini.signatures import unseal
from proxy.translate.gemini.vocab import ROLES
from proxy.wire.typedjson import decoded

_ASSISTANT = Role.ASSISTANT  # CPython 3.11 calls a Python function to get a member out of its enum

_CONTENTS: msgspec.json.Decoder[list[Content] | Content] = msgspec.json.Decoder(list[Content] | Content)
_SYSTEM: msgspec.json.Decoder[Content | str] = msgspec.json.Decoder(Content | str)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_STRING = msgspec.json.Decoder(str)
_BESIDE = {"media_resolution": "mediaResolution", "video_metadata": "videoMetadata"}
_WRAPPERS = frozenset({"output", "result"})


def read_system(member: Raw) -> Message | None:
    """Read `systemInstruction`, which may be a text alone.

    Raises:
        Undecodable: It is neither.
    """
    system = decoded(_SYSTEM, member, "systemInstruction")
    if isinstance(system, str):
        return Message(Role.SYSTEM, (Text(system),)) if system else None
    texts = tuple(Text(part.text) for part in _parts(system) if part.text)
    return Message(Role.SYSTEM, texts) if texts else None


def read_contents(member: Raw) -> list[Message]:
    """Read `contents`.

    Raises:
        Undecodable: It is no list of contents, or one has a role that nobody knows.
    """
    contents = decoded(_CONTENTS, member, "contents")
    reader = _Reader()
    messages: list[Message] = []
    for at, content in enumerate([contents] if isinstance(contents, Content) else contents):
        message = reader.read(content, at)
        if message.role is _ASSISTANT:
            said = [*messages.pop().parts] if messages and messages[-1].role is _ASSISTANT else []
            message = Message(message.role, tuple(_joined([*said, *message.parts])))
        messages.append(message)
    return messages


def _joined(parts: list[HubPart]) -> list[HubPart]:
    """Join what a stream cut: the SDKs keep each chunk of an answer as a content of its own."""
    joined: list[HubPart] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, Text) and isinstance(last, Text) and not (part.signature or last.signature):
            joined[-1] = Text(last.text + part.text)
        elif isinstance(part, Thinking) and isinstance(last, Thinking) and not (part.redacted or last.signature):
            joined[-1] = Thinking(last.text + part.text, part.signature)
        else:
            joined.append(part)
    return joined


class _Reader:
    """Knows the calls so far that have no result yet."""

    def __init__(self) -> None:
        self._pending: list[ToolCall] = []
        self._calls = 0

    def read(self, content: Content, at: int) -> Message:
        role = ROLES.get((content.role or "").lower())
        if role is None:
            raise Undecodable('A content\'s role is "user" or "model".', param=f"contents[{at}].role")
        parts: list[HubPart] = []
        for item in _parts(content):
            if (part := self._part(item)) is not None:
                is_alone = item.video_metadata is UNSET and item.media_resolution is UNSET  # as nearly always
                own = None if is_alone else own_members(item, _BESIDE)
                parts += [part] if own is None else [part, own]
        return Message(role, tuple(parts))

    def _part(self, item: Part) -> HubPart | None:
        if item.function_response is not None:
            return self._result(item.function_response)
        part = read_part(item, unseal, f"call_{self._calls}")
        if isinstance(part, ToolCall):
            self._calls += 1
            self._pending.append(part)
        return part

    def _result(self, response: FunctionResponse) -> ToolResult:
        text, is_error = _outcome(response.response)
        parts = (Text(text), *(part for item in response.parts or () for part in _media(item)))
        call = self._call_of(response)
        return ToolResult(
            response.id or (call.id if call else f"call_{response.name}"),
            parts,
            response.name or (call.name if call else ""),
            is_error,
        )

    def _call_of(self, response: FunctionResponse) -> ToolCall | None:
        """Find the call: by its id, else the first of that name, else the first of all."""
        pending = self._pending
        for call in pending:
            if call.id == response.id if response.id else call.name == response.name:
                pending.remove(call)
                return call
        return pending.pop(0) if pending and not response.id else None


def _parts(content: Content) -> list[Part]:
    return [content.parts] if isinstance(content.parts, Part) else content.parts or []


def _outcome(response: Raw | UnsetType) -> tuple[str, bool]:
    """Unwrap a result: `output` or `result` alone is the tool's own text, `error` its failure."""
    if isinstance(response, UnsetType):
        return "", False
    members = decoded(_MEMBERS, response, "functionResponse.response")
    if len(members) == 1:
        ((name, value),) = members.items()
        if name in _WRAPPERS or name == "error":
            return _words(value), name == "error"
    return bytes(response).decode(), False


def _words(value: Raw) -> str:
    return decoded(_STRING, value) if bytes(value).startswith(b'"') else bytes(value).decode()


def _media(item: FunctionResponsePart) -> list[Image | Document]:
    media = [read_blob(item.inline_data)] if item.inline_data is not None else []
    media += [read_file(item.file_data)] if item.file_data is not None else []
    return [Document(medium.source) if isinstance(medium, Audio) else medium for medium in media]
