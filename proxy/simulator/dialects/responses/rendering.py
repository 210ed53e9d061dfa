"""A neutral answer as a response: one object, or the events of a stream in their order, each with its number.

Source: openai 3.51.0, `types/responses/response.py` and `types/responses/*_event.py`, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import orjson

from proxy.simulator.answers import Choice
from proxy.simulator.behaviour import UsageReport
from proxy.simulator.dialects.responses.reading import Asked
from proxy.simulator.dialects.service import Saying
from proxy.simulator.frames import Frame, Part
from proxy.simulator.framing import SSE
from proxy.simulator.shapes import Json
from proxy.simulator.signatures import sign
from proxy.simulator.toolcalls import ToolCall
from proxy.simulator.wires import COMPATIBLE, Told, Wire

_REPEATED: Json = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
}
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def error_frame(told: Told, place: int) -> Frame:
    """Write an error in mid-stream: the server's own as a response that failed, any other as an error.

    It takes the next event's number.
    """
    row = told.row
    if row.status >= 500:
        error = {"code": "server_error", "message": row.message}
        failed = {"id": "resp_simulated", "object": "response", "created_at": 0, "status": "failed", "error": error}
        response = {**failed, "incomplete_details": None, "model": "", "output": [], **_REPEATED, "usage": None}
        event = {"type": "response.failed", "sequence_number": place, "response": response}
        return Frame(Part.ERROR, orjson.dumps(event), "response.failed")
    members = {"code": row.code or row.type, "message": row.message, "param": row.param}
    return Frame(Part.ERROR, orjson.dumps({"type": "error", **members, "sequence_number": place}), "error")


WIRE = Wire(SSE, COMPATIBLE.error, error_frame)


class Voice:
    """One answer in the words of the Responses API."""

    def __init__(self, saying: Saying, asked: Asked) -> None:
        self._saying, self._asked = saying, asked
        self._choice = saying.answer.choices[0]
        self._numbers = count()

    def whole(self) -> bytes:
        """Write the answer as one object."""
        return orjson.dumps(self._response([item for item, _, _ in self._items()], ended=True))

    def frames(self) -> Iterator[Frame]:
        """Write the answer as a stream."""
        begun = {"response": self._response([], ended=False)}
        yield self._frame(Part.ROLE, "response.created", begun)
        yield self._frame(Part.ROLE, "response.in_progress", begun)
        items = []
        for index, (item, tokens, pieces) in enumerate(self._items()):
            added = {"output_index": index, "item": _begun(item)}
            yield self._frame(Part.TOKEN if tokens else Part.BLOCK, "response.output_item.added", added, tokens)
            for part, event, members in pieces:
                members = {"item_id": item["id"], "output_index": index, **members}
                yield self._frame(part, event, members)
            yield self._frame(Part.BLOCK, "response.output_item.done", {"output_index": index, "item": item})
            items.append(item)
        response = self._response(items, ended=True)
        yield self._frame(Part.FINISH, f"response.{response['status']}", {"response": response})

    def _items(self) -> Iterator[tuple[Json, int, Iterator[tuple[Part, str, Json]]]]:
        """Give every item of the output, whole, the tokens that its beginning brings, and the pieces it comes in."""
        choice = self._choice
        if choice.reasoning and self._saying.shows:
            yield self._reasoning(choice), 0, _summary_pieces(choice)
        elif choice.reasoning:
            yield self._reasoning(choice), len(choice.reasoning), iter(())
        if choice.text is not None:
            yield self._message(choice), 0, _text_pieces(choice)
        for index, call in enumerate(choice.calls):
            yield self._call(call, index), 1, _call_pieces(call)

    def _reasoning(self, choice: Choice) -> Json:
        text = "".join(choice.reasoning)
        summary = [{"type": "summary_text", "text": text}] if self._saying.shows else []
        item: Json = {"id": self._saying.name("rs_"), "type": "reasoning", "summary": summary}
        return {**item, "encrypted_content": sign(self._saying.account, text)} if self._asked.seals else item

    def _message(self, choice: Choice) -> Json:
        status = "incomplete" if choice.finish in _INCOMPLETE else "completed"
        content = [_output_text("".join(choice.text or ()))]
        head = {"id": self._saying.name("msg_"), "type": "message", "status": status, "role": "assistant"}
        return {**head, "content": content}

    def _call(self, call: ToolCall, index: int) -> Json:
        arguments = "".join(call.arguments)
        head = {"id": self._saying.name("fc_", index), "type": "function_call", "status": "completed"}
        return {**head, "call_id": self._saying.name("call_", index), "name": call.name, "arguments": arguments}

    def _response(self, output: list[Json], *, ended: bool) -> Json:
        saying, reason = self._saying, _INCOMPLETE.get(self._choice.finish)
        status = "in_progress" if not ended else "incomplete" if reason else "completed"
        given = {name: value for name, value in self._asked.body.items() if name in _REPEATED and value is not None}
        return {
            "id": saying.name("resp_"),
            "object": "response",
            "created_at": saying.answer.created_s,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": reason} if status == "incomplete" else None,
            "model": saying.answer.model,
            "output": output,
            **_REPEATED,
            **given,
            "usage": self._usage() if ended and saying.report is not UsageReport.NONE else None,
        }

    def _usage(self) -> Json:
        usage = self._saying.answer.usage
        details = {"cached_tokens": usage.cached_tokens, "cache_write_tokens": usage.cache_write_tokens}
        return {
            "input_tokens": usage.prompt_tokens,
            "input_tokens_details": details,
            "output_tokens": usage.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        }

    def _frame(self, part: Part, event: str, members: Json, tokens: int = 1) -> Frame:
        document = {"type": event, "sequence_number": next(self._numbers), **members}
        return Frame(part, orjson.dumps(document), event, tokens)


def _begun(item: Json) -> Json:
    """Return an item as it is announced: nothing of what it says is there."""
    match item["type"]:
        case "message":
            return {**item, "status": "in_progress", "content": []}
        case "reasoning":
            return {**item, "summary": []}
        case _:
            return {**item, "status": "in_progress", "arguments": ""}


def _summary_pieces(choice: Choice) -> Iterator[tuple[Part, str, Json]]:
    at, text = {"summary_index": 0}, "".join(choice.reasoning)
    empty, full = {"type": "summary_text", "text": ""}, {"type": "summary_text", "text": text}
    yield Part.BLOCK, "response.reasoning_summary_part.added", {**at, "part": empty}
    for token in choice.reasoning:
        yield Part.TOKEN, "response.reasoning_summary_text.delta", {**at, "delta": token}
    yield Part.BLOCK, "response.reasoning_summary_text.done", {**at, "text": text}
    yield Part.BLOCK, "response.reasoning_summary_part.done", {**at, "part": full}


def _text_pieces(choice: Choice) -> Iterator[tuple[Part, str, Json]]:
    at, text = {"content_index": 0}, "".join(choice.text or ())
    yield Part.BLOCK, "response.content_part.added", {**at, "part": _output_text("")}
    for token in choice.text or ():
        yield Part.TOKEN, "response.output_text.delta", {**at, "delta": token, "logprobs": []}
    yield Part.BLOCK, "response.output_text.done", {**at, "text": text, "logprobs": []}
    yield Part.BLOCK, "response.content_part.done", {**at, "part": _output_text(text)}


def _call_pieces(call: ToolCall) -> Iterator[tuple[Part, str, Json]]:
    for token in call.arguments:
        yield Part.TOKEN, "response.function_call_arguments.delta", {"delta": token}
    done = {"name": call.name, "arguments": "".join(call.arguments)}
    yield Part.BLOCK, "response.function_call_arguments.done", done


def _output_text(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
