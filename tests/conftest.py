"""What holds for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Each test has its own 20 s; that a busy machine takes long over one example, or over making one, says nothing.
settings.register_profile("busy", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
