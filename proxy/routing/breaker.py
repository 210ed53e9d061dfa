"""A circuit breaker as a value: each answer makes a new one. Opens on a bad share or on failures in a row.

It only counts and says for how long to open; what an open breaker sets aside is `routing.health`'s to say. Times are
monotonic seconds.
"""

from __future__ import annotations

import math

from msgspec import Struct

from proxy.core.snapshot import BreakerPolicy

BUCKETS = 6


class Breaker(Struct, gc=False):
    """Counts of one target. The window is a few buckets, numbered by time, the newest apart.

    A value, but for `good`: its keeper may count another answer in place until `ends_s` (see `after_good`).

    Attributes:
        older: Earlier buckets within the window: number, good, bad.
        row: Failures since the last success, at any spacing.
        open_s: How long it was open last.
        closed_s: When it last closed.
        ends_s: When its newest bucket ends, if nothing failed since the last success; else it is over.
    """

    bucket: int = 0
    good: int = 0
    bad: int = 0
    older: tuple[tuple[int, int, int], ...] = ()
    row: int = 0
    open_s: float = 0.0
    closed_s: float = -math.inf
    ends_s: float = -math.inf


def after_good(breaker: Breaker, policy: BreakerPolicy, now_s: float) -> Breaker:
    """Count an answer of a closed breaker. Until the new value's `ends_s` one more is only `good += 1`."""
    now_bucket = int(now_s * BUCKETS / policy.window_s)
    if now_bucket == breaker.bucket:
        good, bad, older = breaker.good + 1, breaker.bad, breaker.older
    else:
        good, bad, older = 1, 0, _still_in_window(breaker, now_bucket)
    ends_s = (now_bucket + 1) * policy.window_s / BUCKETS
    return Breaker(now_bucket, good, bad, older, 0, breaker.open_s, breaker.closed_s, ends_s)


def after_closing(breaker: Breaker, now_s: float) -> Breaker:
    """Close an open breaker; its window starts empty."""
    return Breaker(open_s=breaker.open_s, closed_s=now_s)


def after_bad(breaker: Breaker, policy: BreakerPolicy, now_s: float, *, is_open: bool) -> tuple[Breaker, float | None]:
    """Count a failure.

    Args:
        is_open: It was open or half-open: this is the failure of its probe.

    Returns:
        The new breaker, and for how many seconds it opens; None when it stays closed.
    """
    now_bucket = int(now_s * BUCKETS / policy.window_s)
    if now_bucket == breaker.bucket:
        good, bad, older = breaker.good, breaker.bad + 1, breaker.older
    else:
        good, bad, older = 0, 1, _still_in_window(breaker, now_bucket)
    row = breaker.row + 1
    all_bad = bad + sum(bucket[2] for bucket in older)
    total = all_bad + good + sum(bucket[1] for bucket in older)
    is_bad_share = total >= policy.min_requests and all_bad >= policy.failure_ratio * total
    if not (is_open or is_bad_share or row >= policy.consecutive):
        return Breaker(now_bucket, good, bad, older, row, breaker.open_s, breaker.closed_s), None
    is_again = is_open or now_s - breaker.closed_s <= policy.max_open_s
    open_s = min(2 * breaker.open_s, policy.max_open_s) if is_again and breaker.open_s else policy.open_s
    return Breaker(open_s=open_s, closed_s=breaker.closed_s), open_s


def _still_in_window(breaker: Breaker, now_bucket: int) -> tuple[tuple[int, int, int], ...]:
    buckets = (*breaker.older, (breaker.bucket, breaker.good, breaker.bad))
    return tuple(bucket for bucket in buckets if now_bucket - BUCKETS < bucket[0] < now_bucket)
