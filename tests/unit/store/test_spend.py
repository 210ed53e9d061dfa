from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proxy.store.spend import open_windows


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        pytest.param("2026-11-18T12:26:40", "2026-11-18", "2026-11-01", id="in-a-month"),
        pytest.param("2026-11-01T00:00:00", "2026-11-01", "2026-11-01", id="first-moment"),
        pytest.param("2028-02-29T23:59:59.999", "2028-02-29", "2028-02-01", id="last-moment"),
    ],
)
def test_windows_are_those_of_utc(now: str, day: str, month: str) -> None:
    def day_of(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // 86_400

    assert open_windows(datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp()) == (day_of(day), day_of(month))
