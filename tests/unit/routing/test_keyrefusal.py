"""A client that is over a limit is told which, how far, and until when."""

from __future__ import annotations

import pytest

from proxy.core.ports import KeyAsk, LimitReached
from proxy.core.snapshot import ClientKey
from proxy.routing.keyrefusal import refusal

WALL_S = 1_795_176_000.0  # 2026-11-20T12:00:00Z
USD = 1_000_000_000


def ask(nusd: int = 0) -> KeyAsk:
    return KeyAsk(ClientKey("team-key"), 10, nusd, 1_000.0, WALL_S)


@pytest.mark.parametrize(
    ("reached", "words", "retry_after_s"),
    [
        pytest.param(
            LimitReached("rpm", 60, 60, 0.4),
            "This key's limit of 60 requests a minute (rpm) is reached: 60 used. It admits the next request in 400 ms.",
            0.4,
            id="rpm",
        ),
        pytest.param(
            LimitReached("tpm", 1_000, 5_000, 239.2),
            "This key's limit of 1000 tokens a minute (tpm) is reached: 5000 used. "
            "It admits the next request in 240 s.",
            239.2,
            id="tpm",
        ),
        pytest.param(
            LimitReached("parallel", 2, 2, 1.0),
            "This key's limit of 2 requests at once (parallel) is reached: 2 used. Retry when one of them has ended.",
            1.0,
            id="parallel",
        ),
    ],
)
def test_a_rate_limit_is_429_with_the_time_to_wait(reached: LimitReached, words: str, retry_after_s: float) -> None:
    error = refusal(reached, ask())
    assert (error.status, error.type, error.code) == (429, "rate_limit_error", "rate_limit_exceeded")
    assert error.message == words
    assert error.retry_after_s == retry_after_s


@pytest.mark.parametrize(
    ("reached", "words"),
    [
        pytest.param(
            LimitReached("budget_usd_day", 5 * USD, 5 * USD - 10, 43_200.0),
            "This key's budget of 5.00 USD a day (budget_usd_day) does not allow it: 4.99999999 USD are spent or "
            "reserved and this request may cost up to 0.25 USD. The budget resets at 2026-11-21T00:00:00Z.",
            id="day",
        ),
        pytest.param(
            LimitReached("budget_usd_month", 5 * USD, 5 * USD, 10 * 86_400 + 43_200.0),
            "This key's budget of 5.00 USD a month (budget_usd_month) does not allow it: 5.00 USD are spent or "
            "reserved and this request may cost up to 0.25 USD. The budget resets at 2026-12-01T00:00:00Z.",
            id="month",
        ),
        pytest.param(
            LimitReached("budget_usd_day", 5 * USD, 5 * USD, 1.0, is_held=True),
            "This key's budget of 5.00 USD a day (budget_usd_day) does not allow it: 5.00 USD are spent or "
            "reserved and this request may cost up to 0.25 USD. Requests under way hold the rest in "
            "reserve; retry when they have ended.",
            id="in-reserve",
        ),
        pytest.param(
            LimitReached("budget_usd_day", 5 * USD, 5 * USD, 1.0),
            "This key's budget of 5.00 USD a day (budget_usd_day) does not allow it: 5.00 USD are spent or "
            "reserved and this request may cost up to 0.25 USD. The budget resets at 2026-11-21T00:00:00Z.",
            id="spent-in-the-last-second",
        ),
    ],
)
def test_a_budget_is_429_insufficient_quota_that_says_which_and_when_it_resets(
    reached: LimitReached, words: str
) -> None:
    error = refusal(reached, ask(USD // 4))
    assert (error.status, error.type, error.code) == (429, "insufficient_quota", "insufficient_quota")
    assert error.message == words
    assert error.retry_after_s == reached.resets_s


def test_a_request_dearer_than_the_whole_budget_is_not_told_to_wait() -> None:
    error = refusal(LimitReached("budget_usd_day", 5 * USD, 0, 43_200.0), ask(6 * USD))
    assert error.message == (
        "This request may cost up to 6.00 USD, more than this key's whole budget of 5.00 USD a day (budget_usd_day). "
        "Ask for fewer tokens (max_tokens) or for a cheaper model."
    )
    assert (error.status, error.code, error.retry_after_s) == (429, "insufficient_quota", None)


def test_an_unknown_spend_is_503_for_five_seconds() -> None:
    error = refusal(LimitReached("budget_unknown", 0, 0, 5.0), ask())
    assert (error.status, error.code, error.retry_after_s) == (503, "budget_unknown", 5.0)
    assert "not known yet" in error.message
