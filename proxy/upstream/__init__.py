"""The only network client: two transports behind one seam, tokens of clouds, local processes, probes."""

import sys

# httpx imports its own command line where it can, and with it rich and Pygments: 4 MB of every process, 50 ms of every
# start, for a program that nobody here calls. Where it cannot be imported, httpx does without.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # None is how Python says so
