"""From `[prices]` and the catalogue to what every upstream model costs: `core.snapshot.Prices`.

What the file says takes the place of the catalogue's whole price. The catalogue is the newer of the one in the package
and `prices.json` in the data directory, which `fairlead prices update` writes. Reads those two, never the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from proxy.core.health import CandidateId
from proxy.core.money import NUSD_PER_USD
from proxy.core.price import Price, Rate, TokenRates
from proxy.core.snapshot import Provider
from proxy.pricing import catalog
from proxy.pricing.catalog import Catalog
from proxy.pricing.published import pusd
from proxy.providers.kinds import KINDS
from proxy.routing.resolve import REST
from proxy.settings.fields import RowFault
from proxy.settings.model_schema import PriceRow, RatesRow, VariantRow
from proxy.settings.problems import Report, Severity

CONFIGURED = "configured"
CATALOG_FILE = "prices.json"
MOST_REMEMBERED = 4096


class PriceBook:
    """Prices by candidate: configured, else of the catalogue. Those that were asked for are remembered."""

    def __init__(
        self,
        configured: Mapping[CandidateId, Price],
        providers: Mapping[str, Provider],
        prices: Catalog,
        on: date,
    ) -> None:
        """Take what is known.

        Args:
            on: The UTC day from which prices are wanted.
        """
        self.catalog = prices
        self._configured = configured
        self._vendors = {name: KINDS[provider.kind].catalog for name, provider in providers.items()}
        self._on = on
        self._remembered = lru_cache(maxsize=MOST_REMEMBERED)(self._find)

    def get(self, candidate_id: CandidateId, /) -> Price | None:
        return self._remembered(candidate_id)

    def _find(self, candidate_id: CandidateId) -> Price | None:
        provider, model = candidate_id
        configured = self._configured.get(candidate_id)
        if configured is not None or REST in model:  # a model that stands for many is in no catalogue
            return configured
        return self.catalog.price(self._vendors.get(provider), model, self._on)


def price_faults(row: PriceRow) -> Iterator[RowFault]:
    """Find variants that do not fit the price or each other."""
    about = tuple(RatesRow.model_fields)
    places = [(variant.service_tier, variant.above_tokens) for variant in row.variants]
    for index, (variant, place) in enumerate(zip(row.variants, places, strict=True)):
        here = ("variants", index)
        if place == ("", 0) or place in places[:index]:
            expected = "a service_tier or above_tokens that neither the price nor another variant has"
            of = ((*here, "service_tier"), (*here, "above_tokens"))
            yield RowFault(here, "a second price for the same", expected, "correct or remove it", of)
        shorter = [other for other in row.variants if other.service_tier == variant.service_tier]
        short = {name for other in shorter if not other.above_tokens for name in other.rates()}
        if variant.above_tokens and not variant.rates().keys() <= row.rates().keys() | short:
            found, expected = "a rate for long prompts alone", "the rate for short prompts beside it"
            yield RowFault(here, found, expected, "add it to the price", about)


def configured_price(row: PriceRow) -> Price:
    """Make the price that a row of `[prices]` says."""
    tiers = dict.fromkeys(variant.service_tier for variant in row.variants if variant.service_tier)
    standard = _token_rates(row.rates(), _steps(row.variants, ""))
    return Price(
        CONFIGURED,
        standard,
        {tier: _tier(row, tier, standard) for tier in tiers},
        int(row.request_usd * NUSD_PER_USD),
        search_nusd=None if row.search_usd is None else int(row.search_usd * NUSD_PER_USD),
    )


def newest_catalog(data_dir: str, report: Report) -> Catalog:
    """Choose the catalogue. A file that cannot be used is a warning."""
    shipped = catalog.load()
    path = Path(data_dir, CATALOG_FILE)
    try:
        state = path.stat()
        updated = _read(path, state.st_mtime_ns, state.st_size)
    except (FileNotFoundError, NotADirectoryError):  # that the folder is none is told elsewhere
        return shipped
    except (OSError, ValueError):
        found, fix = f"a {CATALOG_FILE} in it that cannot be read", "run `fairlead prices update`, or remove it"
        report.add(Severity.WARNING, ("server", "data_dir"), found=found, expected="a price catalogue", fix=fix)
        return shipped
    return updated if updated.date > shipped.date else shipped


@lru_cache(maxsize=1)
def _read(path: Path, mtime_ns: int, size_bytes: int) -> Catalog:
    """Read all of a catalogue, once as long as its file stays the same."""
    updated = Catalog(path.read_bytes())
    updated.check()
    return updated


def _tier(row: PriceRow, tier: str, standard: TokenRates) -> TokenRates:
    """The rates of a service tier; a class that it does not name costs what it usually does."""
    own = {
        name: usd
        for item in row.variants
        if (item.service_tier, item.above_tokens) == (tier, 0)
        for name, usd in item.rates().items()
    }
    steps = _steps(row.variants, tier)
    named = _token_rates({**{name: usd for name, usd in row.rates().items() if name in steps}, **own}, steps)
    return TokenRates(
        **{name: getattr(named, name) or getattr(standard, name) for name in TokenRates.__struct_fields__}
    )


def _steps(variants: Sequence[VariantRow], tier: str) -> dict[str, tuple[tuple[int, int], ...]]:
    """The steps of each class in a tier, lowest first."""
    steps: dict[str, tuple[tuple[int, int], ...]] = {}
    for item in sorted(variants, key=lambda item: item.above_tokens):
        if item.service_tier == tier and item.above_tokens:
            for name, usd in item.rates().items():
                steps[name] = (*steps.get(name, ()), (item.above_tokens, pusd(usd)))
    return steps


def _token_rates(usd: Mapping[str, Decimal], steps: Mapping[str, tuple[tuple[int, int], ...]]) -> TokenRates:
    return TokenRates(**{name: Rate(pusd(value), steps.get(name, ())) for name, value in usd.items()})
