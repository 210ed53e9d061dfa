"""Run the gateway so that signals make it tell what only it knows. For `bench.profile` and `bench.soak`.

Run as `python -m bench.inside FILE serve ...`. SIGUSR2 appends the number of asyncio tasks to FILE. SIGUSR1 starts a
profile, and the next one ends it and writes it to FILE; so neither start-up nor shutdown is part of it.
"""

from __future__ import annotations

import asyncio
import cProfile
import runpy
import signal
import sys
from pathlib import Path
from types import FrameType


class Inside:
    """The handlers run in the loop's thread between two bytecodes, so the running loop is the gateway's."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.profile: cProfile.Profile | None = None

    def count(self, _signal: int, _frame: FrameType | None) -> None:
        with self.file.open("a") as sink:
            sink.write(f"{len(asyncio.all_tasks())}\n")

    def toggle(self, _signal: int, _frame: FrameType | None) -> None:
        if self.profile is None:
            self.profile = cProfile.Profile()
            self.profile.enable()
            return
        self.profile.disable()
        # Renamed into place: a reader sees a whole file or none.
        whole = self.file.with_suffix(".partial")
        self.profile.dump_stats(whole)
        whole.rename(self.file)
        self.profile = None


def main() -> None:
    """Install the handlers and become the gateway."""
    inside = Inside(Path(sys.argv.pop(1)))
    signal.signal(signal.SIGUSR1, inside.toggle)
    signal.signal(signal.SIGUSR2, inside.count)
    runpy.run_module("proxy", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
