"""Prices as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.price import usd_per_mtok


@pytest.mark.parametrize(
    ("pusd", "text"),
    [(0, "0"), (1, "0.000001"), (150_000, "0.15"), (2_500_000, "2.5"), (10_000_000, "10"), (100_000_000, "100")],
)
def test_pico_dollars_a_token_are_usd_per_million(pusd: int, text: str) -> None:
    assert usd_per_mtok(pusd) == text


@given(st.integers(0, 10**12))
def test_no_digit_is_lost(pusd: int) -> None:
    assert Decimal(usd_per_mtok(pusd)) * 10**6 == pusd
