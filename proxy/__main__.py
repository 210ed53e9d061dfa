"""The `fairlead` command. Answers `--version` itself, without importing anything; the rest is `proxy.cli`."""

from __future__ import annotations

import sys

from proxy import __version__


def main() -> int:
    """Run the command line of this process and return its exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"fairlead {__version__}\n")
        return 0
    from proxy.cli.main import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
