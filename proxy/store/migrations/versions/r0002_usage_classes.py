"""Searches and tokens cached for an hour, with each request; these and sound in the sums too.

What was recorded before has its sound added up from the requests that are still kept. The rest nobody wrote down: NULL
with a request, nothing in a sum.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_REQUESTS = ("cache_write_1h_tokens", "searches")
_SUMS = ("cache_write_1h_tokens", "audio_input_tokens", "audio_output_tokens", "searches")
_MOMENTS = {"hours": "hour_h", "days": "day_d"}
# `source` gives each sum's moment; both are read once, whatever their size.
_ADD_UP = """
UPDATE {table} SET audio_input_tokens = found.heard, audio_output_tokens = found.spoken
FROM (
    SELECT {moment} AS moment, provider, upstream_model, model, key, tags,
        sum(audio_input_tokens) AS heard, sum(audio_output_tokens) AS spoken
    FROM {source}
    WHERE audio_input_tokens > 0 OR audio_output_tokens > 0
    GROUP BY 1, 2, 3, 4, 5, 6
) AS found
WHERE {table}.{column} = found.moment AND {table}.provider = found.provider
    AND {table}.upstream_model = found.upstream_model AND {table}.model = found.model
    AND {table}.key = found.key AND {table}.tags = found.tags
"""


def upgrade() -> None:
    with op.batch_alter_table("requests") as table:
        for name in _REQUESTS:
            table.add_column(sa.Column(name, sa.BigInteger))
    for sums in _MOMENTS:
        with op.batch_alter_table(sums) as table:
            for name in _SUMS:
                table.add_column(sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.execute(_ADD_UP.format(table="hours", column="hour_h", source="requests", moment="started_us / 3600000000"))
    op.execute(_ADD_UP.format(table="days", column="day_d", source="hours", moment="hour_h / 24"))
    has_rare = sa.text(f"{' + '.join(_SUMS)} > 0")
    for sums, moment in _MOMENTS.items():
        op.create_index(f"ix_{sums}_rare", sums, [moment], sqlite_where=has_rare, postgresql_where=has_rare)


def downgrade() -> None:
    for sums in _MOMENTS:
        op.drop_index(f"ix_{sums}_rare", sums)
    for name, columns in (("days", _SUMS), ("hours", _SUMS), ("requests", _REQUESTS)):
        with op.batch_alter_table(name) as table:
            for column in columns:
                table.drop_column(column)
