"""`fairlead models`: the models that clients may call, or those that the providers have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxy.cli import options
from proxy.cli.configuration import load_rows
from proxy.cli.output import print_json, print_table
from proxy.cli.refusal import REFUSED, Refusal
from proxy.cli.remote import Gateway

if TYPE_CHECKING:
    from proxy.core.snapshot import Provider
    from proxy.upstream.probes import Probe

COLUMNS = ("provider", "model", "context window", "tools", "images", "USD per Mtok in", "out")


def models(
    config: options.Config = None,
    url: options.MaybeUrl = None,
    key: Annotated[
        str,
        typer.Option("--key", envvar="FAIRLEAD_KEY", help="With --url: a client key.", show_default=False),
    ] = "",
    upstream: Annotated[
        bool, typer.Option("--upstream", help="Ask the configured providers which models they have; free of charge.")
    ] = False,
    provider: Annotated[
        str, typer.Option("--provider", help="With --upstream: ask only this one.", show_default=False)
    ] = "",
    as_json: options.AsJson = False,
) -> None:
    """List the models of the configuration, those a key may call (--url), or those the providers have (--upstream)."""
    options.refuse_both(url, {"--config": config, "--upstream": upstream})
    if provider and not upstream:
        raise Refusal("--provider needs --upstream")
    if upstream:
        _list_upstream(config, provider, as_json=as_json)
        return
    listed = _configured(config) if url is None else Gateway(url, key).get("/v1/models")
    if as_json:
        print_json(listed)
        return
    rows = [(row["id"], row.get("context_window"), *_price(row)) for row in listed["data"]]
    print_table("Models", ("name", "context window", "USD per Mtok in", "out"), rows)


def _list_upstream(config: options.Config, only: str, *, as_json: bool) -> None:
    """Ask the providers; exit code 2 if one of them gives no list."""
    from proxy.cli.probe import probe_providers
    from proxy.providers.listings import listing_of

    snapshot = load_rows(config)
    if only and only not in snapshot.providers:
        raise Refusal(f"--provider {only}: there is no such provider; `fairlead check` lists them")
    asked = [_with_one_key(provider) for name, provider in snapshot.providers.items() if only in ("", name)]
    probes = probe_providers(snapshot, asked)
    if as_json:
        print_json({"providers": [_as_json(probe) for probe in probes]})
    else:
        print_table("Upstream models", COLUMNS, [row for probe in probes for row in _upstream_rows(probe)])
    for probe in probes:
        if probe.models is None or probe.missing:
            typer.echo(f"{probe.provider}: {probe.result}", err=True)
    for provider in asked:
        if not provider.enabled or listing_of(provider.kind) is None:
            why = "it takes any model" if provider.enabled else "it is disabled"
            typer.echo(f"{provider.name}: not asked: {why}", err=True)
    if any(probe.models is None for probe in probes):
        raise typer.Exit(REFUSED)


def _with_one_key(provider: Provider) -> Provider:
    """Every key of an account has the same models."""
    from dataclasses import replace

    return replace(provider, credentials=provider.credentials[:1])


def _upstream_rows(probe: Probe) -> Sequence[tuple[object, ...]]:
    return [
        (
            probe.provider,
            model.id,
            model.context_window_tokens,
            _yes(model.tools),
            _yes(model.images),
            model.input_usd_per_mtok,
            model.output_usd_per_mtok,
        )
        for model in sorted(probe.models or (), key=lambda model: model.id)
    ]


def _yes(said: bool | None) -> str | None:
    return None if said is None else "yes" if said else "no"


def _as_json(probe: Probe) -> dict[str, object]:
    from msgspec import to_builtins

    models = None if probe.models is None else to_builtins(probe.models)
    return {"provider": probe.provider, "result": probe.result, "models": models, "missing": list(probe.missing)}


def _configured(config: options.Config) -> dict[str, Any]:
    from proxy.api.models import openai_list
    from proxy.routing.resolve import visible_models

    return openai_list(visible_models(load_rows(config), None))


def _price(row: dict[str, Any]) -> tuple[object, object]:
    pricing = row.get("pricing") or {}
    return pricing.get("input_usd_per_mtok"), pricing.get("output_usd_per_mtok")
