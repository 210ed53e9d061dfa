"""Frozen values that every layer speaks of, and the ports between layers. Imports nothing of this package."""
