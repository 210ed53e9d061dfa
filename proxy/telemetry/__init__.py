"""Prometheus series, JSON logs and operator alerts. Labels come from configured names only."""
