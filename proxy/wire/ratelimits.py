"""From what is left of a key's limits to `x-ratelimit-*` headers as OpenAI writes them.

Durations have Go's form, as clients of OpenAI parse them: `6m0s`, `8.64s`, `17ms`. Runs for each request of a key with
limits: what does not change from one to the next is kept.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil

from proxy.core.ports import KeyBudget

_KEPT = 1024

_REMAINING_REQUESTS, _RESET_REQUESTS = b"x-ratelimit-remaining-requests", b"x-ratelimit-reset-requests"
_REMAINING_TOKENS, _RESET_TOKENS = b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens"


def limit_headers(budget: KeyBudget) -> list[tuple[bytes, bytes]]:
    """Write limit, remaining and reset of each limit that the key has.

    Source: https://platform.openai.com/docs/guides/rate-limits, read 2026-11-20.
    """
    headers = []
    if budget.requests is not None:
        limit, remaining, reset_s = budget.requests
        headers += [
            _limit(b"x-ratelimit-limit-requests", limit),
            (_REMAINING_REQUESTS, b"%d" % remaining),
            (_RESET_REQUESTS, go_duration(reset_s)),
        ]
    if budget.tokens is not None:
        limit, remaining, reset_s = budget.tokens
        headers += [
            _limit(b"x-ratelimit-limit-tokens", limit),
            (_REMAINING_TOKENS, b"%d" % remaining),
            (_RESET_TOKENS, go_duration(reset_s)),
        ]
    return headers


def go_duration(seconds: float) -> bytes:
    """Write a duration as Go prints it, rounded up to the millisecond; none is `0s`."""
    total_ms = ceil(seconds * 1000)
    if total_ms < 1000:
        return b"%dms" % total_ms if total_ms > 0 else b"0s"
    minutes, rest_ms = divmod(total_ms, 60_000)
    whole_s, part_ms = divmod(rest_ms, 1000)
    last = b"%d.%bs" % (whole_s, (b"%03d" % part_ms).rstrip(b"0")) if part_ms else b"%ds" % whole_s
    if minutes >= 60:
        return b"%dh%dm%b" % (*divmod(minutes, 60), last)
    return b"%dm%b" % (minutes, last) if minutes else last


@lru_cache(maxsize=_KEPT)
def _limit(name: bytes, number: int) -> tuple[bytes, bytes]:
    return name, b"%d" % number
