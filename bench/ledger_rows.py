"""A month of traffic made up from a seed: records of requests, or a SQLite database full of them.

Keys and models are as uneven as in life, or all alike (`is_even`), which gives the most rows of sums. `fill` goes past
the spool and the loader, because it is about what can be asked afterwards.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import pi, sin
from pathlib import Path

from proxy.core.records import AttemptRecord, CloseRecord
from proxy.core.usage import Usage
from proxy.store.ledgerrows import request_row
from proxy.store.tables import DAYS, HOURS, REQUESTS

HOUR_US = 3600 * 1_000_000
CHUNK = 5000
PROVIDERS = ("openrouter", "azure-eu", "anthropic")
TAGS = ((), ("prod",), ("batch", "prod"))
_FIRST_COUNT = 10  # of the columns of sums that are called as in `requests`
ENDS = ("ok",) * 194 + ("client_gone",) * 3 + ("truncated",) * 2 + ("failed",)


@dataclass(frozen=True, slots=True)
class Month:
    """How much traffic, from when on (hours since 1970), by how many."""

    rows: int
    since_h: int
    days: int = 30
    keys: int = 200
    models: int = 20
    is_even: bool = False
    seed: int = 1


def fill(path: Path, month: Month) -> None:
    """Put a month into the empty tables of a database file."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    insert = f"INSERT INTO requests VALUES ({','.join('?' * len(REQUESTS.columns))})"
    rows = map(request_row, records(month))
    while chunk := list(islice(rows, CHUNK)):
        connection.execute("BEGIN")
        connection.executemany(insert, chunk)
        connection.execute("COMMIT")
    for table, span_us in ((HOURS, HOUR_US), (DAYS, 24 * HOUR_US)):
        connection.execute(_sums(table.name, span_us))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def records(month: Month) -> Iterator[CloseRecord]:
    """Make requests in the order of time."""
    rng = random.Random(month.seed)
    hours = range(month.since_h, month.since_h + 24 * month.days)
    load = [1 + 0.8 * sin(2 * pi * (hour % 24) / 24) for hour in hours]
    moments = sorted(3600 * (hour + rng.random()) for hour in rng.choices(hours, load, k=month.rows))
    keys, key_load = _spread("team", month.keys, month, 0.9)
    models, model_load = _spread("model", month.models, month, 1.0)
    tags = {key: rng.choice(TAGS) for key in keys}
    for at in range(0, month.rows, CHUNK):
        chosen = zip(rng.choices(keys, key_load, k=CHUNK), rng.choices(models, model_load, k=CHUNK), strict=True)
        for started_s, (key, model) in zip(moments[at : at + CHUNK], chosen, strict=False):
            yield _record(rng, started_s, (key, tags[key]), model)


def _spread(name: str, count: int, month: Month, steepness: float) -> tuple[list[str], list[float]]:
    """Names, and how much each of them does."""
    places = range(count)
    return [f"{name}-{place:03d}" for place in places], [
        1.0 if month.is_even else (place + 1) ** -steepness for place in places
    ]


def _record(rng: random.Random, started_s: float, who: tuple[str, tuple[str, ...]], model: str) -> CloseRecord:
    key, tags = who
    fails_over, is_priced = rng.random() < 0.1, rng.random() < 0.98
    provider = PROVIDERS[(int(model[-2:]) + fails_over) % len(PROVIDERS)]
    upstream = f"vendor/{model}-2026-11-01"
    end = rng.choice(ENDS)
    took_s, prompt, completion = 0.3 + 30 * rng.random(), rng.randrange(50, 8000), rng.randrange(1, 1500)
    cached = rng.randrange(prompt) if rng.random() < 0.3 else 0
    attempts = [AttemptRecord(provider, upstream, "key-1", end, 200, 0.0012, took_s, False)]
    if fails_over:
        attempts.insert(0, AttemptRecord("mistral", upstream, "key-1", "rate_limited", 429, 0.0011, 0.0841, False))
    return CloseRecord(
        f"req_{int(started_s * 1000):012x}7{rng.getrandbits(12):03x}8{rng.getrandbits(60):015x}",
        started_s,
        started_s + took_s,
        "chat",
        model,
        key,
        tags,
        rng.random() < 0.6,
        end,
        provider,
        upstream,
        200,
        took_s / 3,
        attempts,
        Usage(prompt, completion, cached, completion // 4, end != "ok"),
        prompt * 2500 + completion * 10_000 if is_priced else None,
        "catalog 2026-11-20" if is_priced else "",
        "",
    )


def _sums(table: str, span_us: int) -> str:
    by = f"started_us / {span_us}, provider, upstream_model, model, key, tags"
    counted = ", ".join(f"coalesce(sum({column.name}), 0)" for column in list(HOURS.columns)[_FIRST_COUNT:])
    return (
        f"INSERT INTO {table} SELECT {by}, count(*), sum(\"end\" <> 'ok'), sum(estimated), "
        f"sum(prompt_tokens IS NOT NULL AND cost_nusd IS NULL), {counted} "
        f"FROM requests GROUP BY {by}"
    )
