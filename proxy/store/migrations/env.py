"""What Alembic runs: every step that is due, on the connection and in the transaction that `migrate` hands in."""

from __future__ import annotations

from alembic import context

from proxy.store.migrations import VERSION_TABLE
from proxy.store.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=connection.dialect.name == "sqlite",  # it can alter a table only by making it anew
)
context.run_migrations()
