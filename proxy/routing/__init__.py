"""Which candidate serves a request, and what to do when one fails. Pure: clock and randomness are arguments."""
