"""Run the gateway so that SIGUSR2 makes it append the number of its asyncio tasks to a file. For `bench.soak` only.

Run as `python -m bench.counted FILE serve ...`.
"""

from __future__ import annotations

import asyncio
import runpy
import signal
import sys
from pathlib import Path
from types import FrameType


def main() -> None:
    """Install the handler and become the gateway."""
    counts = Path(sys.argv.pop(1))

    def count(_signal: int, _frame: FrameType | None) -> None:
        # The handler runs in the loop's thread between two bytecodes, so the running loop is the gateway's.
        with counts.open("a") as sink:
            sink.write(f"{len(asyncio.all_tasks())}\n")

    signal.signal(signal.SIGUSR2, count)
    runpy.run_module("proxy", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
