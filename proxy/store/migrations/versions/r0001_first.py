"""The first tables: requests and their sums by hour and day, client keys, budget alerts, version numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_requests()
    _create_sums("hours", "hour_h")
    op.create_index("ix_hours_key", "hours", ["key", "hour_h"])
    _create_sums("days", "day_d")
    op.create_table(
        "keys",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger),
        sa.Column("revoked_us", sa.BigInteger),
        sa.Column("owner", sa.String(256), nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_keys"),
    )
    op.create_table(
        "key_secrets",
        sa.Column("hmac", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("ends_us", sa.BigInteger),
        sa.ForeignKeyConstraint(["key"], ["keys.name"], name="fk_key_secrets_key_keys", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hmac", name="pk_key_secrets"),
    )
    op.create_index("ix_key_secrets_key", "key_secrets", ["key"])
    op.create_table(
        "budget_alerts",
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("budget", sa.String(8), nullable=False),
        sa.Column("period", sa.Integer, nullable=False),
        sa.Column("percent", sa.Integer, nullable=False),
        sa.Column("raised_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", "budget", "period", "percent", name="pk_budget_alerts"),
    )
    op.create_table(
        "versions",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_versions"),
    )


def _create_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("request_id", sa.String(48), nullable=False),
        sa.Column("started_us", sa.BigInteger, nullable=False),
        sa.Column("ended_us", sa.BigInteger, nullable=False),
        sa.Column("endpoint", sa.String(32), nullable=False),
        sa.Column("model", sa.String(256), nullable=False),
        sa.Column("provider", sa.String(128), nullable=False),
        sa.Column("upstream_model", sa.String(256), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("stream", sa.Boolean, nullable=False),
        sa.Column("end", sa.String(16), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("error", sa.String(64), nullable=False),
        sa.Column("first_token_us", sa.BigInteger),
        sa.Column("prompt_tokens", sa.BigInteger),
        sa.Column("completion_tokens", sa.BigInteger),
        sa.Column("cached_tokens", sa.BigInteger),
        sa.Column("cache_write_tokens", sa.BigInteger),
        sa.Column("reasoning_tokens", sa.BigInteger),
        sa.Column("audio_input_tokens", sa.BigInteger),
        sa.Column("audio_output_tokens", sa.BigInteger),
        sa.Column("service_tier", sa.String(32), nullable=False),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.Column("cost_nusd", sa.BigInteger),
        sa.Column("price", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("request_id", name="pk_requests"),
    )
    op.create_index("ix_requests_key", "requests", ["key", "request_id"])


def downgrade() -> None:
    for table in ("versions", "budget_alerts", "key_secrets", "keys", "days", "hours", "requests"):
        op.drop_table(table)


def _create_sums(name: str, moment: str) -> None:
    op.create_table(
        name,
        sa.Column(moment, sa.Integer, nullable=False),
        sa.Column("provider", sa.String(128), nullable=False),
        sa.Column("upstream_model", sa.String(256), nullable=False),
        sa.Column("model", sa.String(256), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("estimated", sa.BigInteger, nullable=False),
        sa.Column("unpriced", sa.BigInteger, nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
        sa.Column("completion_tokens", sa.BigInteger, nullable=False),
        sa.Column("cached_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_write_tokens", sa.BigInteger, nullable=False),
        sa.Column("reasoning_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_nusd", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(moment, "provider", "upstream_model", "model", "key", "tags", name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )
