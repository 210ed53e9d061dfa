"""Whether Ollama runs on this machine: what discovery asks without a file. Connects, and sends nothing."""

from __future__ import annotations

import socket

from proxy.settings.discover import OLLAMA_PORT

ADDRESS = ("127.0.0.1", OLLAMA_PORT)
TIMEOUT_S = 0.2


def ollama_answers(address: tuple[str, int] = ADDRESS) -> bool:
    """Tell whether something accepts connections there; takes `TIMEOUT_S` at most."""
    try:
        with socket.create_connection(address, TIMEOUT_S):
            return True
    except OSError:
        return False
