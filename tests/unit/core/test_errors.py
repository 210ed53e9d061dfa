from __future__ import annotations

import pytest

from proxy.core.errors import (
    BodyReadTimeout,
    BodyTooLarge,
    Cause,
    ConfigError,
    GatewayError,
    MalformedRequest,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Overloaded,
    RateLimited,
    UnknownModel,
    UnsupportedEncoding,
    UpstreamsExhausted,
    final_error,
    retry_after,
    told_name,
)
from proxy.core.failure import Failure, FailureKind, UpstreamError
from proxy.core.snapshot import Problem

K = FailureKind


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(None, 1, id="unknown-is-one-second"),
        pytest.param(0.0, 1, id="never-under-one"),
        pytest.param(-5.0, 1, id="the-past-is-one"),
        pytest.param(6.01, 7, id="rounded-up"),
        pytest.param(7.0, 7, id="whole-stays"),
        pytest.param(3600.5, 3600, id="at-most-an-hour"),
        pytest.param(86_400.0, 3600, id="a-day-is-an-hour"),
    ],
)
def test_retry_after_is_whole_seconds_between_one_and_an_hour(seconds: float | None, expected: int) -> None:
    assert retry_after(seconds) == expected


LIMITED_FIRST = [Cause(K.RATE_LIMITED, recovers_in_s=30.0)]


@pytest.mark.parametrize(
    ("failures", "causes", "status", "code", "recovery_s"),
    [
        pytest.param([K.INVALID_REQUEST], [Cause(K.INVALID_REQUEST)], 400, None, None, id="clients-fault"),
        pytest.param([K.RATE_LIMITED, K.CONTENT_POLICY], LIMITED_FIRST, 400, None, None, id="fault-beats-limits"),
        pytest.param([K.REJECTED, K.SERVER_ERROR], [], 502, "upstream_error", None, id="a-later-failure-decides"),
        pytest.param([K.RATE_LIMITED], LIMITED_FIRST, 429, "rate_limit_exceeded", 30.0, id="all-limited"),
        pytest.param(
            [],
            [Cause(K.RATE_LIMITED, recovers_in_s=9.0), Cause(K.QUOTA_EXHAUSTED, recovers_in_s=4.0)],
            429,
            "rate_limit_exceeded",
            4.0,
            id="the-earliest-recovery-counts",
        ),
        pytest.param(
            [], [Cause(None, recovers_in_s=2.0, limit=True)], 429, "rate_limit_exceeded", 2.0, id="its-own-limit"
        ),
        pytest.param([], [Cause(K.RATE_LIMITED)], 429, "rate_limit_exceeded", 1.0, id="recovery-unknown"),
        pytest.param(
            [K.AUTH],
            [Cause(K.AUTH, recovers_in_s=30.0), Cause(K.BILLING)],
            502,
            "upstream_credentials_exhausted",
            None,
            id="credentials-refused",
        ),
        pytest.param(
            [], [Cause(K.BILLING)], 502, "upstream_credentials_exhausted", None, id="credentials-known-as-refused"
        ),
        pytest.param(
            [K.CONTEXT_TOO_LONG], [Cause(K.CONTEXT_TOO_LONG)], 400, "context_length_exceeded", None, id="too-long"
        ),
        pytest.param([K.MODEL_MISSING], [Cause(K.MODEL_MISSING)], 404, "model_not_found", None, id="model-missing"),
        pytest.param(
            [],
            [Cause(K.CONNECT, recovers_in_s=8.0), Cause(K.RATE_LIMITED, recovers_in_s=5.0)],
            503,
            "no_upstream_available",
            5.0,
            id="nothing-sent-mixed-causes",
        ),
        pytest.param([], [], 503, "no_upstream_available", 1.0, id="nothing-sent-no-cause"),
        pytest.param(
            [K.SERVER_ERROR, K.TIMEOUT_HEADERS], [Cause(K.CONNECT)], 504, "upstream_timeout", None, id="last-timed-out"
        ),
        pytest.param(
            [K.TIMEOUT_HEADERS, K.SERVER_ERROR], [Cause(K.CONNECT)], 502, "upstream_error", None, id="last-broke"
        ),
        pytest.param(
            [K.RATE_LIMITED, K.AUTH],
            [*LIMITED_FIRST, Cause(K.AUTH)],
            502,
            "upstream_error",
            None,
            id="limited-and-refused-is-neither",
        ),
        pytest.param([K.UNSUPPORTED], [Cause(K.UNSUPPORTED)], 400, None, None, id="nobody-can-be-asked"),
        pytest.param(
            [K.UNSUPPORTED],
            [Cause(K.UNSUPPORTED), Cause(K.CONNECT, recovers_in_s=8.0)],
            503,
            "no_upstream_available",
            8.0,
            id="who-can-be-asked-is-away",
        ),
        pytest.param(
            [K.UNSUPPORTED, K.RATE_LIMITED],
            [Cause(K.UNSUPPORTED), *LIMITED_FIRST],
            429,
            "rate_limit_exceeded",
            30.0,
            id="who-can-be-asked-is-limited",
        ),
    ],
)
def test_the_first_matching_row_of_the_table_decides(
    failures: list[FailureKind], causes: list[Cause], status: int, code: str | None, recovery_s: float | None
) -> None:
    error = final_error([Failure(kind) for kind in failures], causes, sent=len(failures))
    assert (error.status, error.code, error.retry_after_s) == (status, code, recovery_s)


@pytest.mark.parametrize("sent", [pytest.param(0, id="nothing-sent"), pytest.param(2, id="two-sent")])
def test_the_error_says_whether_anything_was_sent(sent: int) -> None:
    assert final_error([], [], sent=sent).sent is (sent > 0)


def test_something_sent_without_a_noted_failure_is_an_upstream_error() -> None:
    assert final_error([], [], sent=1).code == "upstream_error"


def test_the_client_is_told_the_first_refusal_in_the_upstreams_words() -> None:
    first = Failure(K.REJECTED, status=422, error=UpstreamError("bad n", "bad_type", "n", "bad_n"))
    second = Failure(K.REJECTED, status=400, error=UpstreamError("another"))
    error = final_error([first, second], [], sent=2)
    assert (error.status, error.message, error.type, error.param, error.code) == (
        422,
        "bad n",
        "bad_type",
        "n",
        "bad_n",
    )


@pytest.mark.parametrize(
    "status", [pytest.param(None, id="no-status"), pytest.param(200, id="inside-a-200"), pytest.param(500, id="a-500")]
)
def test_a_clients_fault_is_always_a_4xx(status: int | None) -> None:
    error = final_error([Failure(K.INVALID_REQUEST, status=status)], [], sent=1)
    assert (error.status, error.type) == (400, "invalid_request_error")


def test_a_request_too_long_repeats_what_the_upstream_said_of_it() -> None:
    told = Failure(K.CONTEXT_TOO_LONG, error=UpstreamError("at most 8 tokens"))
    error = final_error([Failure(K.CONTEXT_TOO_LONG), told], [Cause(K.CONTEXT_TOO_LONG)], sent=2)
    assert (error.message, error.param) == ("at most 8 tokens", "messages")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        pytest.param(GatewayError("x"), 500, None, id="unforeseen"),
        pytest.param(MalformedRequest("x", param="n"), 400, "invalid_request", id="malformed"),
        pytest.param(NotAuthenticated("x"), 401, "invalid_api_key", id="not-authenticated"),
        pytest.param(NotPermitted("x"), 403, "not_permitted", id="not-permitted"),
        pytest.param(NotFound("x"), 404, "not_found", id="not-found"),
        pytest.param(UnknownModel("x"), 404, "model_not_found", id="unknown-model"),
        pytest.param(MethodNotAllowed("x", "GET"), 405, "method_not_allowed", id="method"),
        pytest.param(BodyReadTimeout("x"), 408, "request_timeout", id="slow-body"),
        pytest.param(BodyTooLarge("x"), 413, "request_too_large", id="large-body"),
        pytest.param(UnsupportedEncoding("x"), 415, "unsupported_content_encoding", id="encoding"),
        pytest.param(RateLimited("x", retry_after_s=3.0), 429, "rate_limit_exceeded", id="limited"),
        pytest.param(Overloaded("x"), 503, "overloaded", id="overloaded"),
    ],
)
def test_each_error_has_its_status_and_code_and_was_not_sent(
    error: GatewayError, status: int, code: str | None
) -> None:
    assert (error.status, error.code, error.message, error.sent) == (status, code, "x", False)


def test_a_refused_method_names_the_allowed_ones() -> None:
    assert MethodNotAllowed("x", "GET, HEAD").allow == "GET, HEAD"


def test_a_configuration_error_shows_every_problem() -> None:
    problems = [Problem("a.toml: [server] port", "70000", "1 to 65535", "choose another"), Problem("b", "c", "d", "e")]
    error = ConfigError(problems)
    assert str(error) == "a.toml: [server] port: 70000; expected 1 to 65535; choose another\nb: c; expected d; e"
    assert error.problems == tuple(problems)


@pytest.mark.parametrize(
    ("code", "type_", "name"),
    [
        pytest.param("model_not_found", "invalid_request_error", "model_not_found", id="code"),
        pytest.param(None, "rate_limit_error", "rate_limit_error", id="type"),
        pytest.param("the prompt was: hello", "invalid_request_error", "invalid_request_error", id="sentence"),
        pytest.param("x" * 65, "two words", "upstream_refusal", id="neither-is-a-name"),
    ],
)
def test_what_an_error_is_called_is_a_plain_name(code: str | None, type_: str, name: str) -> None:
    error = UpstreamsExhausted("", status=400, type=type_, code=code)
    assert told_name(error) == name
