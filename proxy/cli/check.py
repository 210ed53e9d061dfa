"""`fairlead check`: what a configuration holds, what is wrong with it, and with `--probe` whether its keys work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from proxy.cli import options
from proxy.cli.configuration import chosen, load
from proxy.cli.output import labelled, print_table
from proxy.cli.refusal import REFUSED
from proxy.core.errors import ConfigError
from proxy.settings.banner import NO_MODEL, lacks_models
from proxy.settings.data_dir import doubted_data_dir

if TYPE_CHECKING:
    from proxy.core.snapshot import Problem, Provider, Snapshot

SOURCES = {
    "environment": "providers found in the environment",
    "demo": "nothing configured: the demo, with two simulated providers",
}


def check(
    config: options.Config = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Ask every provider for its model list with every key; free of charge.")
    ] = False,
) -> None:
    """Show what a configuration holds and all that is wrong with it; exit code 2 if anything is or a probe fails."""
    snapshot = load(config)
    typer.echo(SOURCES.get(snapshot.source) or f"configuration file {chosen(config)}")
    print_table("Providers", ("name", "kind", "priority", "keys", "base URL", "state"), map(_provider, _rows(snapshot)))
    print_table("Models", ("name", "rotation", "priority", "provider", "upstream model"), _models(snapshot))
    if snapshot.server.direct_models:
        typer.echo('Clients may send "provider/model" as the model.\n')
    if lacks_models(snapshot):
        typer.echo(f"{NO_MODEL}\n")
    where = f"{chosen(config) or 'environment'}: server.data_dir"
    doubted = doubted_data_dir(snapshot.server.data_dir, where)
    problems = [*snapshot.problems, *_of_secret_keys(snapshot), *([doubted] if doubted else [])]
    for problem in problems:
        typer.echo(labelled(problem), err=True)
    wrong = sum(not problem.warning for problem in problems)
    well = not wrong
    if probe:
        well = _probe(snapshot) and well
    if wrong:
        typer.echo(f"The configuration has {wrong} {'error' if wrong == 1 else 'errors'}.")
    if not well:
        raise typer.Exit(REFUSED)
    typer.echo("The configuration is fine.")


def _of_secret_keys(snapshot: Snapshot) -> Sequence[Problem]:
    """What a start would refuse, although it is of the environment alone."""
    from proxy.store.pepper import written_ring

    url = snapshot.database_url
    try:
        written_ring(os.environ, is_sqlite=url is None or url.reveal().startswith("sqlite"))
    except ConfigError as error:
        return error.problems
    return ()


def _rows(snapshot: Snapshot) -> list[Provider]:
    return sorted(snapshot.providers.values(), key=lambda provider: (provider.priority, provider.name))


def _provider(provider: Provider) -> tuple[object, ...]:
    keys = ", ".join(credential.name for credential in provider.credentials) or "none"
    state = "enabled" if provider.enabled else "disabled"
    return provider.name, provider.kind, provider.priority, keys, _where(provider), state


def _where(provider: Provider) -> str:
    from proxy.settings.provider_rows import NO_SIMULATOR

    if provider.base_url.startswith(NO_SIMULATOR):
        return "(simulated)"
    return f"(runs {provider.process.command})" if provider.process else provider.base_url


def _models(snapshot: Snapshot) -> list[tuple[object, ...]]:
    models = {model.name: model for model in (*snapshot.models.values(), *snapshot.prefixes)}
    return [
        (model.name, model.rotation, candidate.priority, candidate.provider.name, candidate.model)
        for model in models.values()
        for candidate in sorted(model.candidates, key=lambda candidate: candidate.priority)
    ]


def _probe(snapshot: Snapshot) -> bool:
    from proxy.cli.probe import probe_providers

    probes = probe_providers(snapshot, _rows(snapshot))
    rows = [(probe.provider, probe.credential, probe.result) for probe in probes]
    print_table("Probes", ("provider", "key", "result"), rows)
    return all(probe.well for probe in probes)
