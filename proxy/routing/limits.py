"""A provider's own rpm and tpm limits by the generic cell rate algorithm: one number a limit, no windows.

The number is when, at the limit's pace, all that was taken so far will have been paid for. A minute's worth may be
taken at once. Pure: the caller keeps the number and passes the time (monotonic seconds).
"""

from __future__ import annotations

BURST_S = 60.0
ROUNDING_S = 0.001  # forgives what floating point adds


def charge(paid_at_s: float, now_s: float, amount: float, per_minute: int) -> float:
    """Take an amount and return the new number. A negative amount gives back what was taken too much."""
    return (paid_at_s if paid_at_s > now_s else now_s) + amount * BURST_S / per_minute


def at_pace(paid_at_s: float, now_s: float, was: int, per_minute: int) -> float:
    """Return the number for as much at another pace, when a limit has changed."""
    if was == per_minute or paid_at_s <= now_s:
        return paid_at_s
    return now_s + (paid_at_s - now_s) * was / per_minute


def free_at_s(paid_at_s: float, per_minute: int) -> float:
    """Return when one more may be taken.

    How many tokens a request takes is not known before: it is admitted while one is left, and may take the limit into
    debt, which is paid off before the next is admitted.
    """
    return paid_at_s + BURST_S / per_minute - BURST_S - ROUNDING_S
