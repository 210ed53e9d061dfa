"""The straight line of a request: resolve, plan, claim, attempt, relay, account. Thin; decides nothing itself."""
