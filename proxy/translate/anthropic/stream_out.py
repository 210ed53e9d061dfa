"""Parts of the hub, as the stream of events that a client of the Messages dialect reads.

One block is open at a time, and closed before the next begins: clients take a block for whole when it is closed. So
what comes while the arguments of a call are not whole yet, as from vendors that write several calls in turns, waits for
them. Arguments that are no object, which clients could not put together, are given inside one, as `response` does.
`message_delta` waits for the last counts, so it goes out with `message_stop` in `finish()`.

Source: anthropic SDK 2.11.0 types/raw_*_event.py and
lib/streaming/_messages.py (how they are put together); @ai-sdk/anthropic 4 dist/index.js and @anthropic-ai/sdk
lib/MessageStream.js (a call is given out at its `content_block_stop`), read 2026-11-20.
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
from proxy.translate.anthropic.stream_in import CITATION, is_object
from proxy.translate.anthropic.usage import write_usage
from proxy.translate.foreign import EXTRAS

_ENCODER = msgspec.json.Encoder()
_DELTA = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":%b}}\n\n'
)
_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_TEXT: dict[str, object] = {"type": "text", "text": ""}
_CALL = "tool_use"
_IN_BLOCKS = (TextDelta, ThinkingDelta, ThinkingSigned, ToolBegan, ToolDelta, Whole)


class Encoder:
    """Writes one stream."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._began = False
        self._index = -1  # of the block written last
        self._kind = ""  # of the block that is open
        self._call = -1  # the number of the call that is open or was last
        self._arguments: list[str] = []  # of it, so far
        self._fallback = ""  # the name that they get where they are no object; "" once they have begun
        self._is_wrapped = False  # they have got it
        self._waiting: list[StreamPart] = []  # until they are whole
        self._usage: Usage | None = None
        self._finished = Finished(Finish.STOP)
        self._refused: list[str] = []

    def feed(self, part: StreamPart) -> bytes:
        """Write the events that one part makes; b"" for what has no place here or waits for the end."""
        if getattr(part, "choice", 0) != 0:
            return b""
        if self._kind == _CALL and self._must_wait(part):
            self._waiting.append(part)
            return b""
        written = self._write(part)
        if self._waiting and (isinstance(part, Finished) or self._is_whole()):
            written += self._catch_up(ended=isinstance(part, Finished))
        return written

    def _must_wait(self, part: StreamPart) -> bool:
        """Say whether a part belongs into another block than the call that is open, which is not whole yet."""
        if not isinstance(part, _IN_BLOCKS) or (isinstance(part, ToolDelta) and part.index == self._call):
            return False
        return bool(self._waiting) or not self._is_whole()

    def _is_whole(self) -> bool:
        last = self._arguments[-1].rstrip() if self._arguments else ""
        if last and not last.endswith("}"):  # no object ends so: what has come is not put together for each piece
            return False
        return is_object("".join(self._arguments).encode())

    def _catch_up(self, *, ended: bool) -> bytes:
        """Write what waited, as far as the calls in it are whole; all of it where nothing more comes."""
        written: list[bytes] = []
        while self._waiting and (ended or self._kind != _CALL or self._is_whole()):
            waited, self._waiting = self._waiting, []
            written.append(self._close())
            for part in waited:
                if self._kind == _CALL and self._must_wait(part):
                    self._waiting.append(part)
                else:
                    written.append(self._write(part))
        return b"".join(written)

    def _write(self, part: StreamPart) -> bytes:
        match part:
            case TextDelta():
                return self._piece("text", _TEXT, b"text_delta", part.text)
            case ThinkingDelta():
                return self._piece("thinking", thought_block("", None, redacted=False), b"thinking_delta", part.text)
            case ToolDelta():
                return self._argue(part)
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
        last = self._catch_up(ended=True)
        refused = "".join(self._refused)
        delta: dict[str, object] = {
            "type": "message_delta",
            "delta": ending(self._finished.finish, self._finished.stop_sequence, refused),
            "usage": write_usage(self._usage),
        }
        return last + self._begin("") + self._close() + _event("message_delta", delta) + _LAST

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
        end = self._fragment('"}') if self._is_wrapped else b""
        self._kind, self._is_wrapped = "", False
        return end + _STOP % self._index

    def _tool(self, part: ToolBegan) -> bytes:
        before = self._redacted(part.signature) if part.signature else b""
        block = call_block(part.id, part.name, EMPTY_OBJECT)
        started = before + self._start(_CALL, block)
        self._call, self._arguments = part.index, []
        self._fallback = "input" if part.custom else "arguments"
        return started

    def _argue(self, part: ToolDelta) -> bytes:
        """Write a fragment into the block of its call; one that comes after its end has no place."""
        if self._kind != _CALL or part.index != self._call or not part.arguments:
            return b""
        text = part.arguments
        if self._fallback and (begun := text.lstrip()):
            self._is_wrapped, name, self._fallback = begun[0] != "{", self._fallback, ""
            if self._is_wrapped:
                return self._fragment(f'{{"{name}":"') + self._fragment(_inside(text))
        return self._fragment(_inside(text) if self._is_wrapped else text)

    def _fragment(self, text: str) -> bytes:
        self._arguments.append(text)
        return _DELTA % (self._index, b"input_json_delta", b"partial_json", _text(text))

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


def _inside(text: str) -> str:
    """Write a piece of a text that stands inside JSON itself."""
    return _text(text)[1:-1].decode()
