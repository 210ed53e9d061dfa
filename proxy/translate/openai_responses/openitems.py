"""Items of a streamed answer while they are open: what each says as it grows, and what it is once it is closed.

Source: OpenAI Python SDK 3.51.0, types/responses/*_event.py, read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

import msgspec

from proxy.core.conversation import Signature
from proxy.translate.openai_responses.output import call_item, custom_item, message_item, text_part
from proxy.translate.openai_responses.reasoning import encode_for_client

_ENCODE = msgspec.json.Encoder().encode
TEXT, REFUSAL = "output_text", "refusal"


class Events:
    """Writes the events of one stream, each with the next number."""

    def __init__(self) -> None:
        self.count = 0

    def write(self, kind: str, members: dict[str, Any]) -> bytes:
        number, self.count = self.count, self.count + 1
        data = _ENCODE({"type": kind, "sequence_number": number, **members})
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)

    def write_delta(self, head: bytes, text: str) -> bytes:
        """Write an event of which all but its number and its text stays the same; see `delta_head`."""
        number, self.count = self.count, self.count + 1
        return b'%b,"sequence_number":%d,"delta":%b}\n\n' % (head, number, _ENCODE(text))


def delta_head(kind: str, members: dict[str, Any]) -> bytes:
    """Write the part of a delta's event that stays the same."""
    return b"event: %b\ndata: %b" % (kind.encode(), _ENCODE({"type": kind, **members})[:-1])


class _Open:
    """An item at its place in the output."""

    def __init__(self, events: Events, id_: str, index: int) -> None:
        self.id = id_
        self.index = index
        self._events = events
        self._said: list[str] = []

    def _added(self, item: dict[str, Any]) -> bytes:
        return self._events.write("response.output_item.added", {"output_index": self.index, "item": item})

    def _done(self, item: dict[str, Any]) -> bytes:
        return self._events.write("response.output_item.done", {"output_index": self.index, "item": item})

    def _event(self, kind: str, **members: object) -> bytes:
        return self._events.write(kind, {"item_id": self.id, "output_index": self.index, **members})

    def _head(self, kind: str, **members: object) -> bytes:
        return delta_head(kind, {"item_id": self.id, "output_index": self.index, **members})


class OpenMessage(_Open):
    """A message: its texts and refusals follow one another as parts of its content."""

    def __init__(self, events: Events, id_: str, index: int) -> None:
        super().__init__(events, id_, index)
        self._content: list[dict[str, Any]] = []
        self._kind = ""  # of the part that is open
        self._delta = b""
        self._citations: list[dict[str, Any]] = []
        self._logprobs: list[dict[str, Any]] = []  # as the item keeps them
        self._told: list[dict[str, Any]] = []  # as the events tell them

    def begin(self) -> bytes:
        return self._added(message_item(self.id, [], "in_progress"))

    def say(self, kind: str, text: str) -> bytes:
        """Add to the text or to the refusal."""
        before = b"" if kind == self._kind else self._open_part(kind)
        self._said.append(text)
        return before + self._events.write_delta(self._delta, text)

    def say_with_logprobs(self, text: str, told: list[dict[str, Any]], kept: list[dict[str, Any]]) -> bytes:
        """Add to the text, with what the event tells of its tokens and what the item keeps of them."""
        before = b"" if self._kind == TEXT else self._open_part(TEXT)
        self._said.append(text)
        self._logprobs += kept
        self._told += told
        place = len(self._content)
        return before + self._event("response.output_text.delta", content_index=place, delta=text, logprobs=told)

    def cite(self, citations: list[dict[str, Any]]) -> bytes:
        """Add citations to the text that is open; without one they have no place."""
        if self._kind != TEXT:
            return b""
        written = []
        for citation in citations:
            place = len(self._citations)
            self._citations.append(citation)
            written.append(
                self._event(
                    "response.output_text.annotation.added",
                    content_index=len(self._content),
                    annotation_index=place,
                    annotation=citation,
                )
            )
        return b"".join(written)

    def close(self, status: str) -> tuple[bytes, dict[str, Any]]:
        """End the item; gives its last events and what it is."""
        last = self._close_part()
        item = message_item(self.id, self._content, status)
        return last + self._done(item), item

    def _open_part(self, kind: str) -> bytes:
        before = self._close_part()
        self._kind, place = kind, len(self._content)
        if kind == TEXT:
            part: dict[str, Any] = text_part("")
            self._delta = self._head("response.output_text.delta", content_index=place, logprobs=[])
        else:
            part = {"type": REFUSAL, REFUSAL: ""}
            self._delta = self._head("response.refusal.delta", content_index=place)
        return before + self._event("response.content_part.added", content_index=place, part=part)

    def _close_part(self) -> bytes:
        if not self._kind:
            return b""
        text, place = "".join(self._said), len(self._content)
        if self._kind == TEXT:
            part = text_part(text, self._citations, self._logprobs)
            done = self._event("response.output_text.done", content_index=place, text=text, logprobs=self._told)
        else:
            part = {"type": REFUSAL, REFUSAL: text}
            done = self._event("response.refusal.done", content_index=place, refusal=text)
        self._said, self._citations, self._logprobs, self._told, self._kind = [], [], [], [], ""
        self._content.append(part)
        return done + self._event("response.content_part.done", content_index=place, part=part)


class OpenThought(_Open):
    """A thought: one part of a summary."""

    def begin(self) -> bytes:
        self._delta = self._head("response.reasoning_summary_text.delta", summary_index=0)
        return self._added({"type": "reasoning", "id": self.id, "summary": []})

    def think(self, text: str) -> bytes:
        before = b""
        if not self._said:
            part = {"type": "summary_text", "text": ""}
            before = self._event("response.reasoning_summary_part.added", summary_index=0, part=part)
        self._said.append(text)
        return before + self._events.write_delta(self._delta, text)

    def close(self, signature: Signature | None) -> tuple[bytes, dict[str, Any]]:
        """End the item; gives its last events and what it is."""
        text, last = "".join(self._said), b""
        if text:
            part = {"type": "summary_text", "text": text}
            last = self._event("response.reasoning_summary_text.done", summary_index=0, text=text)
            last += self._event("response.reasoning_summary_part.done", summary_index=0, part=part)
        item = encode_for_client(text, signature, self.id)
        return last + self._done(item), item


class OpenCall(_Open):
    """A call of a function or of a custom tool."""

    def __init__(self, events: Events, id_: str, index: int, call: dict[str, Any], *, custom: bool) -> None:
        super().__init__(events, id_, index)
        self._call = call
        self._custom = custom
        self._delta = b""

    def begin(self) -> bytes:
        kind = "custom_tool_call_input" if self._custom else "function_call_arguments"
        self._delta = self._head(f"response.{kind}.delta")
        return self._added(self._item("", "in_progress"))

    def add(self, arguments: str) -> bytes:
        self._said.append(arguments)
        return self._events.write_delta(self._delta, arguments)

    def close(self, status: str) -> tuple[bytes, dict[str, Any]]:
        """End the item; a function that takes nothing is called with an empty object."""
        before, text = b"", "".join(self._said)
        if self._custom:
            done = self._event("response.custom_tool_call_input.done", input=text)
        else:
            if not text:
                text = "{}"
                before = self.add(text)
            done = self._event("response.function_call_arguments.done", arguments=text)
        item = self._item(text, status)
        return before + done + self._done(item), item

    def _item(self, text: str, status: str) -> dict[str, Any]:
        if self._custom:
            return custom_item(self.id, self._call, text)
        return call_item(self.id, self._call, text, status)
