"""From records of requests to rows of the database's tables, and to the sums that reports read.

Pure. A row is a tuple in the order of its table's columns; times become whole microseconds, and truth 0 or 1: SQLite's
driver takes numbers and text as they are, and looks for an adapter of anything else, for each value anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import floor
from operator import itemgetter
from typing import Any

import msgspec
from msgspec.structs import astuple

from proxy.core.records import CloseRecord, OpenRecord
from proxy.core.usage import Usage

Row = tuple[Any, ...]
# Hour or day, provider, upstream model, model, key, tags.
SumKey = tuple[int, str, str, str, str, str]
Names = tuple[str, str, str, str, str]  # all of it but the time
Sums = dict[SumKey, list[int]]

HOUR_US = 3_600_000_000
DAY_H = 24
INTERRUPTED = "interrupted"
LARGEST = 10**16  # above any time, and more tokens or nano-dollars than a request can have: sums of them fit
TAGS_BYTES = 1400  # all that a client may send; part of an index, where PostgreSQL has room for 2,700 bytes

# Places in a row of `requests`.
_STARTED, _END, _PROMPT, _ESTIMATED, _COST = 1, 10, 14, 22, 23
_ADDED = (_PROMPT, 15, 16, 17, 18, _COST, 26, 19, 20, 27)  # in the order of the columns of `hours`
_names: Callable[[Row], Names] = itemgetter(5, 6, 4, 7, 8)

_json = msgspec.json.Encoder().encode


def request_row(record: CloseRecord) -> Row:
    """Make the row of table `requests`."""
    usage, first_token_s = record.usage, record.first_token_s
    counts = _NO_USAGE if usage is None else astuple(usage)[:-1]  # what others used is in its totals
    prompt, completion, cached, reasoning, is_estimated, written, written_1h, heard, spoken, _, tier, searches = counts
    return (
        record.request_id,
        floor(record.started_at_s * 1e6),
        floor(record.ended_at_s * 1e6),
        record.endpoint,
        record.model,
        record.provider,
        record.upstream_model,
        record.key,
        _tags(record.tags) if record.tags else "[]",
        1 if record.stream else 0,
        record.end,
        record.status,
        record.error,
        None if first_token_s is None else floor(first_token_s * 1e6),
        prompt,
        completion,
        cached,
        written,
        reasoning,
        heard,
        spoken,
        tier,
        1 if is_estimated else 0,
        record.cost_nusd,
        record.price,
        _json(record.attempts).decode(),
        written_1h,
        searches,
    )


def interrupted_row(record: OpenRecord, seen_s: float) -> Row:
    """Make the row of a request whose process ended first: its usage is the estimate made when it began.

    Args:
        seen_s: When that process last wrote anything, Unix time.
    """
    return (
        record.request_id,
        floor(record.started_at_s * 1e6),
        floor(max(record.started_at_s, seen_s) * 1e6),
        record.endpoint,
        record.model,
        record.provider,
        record.upstream_model,
        record.key,
        _tags(record.tags) if record.tags else "[]",
        1 if record.stream else 0,
        INTERRUPTED,
        0,  # whatever the client got
        "",
        None,
        *_counts(Usage(record.prompt_tokens, estimated=True)),
        record.estimated_nusd,
        "",
        "[]",
        0,
        0,
    )


def hour_sums(rows: Iterable[Row]) -> Sums:
    """Add rows of requests up to rows of table `hours`: by their key, the numbers that follow it there."""
    alike: defaultdict[Names, list[Row]] = defaultdict(list)
    for row in rows:
        alike[_names(row)].append(row)
    return {(hour, *names): _added(those) for names, them in alike.items() for hour, those in _hours(them).items()}


def _hours(rows: Sequence[Row]) -> Mapping[int, Sequence[Row]]:
    """Tell rows of several hours apart. Those of one batch are nearly always of one."""
    started_us = [row[_STARTED] for row in rows]
    first, last = min(started_us) // HOUR_US, max(started_us) // HOUR_US
    if first == last:
        return {first: rows}
    hours: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        hours[row[_STARTED] // HOUR_US].append(row)
    return hours


def _added(rows: Sequence[Row]) -> list[int]:
    """Add up column by column, which is mostly C; no number counts as 0."""
    columns = list(zip(*rows, strict=True))
    unpriced = 0
    if None in columns[_COST]:
        unpriced = sum([row[_COST] is None and row[_PROMPT] is not None for row in rows])
    return [
        len(rows),
        len(rows) - columns[_END].count("ok"),
        sum(columns[_ESTIMATED]),
        unpriced,
        *[sum(filter(None, columns[place])) for place in _ADDED],
    ]


def day_sums(hours: Mapping[SumKey, Sequence[int]]) -> Sums:
    """Add rows of table `hours` up to rows of table `days`."""
    sums: Sums = {}
    for hour, numbers in hours.items():
        name = (hour[0] // DAY_H, *hour[1:])
        cell = sums.get(name)
        sums[name] = list(numbers) if cell is None else [a + b for a, b in zip(cell, numbers, strict=True)]
    return sums


def sum_rows(sums: Mapping[SumKey, Sequence[int]]) -> list[Row]:
    """Make the rows of `hours` or `days`, in an order that two writers share, so that neither waits for the other."""
    return [(*name, *sums[name]) for name in sorted(sums)]


def fitted(row: Row, widths: Sequence[int | None]) -> Row:
    """Cut what a strict database refuses: long text, NUL and half characters in text, numbers beyond all reason.

    Args:
        widths: Of each column, the most bytes; None where it is no text with a limit.
    """
    return tuple([_fitted(value, width) for value, width in zip(row, widths, strict=True)])


_NO_USAGE: Row = (None, None, None, None, False, None, None, None, None, None, "", None)


def _counts(usage: Usage) -> Row:
    return (
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
        usage.audio_input_tokens,
        usage.audio_output_tokens,
        usage.service_tier,
        1 if usage.estimated else 0,
    )


def _tags(tags: Sequence[str]) -> str:
    """The client's stand first, and go first: it is not for a client to say what its key is charged to."""
    while len(text := _json(sorted(set(tags)))) > TAGS_BYTES:
        tags = tags[1:]
    return text.decode()


def _fitted(value: object, width: int | None) -> object:
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace")[:width].decode("utf-8", "ignore")
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-LARGEST, min(value, LARGEST))
    return value
