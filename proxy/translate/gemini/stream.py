"""streamGenerateContent, to and from the hub.

Each event is a whole GenerateContentResponse with what is new in it, function calls in one piece; usage is a running
total. The dialect has no terminator: a stream ends by its end, after the finish reason.

Source: google-genai SDK 3.4.0, google/genai/_api_client.py (request_streamed, _iter_response_stream), read 2026-11-20.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, UnsetType

from proxy.apischema.gemini import Candidate, GenerateContentResponse
from proxy.core.conversation import Document, Finish, Text, Thinking, ToolCall
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
from proxy.core.translation import Envelope, Undecodable
from proxy.core.usage import Usage
from proxy.translate.gemini.logprobs import read_logprobs, write_logprobs
from proxy.translate.gemini.parts import Said, call_part, from_account, read_part, text_part
from proxy.translate.gemini.response import id_prefix, parts_of
from proxy.translate.gemini.said import thought_part, write_one
from proxy.translate.gemini.signatures import seal
from proxy.translate.gemini.usage import read_usage, write_usage
from proxy.translate.gemini.vocab import FINISH_REASONS, finish_of
from proxy.wire.typedjson import decoded

_RESPONSE = msgspec.json.Decoder(GenerateContentResponse)
_LIST = msgspec.json.Decoder(list[Raw])
_ENCODER = msgspec.json.Encoder()

# As Google ends its own streams; without a part in each chunk the SDKs' chats forget the whole answer.
# Source: google-genai SDK 3.4.0, google/genai/chats.py (_validate_content), read 2026-11-20.
_NOTHING = {"role": "model", "parts": [{"text": ""}]}


class Decoder:
    """One upstream stream, asked for with `alt=sse`."""

    __slots__ = ("_began", "_calls", "_opener", "_prefix", "done")

    def __init__(self, account: str) -> None:
        self.done = False
        self._began = False
        self._calls: dict[int, int] = {}  # of each choice, so far
        self._opener = from_account(account)
        self._prefix = ""

    def feed(self, name: str, data: bytes) -> list[StreamPart]:
        """Decode one event.

        Raises:
            Undecodable: It is not JSON, or not of this dialect.
        """
        try:
            response = decoded(_RESPONSE, data)
        except Undecodable:
            if _is_listed_error(data):
                return [Failed(data)]
            raise
        if _is_there(response.error):
            return [Failed(data)]
        parts: list[StreamPart] = []
        if not self._began:
            self._began = True
            self._prefix = id_prefix(response.response_id, data)
            parts.append(Began(response.response_id or "", response.model_version or ""))
        endings: list[StreamPart] = []
        for at, candidate in enumerate(response.candidates or ()):
            self._candidate(candidate, at, parts, endings)
        feedback = response.prompt_feedback
        if feedback is not None and feedback.block_reason and not response.candidates:
            if feedback.block_reason_message:
                parts.append(RefusalDelta(feedback.block_reason_message))
            endings.append(Finished(Finish.CONTENT_FILTER))
        usage = read_usage(response.usage_metadata)
        if usage is not None:
            parts.append(Counted(usage))
        return parts + endings

    def finish(self) -> list[StreamPart]:
        """Nothing is held; a stream that ends without a finish reason was cut."""
        return []

    def _candidate(self, candidate: Candidate, at: int, parts: list[StreamPart], endings: list[StreamPart]) -> None:
        choice = at if candidate.index is None else candidate.index
        logprobs = read_logprobs(candidate.logprobs_result)
        for item in parts_of(candidate.content):
            calls = self._calls.get(choice, 0)
            part = read_part(item, self._opener, f"{self._prefix}{choice}_{calls}")
            if isinstance(part, Text):  # by far the most
                parts.append(TextDelta(part.text, choice, part.signature, logprobs))
                logprobs = None
            elif isinstance(part, ToolCall):
                self._calls[choice] = calls + 1
                parts.append(ToolBegan(calls, part.id, part.name, choice, part.signature))
                parts.append(ToolDelta(calls, part.arguments, choice))
            elif part is not None:
                parts += _other(part, choice)
        if logprobs is not None:
            parts.append(TextDelta("", choice, None, logprobs))
        if candidate.finish_reason:
            endings.append(Finished(finish_of(candidate.finish_reason, called=choice in self._calls), choice))


class Encoder:
    """One stream to a Gemini client that asked for `alt=sse`.

    Function calls are whole in this dialect, so they wait until their choice is finished.
    """

    def __init__(self, envelope: Envelope) -> None:
        self._id, self._model = envelope.request_id, envelope.model
        self._calls: dict[tuple[int, int], _Call] = {}
        self._finishes: dict[int, Finish] = {}
        self._usage: Usage | None = None

    def feed(self, part: StreamPart) -> bytes:
        if isinstance(part, TextDelta):
            return self._text(part)
        if isinstance(part, Began):
            self._id = part.id or self._id
            self._usage = part.usage or self._usage
        elif isinstance(part, Counted):
            self._usage = part.usage
        elif isinstance(part, ToolBegan):
            call = ToolCall(part.id, part.name, "", part.signature, custom=part.custom)
            self._calls[part.choice, part.index] = _Call(call)
        elif isinstance(part, ToolDelta):
            self._called_on(part)
        elif isinstance(part, Finished):
            self._finishes[part.choice] = part.finish
            return self._called(part.choice)
        elif not isinstance(part, Failed):  # the gateway writes the error
            return self._one(part)
        return b""

    def finish(self) -> bytes:
        """Close the stream: what finished and why, with the usage."""
        candidates = [
            {"content": _NOTHING, "finishReason": FINISH_REASONS[finish], "index": choice}
            for choice, finish in self._finishes.items()
        ]
        chunk: dict[str, Any] = {"candidates": candidates}
        if self._usage is not None:
            chunk["usageMetadata"] = write_usage(self._usage)
        return self._framed(_ENCODER.encode({**chunk, "modelVersion": self._model, "responseId": self._id}))

    def _framed(self, chunk: bytes) -> bytes:
        return b"data: " + chunk + b"\n\n"

    def _chunk(self, parts: list[dict[str, Any]], choice: int, more: dict[str, Any] | None = None) -> bytes:
        candidate = {"content": {"role": "model", "parts": parts}, "index": choice, **(more or {})}
        return self._framed(
            _ENCODER.encode({"candidates": [candidate], "modelVersion": self._model, "responseId": self._id})
        )

    def _text(self, part: TextDelta) -> bytes:
        logprobs = write_logprobs(part.logprobs) if part.logprobs is not None else None
        if not (part.text or part.signature or logprobs):
            return b""
        written = text_part(part.text, seal(part.signature))
        return self._chunk([written], part.choice, {"logprobsResult": logprobs} if logprobs else None)

    def _one(self, part: ThinkingDelta | ThinkingSigned | RefusalDelta | Whole) -> bytes:
        if isinstance(part, ThinkingDelta):
            written = thought_part(part.text, None)
        elif isinstance(part, ThinkingSigned):
            written = thought_part("", part.signature, redacted=part.redacted)
        elif isinstance(part, RefusalDelta):
            written = text_part(part.text) if part.text else None
        else:
            written = write_one(part.part)
        return b"" if written is None else self._chunk([written], part.choice)

    def _called_on(self, part: ToolDelta) -> None:
        """Keep more of a call's arguments; of a call that never began, or has been written, nobody can use them."""
        call = self._calls.get((part.choice, part.index))
        if call is not None:
            call.arguments.append(part.arguments)

    def _called(self, choice: int) -> bytes:
        keys = sorted(key for key in self._calls if key[0] == choice)
        calls = [self._calls.pop(key) for key in keys]
        return self._chunk([call.written() for call in calls], choice) if calls else b""


class ArrayEncoder(Encoder):
    """One stream to a Gemini client that did not ask for `alt=sse`: a JSON array, chunk by chunk."""

    def __init__(self, envelope: Envelope) -> None:
        super().__init__(envelope)
        self._begun = False

    def finish(self) -> bytes:
        return super().finish() + b"]"

    def _framed(self, chunk: bytes) -> bytes:
        separator, self._begun = b",\r\n" if self._begun else b"[", True
        return separator + chunk


class _Call:
    """A function call that is not whole yet."""

    __slots__ = ("arguments", "call")

    def __init__(self, call: ToolCall) -> None:
        self.call, self.arguments = call, list[str]()

    def written(self) -> dict[str, Any]:
        call, text = self.call, "".join(self.arguments)
        whole_call = ToolCall(call.id, call.name, text, custom=call.custom)
        return call_part(whole_call, seal(call.signature))


def _other(part: Said, choice: int) -> list[StreamPart]:
    if isinstance(part, Thinking):
        parts: list[StreamPart] = [ThinkingDelta(part.text, choice)] if part.text else []
        return [*parts, ThinkingSigned(part.signature, choice)] if part.signature is not None else parts
    # A file in an answer has no place in the hub: models give images and sound.
    return [] if isinstance(part, Document | Text | ToolCall) else [Whole(part, choice)]


def _is_there(error: Raw | UnsetType) -> bool:
    return not isinstance(error, UnsetType) and bytes(error) != b"null"


def _is_listed_error(data: bytes) -> bool:
    """An error may come in a list, as streams without `alt=sse` are."""
    try:
        items = _LIST.decode(data)
        return bool(items) and _is_there(_RESPONSE.decode(items[0]).error)
    except (ValueError, RecursionError):
        return False
