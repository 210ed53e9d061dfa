"""Records of made-up requests, one of a kind by number: `closed(7)` is the end of what `opened(7)` began."""

from __future__ import annotations

from msgspec.structs import replace

from proxy.core.records import AttemptRecord, CloseRecord, OpenRecord
from proxy.core.usage import Usage

STARTED_S = 1_795_000_000.0  # 2026-11-18, 12:26:40 UTC
COST_NUSD = 1_000


def request_id(number: int, started_s: float = STARTED_S) -> str:
    return f"req_{int(started_s * 1000):012x}{number:020x}"


def opened(number: int, *, started_s: float = STARTED_S, **fields: object) -> OpenRecord:
    """The beginning of a request; `fields` are those of the record."""
    record = OpenRecord(
        request_id(number, started_s),
        started_s,
        "chat",
        "gpt-4o",
        "ci",
        (),
        False,
        "openrouter",
        "openai/gpt-4o",
        100,
        300,
    )
    return replace(record, **fields)


def closed(number: int, *, started_s: float = STARTED_S, **fields: object) -> CloseRecord:
    """The whole of a request that took a second; `fields` are those of the record."""
    record = CloseRecord(
        request_id(number, started_s),
        started_s,
        started_s + 1.0,
        "chat",
        "gpt-4o",
        "ci",
        (),
        False,
        "ok",
        "openrouter",
        "openai/gpt-4o",
        200,
        0.25,
        [AttemptRecord("openrouter", "openai/gpt-4o", "default", "ok", 200, 0.001, 1.0, False)],
        Usage(100, 20),
        COST_NUSD,
        "configured",
        "",
    )
    return replace(record, **fields)
