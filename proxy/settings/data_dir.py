"""The folder that holds what survives a restart: where it is, and whether it can be written.

`resolve_data_dir` is pure; `doubted_data_dir` looks, `open_data_dir` makes the folder. Nothing in it is ever read here.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from proxy.core.errors import ConfigError
from proxy.core.snapshot import Problem, Snapshot

USUAL = "~/.local/state/fairlead"
_EXPECTED = "a folder to keep state in"

_LOG = logging.getLogger("fairlead.config")


def resolve_data_dir(written: str | None, environ: Mapping[str, str]) -> str:
    """Name the folder: the one that was written, else the usual one; `~/` is the home folder."""
    folder = written or USUAL
    return str(Path(environ.get("HOME") or "/", folder[2:])) if folder.startswith("~/") else folder


def doubted_data_dir(folder: str, where: str) -> Problem | None:
    """Say whether a start by this user could hardly write to the folder; makes nothing."""
    path = Path(folder)
    existing = next((each for each in (path, *path.absolute().parents) if each.exists()), path)
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return None
    found = "a folder that this user cannot make or write to"
    return Problem(where, found, _EXPECTED, "see that the gateway's user can", fatal=False, warning=True)


def open_data_dir(snapshot: Snapshot) -> Path | None:
    """Make the folder and try to write to it.

    Returns:
        The folder; None where the demo cannot have one: it keeps nothing, which is logged.

    Raises:
        ConfigError: A configured gateway cannot write to its folder.
    """
    folder = Path(snapshot.server.data_dir)
    try:
        # Everything in it belongs to the gateway alone.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as exc:
        found = f"a folder that cannot be written ({exc.strerror or type(exc).__name__})"
    problem = Problem("server.data_dir", found, _EXPECTED, "set FAIRLEAD_DATA_DIR or server.data_dir")
    if snapshot.source != "demo":
        raise ConfigError([problem])
    _LOG.warning("%s; the demo keeps nothing", problem)
    return None
