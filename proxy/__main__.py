"""The `fairlead` command. Answers `--version` itself, without importing anything; the rest is `proxy.cli`."""

from __future__ import annotations

import os
import signal
import sys

from proxy import __version__


def main() -> int:
    """Run the command line of this process and return its exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"fairlead {__version__}\n")
        return 0
    if os.getpid() == 1:  # of a container: Linux spares process 1 the signals that it has no handler for
        signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
    from proxy.cli.main import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
