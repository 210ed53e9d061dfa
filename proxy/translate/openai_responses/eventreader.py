"""Events of an upstream's stream of OpenAI Responses, read as parts of the hub.

Takes text, arguments and citations from the deltas; where a vendor leaves those out, from the events that end an item.
The stream ends with `response.completed`, `.incomplete` or `.failed`, after which nothing counts.

Source: OpenAI Python SDK 3.51.0, types/responses/*_event.py, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from proxy.apischema import openai_responses as schema
from proxy.core.conversation import Native, Vendor
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
from proxy.core.translation import Undecodable
from proxy.translate.openai_responses.citations import read_citations
from proxy.translate.openai_responses.items import generated_image
from proxy.translate.openai_responses.logprobs import chat_logprobs
from proxy.translate.openai_responses.reasoning import BETWEEN_PARTS, decode_answered
from proxy.translate.openai_responses.usage import decode_usage
from proxy.translate.openai_responses.vocab import HOSTED, read_end
from proxy.wire.jsonbody import raw
from proxy.wire.typedjson import decoded, given

_EVENT = msgspec.json.Decoder(schema.Event)
_KIND = msgspec.json.Decoder(schema.Kind)
_ITEM = msgspec.json.Decoder(schema.Item)
_ENCODER = msgspec.json.Encoder()
_DONE = b"[DONE]"  # which some vendors send after the last event all the same
_CALLS = ("function_call", "custom_tool_call")


class Decoder:
    """See `core.translation.StreamDecoder`."""

    def __init__(self, account: str) -> None:
        self.done = False
        self._account = account
        self._began = False
        self._calls: dict[int, int] = {}  # by the output's index: the number of the call, from 0
        self._told: set[int] = set()  # the output's indices of what has come by deltas
        self._said = 0  # letters of text
        self._starts: dict[tuple[int, int], int] = {}  # by the output's index and the part's: how many came before
        self._cited: set[int] = set()  # the output's indices of what has citations by events

    def feed(self, name: str, data: bytes) -> list[StreamPart]:
        """Read the data of one event."""
        if data == _DONE:
            return []
        event = decoded(_EVENT, data)
        read = _READERS.get(event.type)
        if read is not None:
            return read(self, event)
        if not event.type:
            raise Undecodable("An event has no `type`.", param="type")
        return []

    def finish(self) -> list[StreamPart]:
        """Nothing is held back, and a stream without its last event was cut."""
        return []

    def _begin(self, event: schema.Event) -> list[StreamPart]:
        if self._began or event.response is None:
            return []
        self._began = True
        return [Began(event.response.id or "", event.response.model or "")]

    def _text(self, event: schema.Event) -> list[StreamPart]:
        self._told.add(event.output_index)
        if not event.delta:
            return []
        self._starts.setdefault((event.output_index, event.content_index), self._said)
        self._said += len(event.delta)
        return [TextDelta(event.delta, logprobs=chat_logprobs(event.logprobs))]

    def _refusal(self, event: schema.Event) -> list[StreamPart]:
        self._told.add(event.output_index)
        return [RefusalDelta(event.delta)] if event.delta else []

    def _thinking(self, event: schema.Event) -> list[StreamPart]:
        self._told.add(event.output_index)
        return [ThinkingDelta(event.delta)] if event.delta else []

    def _next_thought(self, event: schema.Event) -> list[StreamPart]:
        return [ThinkingDelta(BETWEEN_PARTS)] if event.summary_index > 0 else []

    def _arguments(self, event: schema.Event) -> list[StreamPart]:
        index = self._calls.get(event.output_index)
        if index is None or not event.delta:
            return []
        self._told.add(event.output_index)
        return [ToolDelta(index, event.delta)]

    def _cites(self, event: schema.Event) -> list[StreamPart]:
        if (annotation := given(event.annotation)) is None:
            return []
        self._cited.add(event.output_index)
        before = self._starts.get((event.output_index, event.content_index), self._said)
        citation = read_citations([schema.Part("output_text", annotations=[annotation])], before)
        return [] if citation is None else [Whole(citation)]

    def _item_added(self, event: schema.Event) -> list[StreamPart]:
        kind = decoded(_KIND, event.item, "item").type
        if kind not in _CALLS:
            return []
        item = decoded(_ITEM, event.item, "item")
        index = self._calls[event.output_index] = len(self._calls)
        return [ToolBegan(index, item.call_id or item.id or "", item.name or "", custom=kind == "custom_tool_call")]

    def _item_done(self, event: schema.Event) -> list[StreamPart]:
        kind = decoded(_KIND, event.item, "item").type or ""
        if kind in HOSTED:
            return [Whole(Native(Vendor.OPENAI, kind, event.item))]
        if kind not in _ENDINGS:
            return []
        return _ENDINGS[kind](self, event, decoded(_ITEM, event.item, "item"))

    def _call_done(self, event: schema.Event, item: schema.Item) -> list[StreamPart]:
        began = [] if event.output_index in self._calls else self._item_added(event)
        arguments = item.input if item.type == "custom_tool_call" else item.arguments
        if event.output_index in self._told or not arguments:
            return began
        return [*began, ToolDelta(self._calls[event.output_index], arguments)]

    def _reasoning_done(self, event: schema.Event, item: schema.Item) -> list[StreamPart]:
        thought = decode_answered(item, self._account)
        if thought is None:
            return []
        told = event.output_index in self._told
        parts: list[StreamPart] = [ThinkingDelta(thought.text)] if thought.text and not told else []
        if thought.signature is not None:
            parts.append(ThinkingSigned(thought.signature, redacted=thought.redacted and not told))
        return parts

    def _message_done(self, event: schema.Event, item: schema.Item) -> list[StreamPart]:
        if not isinstance(item.content, list):
            return []
        parts: list[StreamPart] = []
        before = self._starts.setdefault((event.output_index, 0), self._said)
        for part in item.content if event.output_index not in self._told else ():
            if part.refusal:
                parts.append(RefusalDelta(part.refusal))
            elif part.text:
                self._said += len(part.text)
                parts.append(TextDelta(part.text, logprobs=chat_logprobs(part.logprobs)))
        if event.output_index not in self._cited and (citations := read_citations(item.content, before)) is not None:
            parts.append(Whole(citations))
        return parts

    def _image_done(self, event: schema.Event, item: schema.Item) -> list[StreamPart]:
        return [Whole(image) for image in generated_image(item)]

    def _end(self, event: schema.Event) -> list[StreamPart]:
        self.done = True
        response = event.response or schema.Response()
        reason = response.incomplete_details.reason if response.incomplete_details else None
        status = "incomplete" if event.type == "response.incomplete" else "completed"
        parts: list[StreamPart] = [Finished(read_end(status, reason, called=bool(self._calls)))]
        usage = decode_usage(response)
        return parts if usage is None else [*parts, Counted(usage)]

    def _fail(self, event: schema.Event) -> list[StreamPart]:
        """Give the error in the one form in which all OpenAI dialects are judged."""
        self.done = True
        parts: list[StreamPart] = []
        error = given(event.error)
        if event.response is not None:
            error = given(event.response.error) or error
            if (usage := decode_usage(event.response)) is not None:
                parts.append(Counted(usage))
        if error is None:
            error = raw({"message": event.message or "", "code": event.code, "param": event.param})
        return [*parts, Failed(_ENCODER.encode({"error": error}))]


_READERS: dict[str, Callable[[Decoder, schema.Event], list[StreamPart]]] = {
    "response.created": Decoder._begin,
    "response.queued": Decoder._begin,
    "response.in_progress": Decoder._begin,
    "response.output_item.added": Decoder._item_added,
    "response.output_item.done": Decoder._item_done,
    "response.output_text.delta": Decoder._text,
    "response.output_text.annotation.added": Decoder._cites,
    "response.refusal.delta": Decoder._refusal,
    "response.reasoning_summary_part.added": Decoder._next_thought,
    "response.reasoning_summary_text.delta": Decoder._thinking,
    "response.reasoning_text.delta": Decoder._thinking,
    "response.function_call_arguments.delta": Decoder._arguments,
    "response.custom_tool_call_input.delta": Decoder._arguments,
    "response.completed": Decoder._end,
    "response.incomplete": Decoder._end,
    "response.failed": Decoder._fail,
    "error": Decoder._fail,
}
_ENDINGS: dict[str, Callable[[Decoder, schema.Event, schema.Item], list[StreamPart]]] = {
    "function_call": Decoder._call_done,
    "custom_tool_call": Decoder._call_done,
    "reasoning": Decoder._reasoning_done,
    "message": Decoder._message_done,
    "image_generation_call": Decoder._image_done,
}
