"""Errors in the client's form: status, headers, body, event."""

from __future__ import annotations

import json

import pytest

from proxy.api.endpointspec import CHAT
from proxy.core.errors import (
    GatewayError,
    MalformedRequest,
    MethodNotAllowed,
    NotAuthenticated,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    UpstreamsExhausted,
)
from proxy.edge.render import error_as_event, error_body, error_headers


def exhausted(status: int, retry_after_s: float | None, *, sent: bool) -> UpstreamsExhausted:
    error = UpstreamsExhausted("No.", status=status, type="t", code="c", retry_after_s=retry_after_s)
    error.sent = sent
    return error


def header(error: GatewayError, name: bytes) -> bytes | None:
    return dict(error_headers(error)).get(name)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(0.0, b"1", id="never-below-one"),
        pytest.param(-5.0, b"1", id="in-the-past"),
        pytest.param(0.01, b"1", id="a-moment"),
        pytest.param(1.0, b"1", id="whole"),
        pytest.param(1.001, b"2", id="rounded-up"),
        pytest.param(59.2, b"60", id="rounded-up-to-a-minute"),
        pytest.param(3600.0, b"3600", id="an-hour"),
        pytest.param(90_000.0, b"3600", id="never-above-an-hour"),
    ],
)
def test_retry_after_is_whole_seconds_rounded_up(seconds: float | None, expected: bytes | None) -> None:
    assert header(RateLimited("No.", retry_after_s=seconds), b"retry-after") == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(exhausted(429, 60.0, sent=True), None, id="limited-for-a-minute"),
        pytest.param(exhausted(503, 1.0, sent=True), None, id="unavailable-for-a-second"),
        pytest.param(exhausted(429, 60.1, sent=True), b"false", id="limited-for-longer"),
        pytest.param(exhausted(503, 3600.0, sent=True), b"false", id="unavailable-for-an-hour"),
        pytest.param(exhausted(429, None, sent=True), b"false", id="limited-until-nobody-knows"),
        pytest.param(exhausted(502, None, sent=True), b"false", id="upstream-error"),
        pytest.param(exhausted(502, 5.0, sent=True), b"false", id="upstream-error-with-a-time"),
        pytest.param(exhausted(504, None, sent=True), b"false", id="upstream-timeout"),
        pytest.param(exhausted(400, None, sent=True), b"false", id="client-fault"),
        pytest.param(exhausted(429, 900.0, sent=False), None, id="limited-and-nothing-sent"),
        pytest.param(exhausted(503, 900.0, sent=False), None, id="unavailable-and-nothing-sent"),
        pytest.param(exhausted(502, None, sent=False), None, id="upstream-error-and-nothing-sent"),
        pytest.param(Overloaded("No.", retry_after_s=1.0), None, id="overloaded"),
        pytest.param(MalformedRequest("No."), None, id="malformed"),
    ],
)
def test_client_is_told_not_to_retry_once_upstreams_were_asked_unless_the_wait_is_short(
    error: GatewayError, expected: bytes | None
) -> None:
    assert header(error, b"x-should-retry") == expected


def test_wrong_key_is_not_worth_a_retry() -> None:
    """Claude Code 2.1.197 retries a 401 ten times unless it is told not to."""
    assert header(NotAuthenticated("No."), b"x-should-retry") == b"false"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(None, b"false", id="dearer-than-the-whole-budget"),
        pytest.param(40_000.0, b"false", id="spent"),
        pytest.param(60.5, b"false", id="spent-for-more-than-a-minute"),
        pytest.param(1.0, None, id="only-reserved"),
    ],
)
def test_budget_that_is_spent_is_not_worth_a_retry(seconds: float | None, expected: bytes | None) -> None:
    assert header(QuotaExhausted("No.", retry_after_s=seconds), b"x-should-retry") == expected


def test_error_is_json_with_no_other_headers() -> None:
    assert error_headers(MalformedRequest("No.")) == [(b"content-type", b"application/json")]


def test_wrong_method_names_the_right_one() -> None:
    assert header(MethodNotAllowed("No.", allow="POST"), b"allow") == b"POST"


def test_headers_of_one_error_are_not_those_of_the_next() -> None:
    error_headers(MalformedRequest("No.")).append((b"x-a", b"1"))
    assert header(MalformedRequest("No."), b"x-a") is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(
            MalformedRequest("Bad 'n'.", param="n"),
            {"message": "Bad 'n'.", "type": "invalid_request_error", "param": "n", "code": "invalid_request"},
            id="client-error",
        ),
        pytest.param(
            GatewayError("Failed."),
            {"message": "Failed.", "type": "server_error", "param": None, "code": None},
            id="own-failure",
        ),
        pytest.param(
            exhausted(502, None, sent=True),
            {"message": "No.", "type": "t", "param": None, "code": "c"},
            id="what-an-upstream-said",
        ),
    ],
)
def test_error_reads_the_same_as_a_body_and_as_an_event(error: GatewayError, expected: dict[str, object]) -> None:
    assert json.loads(error_body(error)) == {"error": expected}
    event = error_as_event(error, CHAT)
    assert (event[:6], event[-2:]) == (b"data: ", b"\n\n")
    assert event[6:-2] == error_body(error)
