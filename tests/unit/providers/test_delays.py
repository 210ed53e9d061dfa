"""Every format in which a vendor states a time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.call import Headers
from proxy.providers.delays import MAX_DELAY_S, parse_delay, stated_delay, window_delay
from proxy.providers.errorbody import ErrorBody
from proxy.providers.signal import Window

NOW_S = datetime(2026, 8, 20, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "delay_s"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("  7 ", 7.0, id="spaces"),
        pytest.param("1.5", 1.5, id="fraction"),
        pytest.param("1s", 1.0, id="go-s"),
        pytest.param("12ms", 0.012, id="go-ms"),
        pytest.param("6m0s", 360.0, id="go-m-s"),
        pytest.param("2m59.56s", 179.56, id="groq"),
        pytest.param("10h17m5.72s", 37_025.72, id="gemini"),
        pytest.param("1d2h", 93_600.0, id="days"),
        pytest.param("46s", 46.0, id="proto-duration"),
        pytest.param("500us", 0.0005, id="microseconds"),
        pytest.param("2026-08-20T12:00:07Z", 7.0, id="rfc-3339"),
        pytest.param("2026-08-20T14:00:07+02:00", 7.0, id="rfc-3339-zone"),
        pytest.param("2026-08-21", 43_200.0, id="date"),
        pytest.param("Thu, 20 Aug 2026 12:00:07 GMT", 7.0, id="http-date"),
        pytest.param("Thursday, 20-Aug-26 12:00:07 GMT", 7.0, id="http-date-of-rfc-850"),
        pytest.param("Thu Aug 20 12:00:07 2026", 7.0, id="http-date-of-asctime"),
        pytest.param("Thu, 20 Aug 2026 12:00:07 -0000", 7.0, id="http-date-without-zone"),
        pytest.param("1787227207", 7.0, id="unix-s"),
        pytest.param("1787227207500", 7.5, id="unix-ms"),
        pytest.param("", None, id="empty"),
        pytest.param("soon", None, id="word"),
        pytest.param("0", None, id="zero"),
        pytest.param("0s", None, id="zero-duration"),
        pytest.param("-1", None, id="negative"),
        pytest.param("nan", None, id="not-a-number"),
        pytest.param("inf", None, id="infinite"),
        pytest.param("1e5", None, id="exponent"),
        pytest.param("1_000", None, id="underscore"),
        pytest.param("٧", None, id="other-digits"),
        pytest.param("9" * 40, None, id="endless-number"),
        pytest.param("400d", None, id="over-366-days"),
        pytest.param("1687227207", None, id="unix-past"),
        pytest.param("Thu, 20 Aug 2026 11:59:59 GMT", None, id="http-date-past"),
        pytest.param("2026-13-01", None, id="no-such-month"),
        pytest.param("2026-08-20Tnoon", None, id="no-such-time"),
        pytest.param("0001-01-01T00:00:00+23:59", None, id="before-all-time"),
    ],
)
def test_time_is_read(text: str, delay_s: float | None) -> None:
    found = parse_delay(text, NOW_S)
    assert (None if found is None else round(found, 6)) == delay_s


def test_unit_concerns_bare_numbers_alone() -> None:
    assert parse_delay("1500", NOW_S, unit_s=1e-3) == 1.5
    assert parse_delay("15s", NOW_S, unit_s=1e-3) == 15.0


@given(text=st.text(max_size=50) | st.from_regex(r"[0-9]{1,4}[-: ,TZ][A-Za-z0-9:, +-]{0,40}"))
def test_any_text_gives_a_bounded_time_or_none(text: str) -> None:
    found = parse_delay(text, NOW_S)
    assert found is None or 0 < found <= MAX_DELAY_S


def _stated(headers: dict[str, str], error: ErrorBody = ErrorBody()) -> float | None:  # noqa: B008  # frozen
    pairs: Headers = tuple((name.encode(), value.encode()) for name, value in headers.items())
    found = stated_delay(pairs, error, NOW_S)
    return None if found is None else round(found, 6)


@pytest.mark.parametrize(
    ("headers", "delay_s"),
    [
        pytest.param({"retry-after": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after": "7.25"}, 7.25, id="float"),
        pytest.param({"retry-after": "Thu, 20 Aug 2026 12:00:07 GMT"}, 7.0, id="http-date"),
        pytest.param({"retry-after-ms": "7000"}, 7.0, id="milliseconds"),
        pytest.param({"retry-after": "9", "retry-after-ms": "7000"}, 7.0, id="milliseconds-first"),
        pytest.param({"retry-after": "9", "retry-after-ms": "-1"}, 9.0, id="placeholder-is-passed-over"),
        pytest.param({"x-ms-retry-after-ms": "7000"}, 7.0, id="azure-milliseconds"),
        pytest.param({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7s"}, 7.0, id="go-duration"),
        pytest.param({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7"}, 7.0, id="azure-seconds"),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1787227207000"}, 7.0, id="unix-ms"),
        pytest.param({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "7s"}, None, id="not-empty"),
        pytest.param({"x-ratelimit-reset-tokens": "7s"}, None, id="nothing-said-of-the-rest"),
        pytest.param({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "-1"}, None, id="placeholder"),
        pytest.param({"x-ratelimit-remaining-tokens": "0"}, None, id="no-reset"),
        pytest.param(
            {
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "7s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1m",
            },
            60.0,
            id="longest-of-the-empty-ones",
        ),
        pytest.param(
            {"retry-after": "2", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7s"},
            2.0,
            id="retry-header-before-buckets",
        ),
        pytest.param(
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-08-20T12:00:07Z",
            },
            7.0,
            id="anthropic",
        ),
        pytest.param(
            {"anthropic-ratelimit-unified-5h-status": "rejected", "anthropic-ratelimit-unified-5h-reset": "1787227207"},
            7.0,
            id="anthropic-plan-window",
        ),
        pytest.param(
            {"anthropic-ratelimit-unified-5h-status": "allowed", "anthropic-ratelimit-unified-5h-reset": "1787227207"},
            None,
            id="anthropic-plan-window-open",
        ),
        pytest.param({"date": "Thu, 20 Aug 2026 12:00:07 GMT"}, None, id="other-header"),
    ],
)
def test_headers_state_a_delay(headers: dict[str, str], delay_s: float | None) -> None:
    assert _stated(headers) == delay_s


@pytest.mark.parametrize(
    ("message", "delay_s"),
    [
        pytest.param("Please try again in 5.289s.", 5.289, id="groq"),
        pytest.param("Please try again in 6m0s. Visit the docs.", 360.0, id="openai"),
        pytest.param("Try again in 20ms", 0.02, id="milliseconds"),
        pytest.param("Please retry after 37 seconds.", 37.0, id="azure"),
        pytest.param("please retry after 1 second", 1.0, id="one-second"),
        pytest.param("try again in 2 minutes", 120.0, id="minutes"),
        pytest.param("try again in 1 day", 86_400.0, id="day"),
        pytest.param("Please retry in 10h17m5.72s.", 37_025.72, id="gemini"),
        pytest.param("You will regain access on 2026-09-01", 993_600.0, id="anthropic-date"),
        pytest.param("You will regain access on 2026-09-01 at 06:30 UTC.", 1_017_000.0, id="anthropic-date-and-time"),
        pytest.param("Your limit resets at 2026-08-20T12:00:07Z", 7.0, id="resets-at"),
        pytest.param("Please try again later.", None, id="later"),
        pytest.param("Please try again in a while", None, id="a-while"),
        pytest.param("Please try again in 5 apples", None, id="no-unit"),
        pytest.param("I waited 5s for an answer", None, id="other-words"),
    ],
)
def test_wording_states_a_delay(message: str, delay_s: float | None) -> None:
    assert _stated({}, ErrorBody(message=message)) == delay_s


def test_header_comes_before_wording() -> None:
    assert _stated({"retry-after": "2"}, ErrorBody(message="try again in 5s")) == 2.0


def test_longer_of_header_and_body_counts() -> None:
    assert _stated({"retry-after": "2"}, ErrorBody(delays=("46s", "never"))) == 46.0
    assert _stated({"retry-after": "60"}, ErrorBody(delays=("46s",))) == 60.0


def test_headers_told_in_the_body_count() -> None:
    told = ((b"x-ratelimit-remaining", b"0"), (b"x-ratelimit-reset", b"1787227207"))
    assert _stated({}, ErrorBody(headers=told)) == 7.0


@pytest.mark.parametrize(
    ("now", "window", "delay_s"),
    [
        pytest.param("2026-08-20T12:00:00Z", Window.MINUTE, 60, id="minute"),
        pytest.param("2026-08-20T12:00:00Z", Window.DAY, 43_200, id="day"),
        pytest.param("2026-08-20T00:00:00Z", Window.DAY, 86_400, id="whole-day"),
        pytest.param("2026-08-20T12:00:00Z", Window.MONTH, 993_600, id="month"),
        pytest.param("2026-12-31T23:00:00Z", Window.MONTH, 3_600, id="year-end"),
        pytest.param("2024-02-29T00:00:00Z", Window.MONTH, 86_400, id="leap-day"),
        pytest.param("2026-08-20T12:00:00Z", Window.PACIFIC_DAY, 68_400, id="pacific-summer"),
        pytest.param("2026-01-20T12:00:00Z", Window.PACIFIC_DAY, 72_000, id="pacific-winter"),
        pytest.param("2026-03-08T09:59:00Z", Window.PACIFIC_DAY, 75_660, id="just-before-summer-time"),
        pytest.param("2026-03-08T10:00:00Z", Window.PACIFIC_DAY, 75_600, id="summer-time-begins"),
        pytest.param("2026-11-01T08:59:00Z", Window.PACIFIC_DAY, 82_860, id="just-before-winter-time"),
        pytest.param("2026-11-01T09:00:00Z", Window.PACIFIC_DAY, 82_800, id="winter-time-begins"),
    ],
)
def test_usual_window_ends(now: str, window: Window, delay_s: float) -> None:
    assert window_delay(window, datetime.fromisoformat(now).timestamp()) == delay_s
