"""Every test of the store has a real database: see `tests.fakes.databases`."""

from tests.fakes.databases import (
    database,
    database_url,
    databases,
    empty_database_url,
    postgres,
    stoppable_postgres,
)

__all__ = ["database", "database_url", "databases", "empty_database_url", "postgres", "stoppable_postgres"]
