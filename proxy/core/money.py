"""Nano-dollars (1e-9 USD): how many make a dollar, and an amount of them as people read it."""

from __future__ import annotations

NUSD_PER_USD = 10**9


def usd(nusd: int) -> str:
    """Write an amount in USD: exact, with two digits after the point or as many as it has: "5.00", "0.000125"."""
    if nusd < 0:
        return "-" + usd(-nusd)
    digits = str(nusd).zfill(10)
    return f"{digits[:-9]}.{digits[-9:-7]}{digits[-7:].rstrip('0')}"
