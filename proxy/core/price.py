"""What tokens of one upstream model cost: integer pico-dollars (1e-12 USD) a token, by class, tier and service tier.

Values only: `pricing.catalog` finds them, `pricing.cost` multiplies. One USD per million tokens is 1,000,000
pico-dollars a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct


class Rate(Struct, frozen=True, gc=False):
    """Pico-dollars a token. `steps`: from a prompt of so many tokens on, another rate holds for all tokens."""

    pusd: int
    steps: tuple[tuple[int, int], ...] = ()  # (prompt tokens above which it holds, pico-dollars), ascending


class TokenRates(Struct, frozen=True, gc=False):
    """The rates of one service tier; None = unknown, and then the class above it counts (see `pricing.cost`)."""

    input: Rate | None = None
    output: Rate | None = None
    cached_input: Rate | None = None
    cache_write: Rate | None = None
    cache_write_1h: Rate | None = None
    audio_input: Rate | None = None
    audio_output: Rate | None = None


def usd_per_mtok(pusd: int) -> str:
    """Write pico-dollars a token as USD per million tokens: exact, without an exponent."""
    whole, part = divmod(pusd, 1_000_000)
    return f"{whole}.{part:06d}".rstrip("0").rstrip(".")


NO_TIERS: Mapping[str, TokenRates] = MappingProxyType({})


class Price(Struct, frozen=True, eq=False):
    """A model's price.

    Attributes:
        source: Where it comes from, as the ledger keeps it: "configured", "catalog 2026-11-20", "reported".
        standard: Rates of the usual tier.
        tiers: Rates of other service tiers, by the name that answers carry: "batch", "flex", "priority".
        request_nusd: Charged for each request beside the tokens.
        search_nusd: Charged for each search that an answer counts; None = unknown.
        changes: Prices that take its place at other times; the last that holds does (see `pricing.cost.price_at`).
    """

    source: str
    standard: TokenRates
    tiers: Mapping[str, TokenRates] = NO_TIERS
    request_nusd: int = 0
    changes: tuple[Change, ...] = ()
    search_nusd: int | None = None


class Change(Struct, frozen=True, eq=False):
    """Another price from a moment on. `hours`: only between these seconds of each UTC day; None = all day."""

    price: Price
    from_s: float = 0.0  # Unix time
    hours: tuple[int, int] | None = None


class Cost(Struct, frozen=True, gc=False):
    """What one request cost: nano-dollars (1e-9 USD), and by which price."""

    nusd: int
    source: str
