from __future__ import annotations

import json

from proxy.core.translation import ErrorReply
from proxy.translate.openai_responses.errors import error_body, error_event

REPLY = ErrorReply(400, "No.\nReally.", "invalid_request_error", "missing", "x")
ERROR = {"message": "No.\nReally.", "type": "invalid_request_error", "param": "x", "code": "missing"}


def test_error_has_openais_form() -> None:
    assert json.loads(error_body(REPLY)) == {"error": ERROR}


def test_error_event_is_named_and_holds_the_error_twice() -> None:
    event = error_event(REPLY)
    name, data, *rest = event.split(b"\n")
    assert (name, rest) == (b"event: error", [b"", b""])
    assert json.loads(data.removeprefix(b"data: ")) == {
        "type": "error",
        "sequence_number": 0,
        "code": "missing",
        "message": "No.\nReally.",
        "param": "x",
        "error": ERROR,
    }
