"""Requests to Ollama, checked as its server decodes them and turned into the neutral question.

Members that the server does not know are ignored, as Go's decoder does; a wrong type is refused.

Source: ollama 0.6.3, `_types.py`; https://docs.ollama.com/api and errors, read 2026-11-20.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from functools import partial

from proxy.core.errors import MalformedRequest
from proxy.simulator.dialects.service import Heard
from proxy.simulator.question import Question
from proxy.simulator.request import ChatRequest
from proxy.simulator.shapes import (
    Json,
    Kind,
    Misfit,
    Path,
    Wrong,
    anything,
    decoded,
    dotted,
    either,
    flag,
    held,
    many,
    mapping,
    number,
    one_of,
    text,
    whole,
)
from proxy.simulator.shapes import shape as exact_shape

shape = partial(exact_shape, nulls=True, closed=False)
_LONGEST = 1 << 20


def _image(value: object, path: Path) -> None:
    text(value, path)
    try:
        base64.b64decode(str(value), validate=True)
    except binascii.Error as exc:
        raise Misfit(path, Wrong.VALUE, "illegal base64 data at input byte 0") from exc


_CALL = shape(
    {"id": text, "function": shape({"index": whole(), "name": text, "arguments": mapping}, ("name", "arguments"))},
    ("function",),
)
_MESSAGE = shape(
    {
        "role": one_of("system", "user", "assistant", "tool"),
        "content": text,
        "thinking": text,
        "images": many(_image),
        "tool_calls": many(_CALL),
        "tool_name": text,
        "tool_call_id": text,
    },
    ("role",),
)
_OPTIONS: dict[str, Kind] = {
    **{name: whole() for name in ("num_ctx", "num_predict", "num_keep", "seed", "top_k", "repeat_last_n")},
    **{
        name: number()
        for name in ("temperature", "top_p", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty")
    },
    "stop": many(text),
}


def _think(value: object, path: Path) -> None:
    if not isinstance(value, bool) and value not in ("low", "medium", "high", "max"):
        raise Misfit(path, Wrong.VALUE, 'invalid think value: must be "high", "medium", "low", true or false')


CHAT = shape(
    {
        "model": text,
        "messages": many(_MESSAGE),
        "tools": many(
            shape({"type": text, "function": shape({"name": text, "parameters": mapping}, ("name",))}, ("function",))
        ),
        "stream": flag,
        "format": anything,
        "options": shape(_OPTIONS),
        "think": _think,
        "keep_alive": anything,
        "logprobs": flag,
        "top_logprobs": whole(0, 20),
    },
    ("model",),
)
EMBED = shape(
    {
        "model": text,
        "input": either(text, many(text)),
        "truncate": flag,
        "options": shape(_OPTIONS),
        "keep_alive": anything,
        "dimensions": whole(1, 4096),
    },
    ("model", "input"),
)


def checked(question: Question, kind: Kind) -> Json:
    """Decode a body and hold it to a table.

    Raises:
        MalformedRequest: The server would refuse it.
    """
    return held(decoded(question.body), kind, _refusal)


def read(question: Question) -> Heard:
    """Check a chat request and read it.

    Raises:
        MalformedRequest: The server would refuse it.
    """
    body = checked(question, CHAT)
    options = body.get("options") or {}
    limit = options.get("num_predict")
    request = ChatRequest(
        messages=[*_messages(body)],
        max_tokens=limit if limit is not None and 0 < limit < _LONGEST else None,  # -1 and -2: no limit
        stop=options.get("stop"),
        tools=body.get("tools"),
        response_format=_format(body.get("format")),
    )
    return Heard(request, thinks=bool(body.get("think")))


def _refusal(misfit: Misfit) -> MalformedRequest:
    return MalformedRequest(_worded(misfit))


def _worded(misfit: Misfit) -> str:
    place = dotted(tuple(step for step in misfit.path if isinstance(step, str)))
    match misfit.wrong:
        case Wrong.MISSING:
            return f"{place} is required"
        case Wrong.VALUE:
            return f"invalid {place}: {misfit.wanted}"
        case _:
            return f"json: cannot unmarshal value into Go struct field .{place} of type {misfit.wanted}"


def _format(wanted: object) -> Json | None:
    if wanted in (None, ""):
        return None
    if wanted == "json":
        return {"type": "json_object"}
    if not isinstance(wanted, dict):
        raise MalformedRequest('invalid format: expected "json" or a JSON schema')
    return {"type": "json_schema", "json_schema": {"schema": wanted}}


def _messages(body: Json) -> Iterator[Json]:
    for message in body.get("messages") or ():
        images = [{"type": "image_url", "image_url": {"url": "data:;base64,"}} for _ in message.get("images") or ()]
        words = " ".join(
            [message.get("content") or "", *(str(call["function"]) for call in message.get("tool_calls") or ())]
        )
        yield {"role": message["role"], "content": [{"type": "text", "text": words.strip()}, *images]}
