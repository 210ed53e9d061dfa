"""From the sums by hour and day to a usage report: rows by any one or two dimensions, and a total that is their sum.

Whole days of UTC are read from `days`, the rest from `hours`, all in one view of the database. Money stays integers of
nano-dollars until it is shown. Never reads a single request, so that a month of millions is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BigInteger, Column, ColumnElement, Select, Table, case, cast, func, select
from sqlalchemy.engine import Row as FoundRow

from proxy.store.database import Database
from proxy.store.period import DAY_H, Period, day_name
from proxy.store.tables import DAYS, HAS_RARE, HOURS

TAG_SETS = 4096  # different lists of tags whose decoded form is remembered


class Dimension(StrEnum):
    """What a report can be grouped by."""

    PROVIDER = "provider"
    MODEL = "model"
    UPSTREAM_MODEL = "upstream_model"
    KEY = "key"
    TAG = "tag"
    DAY = "day"


class Sums(NamedTuple):
    """What is counted. Tokens in OpenAI's terms: prompt and completion include the classes that are parts of them.

    Attributes:
        failed: Of `requests`, those that did not end "ok".
        estimated: Of `requests`, those whose tokens no upstream reported.
        unpriced: Of `requests`, those with tokens and without a known price: they are not in `cost_nusd`.
    """

    requests: int = 0
    failed: int = 0
    estimated: int = 0
    unpriced: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nusd: int = 0
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    searches: int = 0

    @property
    def cost_usd(self) -> Decimal:
        return as_usd(self.cost_nusd)


class Row(NamedTuple):
    """One line of a report; `by` has a value for each dimension, "" where a request has none."""

    by: tuple[str, ...]
    sums: Sums


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. A filter of None lets everything through; "" asks for what has no such name.

    Attributes:
        by: Up to two dimensions; none asks for the total alone.
    """

    period: Period
    by: tuple[Dimension, ...] = ()
    provider: str | None = None
    model: str | None = None
    key: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The answer.

    Attributes:
        rows: By day where that is asked, then by cost, the dearest first.
        total: Each request once. By tag, a request counts in the row of each of its tags, so rows may exceed it.
    """

    question: Question
    rows: tuple[Row, ...]
    total: Sums


_LEADING = frozenset({Dimension.PROVIDER, Dimension.MODEL, Dimension.UPSTREAM_MODEL, Dimension.DAY})

_KEY_ORDER = [Dimension(name) for name in ("day", "provider", "upstream_model", "model", "key", "tag")]
_USUAL = Sums._fields[: Sums._fields.index("cost_nusd") + 1]  # those after it are of few requests

_READ_AS_SHOWN = frozenset(Dimension) - {Dimension.TAG, Dimension.DAY}

_Found = dict[tuple[Any, ...], Sums]  # by the values of the columns that a query groups by


async def read_report(database: Database, question: Question) -> Report:
    """Answer a question.

    Raises:
        DatabaseAway: The database cannot be reached.
    """
    found: _Found = {}
    async with database.read() as connection:
        for piece in _pieces(question.period, by_day=Dimension.DAY in question.by):
            is_usual = (await connection.execute(_rare(piece))).first() is None
            names = _USUAL if is_usual else Sums._fields
            _add(found, (await connection.execute(_statement(question, piece, names))).all(), len(names))
    if question.tag is not None:
        found = {by: sums for by, sums in found.items() if _has_tag(by, question)}
    total = Sums(*map(sum, zip(*found.values(), strict=True))) if found else Sums()
    named = [Row(by, sums) for by, sums in _by_names(found, question).items()]
    return Report(question, tuple(sorted(named, key=_place(question))), total)


def as_usd(nusd: int) -> Decimal:
    """Nano-dollars as dollars, exactly, with nine digits after the point."""
    return Decimal(nusd).scaleb(-9)


@lru_cache(TAG_SETS)
def tags_of(text: str) -> tuple[str, ...]:
    """The tags of a row."""
    return msgspec.json.decode(text, type=tuple[str, ...])


class _Piece(NamedTuple):
    """Rows of a table from one moment up to and without another."""

    table: Table
    moment: Column[int]
    since: int
    until: int


def _pieces(period: Period, *, by_day: bool) -> Iterator[_Piece]:
    """Cut a period into its whole days and the hours before and after them."""
    first_d, end_d = -(-period.since_h // DAY_H), period.until_h // DAY_H
    if first_d >= end_d or (by_day and not period.is_utc):
        yield _Piece(HOURS, HOURS.c.hour_h, period.since_h, period.until_h)
        return
    if period.since_h < first_d * DAY_H:
        yield _Piece(HOURS, HOURS.c.hour_h, period.since_h, first_d * DAY_H)
    yield _Piece(DAYS, DAYS.c.day_d, first_d, end_d)
    if end_d * DAY_H < period.until_h:
        yield _Piece(HOURS, HOURS.c.hour_h, end_d * DAY_H, period.until_h)


def _rare(piece: _Piece) -> Select[Any]:
    """The query for whether anything of a rare class was used: mostly not, and then each is a column less to add up."""
    moment = piece.moment
    return select(moment).where(moment >= piece.since, moment < piece.until, HAS_RARE).limit(1)


def _statement(question: Question, piece: _Piece, names: Sequence[str]) -> Select[Any]:
    table, moment, since, until = piece
    needed = [_value(dimension, table, question.period) for dimension in question.by]
    if question.tag is not None and Dimension.TAG not in question.by:
        needed.append(table.c.tags)
    kept = {"provider": question.provider, "model": question.model, "key": question.key}
    is_leading = question.tag is None and _LEADING.issuperset(question.by)
    sums = (func.sum(table.c[name]).label(name) if is_leading else table.c[name] for name in names)
    # A subquery, so that the grouping names a column: PostgreSQL takes two equal expressions for different ones.
    found = (
        select(*(value.label(f"by_{place}") for place, value in enumerate(needed)), *sums)
        .where(moment >= since, moment < until)
        .where(*(table.c[name] == value for name, value in kept.items() if value is not None))
    )
    if is_leading:
        # These lead the primary key, in whose order SQLite adds up without sorting: half the time of the whole query.
        found = found.group_by(moment, table.c.provider, table.c.upstream_model, table.c.model)
    inner = found.subquery()
    groups = [inner.c[f"by_{place}"] for place in range(len(needed))]
    totals = (cast(func.sum(inner.c[name]), BigInteger) for name in names)  # PostgreSQL's sum is no integer
    return select(*groups, *totals).group_by(*(groups[place] for place in _in_key_order(question.by, len(groups))))


def _value(dimension: Dimension, table: Table, period: Period) -> ColumnElement[Any]:
    match dimension:
        case Dimension.TAG:
            return table.c.tags
        case Dimension.DAY:
            return _local_day(period) if table is HOURS else DAYS.c.day_d
        case _:
            return table.c[dimension.value]


def _local_day(period: Period) -> ColumnElement[int]:
    """The day of an hour in the period's zone: another rule from each change of the clock on."""
    days = [(HOURS.c.hour_h + offset_h) // DAY_H for _, offset_h in period.offsets]
    changes = [from_h for from_h, _ in period.offsets[1:]]
    if not changes:
        return days[0]
    return case(*((HOURS.c.hour_h < change, day) for change, day in zip(changes, days, strict=False)), else_=days[-1])


def _in_key_order(by: Sequence[Dimension], wide: int) -> list[int]:
    """Places of a query's groups in the order of the key: of what is sorted so already SQLite sorts less."""
    return sorted(range(wide), key=lambda place: _KEY_ORDER.index(by[place]) if place < len(by) else wide)


def _add(found: _Found, rows: Iterable[FoundRow[Any]], wide: int) -> None:
    """Add what a query found, in so many numbers a row, to what the others did."""
    for row in rows:
        by, sums = row[:-wide], row[-wide:]
        if not sums[0]:  # without groups there is a row even where nothing was found
            continue
        before = found.get(by)
        found[by] = Sums(*sums) if before is None else _plus(before, Sums(*sums))


def _plus(one: Iterable[int], other: Iterable[int]) -> Sums:
    return Sums._make(map(int.__add__, one, other))


def _has_tag(by: Sequence[Any], question: Question) -> bool:
    place = question.by.index(Dimension.TAG) if Dimension.TAG in question.by else -1
    tags = tags_of(by[place])
    return question.tag in tags if question.tag else not tags


def _by_names(found: _Found, question: Question) -> _Found:
    """Add up by the names that are shown: a request counts under each of its tags, or under "" without any."""
    if question.tag is None and _READ_AS_SHOWN.issuperset(question.by):
        return found
    named: _Found = {}
    for by, sums in found.items():
        for names in product(*map(_names, question.by, by)):
            before = named.get(names)
            named[names] = sums if before is None else _plus(before, sums)
    return named


def _names(dimension: Dimension, value: Any) -> tuple[str, ...]:  # noqa: ANN401 - a day is a number
    match dimension:
        case Dimension.TAG:
            return tags_of(value) or ("",)
        case Dimension.DAY:
            return (day_name(value),)
        case _:
            return (value,)


def _place(question: Question) -> Callable[[Row], tuple[str, int, int, tuple[str, ...]]]:
    day = question.by.index(Dimension.DAY) if Dimension.DAY in question.by else None

    def place(row: Row) -> tuple[str, int, int, tuple[str, ...]]:
        sums = row.sums
        return "" if day is None else row.by[day], -sums.cost_nusd, -sums.requests, row.by

    return place
