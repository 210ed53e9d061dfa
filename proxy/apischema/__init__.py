"""TypedDicts of each vendor's JSON, no logic."""
