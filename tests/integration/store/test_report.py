"""Reports from the ledger's sums, on both databases: what they add up, over which time, and in which order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Table, delete, func, select

from proxy.core.records import CloseRecord
from proxy.core.usage import Usage
from proxy.store.database import Database
from proxy.store.period import Period, make_period, read_moment, read_zone
from proxy.store.report import Dimension, Question, Report, Sums, read_report
from proxy.store.tables import DAYS, HAS_RARE, HOURS, REQUESTS
from tests.fakes.ledger import load
from tests.fakes.records import closed
from tests.integration.store.asking import on_sqlite

NOW = datetime(2026, 11, 20, 13, 25, tzinfo=UTC)
ODD = ("a,b", 'say "hi"', "50%_\\", "naïve ✓", "=1+1", "line\nbreak", "[red]x[/]", "'")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def period(since: str = "2026-11-01", until: str = "2026-12-01", zone: str = "UTC") -> Period:
    place = read_zone(zone)
    return make_period(read_moment(since, place, NOW), read_moment(until, place, NOW), place)


def rows(report: Report) -> dict[tuple[str, ...], tuple[int, int]]:
    """Requests and nano-dollars of each row."""
    return {row.by: (row.sums.requests, row.sums.cost_nusd) for row in report.rows}


def month_of_traffic(count: int = 400) -> list[CloseRecord]:
    """Requests of all kinds over a month with a change of the clock in it, some an instant before or after midnight."""
    rng = random.Random(8)
    first = int(at("2026-10-10T00:00"))
    hours = [3600 * (24 * day + hour) for day in range(31) for hour in (22, 23, 24)]
    return [_any(rng, number, float(first + rng.choice(hours) - number % 2)) for number in range(count // 2)] + [
        _any(rng, number, first + rng.random() * 31 * 86_400) for number in range(count // 2, count)
    ]


def _any(rng: random.Random, number: int, started_s: float) -> CloseRecord:
    provider = rng.choice(("a", "b", ""))
    counted = Usage(rng.randrange(9999), rng.randrange(999), 5, 3, rng.random() < 0.3)
    usage = rng.choice((None, counted))
    return closed(
        number,
        started_s=started_s,
        model=rng.choice(("small", "large")),
        key=rng.choice(("ci", "team", "")),
        tags=tuple(rng.sample(("prod", "batch", "eval"), rng.randrange(3))),
        provider=provider,
        upstream_model=f"{provider}/m",
        end=rng.choice(("ok", "ok", "failed", "truncated")),
        usage=usage,
        cost_nusd=rng.choice((None, rng.randrange(10**12))) if usage else None,
    )


async def test_empty_ledger_gives_no_rows_and_a_total_of_nothing(database: Database) -> None:
    report = await read_report(database, Question(period(), (Dimension.KEY,)))
    assert (report.rows, report.total) == ((), Sums())


async def test_every_count_is_in_the_row(database: Database) -> None:
    usage = Usage(100, 20, 10, 5, True, 4, 3, 2, 1, searches=6)
    spent = [
        closed(1, usage=usage),
        closed(2, usage=usage, cost_nusd=None),
        closed(3, usage=None, cost_nusd=None, end="failed"),
    ]
    await load(database, spent)
    report = await read_report(database, Question(period(), (Dimension.KEY,)))
    assert [row.by for row in report.rows] == [("ci",)]
    assert report.total == report.rows[0].sums == Sums(3, 1, 2, 1, 200, 20, 8, 40, 10, 1000, 6, 4, 2, 12)
    assert str(report.total.cost_usd) == "0.000001000"


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        pytest.param([], {(): (3, 6)}, id="nothing"),
        pytest.param(["provider"], {("a",): (2, 3), ("b",): (1, 3)}, id="provider"),
        pytest.param(["model"], {("large",): (1, 3), ("small",): (2, 3)}, id="model"),
        pytest.param(["upstream_model"], {("x",): (1, 1), ("y",): (2, 5)}, id="upstream-model"),
        pytest.param(["key"], {("ci",): (2, 4), ("",): (1, 2)}, id="key"),
        pytest.param(["tag"], {("prod",): (2, 4), ("eval",): (1, 1), ("",): (1, 2)}, id="tag"),
        pytest.param(["day"], {("2026-11-02",): (2, 3), ("2026-11-03",): (1, 3)}, id="day"),
        pytest.param(["provider", "key"], {("a", "ci"): (1, 1), ("a", ""): (1, 2), ("b", "ci"): (1, 3)}, id="two"),
        pytest.param(["tag", "model"], {("prod", "small"): (1, 1), ("eval", "small"): (1, 1), ("", "small"): (1, 2),
                                        ("prod", "large"): (1, 3)}, id="tag-and-another"),
    ],
)  # fmt: skip
async def test_rows_are_by_any_dimensions(
    by: list[str], expected: dict[tuple[str, ...], tuple[int, int]], database: Database
) -> None:
    first, second = at("2026-11-02T10:30"), at("2026-11-03T00:00")
    one = closed(
        1, started_s=first, provider="a", upstream_model="x", model="small", tags=("prod", "eval"), cost_nusd=1
    )
    two = closed(2, started_s=first, provider="a", upstream_model="y", model="small", key="", cost_nusd=2)
    three = closed(3, started_s=second, provider="b", upstream_model="y", model="large", tags=("prod",), cost_nusd=3)
    await load(database, [one, two, three])
    report = await read_report(database, Question(period(), tuple(map(Dimension, by))))
    assert rows(report) == expected
    assert (report.total.requests, report.total.cost_nusd) == (3, 6)


TWO = [(first, second) for first in Dimension for second in Dimension if first < second]


@pytest.mark.parametrize("by", [pytest.param(by, id="-".join(by)) for by in TWO])
async def test_total_is_the_sum_of_the_rows_and_of_the_requests(by: tuple[Dimension, ...], database: Database) -> None:
    await load(database, month_of_traffic())
    report = await read_report(database, Question(period("2026-10", "2026-12", "Europe/Berlin"), by))
    async with database.read() as connection:
        sums = func.sum(REQUESTS.c.cost_nusd), func.sum(REQUESTS.c.prompt_tokens), func.count()
        cost, prompt, count = (await connection.execute(select(*sums).select_from(REQUESTS))).one()
    assert (report.total.cost_nusd, report.total.prompt_tokens, report.total.requests) == (cost, prompt, count)
    assert count == 400
    if Dimension.TAG not in by:
        assert Sums(*map(sum, zip(*(row.sums for row in report.rows), strict=True))) == report.total


def spent_between(records: Iterable[CloseRecord], since: str, until: str, zone: str) -> Counter[str]:
    """Nano-dollars of each local day, request by request; ends are whole hours."""
    place = ZoneInfo(zone)
    first, last = (datetime.fromisoformat(text).replace(tzinfo=place).timestamp() for text in (since, until))
    days: Counter[str] = Counter()
    for record in records:
        if first <= record.started_at_s < last:
            days[f"{datetime.fromtimestamp(record.started_at_s, place):%Y-%m-%d}"] += record.cost_nusd or 0
    return days


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize(
    ("since", "until"),
    [
        pytest.param("2026-10-12T00:00", "2026-11-09T00:00", id="whole-days"),
        pytest.param("2026-10-12T15:00", "2026-11-09T02:00", id="pieces-of-days-at-both-ends"),
        pytest.param("2026-10-24T15:00", "2026-10-25T07:00", id="no-whole-day"),
        pytest.param("2026-10-25T00:00", "2026-10-26T00:00", id="the-day-on-which-europe-changes-its-clocks"),
        pytest.param("2026-10-12T10:00", "2026-10-12T14:00", id="within-a-day"),
    ],
)
async def test_period_and_days_are_those_of_the_zone(since: str, until: str, zone: str, database: Database) -> None:
    records = month_of_traffic()
    await load(database, records)
    expected = spent_between(records, since, until, zone)
    asked = period(since, until, zone)
    by_day = await read_report(database, Question(asked, (Dimension.DAY,)))
    assert {row.by[0]: row.sums.cost_nusd for row in by_day.rows} == dict(expected)
    alone = await read_report(database, Question(asked))
    assert alone.total == by_day.total
    assert alone.total.cost_nusd == expected.total()


async def test_whole_days_are_not_read_by_the_hour(database: Database) -> None:
    moments = (at("2026-11-01T23:30"), at("2026-11-02T12:00"), at("2026-11-03T00:10"))
    await load(database, [closed(n, started_s=s, cost_nusd=10**n) for n, s in enumerate(moments)])
    async with database.write() as connection:
        whole = HOURS.c.hour_h.between(int(moments[0] // 3600) + 1, int(moments[2] // 3600) - 1)
        await connection.execute(delete(HOURS).where(whole))
    report = await read_report(database, Question(period("2026-11-01T23:00", "2026-11-03T01:00"), (Dimension.DAY,)))
    assert [row.sums.cost_nusd for row in report.rows] == [1, 10, 100]


@pytest.mark.parametrize(
    ("kept", "numbers"),
    [
        pytest.param({"provider": "a"}, {1, 2}, id="provider"),
        pytest.param({"model": "large"}, {3}, id="model"),
        pytest.param({"key": ""}, {2}, id="no-key"),
        pytest.param({"tag": "prod"}, {1, 3}, id="tag"),
        pytest.param({"tag": ""}, {2}, id="no-tag"),
        pytest.param({"tag": "pro"}, set(), id="part-of-a-tag"),
        pytest.param({"tag": "prod", "provider": "a", "key": "ci"}, {1}, id="all-of-them"),
        pytest.param({"provider": "A"}, set(), id="another-case"),
    ],
)
@pytest.mark.parametrize(
    "by", [(), (Dimension.TAG,), (Dimension.DAY, Dimension.KEY)], ids=["alone", "by-tag", "by-day"]
)
async def test_filters_keep_what_they_name(
    kept: dict[str, str], numbers: set[int], by: tuple[Dimension, ...], database: Database
) -> None:
    one = closed(1, provider="a", model="small", tags=("prod", "eval"), cost_nusd=10)
    two = closed(2, provider="a", model="small", key="", cost_nusd=100)
    three = closed(3, provider="b", model="large", tags=("prod",), cost_nusd=1000)
    await load(database, [one, two, three])
    report = await read_report(database, Question(period(), by, **kept))
    assert report.total.cost_nusd == sum(10**number for number in numbers)
    assert len(rows(report)) == len(report.rows)  # no name twice


async def test_rows_come_by_day_and_then_the_dearest_first(database: Database) -> None:
    a, b = (closed(n, started_s=at("2026-11-02T05:00"), key=key, cost_nusd=n) for n, key in enumerate("ab"))
    c, d = (closed(n, started_s=at("2026-11-01T05:00"), key=key, cost_nusd=None) for n, key in enumerate("cd"))
    await load(database, [a, b, c, d])
    by_day = await read_report(database, Question(period(), (Dimension.KEY, Dimension.DAY)))
    assert [row.by[0] for row in by_day.rows] == ["c", "d", "b", "a"]
    by_key = await read_report(database, Question(period(), (Dimension.KEY,)))
    assert [row.by[0] for row in by_key.rows] == ["b", "a", "c", "d"]


@pytest.mark.parametrize("rare", range(3), ids=["hours-before", "whole-days", "hours-after"])
async def test_rare_classes_are_added_up_wherever_in_the_period_they_are(rare: int, database: Database) -> None:
    moments = (at("2026-11-01T23:30"), at("2026-11-02T12:00"), at("2026-11-03T00:10"))
    searches = [7 if number == rare else 0 for number in range(3)]
    used = zip(moments, searches, strict=True)
    await load(database, [closed(n, started_s=s, usage=Usage(1, searches=count)) for n, (s, count) in enumerate(used)])
    asked = period("2026-11-01T23:00", "2026-11-03T01:00")
    by_day = await read_report(database, Question(asked, (Dimension.KEY, Dimension.DAY)))
    assert [row.sums.searches for row in by_day.rows] == searches
    by_key = await read_report(database, Question(asked, (Dimension.KEY,)))
    assert by_key.rows[0].sums == by_key.total == by_day.total
    assert (by_key.total.searches, by_key.total.prompt_tokens, by_key.total.requests) == (7, 3, 3)


@on_sqlite
@pytest.mark.parametrize("table", [HOURS, DAYS], ids=str)
async def test_whether_there_is_a_rare_class_is_read_from_an_index_of_such_rows_alone(
    table: Table, database: Database
) -> None:
    await load(database, month_of_traffic())
    moment = next(iter(table.columns))
    statement = select(moment).where(moment >= 0, moment < 10**6, HAS_RARE).limit(1)
    compiled = statement.compile(database.engine, compile_kwargs={"literal_binds": True})
    async with database.read() as connection:
        ((*_, step),) = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")).all()
    assert f"INDEX ix_{table.name}_rare" in step


async def test_odd_names_are_kept_apart_and_found(database: Database) -> None:
    await load(database, [closed(n, model=name, tags=(name,), cost_nusd=10**n) for n, name in enumerate(ODD)])
    expected = {(name,): (1, 10**n) for n, name in enumerate(ODD)}
    assert rows(await read_report(database, Question(period(), (Dimension.MODEL,)))) == expected
    assert rows(await read_report(database, Question(period(), (Dimension.TAG,)))) == expected
    for n, name in enumerate(ODD):
        assert (await read_report(database, Question(period(), tag=name))).total.cost_nusd == 10**n


async def test_sums_beyond_64_bits_of_a_double_are_exact(database: Database) -> None:
    great = 9_007_199_254_740_993  # the first whole number that a double cannot hold
    await load(database, [closed(1, cost_nusd=great), closed(2, cost_nusd=great + 1, key="other")])
    report = await read_report(database, Question(period(), (Dimension.KEY,)))
    assert report.total.cost_nusd == 2 * great + 1
    assert str(report.total.cost_usd) == "18014398.509481987"
