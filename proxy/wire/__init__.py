"""Framing without meaning: server-sent events, JSON bodies, header lists. Pure."""
