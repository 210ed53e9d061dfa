"""Nano-dollars (1e-9 USD) as people read them."""

from __future__ import annotations


def usd(nusd: int) -> str:
    """Write an amount in USD: exact, with two digits after the point or as many as it has: "5.00", "0.000125"."""
    sign, amount = ("-", -nusd) if nusd < 0 else ("", nusd)
    whole, part = divmod(amount, 1_000_000_000)
    digits = f"{part:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{digits}"
