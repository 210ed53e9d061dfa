"""A neutral answer as Ollama's: one object, or a line for each token and a last one that is done.

Source: ollama 0.6.3, `_types.py`; https://docs.ollama.com/api/chat, read 2026-11-20.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from proxy.simulator.answers import Choice
from proxy.simulator.behaviour import UsageReport, Vendor
from proxy.simulator.dialects.service import Saying
from proxy.simulator.frames import Frame, Part
from proxy.simulator.framing import NDJSON
from proxy.simulator.shapes import Json
from proxy.simulator.toolcalls import ToolCall, parsed
from proxy.simulator.wires import Told, Wire

_NS = 1_000_000


def error_json(told: Told) -> object:
    """Write an error: the native API sends a sentence, nothing more."""
    if told.vendor is not Vendor.OLLAMA:
        return told.json
    signin = {"signin_url": "https://ollama.com/connect"} if told.row.status == 401 else {}
    return {"error": told.row.message, **signin}


def error_frame(told: Told, _: int) -> Frame:
    return Frame(Part.ERROR, orjson.dumps(error_json(told)))


WIRE = Wire(NDJSON, error_json, error_frame)


def whole(saying: Saying) -> bytes:
    """Write the answer as one object."""
    choice = saying.answer.choices[0]
    message: Json = {"role": "assistant", "content": "".join(choice.text or ())}
    if choice.reasoning:
        message["thinking"] = "".join(choice.reasoning)
    if choice.calls:
        message["tool_calls"] = [_call(saying, call, index) for index, call in enumerate(choice.calls)]
    return orjson.dumps({**_envelope(saying), "message": message, **_ending(saying, choice)})


def frames(saying: Saying) -> Iterator[Frame]:
    """Write the answer as a stream."""
    choice = saying.answer.choices[0]
    for token in choice.reasoning:
        yield _line(saying, {"content": "", "thinking": token})
    for token in choice.text or ():
        yield _line(saying, {"content": token})
    for index, call in enumerate(choice.calls):
        yield _line(saying, {"content": "", "tool_calls": [_call(saying, call, index)]}, call.tokens)
    last = {**_envelope(saying), "message": {"role": "assistant", "content": ""}, **_ending(saying, choice)}
    yield Frame(Part.FINISH, orjson.dumps(last))


def _line(saying: Saying, message: Json, tokens: int = 1) -> Frame:
    document = {**_envelope(saying), "message": {"role": "assistant", **message}, "done": False}
    return Frame(Part.TOKEN, orjson.dumps(document), tokens=tokens)


def _call(saying: Saying, call: ToolCall, index: int) -> Json:
    """Write a call; its arguments are an object, and they come whole."""
    function = {"index": index, "name": call.name, "arguments": parsed(call.arguments)}
    return {"id": saying.name("call_", index), "function": function}


def _envelope(saying: Saying) -> Json:
    created = datetime.fromtimestamp(saying.answer.created_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    return {"model": saying.answer.model, "created_at": created}


def _ending(saying: Saying, choice: Choice) -> Json:
    """Say that it is done: for tools as for words the reason is `stop`."""
    ending: Json = {"done": True, "done_reason": "length" if choice.finish == "length" else "stop"}
    ending |= {"total_duration": 2 * _NS, "load_duration": _NS}
    if saying.report is UsageReport.NONE:
        return ending
    usage = saying.answer.usage
    return {
        **ending,
        "prompt_eval_count": usage.prompt_tokens,
        "prompt_eval_duration": _NS,
        "eval_count": usage.completion_tokens,
        "eval_duration": _NS,
    }
