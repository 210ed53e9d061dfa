"""The databases of these tests: see `tests.fakes.databases`."""

from tests.fakes.databases import database_url, databases, empty_database_url, postgres, stoppable_postgres

__all__ = ["database_url", "databases", "empty_database_url", "postgres", "stoppable_postgres"]
