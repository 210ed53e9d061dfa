"""From records of requests to rows of the database's tables, and to the sums that reports read.

Pure. A row is a tuple in the order of its table's columns; times become whole microseconds, and truth 0 or 1: SQLite's
driver takes numbers and text as they are, and looks for an adapter of anything else, for each value anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import floor
from typing import Any

import msgspec

from proxy.core.records import CloseRecord, OpenRecord
from proxy.core.usage import Usage

Row = tuple[Any, ...]
# Hour or day, provider, upstream model, model, key, tags.
SumKey = tuple[int, str, str, str, str, str]
Sums = dict[SumKey, list[int]]

HOUR_US = 3_600_000_000
DAY_H = 24
INTERRUPTED = "interrupted"
LARGEST = 10**16  # above any time, and more tokens or nano-dollars than a request can have: sums of them fit
TAGS_BYTES = 1000  # they are part of an index, where PostgreSQL has room for 2,700 bytes

_json = msgspec.json.Encoder().encode


def request_row(record: CloseRecord) -> Row:
    """Make the row of table `requests`."""
    usage = record.usage
    first_token_s = record.first_token_s
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
        *(_NO_COUNTS if usage is None else _counts(usage)),
        record.cost_nusd,
        record.price,
        _json(record.attempts).decode(),
        None if usage is None else usage.cache_write_1h_tokens,
        None if usage is None else usage.searches,
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
    sums: Sums = {}
    for row in rows:
        (_, started_us, _, _, model, provider, upstream_model, key, tags, _, end, _, _, _) = row[:14]
        prompt, output, cached, written, reasoning, heard, spoken, _, estimated, cost_nusd, _, _, kept_1h, searches = (
            row[14:]
        )
        name = (started_us // HOUR_US, provider, upstream_model, model, key, tags)
        cell = sums.get(name)
        if cell is None:
            cell = sums[name] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        cell[0] += 1
        if end != "ok":
            cell[1] += 1
        if estimated:
            cell[2] += 1
        if prompt is not None:
            cell[4] += prompt
            cell[5] += output
            cell[6] += cached
            cell[7] += written
            cell[8] += reasoning
            if cost_nusd is None:
                cell[3] += 1
            if kept_1h or heard or spoken or searches:  # of few requests
                cell[10] += kept_1h
                cell[11] += heard
                cell[12] += spoken
                cell[13] += searches
        if cost_nusd:
            cell[9] += cost_nusd
    return sums


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


_NO_COUNTS: Row = (None, None, None, None, None, None, None, "", 0)


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
    kept = sorted(set(tags))
    while len(text := _json(kept)) > TAGS_BYTES:
        kept = kept[: len(kept) // 2]
    return text.decode()


def _fitted(value: object, width: int | None) -> object:
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace")[:width].decode("utf-8", "ignore")
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-LARGEST, min(value, LARGEST))
    return value
