"""A neutral answer as Gemini's response: one object, or the responses of a stream in their order.

Source: google-genai 3.4.0, `types.py`; https://ai.google.dev/api/generate-content, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from proxy.simulator.answers import Choice
from proxy.simulator.behaviour import UsageReport
from proxy.simulator.dialects.gemini.rules import needs_signatures
from proxy.simulator.dialects.service import Saying
from proxy.simulator.frames import Frame, Part
from proxy.simulator.framing import ARRAY, CRLF_SSE
from proxy.simulator.shapes import Json
from proxy.simulator.signatures import sign
from proxy.simulator.toolcalls import parsed
from proxy.simulator.wires import Told, Wire

_STOPS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}


def error_json(told: Told) -> object:
    return told.json


def error_frame(told: Told, _: int) -> Frame:
    return Frame(Part.ERROR, orjson.dumps(told.json))


EVENTS = Wire(CRLF_SSE, error_json, error_frame)
LIST = Wire(ARRAY, error_json, error_frame)


class Voice:
    """One answer in Gemini's words.

    Args:
        vertex: As Vertex says it: calls have no ids.
    """

    def __init__(self, saying: Saying, *, vertex: bool) -> None:
        self._saying = saying
        self._vertex = vertex
        self._signs = needs_signatures(saying.answer.model) or bool(saying.answer.usage.reasoning_tokens)

    def whole(self) -> bytes:
        """Write the answer as one object."""
        if self._is_blocked:
            return orjson.dumps(self._blocked())
        choices = self._saying.answer.choices
        candidates = [
            self._candidate(index, [part for part, _ in _joined(self._parts(choice))], choice)
            for index, choice in enumerate(choices)
        ]
        return orjson.dumps(self._response(candidates, self._saying.answer.usage.completion_tokens))

    def frames(self) -> Iterator[Frame]:
        """Write the answer as a stream: a part each, the counts running, the reason at the end of each candidate."""
        if self._is_blocked:
            yield Frame(Part.FINISH, orjson.dumps(self._blocked()))
            return
        told = 0
        for index, choice in enumerate(self._saying.answer.choices):
            for part, tokens in self._parts(choice):
                told += tokens
                frame = self._response([self._candidate(index, [part])], told)
                yield Frame(Part.TOKEN if tokens else Part.BLOCK, orjson.dumps(frame), tokens=tokens)
            ending = self._response([self._candidate(index, [{"text": ""}], choice)], told)
            yield Frame(Part.FINISH, orjson.dumps(ending))

    @property
    def _is_blocked(self) -> bool:
        """Say whether it was the prompt that was refused: nothing of an answer came."""
        choice = self._saying.answer.choices[0]
        return choice.finish == "content_filter" and not choice.text

    def _blocked(self) -> Json:
        feedback = {"blockReason": "PROHIBITED_CONTENT"}
        return {"promptFeedback": feedback, **self._tail(0)}

    def _parts(self, choice: Choice) -> Iterator[tuple[Json, int]]:
        """Give the parts of an answer, token by token, each with the tokens that it brings."""
        hidden = 0 if self._saying.shows else len(choice.reasoning)
        for token in choice.reasoning if self._saying.shows else ():
            yield {"text": token, "thought": True}, 1
        for token in choice.text or ():
            yield {"text": token}, 1 + hidden
            hidden = 0
        if choice.text and choice.reasoning:
            yield {"text": "", "thoughtSignature": self._signature("".join(choice.text))}, 0
        for index, call in enumerate(choice.calls):
            identity = {} if self._vertex else {"id": self._saying.name("call_", index)}
            args = parsed(call.arguments)
            part: Json = {"functionCall": {**identity, "name": call.name, "args": args}}
            if index == 0 and self._signs:  # of parallel calls only the first is signed
                part["thoughtSignature"] = self._signature(call.name)
            yield part, call.tokens + hidden
            hidden = 0

    def _signature(self, text: str) -> str:
        return sign(self._saying.account, text)

    def _candidate(self, index: int, parts: list[Json], ended: Choice | None = None) -> Json:
        candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": index}
        return {**candidate, "finishReason": _STOPS[ended.finish]} if ended else candidate

    def _response(self, candidates: list[Json], told: int) -> Json:
        return {"candidates": candidates, **self._tail(told)}

    def _tail(self, told: int) -> Json:
        saying = self._saying
        tail: Json = {"modelVersion": saying.answer.model, "responseId": saying.name("resp")}
        return tail if saying.report is UsageReport.NONE else {"usageMetadata": self._usage(told), **tail}

    def _usage(self, told: int) -> Json:
        """Write the counts so far: what was thought is no part of the candidates' tokens."""
        usage = self._saying.answer.usage
        thoughts = min(usage.reasoning_tokens, told)
        counts: Json = {
            "promptTokenCount": usage.prompt_tokens,
            "candidatesTokenCount": told - thoughts,
            "totalTokenCount": usage.prompt_tokens + told,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.prompt_tokens}],
        }
        if usage.cached_tokens:
            counts["cachedContentTokenCount"] = usage.cached_tokens
        return {**counts, "thoughtsTokenCount": thoughts} if thoughts else counts


def _joined(parts: Iterator[tuple[Json, int]]) -> Iterator[tuple[Json, int]]:
    """Join the texts that follow each other, thoughts and words apart; an empty last one leaves its signature."""
    open_part: Json | None = None
    for part, tokens in parts:
        is_more = open_part is not None and "text" in part and open_part.get("thought") == part.get("thought")
        if is_more and open_part is not None:
            open_part = {**open_part, **part, "text": open_part["text"] + part["text"]}
            continue
        if open_part is not None:
            yield open_part, 0
            open_part = None
        if "text" in part:
            open_part = part
        else:
            yield part, tokens
    if open_part is not None:
        yield open_part, 0
