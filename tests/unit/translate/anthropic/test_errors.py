"""Errors for clients, as a body and in a stream."""

from __future__ import annotations

import json

import pytest

from proxy.core.translation import ErrorReply
from proxy.translate.anthropic.errors import error_body, error_event

REPLY = ErrorReply(429, "Slow down.", "rate_limit_error", "rate_limit_exceeded", request_id="req_1")


def test_an_error_has_the_vendors_shape() -> None:
    assert json.loads(error_body(REPLY)) == {
        "type": "error",
        "error": {
            "type": "rate_limit_error",
            "message": "Slow down.",
            "details": {"error_code": "rate_limit_exceeded"},
        },
        "request_id": "req_1",
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param("The maximum is 8192.", "prompt is too long: The maximum is 8192.", id="anothers"),
        pytest.param("Prompt is too long: 9 tokens > 8 maximum", "Prompt is too long: 9 tokens > 8 maximum", id="own"),
    ],
)
def test_clients_know_a_conversation_that_is_too_long_by_the_vendors_words(said: str, told: str) -> None:
    reply = ErrorReply(400, said, "invalid_request_error", "context_length_exceeded")
    assert json.loads(error_body(reply))["error"]["message"] == told


def test_an_error_without_code_and_id() -> None:
    assert json.loads(error_body(ErrorReply(400, "No.", "invalid_request_error"))) == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "No."},
        "request_id": None,
    }


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (408, "timeout_error"),
        (409, "conflict_error"),
        (413, "request_too_large"),
        (415, "invalid_request_error"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_the_type_follows_from_the_status(status: int, expected: str) -> None:
    body = error_body(ErrorReply(status, "m", "of OpenAI's"))
    assert json.loads(body)["error"]["type"] == expected


def test_an_error_in_a_stream_is_an_event_of_that_name() -> None:
    assert error_event(REPLY) == b"event: error\ndata: " + error_body(REPLY) + b"\n\n"
