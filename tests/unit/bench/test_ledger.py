"""The made-up month of the ledger's benchmark, and how its figures are judged."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from bench.ledger import Row, table
from bench.ledger_rows import Month, records

MONTH = Month(rows=7000, since_h=480_000, days=2, keys=5, models=3)


def test_month_has_its_requests_in_the_order_of_time_and_each_once() -> None:
    found = list(records(MONTH))
    assert len({record.request_id for record in found}) == MONTH.rows
    assert all(before.request_id[:16] <= after.request_id[:16] for before, after in pairwise(found))
    assert {int(record.started_at_s // 3600) - MONTH.since_h for record in found} == set(range(48))


@pytest.mark.parametrize(("is_even", "ratio"), [(False, 4.0), (True, 1.2)], ids=["uneven", "even"])
def test_keys_are_as_busy_as_asked(is_even: bool, ratio: float) -> None:
    month = Month(MONTH.rows, MONTH.since_h, keys=5, models=3, is_even=is_even)
    counts = Counter(record.key for record in records(month)).most_common()
    assert len(counts) == 5
    assert abs(counts[0][1] / counts[-1][1] - ratio) < 0.3


@pytest.mark.parametrize(
    ("row", "line"),
    [
        pytest.param(
            Row("report", 120.0, 100.0, bar=200.0), "| report | 120.0 ms | 100.0 ms | ≤ 200 | bar met |", id="met"
        ),
        pytest.param(Row("report", 201.0, bar=200.0), "| report | 201.0 ms |  | ≤ 200 | **missed** |", id="missed"),
        pytest.param(Row("loading", 20.0, 9.0, "µs"), "| loading | 20.0 µs | 9.0 µs |  |  |", id="no-bar"),
    ],
)
def test_figure_is_judged_by_its_bar(row: Row, line: str) -> None:
    assert str(row) == line
    assert line in table([row], MONTH, "counts")
