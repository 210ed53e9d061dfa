"""Every table of the database, for SQLAlchemy Core. The migrations bring a database to this; nothing else defines it.

Times are Unix time: `_us` microseconds, `_h` whole hours, `_d` whole days. Money is nano-dollars (1e-9 USD). Lists and
objects are JSON text. `keys.name` is what the ledger calls a client key, whether it comes from the file or from here.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, text

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

REQUESTS = Table(
    "requests",
    METADATA,
    Column("request_id", String(48), primary_key=True),  # a UUIDv7: sorts by time
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger, nullable=False),
    Column("endpoint", String(32), nullable=False),
    Column("model", String(256), nullable=False),
    Column("provider", String(128), nullable=False),
    Column("upstream_model", String(256), nullable=False),
    Column("key", String(128), nullable=False),
    Column("tags", Text, nullable=False),  # sorted, each once
    Column("stream", Boolean, nullable=False),
    Column("end", String(16), nullable=False),
    Column("status", Integer, nullable=False),
    Column("error", String(64), nullable=False),
    Column("first_token_us", BigInteger),  # microseconds since the start
    Column("prompt_tokens", BigInteger),  # NULL, as all counts: no usage at all
    Column("completion_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("cache_write_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("audio_input_tokens", BigInteger),
    Column("audio_output_tokens", BigInteger),
    Column("service_tier", String(32), nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("cost_nusd", BigInteger),  # NULL: unknown, never 0 for that
    Column("price", String(64), nullable=False),
    Column("attempts", Text, nullable=False),
    Column("cache_write_1h_tokens", BigInteger),  # NULL in what was recorded before revision 0002, too: not known
    Column("searches", BigInteger),
    Index("ix_requests_key", "key", "request_id"),
)


_RARE = ("cache_write_1h_tokens", "audio_input_tokens", "audio_output_tokens", "searches")  # since revision 0002
HAS_RARE = text(f"{' + '.join(_RARE)} > 0")  # as a query must say it for an index of such rows to be of use


def _sums(name: str, moment: str, *indexes: Index) -> Table:
    """One row for each span of time and each combination that occurred in it."""
    return Table(
        name,
        METADATA,
        Column(moment, Integer, primary_key=True),
        Column("provider", String(128), primary_key=True),
        Column("upstream_model", String(256), primary_key=True),
        Column("model", String(256), primary_key=True),
        Column("key", String(128), primary_key=True),
        Column("tags", Text, primary_key=True),
        Column("requests", BigInteger, nullable=False),
        Column("failed", BigInteger, nullable=False),  # end other than "ok"
        Column("estimated", BigInteger, nullable=False),
        Column("unpriced", BigInteger, nullable=False),  # with usage, without a cost
        Column("prompt_tokens", BigInteger, nullable=False),
        Column("completion_tokens", BigInteger, nullable=False),
        Column("cached_tokens", BigInteger, nullable=False),
        Column("cache_write_tokens", BigInteger, nullable=False),
        Column("reasoning_tokens", BigInteger, nullable=False),
        Column("cost_nusd", BigInteger, nullable=False),
        # With a default, for replicas of an earlier release that go on writing while the first new one is there.
        *[Column(name, BigInteger, nullable=False, server_default="0") for name in _RARE],
        *indexes,
        Index(f"ix_{name}_rare", moment, sqlite_where=HAS_RARE, postgresql_where=HAS_RARE),
        sqlite_with_rowid=False,  # rows lie in the key itself: half the disk, and quicker to add up
    )


# What reports read. The same requests are in both, written in the same transaction: with many keys an hour has almost
# a row for each request, and a month of hours is too slow to add up.
HOURS = _sums("hours", "hour_h", Index("ix_hours_key", "key", "hour_h"))
DAYS = _sums("days", "day_d")  # whole days since 1970, UTC

KEYS = Table(
    "keys",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("revoked_us", BigInteger),
    Column("owner", String(256), nullable=False),
    Column("settings", Text, nullable=False),  # JSON: models, providers, tags, limits
)

# A key has one secret, and for the grace period of a rotation two.
KEY_SECRETS = Table(
    "key_secrets",
    METADATA,
    Column("hmac", String(64), primary_key=True),  # HMAC-SHA-256 in hex; the key itself is nowhere
    Column("key", String(128), ForeignKey("keys.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("hint", String(16), nullable=False),  # the key's first characters, to recognise it by
    Column("created_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger),
)

# Each budget alert is sent once a period.
BUDGET_ALERTS = Table(
    "budget_alerts",
    METADATA,
    Column("key", String(128), primary_key=True),
    Column("budget", String(8), primary_key=True),  # "day" or "month"
    Column("period", Integer, primary_key=True),  # days or months since 1970, UTC
    Column("percent", Integer, primary_key=True),
    Column("raised_us", BigInteger, nullable=False),
)

# Numbers that rise whenever something changes that running servers must notice.
VERSIONS = Table(
    "versions",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
