"""An upstream's stream of events, as parts of the hub.

Source: anthropic SDK 2.11.0 types/raw_*_event.py, types/message_delta_usage.py (counts are totals) and _streaming.py
(pings), read 2026-11-20.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from proxy.apischema import anthropic as wire
from proxy.core.conversation import Finish, Native, Signature, Vendor
from proxy.core.streamparts import (
    Began,
    Counted,
    Failed,
    Finished,
    RefusalDelta,
    StreamPart,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolBegan,
    ToolDelta,
    Whole,
)
from proxy.translate.anthropic.reading import EMPTY_OBJECT
from proxy.translate.anthropic.response import refusal
from proxy.translate.anthropic.usage import decode_counts, merged, read_usage
from proxy.translate.anthropic.vocab import FINISHES
from proxy.wire.typedjson import decoded

CITATION = "citations_delta"

_EVENT = msgspec.json.Decoder(wire.Event)
_BLOCK = msgspec.json.Decoder(wire.Block)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])


class _Open(Struct):
    """A block that is being written: the tool's number, or the raw block of a kind of Anthropic's own."""

    tool: int = -1
    silent: bool = True  # no arguments yet
    native: dict[str, Raw] | None = None
    fragments: list[str] = []


class Decoder:
    """Reads one stream.

    Attributes:
        done: `message_stop` was seen.
    """

    def __init__(self, account: str) -> None:
        self.done = False
        self._account = account
        self._open: dict[int, _Open] = {}
        self._tools = 0
        self._usage: wire.Usage | None = None

    def feed(self, name: str, data: bytes) -> list[StreamPart]:
        """Read one event's data.

        Raises:
            Undecodable: It is not of this dialect.
        """
        if self.done:
            return []
        event = decoded(_EVENT, data)
        match event.type:
            case "content_block_delta":
                return self._delta(event)
            case "content_block_start":
                return self._start(event)
            case "content_block_stop":
                return self._stop(event.index)
            case "message_start":
                return self._began(event)
            case "message_delta":
                return self._ended(event)
            case "message_stop":
                self.done = True
            case "error":
                return [Failed(data)]
        return []  # a ping, or what is not known yet

    def finish(self) -> list[StreamPart]:
        """The body ended: this dialect says so itself, so an end without `message_stop` finishes nothing."""
        return []

    def _began(self, event: wire.Event) -> list[StreamPart]:
        message = event.message or wire.Opening()
        self._usage = decode_counts(message.usage)
        return [Began(message.id, message.model, read_usage(self._usage))]

    def _start(self, event: wire.Event) -> list[StreamPart]:
        if not isinstance(raw := event.content_block, Raw):
            return []
        block = decoded(_BLOCK, raw, "content_block")
        match block.type:
            case "text":
                return [TextDelta(block.text)] if block.text else []
            case "thinking":
                return [ThinkingDelta(block.thinking)] if block.thinking else []
            case "redacted_thinking":
                return [ThinkingSigned(self._signature(block.data or ""), redacted=True)]
            case "tool_use":
                return self._tool(event.index, block)
        self._open[event.index] = _Open(native=decoded(_MEMBERS, raw, "content_block"))
        return []

    def _tool(self, index: int, block: wire.Block) -> list[StreamPart]:
        opened = self._open[index] = _Open(self._tools)
        self._tools += 1
        parts: list[StreamPart] = [ToolBegan(opened.tool, block.id or "", block.name or "")]
        if isinstance(block.input, Raw) and (text := bytes(block.input).decode()) not in (
            "{}",
            "null",
        ):  # some servers send them at once
            opened.silent = False
            parts.append(ToolDelta(opened.tool, text))
        return parts

    def _delta(self, event: wire.Event) -> list[StreamPart]:
        delta = event.delta or wire.Delta()
        match delta.type:
            case "text_delta":
                return [TextDelta(delta.text)] if delta.text else []
            case "thinking_delta":
                return [ThinkingDelta(delta.thinking)] if delta.thinking else []
            case "input_json_delta":
                return self._arguments(event.index, delta.partial_json)
            case "signature_delta":
                return [ThinkingSigned(self._signature(delta.signature))]
            case "citations_delta" if isinstance(delta.citation, Raw):
                return [Whole(Native(Vendor.ANTHROPIC, CITATION, delta.citation))]
        return []

    def _arguments(self, index: int, fragment: str) -> list[StreamPart]:
        opened = self._open.get(index)
        if opened is None or not fragment:
            return []
        if opened.native is not None:
            opened.fragments.append(fragment)
            return []
        opened.silent = False
        return [ToolDelta(opened.tool, fragment)]

    def _stop(self, index: int) -> list[StreamPart]:
        opened = self._open.pop(index, None)
        if opened is None:
            return []
        if opened.native is None:
            return [ToolDelta(opened.tool, "{}")] if opened.silent else []
        if opened.fragments:
            text = "".join(opened.fragments).encode()
            opened.native["input"] = Raw(text) if is_object(text) else EMPTY_OBJECT
        kind = msgspec.json.decode(opened.native["type"], type=str)
        return [Whole(Native(Vendor.ANTHROPIC, kind, Raw(msgspec.json.encode(opened.native))))]

    def _ended(self, event: wire.Event) -> list[StreamPart]:
        parts: list[StreamPart] = []
        delta = event.delta or wire.Delta()
        if (why := refusal(delta.stop_details)) is not None:
            parts.append(RefusalDelta(why.text))
        if delta.stop_reason:
            finish = FINISHES.get(delta.stop_reason, Finish.STOP)
            parts.append(Finished(finish, stop_sequence=delta.stop_sequence or ""))
        if (later := decode_counts(event.usage)) is not None:
            self._usage = merged(self._usage, later)
            if (usage := read_usage(self._usage)) is not None:
                parts.append(Counted(usage))
        return parts

    def _signature(self, value: str) -> Signature:
        return Signature(Vendor.ANTHROPIC, self._account, value)


def is_object(text: bytes) -> bool:
    """Say whether a call's arguments are whole: a JSON object."""
    try:
        _MEMBERS.decode(text)
    except (ValueError, RecursionError):
        return False
    return True
