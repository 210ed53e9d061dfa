"""Framing without meaning: server-sent events, AWS frames, WebSockets, JSON bodies, forms, header lists. Pure."""
