"""Parts of the hub, as the stream of events that a client of the Messages dialect reads.

One block is open at a time, and closed before the next begins. `message_delta` waits for the last counts, so it goes
out with `message_stop` in `finish()`.

Source: anthropic SDK 2.11.0 types/raw_*_event.py and
lib/streaming/_messages.py (how they are put together), read 2026-11-20.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from proxy.core.conversation import Finish, Native, Signature, Vendor
from proxy.core.signature import sealed
from proxy.core.streamparts import (
    Began,
    Counted,
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
from proxy.core.translation import Envelope
from proxy.core.usage import Usage
from proxy.translate.anthropic.reading import EMPTY_OBJECT
from proxy.translate.anthropic.response import call_block, ending, head, thought_block
from proxy.translate.anthropic.stream_in import CITATION
from proxy.translate.anthropic.usage import write_usage
from proxy.translate.foreign import EXTRAS

_ENCODER = msgspec.json.Encoder()
_DELTA = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":%b}}\n\n'
)
_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_TEXT: dict[str, object] = {"type": "text", "text": ""}


class Encoder:
    """Writes one stream."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._began = False
        self._index = -1  # of the block written last
        self._kind = ""  # of the block that is open
        self._tools: dict[int, int] = {}  # a tool's number -> its block
        self._usage: Usage | None = None
        self._finished = Finished(Finish.STOP)
        self._refused: list[str] = []

    def feed(self, part: StreamPart) -> bytes:
        """Write the events that one part makes; b"" for what has no place here or waits for the end."""
        if getattr(part, "choice", 0) != 0:
            return b""
        match part:
            case TextDelta():
                return self._piece("text", _TEXT, b"text_delta", part.text)
            case ThinkingDelta():
                return self._piece("thinking", thought_block("", None, redacted=False), b"thinking_delta", part.text)
            case ToolDelta():
                return self._arguments(part)
            case ToolBegan():
                return self._tool(part)
            case ThinkingSigned():
                return self._signed(part)
            case Whole():
                return self._whole(part)
            case Began():
                self._usage = part.usage or self._usage
                return self._begin(part.id)
        self._note(part)
        return b""

    def finish(self) -> bytes:
        """Close the block, say why and how much, end."""
        refused = "".join(self._refused)
        delta: dict[str, object] = {
            "type": "message_delta",
            "delta": ending(self._finished.finish, self._finished.stop_sequence, refused),
            "usage": write_usage(self._usage),
        }
        return self._begin("") + self._close() + _event("message_delta", delta) + _LAST

    def _note(self, part: StreamPart) -> None:
        match part:
            case Counted():
                self._usage = part.usage
            case Finished():
                self._finished = part
            case RefusalDelta():
                self._refused.append(part.text)

    def _begin(self, upstream_id: str) -> bytes:
        if self._began:
            return b""
        self._began = True
        message = head(upstream_id, self._envelope)
        message |= {"stop_reason": None, "stop_sequence": None, "usage": write_usage(self._usage)}
        return _event("message_start", {"type": "message_start", "message": message})

    def _piece(self, kind: str, block: dict[str, object], type_: bytes, text: str) -> bytes:
        """Write a piece of text into the open block of this kind, or into a new one."""
        if not text:
            return b""
        start = b"" if self._kind == kind else self._start(kind, block)
        return start + _DELTA % (self._index, type_, type_[:-6], _text(text))

    def _start(self, kind: str, block: dict[str, object] | Raw) -> bytes:
        closed = self._begin("") + self._close()
        self._index += 1
        self._kind = kind
        event = {"type": "content_block_start", "index": self._index, "content_block": block}
        return closed + _event("content_block_start", event)

    def _close(self) -> bytes:
        if not self._kind:
            return b""
        self._kind = ""
        return _STOP % self._index

    def _tool(self, part: ToolBegan) -> bytes:
        before = self._redacted(part.signature) if part.signature else b""
        block = call_block(part.id, part.name, EMPTY_OBJECT)
        started = before + self._start("tool_use", block)
        self._tools[part.index] = self._index
        return started

    def _arguments(self, part: ToolDelta) -> bytes:
        """Write a fragment into its tool's block, which may be closed already: readers go by the index."""
        index = self._tools.get(part.index)
        if index is None or not part.arguments:
            return b""
        return _DELTA % (index, b"input_json_delta", b"partial_json", _text(part.arguments))

    def _signed(self, part: ThinkingSigned) -> bytes:
        if part.redacted:
            return self._redacted(part.signature)
        start = b"" if self._kind == "thinking" else self._start("thinking", thought_block("", None, redacted=False))
        value = _text(sealed(part.signature))
        return start + _DELTA % (self._index, b"signature_delta", b"signature", value) + self._close()

    def _redacted(self, signature: Signature) -> bytes:
        return self._start("redacted_thinking", thought_block("", signature, redacted=True)) + self._close()

    def _whole(self, part: Whole) -> bytes:
        native = part.part
        if not isinstance(native, Native) or native.vendor is not Vendor.ANTHROPIC or native.kind == EXTRAS:
            return b""
        if native.kind != CITATION:
            return self._start(native.kind, native.value) + self._close()
        start = b"" if self._kind == "text" else self._start("text", _TEXT)
        return start + _DELTA % (self._index, CITATION.encode(), b"citation", bytes(native.value))


def _event(name: str, value: dict[str, object]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _ENCODER.encode(value))


_LAST = _event("message_stop", {"type": "message_stop"})


def _text(text: str) -> bytes:
    return _ENCODER.encode(text)
