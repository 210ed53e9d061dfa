"""Cases in JavaScript: one run of Node does them all and tells of each."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.fakes.tools import require_tool

FOLDER = Path(__file__).parent / "node"
RUN_S = 50


class Outcome(NamedTuple):
    ok: bool
    detail: str


def run_cases(script: str, package: str, *arguments: str) -> Mapping[str, Outcome]:
    """Run a script of the folder that needs this package; gives what became of each case."""
    node = require_tool("node")
    assert (FOLDER / "node_modules" / package).is_dir(), "the SDKs are not installed: `make test` installs them"
    done = subprocess.run(
        [node, str(FOLDER / script), *arguments], capture_output=True, text=True, check=False, timeout=RUN_S
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["case"]: Outcome(line["ok"], line["detail"]) for line in lines}
