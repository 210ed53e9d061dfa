"""The configuration as a command sees it: the file that `fairlead serve` would take, or what it would discover."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from proxy.cli.output import labelled
from proxy.core.snapshot import Snapshot


def load(config: Path | None) -> Snapshot:
    """Read the configuration, leaving out bad rows; they are in `problems`.

    Raises:
        ConfigError: It cannot be used at all.
    """
    from proxy.settings.load import load_snapshot
    from proxy.settings.ollama import ollama_answers

    path = chosen(config)
    return load_snapshot(
        path,
        os.environ,
        strict=False,
        simulator_url=None,
        version=0,
        ollama_answers=path is None and ollama_answers(),
    )


def load_rows(config: Path | None) -> Snapshot:
    """As `load`, for who shows models or providers: why rows are not among them goes to stderr."""
    snapshot = load(config)
    for problem in snapshot.problems:
        if not problem.warning:
            typer.echo(labelled(problem), err=True)
    return snapshot


def chosen(config: Path | None) -> Path | None:
    """The file; None where the environment or the demo takes its place."""
    from proxy.settings.origin import choose_path

    return choose_path(config, os.environ, Path.cwd())
