"""How a database comes to `proxy.store.tables` from any earlier version, and back. Run by `proxy.store.migrate` alone.

Holds the names of all revisions, so that nobody needs Alembic to see that a database is up to date.
"""

VERSION_TABLE = "fairlead_version"
REVISIONS = ("0001", "0002")  # oldest first
