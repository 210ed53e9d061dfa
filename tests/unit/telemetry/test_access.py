"""One line per request, as JSON and for a person."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from proxy.core.usage import Usage
from proxy.telemetry.access import AccessRecord, access_json, access_text, timestamp
from proxy.telemetry.redact import Redactor

FULL = AccessRecord(
    at_s=1_700_000_000.25,
    request_id="req-1",
    endpoint="chat_completions",
    operation="chat",
    status=200,
    duration_s=0.71234567,
    overhead_s=0.0002,
    model="gpt-4o",
    provider="openrouter",
    response_model="openai/gpt-4o",
    stream=True,
    first_token_s=0.31,
    attempts=2,
    trail="azure=rate_limited;openrouter=ok",
    usage=Usage(12, 40, 3, 5, estimated=True),
    key="ci",
    tags=("nightly",),
)
BARE = AccessRecord(1_700_000_000.0, "req-2", "chat_completions", "completions", 404, 0.001, error="model_not_found")


def test_full_line_uses_the_names_of_opentelemetry() -> None:
    assert json.loads(access_json([FULL], Redactor().name)) == {
        "timestamp": "2023-11-14T22:13:20.250Z",
        "level": "INFO",
        "event": "request",
        "fairlead.request_id": "req-1",
        "fairlead.endpoint": "chat_completions",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.stream": True,
        "gen_ai.provider.name": "openrouter",
        "gen_ai.response.model": "openai/gpt-4o",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 40,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "http.response.status_code": 200,
        "duration_s": 0.712346,
        "fairlead.first_token_s": 0.31,
        "fairlead.overhead_ms": 0.2,
        "fairlead.attempts": 2,
        "fairlead.trail": "azure=rate_limited;openrouter=ok",
        "fairlead.end": "ok",
        "fairlead.key": "ci",
        "fairlead.tags": ["nightly"],
        "fairlead.usage_estimated": True,
    }


def test_unknown_fields_are_left_out() -> None:
    fields = json.loads(access_json([BARE], Redactor().name))
    assert fields["gen_ai.operation.name"] == "text_completion"
    assert fields["error.type"] == "model_not_found"
    assert not {"gen_ai.provider.name", "gen_ai.request.model", "gen_ai.usage.input_tokens"} & fields.keys()


def test_console_line_of_a_plain_answer_is_short() -> None:
    plain = replace(FULL, attempts=1, trail="openrouter=ok")
    line = access_text([plain], Redactor().name)
    assert line.endswith("200  chat_completions  gpt-4o  -> openrouter  0.712s  12+40 tokens  req-1\n")


def test_console_line_shows_the_trail_after_a_failover_and_how_a_stream_ended() -> None:
    line = access_text([replace(FULL, end="truncated")], Redactor().name)
    assert "azure=rate_limited;openrouter=ok  truncated" in line


def test_what_failed_is_in_both_lines() -> None:
    record = replace(FULL, failures=("azure: connection refused", "azure: sk-planted-0123456789"))
    redact = Redactor().name
    told = ["azure: connection refused", "azure: [redacted]"]
    assert json.loads(access_json([record], redact))["fairlead.failures"] == told
    assert f"  ({'; '.join(told)})  " in access_text([record], redact)


def test_console_line_of_a_refusal_shows_its_code() -> None:
    assert "404  chat_completions  -  0.001s  model_not_found" in access_text([BARE], Redactor().name)


@pytest.mark.parametrize(
    ("model", "written"),
    [
        pytest.param("sk-planted-0123456789", "[redacted]", id="secret-in-place-of-a-model"),
        pytest.param("a\nb\x1b[31m\ud800", "a?b?[31m?", id="control-characters-and-surrogates"),
        pytest.param("m" * 1000, "m" * 200, id="very-long"),
    ],
)
def test_model_name_that_a_client_made_up_is_made_harmless(model: str, written: str) -> None:
    record = replace(BARE, model=model)
    assert json.loads(access_json([record], Redactor().name))["gen_ai.request.model"] == written
    assert written in access_text([record], Redactor().name)


def test_tag_that_looks_like_a_secret_is_masked() -> None:
    record = replace(FULL, tags=("sk-planted-0123456789",))
    assert json.loads(access_json([record], Redactor().name))["fairlead.tags"] == ["[redacted]"]


@pytest.mark.parametrize(
    ("at_s", "written"),
    [
        pytest.param(0.0, "1970-01-01T00:00:00.000Z", id="epoch"),
        pytest.param(1_700_000_000.9996, "2023-11-14T22:13:20.999Z", id="never-rounds-into-the-next-second"),
    ],
)
def test_timestamp_is_rfc_3339_to_the_millisecond(at_s: float, written: str) -> None:
    assert timestamp(at_s) == written
