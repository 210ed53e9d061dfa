"""The events of chat streams, and a reader that is given them as gate and relay do."""

from __future__ import annotations

import json
from collections.abc import Sequence

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.gateway.events import EventPolicy, EventReader

LIMITED = Failure(FailureKind.RATE_LIMITED, Scope.CREDENTIAL_MODEL, 429)
UNFINISHED = Failure(FailureKind.PROTOCOL, Scope.CANDIDATE, detail="the stream ended without a finish")
BROKEN_EVENT = Failure(FailureKind.PROTOCOL, Scope.CANDIDATE, detail="a broken event")


def event(payload: object) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def chunk(delta: dict[str, object], finish_reason: str | None = None, **members: object) -> bytes:
    return event({"model": "up", "choices": [{"delta": delta, "finish_reason": finish_reason}], **members})


def counts(completion_tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 9, "completion_tokens": completion_tokens}


COMMENT = b": keep-alive\n\n"
ROLE = chunk({"role": "assistant", "content": ""})
HI = chunk({"content": "Hi"})
YOU = chunk({"content": " you"})
FINISH = chunk({}, "stop")
USAGE = event({"model": "up", "choices": [], "usage": counts(2)})
ERROR = event({"error": {"code": 429}})
HARMLESS = event({"model": "up", "code": "fine"})  # looks like an error and is none
BROKEN = b'data: {"choices": [\n\n'
DONE = b"data: [DONE]\n\n"
ANSWER = [COMMENT, ROLE, HI, YOU, FINISH, USAGE, DONE]


def find_error(payload: bytes) -> Failure | None:
    return LIMITED if b'"error"' in payload else None


def make_reader(
    *, keep_usage: bool = False, end_on_broken: bool = False, model: str | None = None, choices: int = 1
) -> EventReader:
    return EventReader(EventPolicy(find_error, keep_usage, end_on_broken, model, choices))


def committed(*, keep_usage: bool = False, end_on_broken: bool = False) -> EventReader:
    """A reader whose first output has gone to the client."""
    reader = make_reader(keep_usage=keep_usage, end_on_broken=end_on_broken)
    reader.hold(HI)
    reader.take_held()
    return reader


def relay(chunks: Sequence[bytes], reader: EventReader) -> bytes:
    """Read a stream as gate and relay do, to its end."""
    left = iter(chunks)
    while not (reader.is_ready or reader.done or reader.failure is not None):
        piece = next(left, None)
        if piece is None:
            reader.end_held()
            break
        reader.hold(piece)
    sent = reader.take_held()
    for piece in left:
        if reader.done or reader.failure is not None:
            return sent
        sent += reader.pass_on(piece)
    return sent if reader.done or reader.failure is not None else sent + reader.end()
