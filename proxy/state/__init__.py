"""Shared counters behind the `SharedState` port: cooldowns, breakers, rotation, limits."""
