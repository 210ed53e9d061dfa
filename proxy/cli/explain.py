"""`fairlead explain`: in which order a model's candidates would be tried, and why not the others."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from proxy.cli import options
from proxy.cli.configuration import load_rows
from proxy.cli.output import duration, print_json, print_table
from proxy.cli.refusal import Refusal
from proxy.cli.remote import Gateway

_COLUMNS = ("", "provider", "upstream model", "priority", "credential", "window", "cannot take", "reason")


def explain(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model's name as a client would send it.")],
    config: options.Config = None,
    url: options.MaybeUrl = None,
    token: options.Token = "",
    key: Annotated[
        str | None, typer.Option("--key", help="Name of the client key whose rights apply; default all rights.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show where a request for MODEL would go and why: with nothing set aside, or now, at a running gateway (--url)."""
    options.refuse_both(url, {"--config": config})
    if url is None:
        plan = _planned(model, key, config)
    else:
        named = {"model": model} | ({"key": key} if key else {})
        plan = Gateway(url, token).get("/admin/explain", named)
    if as_json:
        print_json(plan)
        return
    candidates = [
        (row["order"], *_who(row), row["credential"], *_limits(row), row["reason"]) for row in plan["candidates"]
    ]
    name = f"{plan['model']} ({plan['rotation']})"
    if candidates:
        print_table(f"{name}: tried in this order", _COLUMNS, candidates)
    else:
        typer.echo(f"{name}: no candidate can be tried\n")
    if plan["omitted"]:
        omitted = [(*_who(row), row["reason"], row["detail"], _left(row)) for row in plan["omitted"]]
        print_table("Left out", ("provider", "upstream model", "priority", "reason", "detail", "free in"), omitted)
    last = plan["last_resort"]
    if last:
        typer.echo(f"Last resort: {last['provider']} {last['upstream_model']}")


def _planned(model: str, key_name: str | None, config: options.Config) -> dict[str, Any]:
    from proxy.admin.explanation import explain_model, key_named
    from proxy.core.errors import ClientError, NotFound
    from proxy.core.health import StateView

    snapshot = load_rows(config)
    try:
        key = key_named(key_name, snapshot)
    except NotFound as error:
        raise Refusal(f"{error.message} Keys of the database are known to a running gateway alone: --url.") from error
    try:
        return explain_model(model, key, snapshot, StateView(), 0.0)
    except ClientError as error:
        raise Refusal(error.message) from error


def _who(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["provider"], row["upstream_model"], row["priority"]


def _limits(row: dict[str, Any]) -> tuple[int | None, str]:
    """What the model can read, and what it cannot take; a gateway of an earlier version does not say."""
    return row.get("context_window"), ", ".join(row.get("lacks", ()))


def _left(row: dict[str, Any]) -> str | None:
    return None if row["seconds_left"] is None else duration(row["seconds_left"])
