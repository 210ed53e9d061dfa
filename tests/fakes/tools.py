"""Tools that a laptop may lack: their tests are skipped there, loudly, and fail where `CI=true`.

Never installs anything.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

# Where Debian keeps daemons, which is not on every user's PATH.
EXTRA = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def require_tool(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the path of an executable: the virtual environment's own, else one on PATH."""
    places = [str(Path(sys.prefix) / "bin"), *os.get_exec_path(dict(environ)), *EXTRA]
    return shutil.which(name, path=os.pathsep.join(places)) or missing(f"the program {name}", environ)


def require_module(name: str, environ: Mapping[str, str] = os.environ) -> ModuleType:
    """Return a module of a package that is not built for every platform."""
    try:
        return importlib.import_module(name)
    except ImportError:
        missing(f"the Python module {name}", environ)


def missing(what: str, environ: Mapping[str, str]) -> NoReturn:
    """End the test that needs it: skipped on a laptop, failed in CI."""
    reason = f"needs {what}, which is not installed"
    if environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
