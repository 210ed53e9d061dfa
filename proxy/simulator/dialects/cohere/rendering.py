"""A neutral answer as Cohere's: one object, or the events of a stream in their order.

Source: cohere 7.3.1, `types/chat_*_event.py` and `types/usage.py`, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from proxy.simulator.answers import Choice
from proxy.simulator.behaviour import UsageReport
from proxy.simulator.dialects.service import Saying
from proxy.simulator.frames import Frame, Part
from proxy.simulator.framing import SSE
from proxy.simulator.shapes import Json
from proxy.simulator.wires import Told, Wire

_PREAMBLE_TOKENS, _MARK_TOKENS = 495, 3  # as in a recorded answer, unbilled
_STOPS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tool_calls": "TOOL_CALL", "content_filter": "ERROR"}
_PLAN = "I will call what was asked for."


def error_json(told: Told) -> object:
    return told.json


def error_frame(told: Told, _: int) -> Frame:
    """Write an error in mid-stream: the message ends with it."""
    delta = {"error": told.row.message, "finish_reason": "ERROR"}
    return Frame(Part.ERROR, orjson.dumps({"type": "message-end", "delta": delta}), "message-end")


WIRE = Wire(SSE, error_json, error_frame)


def whole(saying: Saying) -> bytes:
    """Write the answer as one object."""
    choice = saying.answer.choices[0]
    message: Json = {"role": "assistant"}
    content = [block for block in (_thinking(choice), _text(choice)) if block]
    if content:
        message["content"] = content
    if choice.calls:
        message["tool_plan"] = _PLAN
        message["tool_calls"] = [
            {
                "id": saying.name(f"{call.name}_", index),
                "type": "function",
                "function": {"name": call.name, "arguments": "".join(call.arguments)},
            }
            for index, call in enumerate(choice.calls)
        ]
    answer = {"id": saying.name("resp_"), "finish_reason": _stop(choice), "message": message}
    return orjson.dumps({**answer, **_usage(saying)})


def frames(saying: Saying) -> Iterator[Frame]:
    """Write the answer as a stream."""
    choice = saying.answer.choices[0]
    start = {"id": saying.name("resp_"), "delta": {"message": {"role": "assistant", "content": [], "tool_calls": []}}}
    yield _frame(Part.ROLE, "message-start", start)
    index = 0
    for kind, tokens in (("thinking", choice.reasoning), ("text", choice.text or ())):
        if tokens:
            yield from _block(kind, tokens, index)
            index += 1
    if choice.calls:
        yield _frame(Part.BLOCK, "tool-plan-delta", {"delta": {"message": {"tool_plan": _PLAN}}})
    for place, call in enumerate(choice.calls):
        function = {"name": call.name, "arguments": ""}
        begun = {"id": saying.name(f"{call.name}_", place), "type": "function", "function": function}
        yield _frame(Part.TOKEN, "tool-call-start", _at(place, {"tool_calls": begun}))
        for token in call.arguments:
            yield _frame(Part.TOKEN, "tool-call-delta", _at(place, {"tool_calls": {"function": {"arguments": token}}}))
        yield _frame(Part.BLOCK, "tool-call-end", {"index": place})
    yield _frame(Part.FINISH, "message-end", {"delta": {"finish_reason": _stop(choice), **_usage(saying)}})
    yield Frame(Part.DONE, b"[DONE]")


def _block(kind: str, tokens: tuple[str, ...], index: int) -> Iterator[Frame]:
    yield _frame(Part.BLOCK, "content-start", _at(index, {"content": {"type": kind, kind: ""}}))
    for token in tokens:
        yield _frame(Part.TOKEN, "content-delta", _at(index, {"content": {kind: token}}))
    yield _frame(Part.BLOCK, "content-end", {"index": index})


def _at(index: int, message: Json) -> Json:
    return {"index": index, "delta": {"message": message}}


def _thinking(choice: Choice) -> Json | None:
    return {"type": "thinking", "thinking": "".join(choice.reasoning)} if choice.reasoning else None


def _text(choice: Choice) -> Json | None:
    return {"type": "text", "text": "".join(choice.text)} if choice.text else None


def _stop(choice: Choice) -> str:
    return "STOP_SEQUENCE" if choice.stop_word is not None else _STOPS[choice.finish]


def _usage(saying: Saying) -> Json:
    """Write the counts: Cohere adds to a prompt what it does not bill."""
    if saying.report is UsageReport.NONE:
        return {}
    usage = saying.answer.usage
    counts: Json = {
        "billed_units": {
            "input_tokens": usage.prompt_tokens,
            "output_tokens": usage.completion_tokens,
        },
        "tokens": {
            "input_tokens": usage.prompt_tokens + _PREAMBLE_TOKENS,
            "output_tokens": usage.completion_tokens + _MARK_TOKENS,
        },
        "cached_tokens": usage.cached_tokens,
    }
    return {"usage": counts}


def _frame(part: Part, event: str, members: Json) -> Frame:
    return Frame(part, orjson.dumps({"type": event, **members}), event)
