"""From a stored client key to what an operator is shown of it: a row of a table, or JSON. Never a hash."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from proxy.core.money import usd

if TYPE_CHECKING:
    from proxy.core.snapshot import ClientKey, KeyLimits
    from proxy.store.keys import KeyRow, SecretRow

COLUMNS = ("name", "hint", "owner", "created", "expires", "revoked", "limits")
BROKEN = "its settings cannot be read, so it is refused: revoke it and make another"


def as_cells(row: KeyRow, now_us: int) -> tuple[object, ...]:
    """One line of the table `COLUMNS`; secrets that have ended are left out."""
    key = row.key
    living = [secret for secret in row.secrets if secret.ends_us is None or secret.ends_us > now_us]
    hints = ", ".join(_hint(secret, None if row.revoked_us else secret.ends_us) for secret in living)
    limits = BROKEN if row.is_broken else ", ".join(_rights(key))
    return (
        key.name,
        hints,
        key.owner,
        _minute(row.created_us),
        _minute(_expires_us(key)),
        _minute(row.revoked_us),
        limits,
    )


def as_object(row: KeyRow) -> dict[str, object]:
    """The same for programs, with every secret; times as ISO 8601 in UTC, money as decimal text."""
    key = row.key
    shown: dict[str, object] = {
        "name": key.name,
        "owner": key.owner,
        "tags": key.tags,
        "models": key.models,
        "providers": key.providers,
        "limits": _limits(key.limits),
        "created_at": moment(row.created_us),
        "expires_at": moment(_expires_us(key)),
        "revoked_at": moment(row.revoked_us),
        "secrets": [
            {"hint": secret.hint, "created_at": moment(secret.created_us), "ends_at": moment(secret.ends_us)}
            for secret in row.secrets
        ],
    }
    return shown | ({"broken": BROKEN} if row.is_broken else {})


def moment(us: int | None) -> str | None:
    """A time as people and programs read it: ISO 8601 in UTC, whole seconds."""
    if us is None:
        return None
    return datetime.fromtimestamp(us // 1_000_000, UTC).isoformat().replace("+00:00", "Z")


def _hint(secret: SecretRow, until_us: int | None) -> str:
    return f"{secret.hint}…" + (f" until {_minute(until_us)}" if until_us is not None else "")


def _minute(us: int | None) -> str | None:
    shown = moment(us)
    return shown and shown[:16].replace("T", " ")


def _expires_us(key: ClientKey) -> int | None:
    return None if key.expires_at_s is None else round(key.expires_at_s * 1_000_000)


def _limits(limits: KeyLimits) -> dict[str, object]:
    return {
        "rpm": limits.rpm,
        "tpm": limits.tpm,
        "parallel": limits.parallel,
        "budget_usd_day": _usd(limits.day_nusd),
        "budget_usd_month": _usd(limits.month_nusd),
        "allow_unpriced": limits.allow_unpriced,
    }


def _rights(key: ClientKey) -> list[str]:
    """The bounds of a key, in words."""
    limits = key.limits
    counted = [
        (limits.rpm, "rpm"),
        (limits.tpm, "tpm"),
        (limits.parallel, "at once"),
        (_usd(limits.day_nusd), "USD a day"),
        (_usd(limits.month_nusd), "USD a month"),
        ("unpriced models" if limits.allow_unpriced else None, "too"),
    ]
    named = (("models", key.models), ("providers", key.providers), ("tags", key.tags))
    words = [f"{value} {unit}" for value, unit in counted if value is not None]
    return words + [f"{name} {' '.join(values)}" for name, values in named if values]


def _usd(nusd: int | None) -> str | None:
    return None if nusd is None else usd(nusd)
