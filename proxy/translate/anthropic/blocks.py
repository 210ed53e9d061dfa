"""Content blocks of requests and answers, as parts of the hub.

Members of a block that only Anthropic understands (citations, a document's context, a call's caller) follow the part as
a `Native` of kind `EXTRAS`, which holds the whole block where it is quoted text (`quoted`); other blocks of that sort
are a `Native` of their own type. The signature of a Gemini tool call, which this dialect has no member for, travels as
a redacted thought before the call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw

from proxy.apischema import anthropic as wire
from proxy.core.conversation import (
    CacheMark,
    Document,
    Image,
    Native,
    Part,
    Signature,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Vendor,
)
from proxy.core.translation import Undecodable
from proxy.translate.anthropic.quoted import is_quoted, read_quoted
from proxy.translate.anthropic.reading import given
from proxy.translate.anthropic.sources import read_source
from proxy.translate.foreign import EXTRAS
from proxy.wire.typedjson import decoded

_EXTRA_MEMBERS = ("citations", "context", "transformations", "caller", "toolset_name")

T = TypeVar("T")

_CONTENT: msgspec.json.Decoder[str | list[wire.Block]] = msgspec.json.Decoder(str | list[wire.Block])
_RAWS = msgspec.json.Decoder(list[Raw])


class BlockReader:
    """Reads the blocks of one request or answer.

    Attributes:
        sign: Makes a signature of what a thought carries.
    """

    def __init__(self, sign: Callable[[str], Signature]) -> None:
        self.sign = sign
        self._names: dict[str, str] = {}  # of the tools that were called

    def parts(self, content: Raw, where: str) -> tuple[Part, ...]:
        """Read a message's content, text or blocks.

        Raises:
            Undecodable: A block lacks what its type needs.
        """
        blocks = decoded(_CONTENT, content, where)
        if isinstance(blocks, str):
            return (Text(blocks),)
        found: list[Part] = []
        raws: list[Raw] | None = None
        for index, block in enumerate(blocks):
            part = self._part(block, f"{where}[{index}]")
            quoted = part is not None and is_quoted(block)
            if part is None or quoted:
                raws = raws or decoded(_RAWS, content, where)
                native = Native(Vendor.ANTHROPIC, EXTRAS if quoted else block.type, raws[index])
                found += [native] if part is None else [part, native]
                continue
            if isinstance(part, ToolCall) and found and (signature := _gemini(found[-1])):
                found.pop()
                part = msgspec.structs.replace(part, signature=signature)
            found.append(part)
            if extras := _extras(block, part):
                found.append(extras)
        return tuple(found)

    def _part(self, block: wire.Block, where: str) -> Part | None:
        cache = _mark(block)
        match block.type:
            case "text":
                return Text(_needed(block.text, where, "text"), cache)
            case "tool_use":
                return self._call(block, where, cache)
            case "tool_result":
                return self._result(block, where, cache)
            case "thinking":
                signature = self.sign(block.signature) if block.signature else None
                return Thinking(_needed(block.thinking, where, "thinking"), signature)
            case "redacted_thinking":
                return Thinking("", self.sign(_needed(block.data, where, "data")), redacted=True)
            case "search_result" | "document" if is_quoted(block):
                return read_quoted(block, where, cache)
            case "image" | "document":
                return _file(block, where, cache)
        return None

    def _call(self, block: wire.Block, where: str, cache: CacheMark | None) -> ToolCall:
        call_id, name = _needed(block.id, where, "id"), _needed(block.name, where, "name")
        self._names[call_id] = name
        arguments = bytes(block.input).decode() if isinstance(block.input, Raw) else "{}"
        return ToolCall(call_id, name, arguments, cache=cache)

    def _result(self, block: wire.Block, where: str, cache: CacheMark | None) -> ToolResult:
        call_id = _needed(block.tool_use_id, where, "tool_use_id")
        name, is_error = self._names.get(call_id, ""), bool(block.is_error)
        if not (isinstance(block.content, Raw) and given(block.content)):
            return ToolResult(call_id, (), name, is_error, cache)
        parts = self.parts(block.content, f"{where}.content")
        is_own = any(isinstance(part, Native) for part in parts)
        own = Native(Vendor.ANTHROPIC, "tool_result", block.content) if is_own else None
        return ToolResult(call_id, _plain(parts), name, is_error, cache, own)


def _file(block: wire.Block, where: str, cache: CacheMark | None) -> Image | Document | None:
    source = read_source(
        _needed(block.source if isinstance(block.source, wire.Source) else None, where, "source"), where
    )
    if source is None:
        return None
    return Image(source, cache=cache) if block.type == "image" else Document(source, block.title or "", cache)


def _plain(parts: tuple[Part, ...]) -> tuple[Text | Image | Document, ...]:
    """Keep what every vendor's tool results may hold; other blocks are shown to the model as their JSON."""
    kept: list[Text | Image | Document] = []
    for part in parts:
        if isinstance(part, Text | Image | Document):
            kept.append(part)
        elif isinstance(part, Native) and part.kind != EXTRAS:
            kept.append(Text(bytes(part.value).decode()))
    return tuple(kept)


def _mark(block: wire.Block) -> CacheMark | None:
    return None if block.cache_control is None else CacheMark(block.cache_control.ttl or "")


def _extras(block: wire.Block, part: Part) -> Native | None:
    if (
        block.citations is UNSET
        and block.context is UNSET
        and block.caller is UNSET
        and block.transformations is UNSET
        and block.toolset_name is UNSET
    ) or isinstance(part, Native):  # which holds them itself
        return None
    members = {name: value for name in _EXTRA_MEMBERS if given(value := getattr(block, name))}
    return Native(Vendor.ANTHROPIC, EXTRAS, Raw(msgspec.json.encode(members))) if members else None


def _gemini(part: Part) -> Signature | None:
    if isinstance(part, Thinking) and part.redacted and part.signature and part.signature.vendor is Vendor.GOOGLE:
        return part.signature
    return None


def _needed(value: T | None, where: str, member: str) -> T:
    if value is None:
        raise Undecodable(f"{where}.{member}: missing.", param=f"{where}.{member}")
    return value
