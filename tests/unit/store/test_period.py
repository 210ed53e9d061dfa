"""What people write about time becomes whole hours, and hours become days again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from proxy.store.period import BadPeriod, Period, day_name, make_period, read_moment, read_zone

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 13, 25, 30, tzinfo=UTC)


def period(since: str, until: str, zone: str = "UTC") -> Period:
    place = read_zone(zone)
    return make_period(read_moment(since, place, NOW), read_moment(until, place, NOW), place)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2026-11-01", datetime(2026, 10, 31, 23, tzinfo=UTC), id="a-day-begins-at-local-midnight"),
        pytest.param("2026-07", datetime(2026, 6, 30, 22, tzinfo=UTC), id="a-month-in-summer-time"),
        pytest.param("2026-11-01T14:00", datetime(2026, 11, 1, 13, tzinfo=UTC), id="a-time"),
        pytest.param("2026-11-01 14:00:30", datetime(2026, 11, 1, 13, 0, 30, tzinfo=UTC), id="with-a-space"),
        pytest.param("2026-11-01T14:00Z", datetime(2026, 11, 1, 14, tzinfo=UTC), id="its-own-offset-wins"),
        pytest.param("2026-11-01T14:00+05:30", datetime(2026, 11, 1, 8, 30, tzinfo=UTC), id="any-offset"),
        pytest.param(" 36h ", NOW - timedelta(hours=36), id="hours-ago"),
        pytest.param("0d", datetime(2026, 11, 19, 23, tzinfo=UTC), id="today"),
        pytest.param("30d", datetime(2026, 10, 20, 22, tzinfo=UTC), id="days-ago-over-a-change-of-the-clock"),
    ],
)
def test_moment_is_read_in_the_zone(text: str, moment: datetime) -> None:
    assert read_moment(text, BERLIN, NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("yesterday", id="a-word"),
        pytest.param("2026-13", id="no-such-month"),
        pytest.param("2026-02-30", id="no-such-day"),
        pytest.param("2026-11-01T25:00", id="no-such-hour"),
        pytest.param("20261101", id="another-form"),
        pytest.param("-3d", id="a-sign"),
        pytest.param("3w", id="another-unit"),
        pytest.param("1969-12-31", id="before-1970"),
        pytest.param("9999-12", id="far-ahead"),
        pytest.param("0001-01-01", id="before-time"),
        pytest.param("999999d", id="too-many-days"),
    ],
)
def test_words_that_are_no_moment_are_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(BadPeriod, match="2026-11-01"):
        read_moment(text, UTC, NOW)


def test_first_day_of_all_is_too_far_away_east_of_utc_too() -> None:
    with pytest.raises(BadPeriod, match="2026-11-01"):
        read_moment("0001-01-01", ZoneInfo("Asia/Tokyo"), NOW)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Mars/Olympus", id="unknown"),
        pytest.param("Europe", id="a-folder-of-zones"),
        pytest.param("../passwd", id="a-way-out"),
        pytest.param("", id="empty"),
        pytest.param("a\0b", id="nul"),
    ],
)
def test_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadPeriod, match="Europe/Berlin"):
        read_zone(name)


def test_utc_is_found_without_a_database_of_zones() -> None:
    assert read_zone("utc") is UTC


def test_period_has_the_whole_hours_that_its_ends_touch() -> None:
    found = make_period(NOW, NOW + timedelta(hours=1), UTC)
    assert (found.until_h - found.since_h, found.shown(found.since_h)) == (2, "2026-11-20T13:00:00Z")
    assert found.is_utc


def test_period_that_ends_on_the_hour_has_no_hour_more() -> None:
    found = period("2026-11-20", "2026-11-21")
    assert found.until_h - found.since_h == 24


@pytest.mark.parametrize("until", ["2026-11-01", "2026-10-31"])
def test_empty_period_is_refused(until: str) -> None:
    with pytest.raises(BadPeriod, match="--until must be later"):
        period("2026-11-01", until)


@pytest.mark.parametrize(
    ("since", "until", "offsets"),
    [
        pytest.param("2026-11-01", "2026-11-02", [1], id="winter"),
        pytest.param("2026-03-28", "2026-03-31", [1, 2], id="the-clock-goes-forward"),
        pytest.param("2026-10-25", "2026-10-26", [2, 1], id="the-clock-goes-back-within-the-only-day"),
        pytest.param("2025-11", "2026-11", [1, 2, 1], id="a-year"),
    ],
)
def test_changes_of_the_clock_are_known_to_the_hour(since: str, until: str, offsets: list[int]) -> None:
    found = period(since, until, "Europe/Berlin")
    assert [offset_h for _, offset_h in found.offsets] == offsets
    for from_h, offset_h in found.offsets[1:]:
        before, after = (datetime.fromtimestamp(3600 * hour, BERLIN).utcoffset() for hour in (from_h - 1, from_h))
        assert before != after == timedelta(hours=offset_h)


def test_hours_are_shown_in_local_time_with_its_offset() -> None:
    found = period("2026-10-24", "2026-11-01", "Europe/Berlin")
    assert found.shown(found.since_h) == "2026-10-24T00:00:00+02:00"
    assert found.shown(found.until_h) == "2026-11-01T00:00:00+01:00"
    west = period("2026-11-01", "2026-11-02", "Etc/GMT+3")
    assert west.shown(west.since_h) == "2026-11-01T00:00:00-03:00"


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
def test_zone_of_broken_hours_is_refused_with_another_to_choose(zone: str) -> None:
    with pytest.raises(BadPeriod, match="--zone UTC"):
        period("2026-01-01", "2026-12-31", zone)


def test_zone_that_only_once_had_broken_hours_serves_now() -> None:
    assert period("2026-11-01", "2026-11-02", "Asia/Pyongyang").offsets[0][1] == 9
    with pytest.raises(BadPeriod):
        period("2016-01-01", "2019-01-01", "Asia/Pyongyang")


def test_fixed_offset_is_a_zone_too() -> None:
    since = datetime(2026, 11, 1, tzinfo=timezone(timedelta(hours=-8)))
    assert make_period(since, since + timedelta(days=1), since.tzinfo or UTC).offsets[0][1] == -8


def test_day_has_its_date() -> None:
    assert (day_name(0), day_name(20_775)) == ("1970-01-01", "2026-11-18")
