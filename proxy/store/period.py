"""From what a person writes about time ("2026-11", "7d", "Europe/Berlin") to whole hours since 1970, and back to days.

Pure: the time now is an argument. Sums are kept by whole hours of UTC, so a zone whose offset is no whole hour is
refused: its days begin in the middle of an hour, and a report by day would be wrong without saying so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

HOUR_S = 3600
DAY_H = 24
FIRST_YEAR, LAST_YEAR = 1970, 2200
EXPECTED = "write 2026-11-01, 2026-11 (a month's start), 2026-11-01T14:00, 36h (hours ago), 7d (the start of that day)"

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_AGO = re.compile(r"(\d{1,6})([hd])")
_MONTH = re.compile(r"\d{4}-\d{2}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")


class BadPeriod(ValueError):
    """Words that name no zone, no moment or no period. The message says what to write."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole hours from `since_h` up to and without `until_h`, and the days they belong to.

    Attributes:
        zone: Its name.
        offsets: Since which hour local time is how many hours ahead of UTC; ascending, the first at `since_h`.
    """

    since_h: int
    until_h: int
    zone: str
    offsets: tuple[tuple[int, int], ...]

    @property
    def is_utc(self) -> bool:
        """Its days are the days of UTC."""
        return all(offset_h == 0 for _, offset_h in self.offsets)

    def shown(self, hour_h: int) -> str:
        """An hour's start in local time: `2026-11-01T00:00:00+01:00`."""
        offset_h = next(offset_h for from_h, offset_h in reversed(self.offsets) if from_h <= max(hour_h, self.since_h))
        moment = datetime.fromtimestamp(hour_h * HOUR_S, UTC) + timedelta(hours=offset_h)
        sign = "-" if offset_h < 0 else "+"
        return f"{moment:%Y-%m-%dT%H:%M:%S}{sign}{abs(offset_h):02d}:00" if offset_h else f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def read_zone(name: str) -> tzinfo:
    """Find a time zone by its IANA name; "UTC" needs no database of zones.

    Raises:
        BadPeriod: There is none.
    """
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise BadPeriod(f"there is no time zone {name!r}: write UTC, or a name such as Europe/Berlin") from exc


def read_moment(text: str, zone: tzinfo, now: datetime) -> datetime:
    """Read the moment that a person wrote; without an offset of its own it is local time of the zone.

    Raises:
        BadPeriod: It names none, or a year that no ledger has.
    """
    try:
        moment = _read(text.strip(), zone, now)
        year = datetime.fromtimestamp(moment.timestamp(), UTC).year
    except (ValueError, OverflowError):
        raise BadPeriod(f"{text!r} is no moment: {EXPECTED}") from None
    if not FIRST_YEAR < year < LAST_YEAR:
        raise BadPeriod(f"{text!r} is too far away: {EXPECTED}")
    return moment


def make_period(since: datetime, until: datetime, zone: tzinfo) -> Period:
    """Take the whole hours that two moments touch.

    Raises:
        BadPeriod: There are none, or the zone's days begin within an hour.
    """
    since_h = int(since.timestamp() // HOUR_S)
    until_h = -int(-until.timestamp() // HOUR_S)
    if since_h >= until_h:
        raise BadPeriod("the period is empty: --until must be later than --since")
    return Period(since_h, until_h, str(zone), tuple(_offsets(since_h, until_h, zone)))


@lru_cache(1000)
def day_name(day_d: int) -> str:
    """The date of a day counted from 1970."""
    return date.fromordinal(_EPOCH_DAY + day_d).isoformat()


def _read(text: str, zone: tzinfo, now: datetime) -> datetime:
    ago = _AGO.fullmatch(text)
    if ago and ago[2] == "h":
        return now - timedelta(hours=int(ago[1]))
    if ago:
        return _start(now.astimezone(zone).date() - timedelta(days=int(ago[1])), zone)
    if _MONTH.fullmatch(text):
        return _start(date.fromisoformat(f"{text}-01"), zone)
    if _DAY.fullmatch(text):
        return _start(date.fromisoformat(text), zone)
    if not _TIME.fullmatch(text):
        raise ValueError
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _start(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _offsets(since_h: int, until_h: int, zone: tzinfo) -> Iterator[tuple[int, int]]:
    """Walk by days; where a day's ends differ, its hours tell when the clock was changed."""
    offset_h = _offset_h(since_h, zone)
    yield since_h, offset_h
    for day_h in range(since_h, until_h, DAY_H):
        end_h = min(day_h + DAY_H, until_h - 1)
        if _offset_h(end_h, zone) == offset_h:
            continue
        for hour_h in range(day_h, end_h + 1):
            if _offset_h(hour_h, zone) != offset_h:
                offset_h = _offset_h(hour_h, zone)
                yield hour_h, offset_h


def _offset_h(hour_h: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(hour_h * HOUR_S, zone).utcoffset() or timedelta()
    whole_h, rest = divmod(offset, timedelta(hours=1))
    if rest:
        raise BadPeriod(
            f"{zone} is not a whole number of hours from UTC, and usage is kept by hours of UTC: choose --zone UTC, or "
            "a zone of whole hours nearby such as Etc/GMT-5, which is 5 hours ahead"
        )
    return whole_h
