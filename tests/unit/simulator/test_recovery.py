"""When to come back, in every form."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.simulator.behaviour import RecoveryForm, Vendor
from proxy.simulator.recovery import go_duration, recovery_hint

WALL_S = 1_795_000_000.25


@pytest.mark.parametrize(
    ("form", "headers", "metadata", "text"),
    [
        pytest.param(RecoveryForm.RETRY_AFTER, {"retry-after": "7.50"}, {}, "", id="seconds"),
        pytest.param(RecoveryForm.RETRY_DATE, {"retry-after": "Wed, 18 Nov 2026 11:06:48 GMT"}, {}, "", id="date"),
        pytest.param(RecoveryForm.RETRY_MS, {"retry-after-ms": "7500"}, {}, "", id="milliseconds"),
        pytest.param(
            RecoveryForm.RESET_TIMESTAMP,
            {
                "anthropic-ratelimit-requests-limit": "60",
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-11-18T11:06:48Z",
            },
            {},
            "",
            id="timestamp",
        ),
        pytest.param(RecoveryForm.RETRY_INFO, {}, {"RetryInfo": {"retryDelay": "7.50s"}}, "", id="retry-info"),
        pytest.param(RecoveryForm.TEXT, {}, {}, " Please try again in 7.50s.", id="text"),
    ],
)
def test_form_says_when(form: RecoveryForm, headers: dict[str, str], metadata: dict[str, Any], text: str) -> None:
    hint = recovery_hint(form, "7.50", Vendor.OPENAI, WALL_S)
    assert (dict(hint.headers), dict(hint.metadata), hint.text) == (headers, metadata, text)


@pytest.mark.parametrize(
    ("form", "name", "value"),
    [
        pytest.param(RecoveryForm.RESET_DURATION, "x-ratelimit-reset-requests", "7.5s", id="duration"),
        pytest.param(RecoveryForm.RESET_SECONDS, "x-ratelimit-reset-requests", "8", id="seconds"),
        pytest.param(RecoveryForm.RESET_EPOCH_MS, "x-ratelimit-reset", "1795000007750", id="epoch"),
    ],
)
def test_reset_headers_come_with_nothing_remaining(form: RecoveryForm, name: str, value: str) -> None:
    headers = dict(recovery_hint(form, "7.5", Vendor.OPENAI, WALL_S).headers)
    assert headers[name] == value
    assert "0" in headers.values()


def test_epoch_reset_is_repeated_in_the_body() -> None:
    hint = recovery_hint(RecoveryForm.RESET_EPOCH_MS, "1", Vendor.OPENROUTER, 10.0)
    assert hint.metadata["headers"]["X-RateLimit-Reset"] == "11000"


@pytest.mark.parametrize(
    ("vendor", "names", "in_body"),
    [
        pytest.param(Vendor.AZURE, {"retry-after-ms", "retry-after", "x-ratelimit-reset-requests"}, False, id="azure"),
        pytest.param(Vendor.GEMINI, set(), True, id="gemini"),
        pytest.param(Vendor.QWEN, {"retry-after"}, False, id="vendor-without-a-row"),
    ],
)
def test_vendor_uses_all_its_own_forms(vendor: Vendor, names: set[str], in_body: bool) -> None:
    hint = recovery_hint(RecoveryForm.VENDOR, "7", vendor, WALL_S)
    assert {name for name, _ in hint.headers} >= names
    assert ("RetryInfo" in hint.metadata) is in_body


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.012, "12ms"), (1, "1s"), (7.5, "7.5s"), (67, "1m7s"), (360, "6m0s"), (3600, "1h0m0s")],
)
def test_durations_are_written_as_go_does(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text
