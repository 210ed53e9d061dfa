"""TypedDicts of each vendor's JSON, no logic. Arrives with the dialects."""
