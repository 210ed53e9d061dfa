"""From what is left of a key's limits to `x-ratelimit-*` headers as OpenAI writes them.

Durations have Go's form, as clients of OpenAI parse them: `6m0s`, `8.64s`, `17ms`.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil

from proxy.core.ports import KeyBudget
from proxy.core.snapshot import KeyLimits


def limit_lines(limits: KeyLimits, budget: KeyBudget | None) -> str:
    """Write limit, remaining and reset of each limit that the key has, as header lines.

    Args:
        budget: What is left; None = all of it.

    Source: https://platform.openai.com/docs/guides/rate-limits, read 2026-11-20.
    """
    if budget is None:
        return _untouched(limits.rpm, limits.tpm)
    return _lines("requests", budget.requests) + _lines("tokens", budget.tokens)


@lru_cache(maxsize=1024)  # where an answer takes seconds, what its request took is mostly paid for by then
def _untouched(rpm: int | None, tpm: int | None) -> str:
    return _lines("requests", (rpm, rpm, 0.0) if rpm else None) + _lines("tokens", (tpm, tpm, 0.0) if tpm else None)


def _lines(what: str, left: tuple[int, int, float] | None) -> str:
    if left is None:
        return ""
    limit, remaining, reset_s = left
    return (
        f"x-ratelimit-limit-{what}: {limit}\r\n"
        f"x-ratelimit-remaining-{what}: {remaining}\r\n"
        f"x-ratelimit-reset-{what}: {go_duration(reset_s)}\r\n"
    )


def go_duration(seconds: float) -> str:
    """Write a duration as Go prints it, rounded up to the millisecond; none is `0s`."""
    if seconds <= 0:
        return "0s"
    total_ms = ceil(seconds * 1000)
    if total_ms < 1000:
        return f"{total_ms}ms"
    minutes, rest_ms = divmod(total_ms, 60_000)
    whole_s, part_ms = divmod(rest_ms, 1000)
    part = f".{part_ms:03d}".rstrip("0") if part_ms else ""
    if minutes >= 60:
        return f"{minutes // 60}h{minutes % 60}m{whole_s}{part}s"
    return f"{minutes}m{whole_s}{part}s" if minutes else f"{whole_s}{part}s"
