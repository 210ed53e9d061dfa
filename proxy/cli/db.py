"""`fairlead db`: which tables the database has, and bringing them to those of this program."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from proxy.cli import options
from proxy.cli.configuration import load
from proxy.cli.refusal import REFUSED
from proxy.cli.storage import connected

if TYPE_CHECKING:
    from proxy.store.migrate import Schema


app = typer.Typer(help="Show and upgrade the tables of the database.", no_args_is_help=True)


@app.command()
def current(config: options.Config = None) -> None:
    """Show the revision of the tables, changing nothing; exit code 2 unless it is the one of this program."""
    shown, schema = asyncio.run(_current(config))
    from proxy.store.migrate import OURS, State

    meanings = {
        State.EMPTY: "without tables; `fairlead db upgrade` makes them, and so does `fairlead serve`",
        State.BEHIND: f"at revision {schema.revision}; `fairlead db upgrade` brings it to {OURS.head}",
        State.CURRENT: f"at revision {schema.revision}, up to date",
        State.NEWER: f"at revision {schema.revision}, newer than this Fairlead: pip install --upgrade fairlead",
        State.FOREIGN: "with tables of another program: Fairlead does not touch it; name an empty database",
    }
    typer.echo(f"{shown}: {meanings[schema.state]}")
    if schema.state is not State.CURRENT:
        raise typer.Exit(REFUSED)


@app.command()
def upgrade(config: options.Config = None) -> None:
    """Bring the tables to the revision of this program, keeping what is in them. Make a backup before."""
    shown, before = asyncio.run(_upgrade(config))
    from proxy.store.migrate import OURS, State

    if before.state is State.CURRENT:
        typer.echo(f"{shown}: at revision {OURS.head} already")
    else:
        typer.echo(f"{shown}: upgraded from {before.revision or 'nothing'} to revision {OURS.head}")


async def _current(config: Path | None) -> tuple[str, Schema]:
    from proxy.store import migrate

    async with connected(load(config)) as database:
        return database.target.shown, await migrate.current(database)


async def _upgrade(config: Path | None) -> tuple[str, Schema]:
    from proxy.store import migrate

    async with connected(load(config)) as database:
        return database.target.shown, await migrate.upgrade(database)
