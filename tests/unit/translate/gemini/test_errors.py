"""Errors in Google's words."""

from __future__ import annotations

import json

import pytest

from proxy.core.translation import ErrorReply
from proxy.translate.gemini.errors import error_body, error_event


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (502, "UNAVAILABLE"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
        (418, "INVALID_ARGUMENT"),
        (507, "INTERNAL"),
    ],
)
def test_a_status_has_a_name(status: int, name: str) -> None:
    assert json.loads(error_body(ErrorReply(status, "No.", "server_error"))) == {
        "error": {"code": status, "message": "No.", "status": name}
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param(
            "The maximum is 8192.",
            "The input token count exceeds the maximum number of tokens allowed: The maximum is 8192.",
            id="anothers",
        ),
        pytest.param(
            "The input token count (9) exceeds the maximum number of tokens allowed (8).",
            "The input token count (9) exceeds the maximum number of tokens allowed (8).",
            id="own",
        ),
    ],
)
def test_clients_know_a_conversation_that_is_too_long_by_the_vendors_words(said: str, told: str) -> None:
    reply = ErrorReply(400, said, "invalid_request_error", "context_length_exceeded")
    assert json.loads(error_body(reply))["error"]["message"] == told


def test_what_is_known_more_is_told_in_details() -> None:
    reply = ErrorReply(404, "No.", "invalid_request_error", "model_not_found", "model", "req_1")
    assert json.loads(error_body(reply))["error"]["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "MODEL_NOT_FOUND",
            "domain": "fairlead",
            "metadata": {"param": "model"},
        },
        {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "req_1"},
    ]


def test_a_code_may_stand_without_a_param() -> None:
    reply = ErrorReply(429, "No.", "rate_limit_error", "rate_limit_exceeded")
    assert json.loads(error_body(reply))["error"]["details"][0]["metadata"] == {}


def test_an_event_begins_with_the_error() -> None:
    """The SDK looks at the first member only."""
    assert error_event(ErrorReply(500, "No.", "server_error")) == (
        b'data: {"error":{"code":500,"message":"No.","status":"INTERNAL"}}\n\n'
    )
