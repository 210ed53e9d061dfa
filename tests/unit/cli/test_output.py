"""Times as a person reads them."""

from __future__ import annotations

import pytest

from proxy.cli.output import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(-1.0, "0s", id="past"),
        pytest.param(7.6, "8s", id="seconds"),
        pytest.param(60.0, "1m", id="whole-minute"),
        pytest.param(200.0, "3m 20s", id="minutes"),
        pytest.param(7500.0, "2h 5m", id="hours"),
        pytest.param(86_400 * 3 + 4 * 3600, "3d 4h", id="days"),
    ],
)
def test_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
