"""Everything kept on disk. Holds `kept` (state.json); the database and the ledger arrive with the money features."""
