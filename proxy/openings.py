"""What a start must have: its folder, its sockets and secrets that fit. All that cannot be had is told at once."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from proxy.core.errors import ConfigError
from proxy.core.snapshot import Problem, Server, Snapshot
from proxy.edge.server import bind
from proxy.settings.data_dir import open_data_dir
from proxy.store.pepper import written_ring

Made = TypeVar("Made")

_BY_VARIABLE = {name: f"FAIRLEAD_{name.upper()}" for name in ("host", "port", "data_dir")}


@dataclass(frozen=True, slots=True)
class Openings:
    """What was opened.

    Attributes:
        data_dir: None = nothing is kept.
        listener: For clients.
        side: For metrics, where they have a port of their own.
    """

    data_dir: Path | None
    listener: socket.socket
    side: socket.socket | None


def open_all(snapshot: Snapshot, environ: Mapping[str, str], path: Path | None) -> Openings:
    """Open the folder and the sockets; the secrets must fit too.

    Args:
        environ: With the command line's flags as the variables they stand for.
        path: The configuration's file, which problems name.

    Raises:
        ConfigError: All that cannot be had.
    """
    server, problems = snapshot.server, list[Problem]()
    data_dir = _tried(problems, lambda: open_data_dir(snapshot))
    listener = _tried(problems, lambda: bind("server.port", server.host, server.port))
    side, side_port = None, server.metrics_port
    if side_port is not None:
        side = _tried(problems, lambda: bind("server.metrics_port", server.host, side_port))
    url = snapshot.database_url
    is_sqlite = url is None or url.reveal().startswith("sqlite")
    _tried(problems, lambda: written_ring(environ, is_sqlite=is_sqlite))
    if problems or listener is None:
        places = [_where(problem.where, server, environ, path) for problem in problems]
        raise ConfigError([replace(problem, where=place) for problem, place in zip(problems, places, strict=True)])
    return Openings(data_dir, listener, side)


def _tried(problems: list[Problem], step: Callable[[], Made]) -> Made | None:
    """Take a step of the start; what is wrong with it is kept, so that all of it can be told."""
    try:
        return step()
    except ConfigError as exc:
        problems += exc.problems
        return None


def _where(setting: str, server: Server, environ: Mapping[str, str], path: Path | None) -> str:
    """Say where a setting is written: by a flag, in a variable or in the file."""
    name = setting.removeprefix("server.")
    if name in _BY_VARIABLE and environ.get(_BY_VARIABLE[name]) == str(getattr(server, name)):
        return _BY_VARIABLE[name] if name == "data_dir" else f"{_BY_VARIABLE[name]} or --{name}"
    return f"{path}: {setting}" if path is not None and name != setting else setting
