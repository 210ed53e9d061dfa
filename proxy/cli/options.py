"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from proxy.cli.refusal import Refusal

DEFAULT_URL = "http://127.0.0.1:8080"

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Configuration file; default $FAIRLEAD_CONFIG, else ./fairlead.toml.",
        readable=False,  # whether it is, is told like all else that is wrong with it
    ),
]
Url = Annotated[str, typer.Option("--url", envvar="FAIRLEAD_URL", help="The running gateway.")]
MaybeUrl = Annotated[
    str | None,
    typer.Option(
        "--url", help=f"Ask the gateway that runs there, such as {DEFAULT_URL}, instead of reading the configuration."
    ),
]
Token = Annotated[
    str, typer.Option("--token", envvar="FAIRLEAD_ADMIN_TOKEN", help="The gateway's admin token.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def refuse_both(url: str | None, others: Mapping[str, object]) -> None:
    """Refuse `--url` beside options that read a configuration: the answer would be about one of them only."""
    if url is not None:
        for name, value in others.items():
            if value:
                raise Refusal(f"--url asks a running gateway and {name} the configuration: give one of them")
