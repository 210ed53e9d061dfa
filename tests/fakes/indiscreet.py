"""An upstream that tells everything it was told: errors that repeat the credential, the headers and the prompt.

What it answers is chosen by the model that it is asked for: a status (`429`), or a way to answer (`html`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.fakes.rawstreams import DONE, FINISH, ROLE, said

PASSED_ON_S = 0.3


async def indiscreet(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    """The ASGI app."""
    assert scope["type"] == "http"
    request = Request(scope, receive)
    body = await request.body()
    headers = ", ".join(f"{name}: {value}" for name, value in request.headers.items())
    told = f"Refused. You sent {headers} and {body.decode()}"
    model = json.loads(body)["model"]
    if model == "silent":
        await receive()  # until the caller leaves
        return
    response = JSONResponse(_error(told), int(model)) if model.isdigit() else _ANSWERS[model](told)
    response.headers["x-debug"] = told.encode("ascii", "ignore").decode()
    await response(scope, receive, send)


def _error(told: str) -> dict[str, object]:
    return {"error": {"message": told, "type": told[:200], "param": told[:200], "code": told[:200]}}


def _event(content: object) -> bytes:
    return b"data: " + json.dumps(content).encode() + b"\n\n"


def _completion(text: str) -> dict[str, object]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "chatcmpl-odd", "object": "chat.completion", "created": 1, "model": "odd", "choices": [choice]}


def _stream(*events: bytes) -> Response:
    return StreamingResponse(iter(events), media_type="text/event-stream")


def _begun(*rest: bytes) -> Response:
    """A stream that has said something, and been passed on, before the rest comes."""

    async def events() -> AsyncIterator[bytes]:
        yield ROLE + b"".join(said("hello"))
        await asyncio.sleep(PASSED_ON_S)
        for event in rest:
            yield event

    return StreamingResponse(events(), media_type="text/event-stream")


_ANSWERS: Mapping[str, Callable[[str], Response]] = {
    "ok": lambda told: JSONResponse(_completion("hello")),
    "error-in-200": lambda told: JSONResponse(_error(told)),
    "html": lambda told: Response(f"<html>{told}</html>", media_type="text/html"),
    "half-json": lambda told: Response(json.dumps(_completion(told))[:-20], media_type="application/json"),
    "redirect": lambda told: Response(status_code=302, headers={"location": "http://127.0.0.1:1/elsewhere"}),
    "unknown-coding": lambda told: Response(told, headers={"content-encoding": "odd"}, media_type="application/json"),
    "stream": lambda told: _stream(ROLE, *said("hello"), FINISH, DONE),
    "error-first": lambda told: _stream(ROLE, _event(_error(told))),
    "error-later": lambda told: _begun(_event(_error(told))),
    "no-finish": lambda told: _begun(),
    "broken-event": lambda told: _stream(ROLE, *said("hello"), f"data: {{{told}\n\n".encode(), FINISH, DONE),
}
