"""Prometheus series and JSON logs. Labels come from configured names only."""
