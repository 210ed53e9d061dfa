"""Why a command ends with exit code 2 although the configuration is readable: one line a reason."""

from __future__ import annotations

REFUSED = 2  # the exit code


class Refusal(Exception):
    """Ends a command. Each line says what is wrong and what to do; it is printed after `error: `."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
