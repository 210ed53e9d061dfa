"""Everything kept on disk: the database with client keys and ledger, the spool before it, and `kept` (state.json)."""
