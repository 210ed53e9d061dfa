"""Small prices for tests, written as people write them: USD per million tokens."""

from __future__ import annotations

from decimal import Decimal

from proxy.core.price import Price, Rate, TokenRates
from proxy.pricing.published import pusd


def rates(**usd_per_mtok: str | None) -> TokenRates:
    return TokenRates(**{name: Rate(pusd(Decimal(usd))) for name, usd in usd_per_mtok.items() if usd is not None})


def flat_price(input_usd: str | None = None, output_usd: str | None = None, cached_usd: str | None = None) -> Price:
    """A configured price without tiers and steps."""
    return Price("configured", rates(input=input_usd, output=output_usd, cached_input=cached_usd))
