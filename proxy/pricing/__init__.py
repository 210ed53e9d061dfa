"""From usage to money. Arrives with the ledger; prices of the configuration live in the snapshot."""
