"""The operator edge: state and explanations of routing. Denies by default; every route needs the admin token."""
