"""From a file, the environment or nothing to a snapshot: the one way in for `serve`, `check`, `explain` and reloads.

Reads the file and nothing else. Problems are told all at once and never hold a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from proxy.core.errors import ConfigError
from proxy.core.snapshot import Problem, Snapshot
from proxy.settings.build import Surroundings, build_snapshot
from proxy.settings.environment import read_process
from proxy.settings.origin import ENVIRONMENT, read_origin
from proxy.settings.problems import Report
from proxy.settings.sections import read_sections


def load_snapshot(
    path: Path | None,
    environ: Mapping[str, str],
    *,
    strict: bool,
    simulator_url: str | None,
    version: int,
    ollama_answers: bool = False,
    running: Snapshot | None = None,
) -> Snapshot:
    """Load a configuration.

    Args:
        path: The file (see `origin.choose_path`); None = providers from the environment, without any the demo.
        environ: The environment; flags of the command line are put in as `FAIRLEAD_HOST` and the like.
        strict: Any error refuses the whole, as at a reload; else a bad provider or model is left out.
        simulator_url: Where providers of kind `simulator` are, without a trailing slash; None = not running.
        ollama_answers: Ollama's port on this machine accepts connections; asked only without a file.
        running: The snapshot in force at a reload; what only a restart can change is taken from it.

    Raises:
        ConfigError: Every problem, errors before warnings.
    """
    origin = read_origin(path, environ, ollama_answers=ollama_answers)
    report, of_process = Report(origin.name), Report(ENVIRONMENT)
    process = read_process(environ, of_process)
    report.merge(of_process)
    sections = read_sections(origin.document, environ, report)
    snapshot = build_snapshot(origin, sections, Surroundings(environ, process, simulator_url, version, running), report)
    if any(_stops(problem, strict=strict) for problem in report.problems):
        raise ConfigError(sorted(snapshot.problems, key=lambda problem: problem.warning))
    return snapshot


def _stops(problem: Problem, *, strict: bool) -> bool:
    return problem.fatal or (strict and not problem.warning)
