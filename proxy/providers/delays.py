"""Every way a vendor says when it serves again, turned into seconds from now.

Reads headers, bodies and, last, wording; decides nothing about whom the delay concerns. Takes wall-clock seconds as an
argument. What is nonsense (negative, zero, not a number, over 366 days) counts as not said.

Source: SDKs and API references of each vendor; Azure's `-1` placeholders: Microsoft's quota pages; read 2026-11-20.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import assert_never

from proxy.core.call import Headers
from proxy.providers.errorbody import ErrorBody
from proxy.providers.signal import Window

MAX_DELAY_S = 366 * 86_400.0

_NUMBER = re.compile(r"[0-9]{1,17}(?:\.[0-9]{1,9})?")
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_PART = r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h|d)"
_DURATION_PART = re.compile(_PART)
_DURATION = re.compile(rf"(?:{_PART})+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# Wording, for errors that give no header: "Please try again in 5.289s", "retry after 37 seconds", "retry in 10h17m5s",
# "You will regain access on 2026-09-01 at 00:00 UTC".
_IN_WORDS = re.compile(
    r"(?:try again|retry)(?: in| after) (?:(?P<duration>(?:[0-9]{1,12}(?:\.[0-9]{1,9})?(?:ms|[smhd]))+)(?![a-z])"
    r"|(?P<count>[0-9]{1,9}) ?(?P<unit>second|minute|hour|day))",
    re.IGNORECASE,
)
_ON_DATE = re.compile(
    r"(?:regain access|resets?|reset) (?:on|at) (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:(?:T| at | )(?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?))?",
    re.IGNORECASE,
)


def stated_delay(headers: Headers, error: ErrorBody, now_s: float) -> float | None:
    """Find when the upstream says that it serves again; None when it does not say.

    A retry header or a time in the body comes first, the longer of the two; then the reset of a bucket that is empty
    (the longest); then wording.

    Args:
        headers: Of the answer, names in lower case.
        now_s: Wall clock, Unix seconds.
    """
    explicit = [_retry_header((*error.headers, *headers), now_s), *(parse_delay(text, now_s) for text in error.delays)]
    said = [delay_s for delay_s in explicit if delay_s is not None]
    if not said:
        said = list(_empty_buckets((*headers, *error.headers), now_s))
    return max(said) if said else _worded(error.message, now_s)


def parse_delay(text: str, now_s: float, *, unit_s: float = 1.0) -> float | None:
    """Read one time in any format: number, Unix time in s or ms, Go duration, RFC 3339 or HTTP date.

    Args:
        now_s: Wall clock, Unix seconds.
        unit_s: What a bare number counts in.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return _sane(_number_s(float(text), now_s, unit_s))
    if _DURATION.fullmatch(text):
        return _sane(sum(float(count) * _UNITS_S[unit] for count, unit in _DURATION_PART.findall(text)))
    moment = _moment(text)
    return None if moment is None else _sane(moment.timestamp() - now_s)


def window_delay(window: Window, now_s: float) -> float:
    """Tell how long a vendor's usual quota window still lasts.

    Args:
        now_s: Wall clock, Unix seconds.
    """
    now = datetime.fromtimestamp(now_s, UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    match window:
        case Window.MINUTE:
            return 60.0
        case Window.DAY:
            return (midnight + timedelta(days=1) - now).total_seconds()
        case Window.PACIFIC_DAY:
            return (_pacific_midnight(now) - now).total_seconds()
        case Window.MONTH:
            following = (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
            return (following - now).total_seconds()
        case _:
            assert_never(window)


def _retry_header(headers: Headers, now_s: float) -> float | None:
    """Read the retry headers; milliseconds first, as they are the finer."""
    found = {name: value.decode("latin-1") for name, value in headers if b"retry-after" in name}
    for name in (b"retry-after-ms", b"x-ms-retry-after-ms"):
        delay_s = parse_delay(found.get(name, ""), now_s, unit_s=1e-3)
        if delay_s is not None:
            return delay_s
    return parse_delay(found.get(b"retry-after", ""), now_s)


def _empty_buckets(headers: Headers, now_s: float) -> Iterator[float]:
    """Give the resets of the rate-limit buckets that have nothing left."""
    values = {name: value.decode("latin-1").strip() for name, value in headers if b"ratelimit" in name}
    for name, value in values.items():
        if b"remaining" in name and value in ("0", "0.0"):
            reset = values.get(name.replace(b"remaining", b"reset"), "")
        elif name.endswith(b"-status") and value == "rejected":
            reset = values.get(name.removesuffix(b"status") + b"reset", "")
        else:
            continue
        delay_s = parse_delay(reset, now_s)
        if delay_s is not None:
            yield delay_s


def _worded(message: str, now_s: float) -> float | None:
    on = _ON_DATE.search(message)
    if on:
        return parse_delay(f"{on['date']}T{on['time'] or '00:00'}", now_s)
    within = _IN_WORDS.search(message)
    if within is None:
        return None
    if within["duration"]:
        return parse_delay(within["duration"].lower(), now_s)
    return parse_delay(within["count"] + within["unit"][0].lower(), now_s)


def _number_s(number: float, now_s: float, unit_s: float) -> float:
    if number > 1e12:
        return number / 1e3 - now_s
    return number - now_s if number > 1e9 else number * unit_s


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if _DATE.match(text) else parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sane(delay_s: float) -> float | None:
    return delay_s if 0 < delay_s <= MAX_DELAY_S else None


def _pacific_midnight(now: datetime) -> datetime:
    """Find the next midnight in Los Angeles, reckoned with the offset that holds there by then."""
    offset = timedelta(hours=_pacific_offset_h(now))
    wall = (now + offset).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return wall - timedelta(hours=_pacific_offset_h(wall - offset))


def _pacific_offset_h(now: datetime) -> int:
    """Los Angeles against UTC: summer time from March's second Sunday 10:00 UTC to November's first Sunday 09:00 UTC.

    Reckoned here since time-zone files would have to be read from the disk.
    """
    begins = _sunday(now.year, 3, 2) + timedelta(hours=10)
    ends = _sunday(now.year, 11, 1) + timedelta(hours=9)
    return -7 if begins <= now < ends else -8


def _sunday(year: int, month: int, which: int) -> datetime:
    first = datetime(year, month, 1, tzinfo=UTC)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (which - 1))
