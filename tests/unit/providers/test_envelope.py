"""Errors inside a success."""

from __future__ import annotations

import json

import pytest

from proxy.providers.envelope import effective_status, told_error
from proxy.providers.errorbody import ErrorBody


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"id": "x", "choices": [{"delta": {"content": "hi"}}]}, id="chunk"),
        pytest.param({"choices": [{"delta": {"content": '"error": {"code": 500}'}}]}, id="content-about-errors"),
        pytest.param({"error": None, "choices": []}, id="null"),
        pytest.param({"error": {}, "choices": []}, id="empty-object"),
        pytest.param({"error": "", "choices": []}, id="empty-text"),
        pytest.param({"error": False}, id="false"),
        pytest.param({"code": "x", "message": "m", "choices": [{}]}, id="code-beside-choices"),
        pytest.param({"code": "x", "message": "m", "output": {"text": "hi"}}, id="code-beside-output"),
        pytest.param({"code": 0, "message": "ok"}, id="code-zero"),
        pytest.param({"code": "x"}, id="code-alone"),
        pytest.param({"x_groq": {"id": "r", "error": None}}, id="groq-null"),
        pytest.param({"x_groq": ["error"]}, id="groq-odd"),
        pytest.param({"choices": [{"content_filter_results": {"error": {"code": "x"}}}]}, id="azure-filter-outage"),
        pytest.param([], id="empty-list"),
        pytest.param([{"embedding": 1, "code": "x"}], id="list-of-others"),
        pytest.param(["error"], id="list-of-text"),
        pytest.param("error", id="text"),
    ],
)
def test_answer_without_error_passes(payload: object) -> None:
    assert told_error(json.dumps(payload).encode()) is None


@pytest.mark.parametrize("payload", [b"", b"<html>", b'{"error":', b'"error"\xff', b"[DONE]", b'{"error":' * 9_000])
def test_what_is_no_json_holds_no_error(payload: bytes) -> None:
    assert told_error(payload) is None


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"error": {"message": "m"}}, id="object"),
        pytest.param({"error": "m"}, id="text"),
        pytest.param([{"error": {"message": "m"}}], id="list"),
        pytest.param({"object": "error", "message": "m"}, id="flat"),
        pytest.param({"code": "Throttling", "message": "m"}, id="dashscope"),
        pytest.param({"code": "Throttling", "message": "m", "choices": []}, id="dashscope-empty-choices"),
    ],
)
def test_error_is_told_whole(payload: object) -> None:
    body = json.dumps(payload).encode()
    assert told_error(body) == body


def test_groq_tells_its_error_beside_the_choices() -> None:
    told = told_error(b'{"choices":[{}],"x_groq":{"id":"r","error":"over capacity"}}')
    assert told == b'{"id":"r","error":"over capacity"}'


@pytest.mark.parametrize("finish", [b'"finish_reason":"error"', b'"finish_reason" : "error"'])
def test_finish_reason_tells_of_an_error(finish: bytes) -> None:
    assert told_error(b'{"choices":[{"index":0,' + finish + b"}]}") == b"{}"


@pytest.mark.parametrize(
    ("code", "names", "status"),
    [
        pytest.param("429", {"429"}, 429, id="own-number"),
        pytest.param("503", {"429", "503"}, 503, id="code-first"),
        pytest.param(None, {"429", "x"}, 429, id="number-among-names"),
        pytest.param("200", {"200"}, 502, id="no-error-number"),
        pytest.param("4290", {"4290"}, 502, id="vendor-number"),
        pytest.param("²²²", {"²²²"}, 502, id="superscript"),
        pytest.param(None, {"rate_limit_exceeded"}, 429, id="rate-limit"),
        pytest.param(None, {"throttlingexception"}, 429, id="bedrock-throttling"),
        pytest.param(None, {"overloaded_error"}, 529, id="overloaded"),
        pytest.param(None, {"unavailable"}, 503, id="unavailable"),
        pytest.param(None, {"serviceunavailableexception"}, 503, id="bedrock-unavailable"),
        pytest.param(None, {"authentication_error"}, 401, id="auth"),
        pytest.param(None, {"insufficient_credits"}, 402, id="credits"),
        pytest.param(None, {"permission_denied"}, 403, id="permission"),
        pytest.param(None, {"not_found_error"}, 404, id="not-found"),
        pytest.param(None, {"modelstreamerrorexception"}, 424, id="model-error"),
        pytest.param(None, {"deadline_exceeded"}, 504, id="timeout"),
        pytest.param(None, {"internalserverexception"}, 500, id="internal"),
        pytest.param(None, {"validationexception"}, 400, id="validation"),
        pytest.param(None, {"context_length_exceeded"}, 400, id="context"),
        pytest.param(None, {"never_heard_of"}, 502, id="unknown"),
        pytest.param(None, set(), 502, id="nothing"),
    ],
)
def test_error_has_the_status_it_would_have_had(code: str | None, names: set[str], status: int) -> None:
    assert effective_status(ErrorBody(code=code, names=frozenset(names))) == status
