"""`fairlead prices`: what configured models cost and where that is known from; fetching newer prices."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from proxy.cli import options
from proxy.cli.configuration import load, load_rows
from proxy.cli.output import print_json, print_table
from proxy.cli.refusal import Refusal

if TYPE_CHECKING:
    from proxy.core.price import Price, Rate, TokenRates
    from proxy.core.snapshot import Snapshot

UNPRICED, BY_NAME = "no price", "by the name asked for"

app = typer.Typer(help="Show what models cost, or fetch newer prices.", no_args_is_help=True)


class Listed(NamedTuple):
    """One upstream model; `source` says why where there is no price."""

    provider: str
    model: str
    multiplier: str
    price: Price | None
    source: str


@app.command("list")
def list_prices(
    config: options.Config = None,
    provider: Annotated[str, typer.Option("--provider", help="Only this one.", show_default=False)] = "",
    model: Annotated[str, typer.Option("--model", help="Only this upstream model.", show_default=False)] = "",
    as_json: options.AsJson = False,
) -> None:
    """List what each configured upstream model costs, and where the price is from."""
    snapshot = load_rows(config)
    if provider and provider not in snapshot.providers:
        raise Refusal(f"--provider {provider}: there is no such provider; `fairlead check` lists them")
    listed = [
        item
        for item in _listed(snapshot, provider, model)
        if provider in ("", item.provider) and model in ("", item.model)
    ]
    if as_json:
        print_json({"prices": [_row(item) for item in listed]})
        return
    columns = ("provider", "model", "in", "out", "cached", "also", "multiplier", "source")
    rows = [(item.provider, item.model, *_figures(item.price), item.multiplier, item.source) for item in listed]
    print_table("USD per million tokens", columns, rows, numbers=("in", "out", "cached"))


@app.command("update")
def update(
    config: options.Config = None,
    url: Annotated[str, typer.Option("--url", help="A mirror of genai-prices' data.json.", show_default=False)] = "",
) -> None:
    """Fetch the prices of genai-prices into the data directory; a gateway that serves a file takes them on SIGHUP."""
    from proxy.cli.pricefetch import DEFAULT_URL, fetch_catalog

    print_table("Prices", ("", ""), fetch_catalog(url or DEFAULT_URL, load(config).server.data_dir))


def _listed(snapshot: Snapshot, provider: str, model: str) -> Iterator[Listed]:
    """The candidates of all models, each once; one that the options name exactly even if no model has it."""
    from proxy.core.health import CandidateId
    from proxy.pricing.cost import price_at
    from proxy.routing.resolve import REST

    models = (*snapshot.models.values(), *snapshot.prefixes)
    ids = dict.fromkeys(candidate.id for item in models for candidate in item.candidates)
    if provider and model:
        ids[CandidateId(provider, model)] = None
    for candidate_id in ids:
        owner = snapshot.providers[candidate_id.provider]
        price = snapshot.prices.get(candidate_id)
        source = price.source if price else BY_NAME if REST in candidate_id.model else UNPRICED
        now = price_at(price, time.time()) if price else None
        yield Listed(*candidate_id, format(owner.cost_multiplier.normalize(), "f"), now, source)


def _figures(price: Price | None) -> tuple[str, str, str, str]:
    if price is None:
        return "", "", "", ""
    from proxy.core.price import usd_per_mtok

    rates = price.standard
    figures = [usd_per_mtok(rate.pusd) if rate else "" for rate in (rates.input, rates.output, rates.cached_input)]
    also = [*price.tiers, *(["long prompts"] if rates.input and rates.input.steps else [])]
    if price.request_nusd:
        also.append("requests")
    if price.search_nusd:
        also.append("searches")
    return figures[0], figures[1], figures[2], ", ".join(also)


def _row(item: Listed) -> dict[str, Any]:
    from proxy.core.money import usd

    row: dict[str, Any] = {
        "provider": item.provider,
        "model": item.model,
        "multiplier": item.multiplier,
        "priced": item.price is not None,
        "source": item.source,
    }
    if item.price is not None:
        row["request_usd"] = usd(item.price.request_nusd)
        if item.price.search_nusd is not None:
            row["search_usd"] = usd(item.price.search_nusd)
        row["usd_per_mtok"] = _rates(item.price.standard)
        row["tiers"] = {name: _rates(rates) for name, rates in item.price.tiers.items()}
    return row


def _rates(rates: TokenRates) -> Mapping[str, Any]:
    return {name: _rate(rate) for name in rates.__struct_fields__ if (rate := getattr(rates, name)) is not None}


def _rate(rate: Rate) -> Any:  # noqa: ANN401 - text, or text and its steps
    from proxy.core.price import usd_per_mtok

    if not rate.steps:
        return usd_per_mtok(rate.pusd)
    steps = [{"above_tokens": above, "usd_per_mtok": usd_per_mtok(pusd)} for above, pusd in rate.steps]
    return {"usd_per_mtok": usd_per_mtok(rate.pusd), "steps": steps}
