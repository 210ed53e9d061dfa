"""From what client keys have used to what an operator is shown: JSON's terms, money as decimal text, never a key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from proxy.core.money import usd
from proxy.core.snapshot import NO_LIMITS, ClientKey
from proxy.routing.budget import DAY, MONTH, Books, Window, find, period_end_s, period_of
from proxy.routing.keylimits import KeyUse, requests_left, tokens_left

_UNUSED = KeyUse()


def key_rows(
    uses: Mapping[str, KeyUse], keys: Iterable[ClientKey], now_s: float, wall_s: float, *, is_restored: bool
) -> list[dict[str, object]]:
    """Describe how far each key has used its limits, by name; keys without limits are left out.

    Args:
        keys: Those of the snapshot. One whose old and new secret are both valid comes up twice and is shown once.
        now_s: Monotonic. `wall_s`: Unix time.
        is_restored: What was spent before the process began is known; until then spend is null, which is not 0.
    """
    limited = {key.name: key for key in keys if key.limits is not NO_LIMITS}
    rows = [(limited[name], uses.get(name, _UNUSED)) for name in sorted(limited)]
    return [_row(key, use, now_s, wall_s, is_restored=is_restored) for key, use in rows]


def _row(key: ClientKey, use: KeyUse, now_s: float, wall_s: float, *, is_restored: bool) -> dict[str, object]:
    limits = key.limits
    parallel = None if limits.parallel is None else {"limit": limits.parallel, "used": use.in_flight}
    budgets = ((DAY, limits.day_nusd, use.days), (MONTH, limits.month_nusd, use.months))
    return {
        "key": key.name,
        "requests": _pace(requests_left(use, limits, now_s)),
        "tokens": _pace(tokens_left(use, limits, now_s)),
        "parallel": parallel,
        "budgets": [
            _budget(name, allowed, books, wall_s, is_restored=is_restored)
            for name, allowed, books in budgets
            if allowed is not None
        ],
    }


def _pace(left: tuple[int, int, float] | None) -> dict[str, object] | None:
    if left is None:
        return None
    limit, remaining, reset_s = left
    return {"limit": limit, "remaining": remaining, "resets_s": round(reset_s, 1)}


def _budget(budget: str, allowed_nusd: int, books: Books, wall_s: float, *, is_restored: bool) -> dict[str, object]:
    period = period_of(budget, wall_s)
    window = find(books, period) or Window()
    return {
        "budget": budget,
        "limit_usd": usd(allowed_nusd),
        "spent_usd": usd(window.spent_nusd) if is_restored else None,
        "reserved_usd": usd(window.reserved_nusd),
        "resets_at": f"{datetime.fromtimestamp(period_end_s(budget, period), UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
