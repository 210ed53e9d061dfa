"""Loads TOML text as a file would be loaded, for the tests of settings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

from proxy.core.snapshot import Problem, Snapshot
from proxy.settings.build import Surroundings, build_snapshot
from proxy.settings.environment import read_process
from proxy.settings.origin import Origin
from proxy.settings.problems import Report
from proxy.settings.sections import read_sections

KEY = "fl_0123456789abcdef"
LOCAL = """
[providers.local]
kind = "ollama"
"""


def build(text: str, environ: Mapping[str, str] | None = None, *, running: Snapshot | None = None) -> Snapshot:
    """Build a snapshot whatever the problems; they are in it."""
    report = Report("f.toml")
    document = tomllib.loads(text)
    sections = read_sections(document, environ or {}, report)
    around = Surroundings(environ or {}, read_process(environ or {}, report), "http://127.0.0.1:9", 1, running)
    return build_snapshot(Origin("f.toml", "file", document), sections, around, report)


def problems(text: str, environ: Mapping[str, str] | None = None) -> list[Problem]:
    """List what is wrong, without warnings."""
    return [problem for problem in build(text, environ).problems if not problem.warning]


def only_problem(text: str, environ: Mapping[str, str] | None = None) -> Problem:
    found = problems(text, environ)
    assert len(found) == 1, found
    return found[0]


def warnings(text: str, environ: Mapping[str, str] | None = None) -> list[Problem]:
    return [problem for problem in build(text, environ).problems if problem.warning]
