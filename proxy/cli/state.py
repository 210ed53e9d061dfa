"""`fairlead state`: what a running gateway has set aside, and an operator's changes to it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from proxy.cli import options
from proxy.cli.output import duration, print_json, print_table
from proxy.cli.remote import Gateway

PROVIDERS = ("name", "kind", "priority", "in flight", "state")
SET_ASIDE = ("provider", "credential", "upstream model", "cause", "state", "next try in", "recovers in")
ROTATIONS = ("model", "priority", "rotation", "position")
KEYS = ("key", "requests left", "tokens left", "at once", "spent, USD", "reserved, USD")
PROCESSES = ("provider", "stage", "why", "pid", "port", "restarts")
COUNTED = {"cleared": "ended", "reset": "had moved"}

app = typer.Typer(help="Show and change the state of a running gateway; wants its admin token.", no_args_is_help=True)

Provider = Annotated[str | None, typer.Option("--provider", "-p", help="Only this provider.")]
Model = Annotated[str | None, typer.Option("--model", "-m", help="Only this model.")]
Priority = Annotated[int | None, typer.Option("--priority", help="Only this priority.")]
Credential = Annotated[str | None, typer.Option("--credential", help="Only this credential, by name.")]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A model's public name.")]
ProviderName = Annotated[str, typer.Argument(metavar="PROVIDER", help="A provider's name.")]


@app.command()
def show(url: options.Url = options.DEFAULT_URL, token: options.Token = "", as_json: options.AsJson = False) -> None:
    """Show providers, what is set aside and for how long, where rotations stand, and what limited keys have used."""
    state = Gateway(url, token).get("/admin/state")
    if as_json:
        print_json(state)
        return
    print_table("Providers", PROVIDERS, [_provider(row, state) for row in state["providers"]])
    if state["set_aside"]:
        print_table("Set aside", SET_ASIDE, map(_aside, state["set_aside"]))
    else:
        typer.echo("Nothing is set aside.\n")
    print_table("Rotations", ROTATIONS, map(_rotation, state["rotation"]))
    if state["processes"]:
        print_table("Processes", PROCESSES, map(_process, state["processes"]))
    if state["keys"]:
        print_table("Client keys with limits", KEYS, map(_key, state["keys"]))


@app.command()
def clear(
    url: options.Url = options.DEFAULT_URL,
    token: options.Token = "",
    provider: Provider = None,
    model: Model = None,
    credential: Credential = None,
) -> None:
    """End cooldowns and close breakers: all of them, or those that the options name."""
    _change(url, token, "clear", provider=provider, model=model, credential=credential)


@app.command()
def advance(
    model: ModelName, url: options.Url = options.DEFAULT_URL, token: options.Token = "", priority: Priority = None
) -> None:
    """Move a model's sticky rotation to the next candidate."""
    _change(url, token, "advance", model=model, priority=priority)


@app.command()
def reset(
    url: options.Url = options.DEFAULT_URL, token: options.Token = "", model: Model = None, priority: Priority = None
) -> None:
    """Set rotations back to their first candidate."""
    _change(url, token, "reset", model=model, priority=priority)


@app.command()
def disable(provider: ProviderName, url: options.Url = options.DEFAULT_URL, token: options.Token = "") -> None:
    """Send nothing more to a provider until it is enabled again; kept over restarts."""
    _change(url, token, "disable", provider=provider)


@app.command()
def enable(provider: ProviderName, url: options.Url = options.DEFAULT_URL, token: options.Token = "") -> None:
    """Send to a provider again that was disabled."""
    _change(url, token, "enable", provider=provider)


def _change(url: str, token: str, action: str, **about: str | int | None) -> None:
    named = {name: value for name, value in about.items() if value is not None}
    answer = Gateway(url, token).post(f"/admin/state/{action}", named)
    subject = ", ".join(f"{name} {value}" for name, value in named.items()) or "everything"
    typer.echo(f"{action}: {subject}{_effect(answer)}")


def _effect(answer: dict[str, Any]) -> str:
    if "moved" in answer:
        moved = [f"priority {row['priority']} to {row['provider']} {row['upstream_model']}" for row in answer["moved"]]
        return f" ({'; '.join(moved) or 'there is no other candidate'})"
    return next((f" ({answer[name]} {meaning})" for name, meaning in COUNTED.items() if name in answer), "")


def _provider(row: dict[str, Any], state: dict[str, Any]) -> tuple[object, ...]:
    name = row["provider"]
    in_flight = sum(busy["requests"] for busy in state["in_flight"] if busy["provider"] == name)
    switch = "disabled by operator" if name in state["disabled"] else "enabled" if row["enabled"] else "disabled"
    return name, row["kind"], row["priority"], in_flight, switch


def _aside(row: dict[str, Any]) -> tuple[object, ...]:
    state = "probing" if row["probing"] else "half-open" if row["half_open"] else "set aside"
    state += ", breaker" if row["breaker"] else ""
    left = duration(row["next_try_s"]), duration(row["seconds_left"])
    return row["provider"], row["credential"], row["upstream_model"], row["cause"], state, *left


def _rotation(row: dict[str, Any]) -> tuple[object, ...]:
    pointer = row["pointer"]
    position = f"{pointer['provider']} {pointer['upstream_model']}" if pointer else f"turn {row['turns']}"
    return row["model"], row["priority"], row["rotation"], position


def _process(row: dict[str, Any]) -> tuple[object, ...]:
    return row["provider"], row["stage"], row["why"], row["pid"] or "", row["port"] or "", row["restarts"]


def _key(row: dict[str, Any]) -> tuple[object, ...]:
    left = [f"{pace['remaining']} of {pace['limit']}" if pace else "" for pace in (row["requests"], row["tokens"])]
    parallel = f"{row['parallel']['used']} of {row['parallel']['limit']}" if row["parallel"] else ""
    spent = "; ".join(_spent(found) for found in row["budgets"])
    reserved = row["budgets"][0]["reserved_usd"] if row["budgets"] else ""
    return row["key"], *left, parallel, spent, reserved


def _spent(budget: dict[str, Any]) -> str:
    known = budget["spent_usd"]
    return f"{'unknown' if known is None else known} of {budget['limit_usd']} a {budget['budget']}"
