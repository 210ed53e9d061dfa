"""`fairlead serve`: run the gateway until a signal ends it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from proxy.cli import options


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


def serve(
    config: options.Config = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default $FAIRLEAD_HOST, else the file, else 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Port to listen on; 0 takes a free one; default $FAIRLEAD_PORT, else the file, else 8080.",
        ),
    ] = None,
    log_level: Annotated[
        LogLevel | None,
        typer.Option(help="The least severe log line; default $FAIRLEAD_LOG_LEVEL, else the file, else info."),
    ] = None,
    log_format: Annotated[
        LogFormat | None, typer.Option(help="How log lines look on stderr; default console on a terminal, else json.")
    ] = None,
) -> None:
    """Run the gateway. Without a file, providers come from the environment; without any, a demo serves."""
    from proxy.app import ServeOptions
    from proxy.app import serve as serve_app

    serve_app(ServeOptions(config, host, port, log_level, log_format))
