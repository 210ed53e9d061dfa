"""From usage to what is printed of it: a table, CSV, or JSON, each exact to the nano-dollar.

Names come from clients too: a table and CSV spell out control characters, CSV also keeps a spreadsheet from taking a
name for a formula, and JSON alone has them as they are. What a sum lacks is said beside it, in every form.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

import orjson
from msgspec.structs import asdict

from proxy.cli.output import printable
from proxy.core.money import usd

if TYPE_CHECKING:
    from proxy.store.report import Report, Row, Sums
    from proxy.store.requests import Request, Tokens

NONE = "(none)"
COUNTS = (
    "requests",
    "failed",
    "estimated",
    "unpriced",
    "prompt_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "audio_output_tokens",
    "searches",
)
RARE = frozenset({"cache_write_1h_tokens", "audio_input_tokens", "audio_output_tokens", "searches"})
HEADS = {name: name.removesuffix("_tokens").replace("_", " ") for name in COUNTS}
MONEY = "cost USD"
NUMBERS = frozenset({*HEADS.values(), MONEY, "attempts"})
REQUEST_COLUMNS = (
    "started",
    "key",
    "model",
    "provider",
    "end",
    "prompt",
    "completion",
    MONEY,
    "estimated",
    "attempts",
    "request id",
)
# What makes a spreadsheet calculate, also in full width; after ";" too, where that ends a cell, quotes or not.
_FORMULA = re.compile(r"(^|;)(?=\s*[-=+@\uff0d\uff1d\uff0b\uff20])")


def period_line(report: Report) -> str:
    """What is reported: when, in which zone, and of what."""
    question, period = report.question, report.question.period
    since, until = (period.shown(hour).replace("T", " ")[:16] for hour in (period.since_h, period.until_h))
    names = {"provider": question.provider, "model": question.model, "key": question.key, "tag": question.tag}
    only = [f", {name} {printable(value) or NONE}" for name, value in names.items() if value is not None]
    return f"Usage from {since} to {until} ({period.zone}){''.join(only)}"


def notes(report: Report) -> Iterator[str]:
    """What must be known to read the sums rightly."""
    total = report.total
    if total.unpriced:
        whose = "its" if total.unpriced == 1 else "their"
        yield f"{_of(total.unpriced, total)} no known price: {whose} cost is not in the sum."
    if total.estimated:
        yield f"{_of(total.estimated, total)} estimated tokens, and so an estimated cost."
    if "tag" in report.question.by:
        yield "A request counts under each of its tags; the total counts every request once."


def waiting_notes(waiting: int | None) -> Iterator[str]:
    """What is recorded and not in the database. `waiting`: how many requests; None = too many to count."""
    if waiting is None:
        yield "Many requests are recorded on this machine and not loaded into the database yet: they are left out."
    elif waiting:
        counted = "1 request is" if waiting == 1 else f"{waiting:,} requests are"
        yield f"{counted} recorded on this machine and not loaded into the database yet, and left out here."


def _of(count: int, total: Sums) -> str:
    requests = "request" if total.requests == 1 else "requests"
    return f"{count:,} of {total.requests:,} {requests} {'has' if count == 1 else 'have'}"


def report_columns(report: Report) -> tuple[str, ...]:
    return (*(name.replace("_", " ") for name in report.question.by), *(HEADS[name] for name in _shown(report)), MONEY)


def report_rows(report: Report) -> Iterator[tuple[str, ...]]:
    """The rows of the table, the total last."""
    names = _shown(report)
    for row in report.rows:
        yield (*(name or NONE for name in row.by), *_figures(row.sums, names))
    if report.question.by:
        yield ("total", *("" for _ in report.question.by[1:]), *_figures(report.total, names))


def report_csv(report: Report) -> str:
    """The rows with a line of names above; no total, so that the columns can be added up."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow((*report.question.by, *COUNTS, "cost_usd"))
    for row in report.rows:
        writer.writerow((*map(_cell, row.by), *(getattr(row.sums, name) for name in COUNTS), usd(row.sums.cost_nusd)))
    return out.getvalue()


def report_object(report: Report) -> dict[str, object]:
    """The whole report for programs."""
    question, period = report.question, report.question.period
    return {
        "since": period.shown(period.since_h),
        "until": period.shown(period.until_h),
        "zone": period.zone,
        "by": list(question.by),
        "filters": {
            "provider": question.provider,
            "model": question.model,
            "key": question.key,
            "tag": question.tag,
        },
        "rows": [_row_object(row, report) for row in report.rows],
        "total": _sums_object(report.total),
    }


def request_line(request: Request) -> bytes:
    """One request for programs: a JSON object and the end of the line."""
    line = {
        "request_id": request.request_id,
        "started_at": _moment(request.started_us),
        "key": request.key or None,
        "model": request.model,
        "end": request.end,
        "usage": None if request.tokens is None else _usage(request.tokens, request.service_tier),
        "cost_usd": None if request.cost_nusd is None else usd(request.cost_nusd),
        "estimated": request.estimated,
        "attempts": [asdict(attempt) for attempt in request.attempts],
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def request_cells(request: Request, zone: tzinfo) -> tuple[object, ...]:
    """One request as a row of `REQUEST_COLUMNS`."""
    started = datetime.fromtimestamp(request.started_us // 1_000_000, zone)
    tokens = request.tokens
    return (
        f"{started:%Y-%m-%d %H:%M:%S}",
        request.key or NONE,
        request.model,
        request.provider or NONE,
        request.end,
        None if tokens is None else f"{tokens.prompt:,}",
        None if tokens is None else f"{tokens.completion:,}",
        "unknown" if request.cost_usd is None else f"{request.cost_usd:f}",
        "yes" if request.estimated else None,
        len(request.attempts),
        request.request_id,
    )


def _shown(report: Report) -> list[str]:
    """What a table on the terminal has room for: all but what was not used at all."""
    return [name for name in COUNTS if name not in RARE or getattr(report.total, name)]


def _figures(sums: Sums, names: Iterable[str]) -> tuple[str, ...]:
    return (*(f"{getattr(sums, name):,}" for name in names), f"{sums.cost_usd:,f}")


def _cell(text: str) -> str:
    return _FORMULA.sub(r"\1'", printable(text))


def _row_object(row: Row, report: Report) -> dict[str, object]:
    return {name.value: value or None for name, value in zip(report.question.by, row.by, strict=True)} | _sums_object(
        row.sums
    )


def _sums_object(sums: Sums) -> dict[str, object]:
    return {name: getattr(sums, name) for name in COUNTS} | {"cost_usd": usd(sums.cost_nusd)}


def _usage(tokens: Tokens, service_tier: str) -> dict[str, object]:
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.cache_write,
            "cache_write_1h_tokens": tokens.cache_write_1h,
            "audio_tokens": tokens.audio_input,
        },
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": tokens.audio_output,
        },
        "searches": tokens.searches,
        "service_tier": service_tier or None,
    }


def _moment(us: int) -> str:
    """ISO 8601 in UTC with all six digits of its second."""
    seconds, part_us = divmod(us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{part_us:06d}Z"
