"""`fairlead models`: the models that clients may call."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from proxy.cli import options
from proxy.cli.configuration import load
from proxy.cli.output import print_json, print_table
from proxy.cli.remote import Gateway


def models(
    config: options.Config = None,
    url: options.MaybeUrl = None,
    key: Annotated[
        str,
        typer.Option("--key", envvar="FAIRLEAD_KEY", help="With --url: a client key.", show_default=False),
    ] = "",
    as_json: options.AsJson = False,
) -> None:
    """List the models of the configuration, or those a key may call at a running gateway (--url)."""
    listed = _configured(config) if url is None else Gateway(url, key).get("/v1/models")
    if as_json:
        print_json(listed)
        return
    rows = [(row["id"], row.get("context_window"), *_price(row)) for row in listed["data"]]
    print_table("Models", ("name", "context window", "USD per Mtok in", "out"), rows)


def _configured(config: options.Config) -> dict[str, Any]:
    from proxy.api.models import list_models

    return list_models(load(config), None)


def _price(row: dict[str, Any]) -> tuple[object, object]:
    pricing = row.get("pricing") or {}
    return pricing.get("input_usd_per_mtok"), pricing.get("output_usd_per_mtok")
