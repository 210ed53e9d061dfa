"""Parts of the hub, written as events of a stream of OpenAI Responses for the client.

Text, refusals and thoughts have one item open at a time; calls stay open until the answer ends, since their arguments
may come in turns. Every event has the next `sequence_number`. The last event, which holds the whole answer once more,
comes from `finish` alone.

Source: OpenAI Python SDK 3.51.0, types/responses/*_event.py and lib/streaming/responses/_responses.py, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Raw

from proxy.core.conversation import Finish, Image, Inline, Native, Signature, Vendor
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
from proxy.core.translation import Envelope
from proxy.core.usage import Usage
from proxy.translate.openai_responses.citations import KIND, written_citations
from proxy.translate.openai_responses.logprobs import delta_tokens, item_tokens
from proxy.translate.openai_responses.openitems import REFUSAL, TEXT, Events, OpenCall, OpenMessage, OpenThought
from proxy.translate.openai_responses.output import (
    Output,
    ended_object,
    image_item,
    item_id,
    item_status,
    named_call,
    response_object,
)
from proxy.translate.openai_responses.reasoning import encode_for_client
from proxy.translate.openai_responses.vocab import ENDS, HOSTED

_NULL = Raw(b"null")


class Encoder:
    """See `core.translation.StreamEncoder`."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._events = Events()
        self._output: Output = []  # as the last event tells it; null where an item is open
        self._open: OpenMessage | OpenThought | None = None
        self._calls: dict[int, OpenCall] = {}
        self._usage: Usage | None = None
        self._finish = Finish.STOP

    def feed(self, part: StreamPart) -> bytes:
        """Write one part; a second choice has no place in Responses."""
        if getattr(part, "choice", 0) != 0:
            return b""
        before = b"" if self._events.count or isinstance(part, Counted | Failed) else self._begin()
        return before + _WRITERS[part.__class__](self, part)

    def finish(self) -> bytes:
        """Write the last event, with the whole answer in it."""
        before = b"" if self._events.count else self._begin()
        last = before + self._close_all()
        ended = ended_object(self._envelope, self._output, self._finish, self._usage)
        return last + self._events.write(f"response.{ENDS[self._finish][0]}", {"response": ended})

    def _begin(self) -> bytes:
        begun = {"response": response_object(self._envelope)}
        return self._events.write("response.created", begun) + self._events.write("response.in_progress", begun)

    def _place(self, prefix: str) -> tuple[str, int]:
        """Take the next place in the output for an item, and its id."""
        index = len(self._output)
        self._output.append(_NULL)
        return item_id(prefix, self._envelope, index), index

    def _close(self, signature: Signature | None = None) -> bytes:
        """Close the message or the thought that is open."""
        current, self._open = self._open, None
        if current is None:
            return b""
        if isinstance(current, OpenThought):
            last, item = current.close(signature)
        else:
            last, item = current.close(item_status(self._finish))
        self._output[current.index] = item
        return last

    def _close_all(self) -> bytes:
        last = [self._close()]
        for call in self._calls.values():
            written, self._output[call.index] = call.close(item_status(self._finish))
            last.append(written)
        self._calls.clear()
        return b"".join(last)

    def _message(self) -> tuple[OpenMessage, bytes]:
        if isinstance(self._open, OpenMessage):
            return self._open, b""
        before = self._close()
        self._open = message = OpenMessage(self._events, *self._place("msg"))
        return message, before + message.begin()

    def _thought(self) -> tuple[OpenThought, bytes]:
        if isinstance(self._open, OpenThought):
            return self._open, b""
        before = self._close()
        self._open = thought = OpenThought(self._events, *self._place("rs"))
        return thought, before + thought.begin()

    def _text(self, part: TextDelta) -> bytes:
        if not part.text:
            return b""
        message, before = self._message()
        if part.logprobs is None:
            return before + message.say(TEXT, part.text)
        return before + message.say_with_logprobs(part.text, delta_tokens(part.logprobs), item_tokens(part.logprobs))

    def _refusal(self, part: RefusalDelta) -> bytes:
        message, before = self._message()
        return before + message.say(REFUSAL, part.text)

    def _thinking(self, part: ThinkingDelta) -> bytes:
        thought, before = self._thought()
        return before + thought.think(part.text)

    def _signed(self, part: ThinkingSigned) -> bytes:
        if part.redacted:
            return self._close() + self._sealed(part.signature)
        before = self._thought()[1]
        return before + self._close(part.signature)

    def _sealed(self, signature: Signature) -> bytes:
        """Write a signature that has no words."""
        id_, index = self._place("rs")
        return self._whole_item(encode_for_client("", signature, id_), index)

    def _whole_item(self, item: dict[str, Any] | Raw, index: int) -> bytes:
        self._output[index] = item
        members = {"output_index": index, "item": item}
        added = self._events.write("response.output_item.added", members)
        return added + self._events.write("response.output_item.done", members)

    def _tool_began(self, part: ToolBegan) -> bytes:
        before = self._close()
        if part.signature is not None:
            before += self._sealed(part.signature)
        id_, index = self._place("ctc" if part.custom else "fc")
        told = named_call(self._envelope, part.id, part.name)
        call = self._calls[part.index] = OpenCall(self._events, id_, index, told, custom=part.custom)
        return before + call.begin()

    def _tool_delta(self, part: ToolDelta) -> bytes:
        call = self._calls.get(part.index)
        return b"" if call is None or not part.arguments else call.add(part.arguments)

    def _whole(self, part: Whole) -> bytes:
        match part.part:
            case Image(source=Inline() as source):
                before = self._close()
                id_, index = self._place("ig")
                item = image_item(id_, source)
                return before + self._whole_item(item, index)
            case Native(vendor=Vendor.OPENAI, kind=kind, value=value) if kind in HOSTED:
                before = self._close()
                return before + self._whole_item(value, self._place("")[1])
            case Native(vendor=Vendor.OPENAI, kind=kind) as native if kind == KIND:
                return self._open.cite(written_citations(native)) if isinstance(self._open, OpenMessage) else b""
            case _:
                return b""

    def _finished(self, part: Finished) -> bytes:
        self._finish = part.finish
        return self._close_all()

    def _counted(self, part: Began | Counted) -> bytes:
        self._usage = part.usage or self._usage
        return b""

    def _nothing(self, part: StreamPart) -> bytes:
        """An error is the gateway's to tell."""
        return b""


_WRITERS: dict[type, Callable[[Encoder, Any], bytes]] = {
    TextDelta: Encoder._text,
    RefusalDelta: Encoder._refusal,
    ThinkingDelta: Encoder._thinking,
    ThinkingSigned: Encoder._signed,
    ToolBegan: Encoder._tool_began,
    ToolDelta: Encoder._tool_delta,
    Whole: Encoder._whole,
    Finished: Encoder._finished,
    Began: Encoder._counted,
    Counted: Encoder._counted,
    Failed: Encoder._nothing,
}
