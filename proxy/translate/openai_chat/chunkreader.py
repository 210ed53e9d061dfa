"""Chunks of an upstream's stream of OpenAI chat, read as parts of the hub.

Vendors differ in their tool calls: some leave out the index or give each call the same one, so a call begins where an
id comes that was not there before.

Source: OpenAI Python SDK 3.51.0, types/chat/chat_completion_chunk.py and _streaming.py, read 2026-11-20.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from proxy.apischema import openai_chat as schema
from proxy.core.conversation import Image, Text
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
from proxy.translate.openai_chat.frames import DONE
from proxy.translate.openai_chat.history import arguments_text, whole_arguments
from proxy.translate.openai_chat.parts import decode_part, thought_text
from proxy.translate.openai_chat.reading import answered_signature, call_ids, cited, decode_audio, decode_usage
from proxy.translate.openai_chat.thoughts import decode_answered
from proxy.translate.openai_chat.vocab import read_finish
from proxy.wire.typedjson import decoded, given

_CHUNK = msgspec.json.Decoder(schema.Answer)
_SILENT = schema.Message()
_LATEST = -1  # for the index of a vendor that writes none
_NOTHING = (Raw(b"false"), Raw(b'""'), Raw(b"{}"), Raw(b"[]"), Raw(b"0"))


class _ChoiceState:
    """What one choice has said so far."""

    __slots__ = ("calls", "count", "finished", "ids", "thought")

    def __init__(self) -> None:
        self.calls: dict[int, int] = {}  # by the upstream's index: which call of this choice it means now
        self.ids: dict[int, str] = {}  # by the upstream's index: the id of that call
        self.count = 0
        self.finished = False
        self.thought: list[str] = []  # told without a block since the last signature


class Decoder:
    """See `core.translation.StreamDecoder`."""

    def __init__(self, account: str) -> None:
        self.done = False
        self._account = account
        self._began = False
        self._choices: dict[int, _ChoiceState] = {}
        self._id = ""

    def feed(self, name: str, data: bytes) -> list[StreamPart]:
        """Read the data of one event."""
        if data == DONE:
            self.done = True
            return []
        chunk = decoded(_CHUNK, data)
        if _is_error(chunk):
            return [Failed(data)]
        parts: list[StreamPart] = []
        if not self._began:
            self._began, self._id = True, chunk.id or ""
            parts.append(Began(self._id, chunk.model or ""))
        for choice in chunk.choices or ():
            self._read(choice, parts)
        usage = decode_usage(chunk)
        if usage is not None:
            parts.append(Counted(usage))
        return parts

    def finish(self) -> list[StreamPart]:
        """Nothing is held back, and a stream without `[DONE]` and finish reasons was cut."""
        return []

    def _read(self, choice: schema.Choice, parts: list[StreamPart]) -> None:
        index = choice.index
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _ChoiceState()
        delta = choice.delta or choice.message or _SILENT  # some send a whole message at the end
        self._read_thoughts(delta, state, index, parts)
        self._read_words(delta, choice, parts)
        for call in delta.tool_calls or ():
            self._read_call(call, state, index, parts)
        self._read_wholes(delta, index, parts)
        if choice.finish_reason and not state.finished:
            state.finished = True
            parts.append(Finished(read_finish(choice.finish_reason, called=state.count > 0), index))

    def _read_thoughts(self, delta: schema.Message, state: _ChoiceState, index: int, parts: list[StreamPart]) -> None:
        """Read thoughts; a signed block may tell again what came in pieces before it, as Fairlead's own do."""
        if delta.reasoning_content and not delta.thinking_blocks and not delta.reasoning_details:
            state.thought.append(delta.reasoning_content)
            parts.append(ThinkingDelta(delta.reasoning_content, index))
            return
        if not (delta.reasoning or delta.thinking_blocks or delta.reasoning_details or delta.reasoning_content):
            return
        for thought in decode_answered(delta, self._account):
            is_told = thought.signature is not None and thought.text == "".join(state.thought)
            if thought.text and not is_told:
                parts.append(ThinkingDelta(thought.text, index))
            if thought.signature is not None:
                if not thought.redacted:
                    state.thought.clear()
                parts.append(ThinkingSigned(thought.signature, index, thought.redacted))

    def _read_words(self, delta: schema.Message, choice: schema.Choice, parts: list[StreamPart]) -> None:
        index, content = choice.index, delta.content
        text = content if isinstance(content, str) else ""
        if isinstance(content, list):
            for part in content:
                if part.thinking is not None:
                    parts.append(ThinkingDelta(thought_text(part.thinking), index))
                text += part.text or ""
        signature = answered_signature(delta.extra_content, self._account)
        if text or signature is not None:
            parts.append(TextDelta(text, index, signature, given(choice.logprobs)))
        if delta.refusal:
            parts.append(RefusalDelta(delta.refusal, index))

    def _read_call(self, call: schema.ToolCall, state: _ChoiceState, index: int, parts: list[StreamPart]) -> None:
        key = _LATEST if call.index is None else call.index
        own = state.calls.get(key)
        function, custom = call.function, call.custom
        piece = function and function.arguments
        name = (custom and custom.name) or (function and function.name) or ""
        if own is None or (name and call.id and call.id != state.ids[key]):
            own = state.calls[key] = state.count
            state.count += 1
            state.ids[key] = call.id or ""
            id_ = call.id or f"{call_ids(self._id, index)}{own}"
            signature = answered_signature(call.extra_content, self._account)
            parts.append(ToolBegan(own, id_, name, index, signature, custom is not None))
            piece = whole_arguments(piece)
        arguments = custom.input if custom is not None else arguments_text(piece)
        if arguments:
            parts.append(ToolDelta(own, arguments, index))

    def _read_wholes(self, delta: schema.Message, index: int, parts: list[StreamPart]) -> None:
        for image in delta.images or ():
            part = decode_part(image, "choices.delta.images", 0)
            if isinstance(part, Image):
                parts.append(Whole(part, index))
        for heard in decode_audio(delta.audio):
            parts.append(TextDelta(heard.text, index) if isinstance(heard, Text) else Whole(heard, index))
        if (annotations := cited(delta)) is not None:
            parts.append(Whole(annotations, index))


def _is_error(chunk: schema.Answer) -> bool:
    """Tell an error inside a stream, in each form that `providers.envelope` finds one in.

    Raises:
        Undecodable: The event is nothing of this dialect.
    """
    choices = chunk.choices
    if given(chunk.error) is not None and chunk.error not in _NOTHING:
        return True
    if b'"error"' in bytes(chunk.x_groq) or any(choice.finish_reason == "error" for choice in choices or ()):
        return True
    if choices:
        return False
    if bytes(chunk.object) == b'"error"' or (given(chunk.code) is not None and given(chunk.message) is not None):
        return True
    if choices is None and chunk.id is None and chunk.model is None and given(chunk.usage) is None:
        raise Undecodable("An event is no chunk of a chat completion.")
    return False
