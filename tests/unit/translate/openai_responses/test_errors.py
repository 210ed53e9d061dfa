from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace
from openai.types.responses import ResponseFailedEvent

from proxy.core.translation import ErrorReply
from proxy.translate.openai_responses.errors import error_body, error_event

REPLY = ErrorReply(400, "No.\nReally.", "invalid_request_error", "missing", "x")
ERROR = {"message": "No.\nReally.", "type": "invalid_request_error", "param": "x", "code": "missing"}


def test_error_has_openais_form() -> None:
    assert json.loads(error_body(REPLY)) == {"error": ERROR}


def events(reply: ErrorReply) -> list[tuple[bytes, Any]]:
    *blocks, end = error_event(reply).split(b"\n\n")
    assert end == b""
    pairs = [block.split(b"\n") for block in blocks]
    return [(name, json.loads(data.removeprefix(b"data: "))) for name, data in pairs]


def test_error_event_is_named_and_holds_the_error_twice() -> None:
    assert events(REPLY)[0] == (
        b"event: error",
        {
            "type": "error",
            "sequence_number": 0,
            "code": "missing",
            "message": "No.\nReally.",
            "param": "x",
            "error": ERROR,
        },
    )


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param("rate_limit_exceeded", "rate_limit_exceeded", id="openais"),
        pytest.param("upstream_error", "server_error", id="ours"),
        pytest.param(None, "server_error", id="none"),
    ],
)
def test_answer_that_had_begun_has_failed(code: str | None, told: str) -> None:
    name, event = events(replace(REPLY, code=code, request_id="req_1"))[-1]
    assert name == b"event: response.failed"
    failed = ResponseFailedEvent.model_validate(event, strict=True).response
    assert failed.error is not None
    assert (failed.status, failed.error.code, failed.error.message) == ("failed", told, "No.\nReally.")
    assert failed.id == "resp_1"
