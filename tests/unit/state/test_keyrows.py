from __future__ import annotations

import msgspec
import pytest

from proxy.core.snapshot import ClientKey, KeyLimits
from proxy.routing.budget import Books, Window, day_of, month_of
from proxy.routing.keylimits import KeyUse
from proxy.state.keyrows import key_rows

NOW_S = 1_000.0
WALL_S = 1_795_176_000.0  # 2026-11-20T12:00:00Z
DAY = day_of(WALL_S)
USD = 1_000_000_000
FULL = KeyLimits(rpm=60, tpm=1_000, parallel=3, day_nusd=5 * USD, month_nusd=100 * USD)


def test_a_key_is_shown_with_all_that_it_has_used() -> None:
    use = KeyUse(
        rpm_paid_at_s=NOW_S + 2.0,
        rpm=60,
        in_flight=1,
        days=Books(Window(DAY - 1, 9 * USD), Window(DAY, USD, USD // 4)),
        months=Books(Window(month_of(DAY), 30 * USD)),
    )
    assert key_rows({"ci": use}, [ClientKey("ci", limits=FULL)], NOW_S, WALL_S, is_restored=True) == [
        {
            "key": "ci",
            "requests": {"limit": 60, "remaining": 58, "resets_s": pytest.approx(2.0)},
            "tokens": {"limit": 1_000, "remaining": 1_000, "resets_s": 0.0},
            "parallel": {"limit": 3, "used": 1},
            "budgets": [
                {
                    "budget": "day",
                    "limit_usd": "5.00",
                    "spent_usd": "1.00",
                    "reserved_usd": "0.25",
                    "resets_at": "2026-11-21T00:00:00Z",
                },
                {
                    "budget": "month",
                    "limit_usd": "100.00",
                    "spent_usd": "30.00",
                    "reserved_usd": "0.00",
                    "resets_at": "2026-12-01T00:00:00Z",
                },
            ],
        }
    ]


def test_keys_are_listed_by_name_once_and_only_those_with_limits() -> None:
    keys = [ClientKey(name, limits=KeyLimits(rpm=1)) for name in ("b", "a", "b")]
    rows = key_rows({"free": KeyUse(in_flight=5)}, [*keys, ClientKey("free")], NOW_S, WALL_S, is_restored=True)
    assert [row["key"] for row in rows] == ["a", "b"]
    assert (rows[0]["tokens"], rows[0]["parallel"], rows[0]["budgets"]) == (None, None, [])


def test_rows_are_json() -> None:
    assert msgspec.json.encode(key_rows({}, [ClientKey("ci", limits=FULL)], NOW_S, WALL_S, is_restored=True))


def test_spend_that_is_not_known_yet_is_null_and_not_nothing() -> None:
    (row,) = key_rows({}, [ClientKey("ci", limits=FULL)], NOW_S, WALL_S, is_restored=False)
    budgets = row["budgets"]
    assert isinstance(budgets, list)
    assert [budget["spent_usd"] for budget in budgets] == [None, None]
