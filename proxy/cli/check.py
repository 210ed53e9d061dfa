"""`fairlead check`: what a configuration holds, what is wrong with it, and with `--probe` whether its keys work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proxy.cli import options
from proxy.cli.configuration import errors, load
from proxy.cli.output import print_table

if TYPE_CHECKING:
    from proxy.core.snapshot import Provider, Snapshot

REFUSED = 2
SOURCES = {
    "environment": "providers found in the environment",
    "demo": "nothing configured: the demo, with two simulated providers",
}


def check(
    config: options.Config = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Ask every provider for its model list with every key; costs nothing.")
    ] = False,
) -> None:
    """Check a configuration; exit code 2 if anything in it is wrong or, with --probe, a provider refuses."""
    snapshot = load(config)
    typer.echo(SOURCES.get(snapshot.source, "configuration file"))
    print_table("Providers", ("name", "kind", "priority", "keys", "base URL", "state"), map(_provider, _rows(snapshot)))
    print_table("Models", ("name", "rotation", "priority", "provider", "upstream model"), _models(snapshot))
    for problem in snapshot.problems:
        typer.echo(f"{'warning' if problem.warning else 'error'}: {problem}", err=True)
    well = not errors(snapshot)
    if probe:
        well = _probe(snapshot) and well
    if not well:
        raise typer.Exit(REFUSED)
    typer.echo("The configuration is fine.")


def _rows(snapshot: Snapshot) -> list[Provider]:
    return sorted(snapshot.providers.values(), key=lambda provider: (provider.priority, provider.name))


def _provider(provider: Provider) -> tuple[object, ...]:
    keys = ", ".join(credential.name for credential in provider.credentials) or "none"
    url = "(simulated)" if provider.kind == "simulator" else provider.base_url
    return provider.name, provider.kind, provider.priority, keys, url, "enabled" if provider.enabled else "disabled"


def _models(snapshot: Snapshot) -> list[tuple[object, ...]]:
    models = {model.name: model for model in (*snapshot.models.values(), *snapshot.prefixes)}
    return [
        (model.name, model.rotation, candidate.priority, candidate.provider.name, candidate.model)
        for model in models.values()
        for candidate in sorted(model.candidates, key=lambda candidate: candidate.priority)
    ]


def _probe(snapshot: Snapshot) -> bool:
    from proxy.cli.probe import probe_all

    findings = probe_all(_rows(snapshot))
    print_table("Probes", ("provider", "key", "result"), [(f.provider, f.credential, f.result) for f in findings])
    return all(finding.well for finding in findings)
