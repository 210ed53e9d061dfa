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
    host: Annotated[str | None, typer.Option(help="Address to listen on; wins over the configuration.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port to listen on; wins over the configuration.")
    ] = None,
    log_level: Annotated[LogLevel | None, typer.Option(help="The least severe line to log.")] = None,
    log_format: Annotated[LogFormat | None, typer.Option(help="Default: console on a terminal, else JSON.")] = None,
) -> None:
    """Run the gateway. Without a configuration, providers are found in the environment; without any, a demo serves."""
    from proxy.app import ServeOptions
    from proxy.app import serve as serve_app

    raise typer.Exit(serve_app(ServeOptions(config, host, port, log_level, log_format)))
