"""A deterministic, scriptable upstream (an ASGI app of its own) for the demo, tests and the bench."""
