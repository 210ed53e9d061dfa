from __future__ import annotations

import pytest

from proxy.core.money import usd


@pytest.mark.parametrize(
    ("nusd", "text"),
    [
        pytest.param(0, "0.00", id="nothing"),
        pytest.param(5_000_000_000, "5.00", id="whole"),
        pytest.param(1_500_000_000, "1.50", id="cents"),
        pytest.param(125_000, "0.000125", id="all-its-digits"),
        pytest.param(1, "0.000000001", id="the-smallest"),
        pytest.param(-1_250_000_000, "-1.25", id="negative"),
        pytest.param(123_456_789_012_345_678, "123456789.012345678", id="more-digits-than-a-float-holds"),
    ],
)
def test_an_amount_is_written_exactly(nusd: int, text: str) -> None:
    assert usd(nusd) == text
