"""From a vendor and a model's name to its price and context window, by the catalogue in the package or a newer one.

The document is made by `published`. A vendor's part of it is decoded when first asked for, a price when its model is;
both are cheap enough for a start and too dear for every request, so who asks remembers the answer. Never fetches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from proxy.core.price import Change, Price, Rate, TokenRates
from proxy.pricing.published import FORMAT, REQUEST, SEARCH, sound

FREE = TokenRates(input=Rate(0), output=Rate(0))
_DAY_S = 86_400

# A date without dashes at the end of a name, as some gateways write it.
_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")

_Rates = dict[str, int | tuple[int, tuple[tuple[int, int], ...]]]


class _Period(Struct):
    """Rates and when they hold: from a day on, or between two seconds of each day; None = not known."""

    rates: _Rates | None
    from_: date | None = msgspec.field(name="from", default=None)
    hours: tuple[int, int] | None = None
    tier: str = ""


class _Model(Struct):
    match: list[str | list[str]]
    prices: list[_Period]
    tiers: list[_Period] = []
    window: int | None = None


class _Vendor(Struct):
    fallbacks: list[str]
    models: list[_Model]


class _Document(Struct):
    format: int
    date: date
    source: str
    vendors: dict[str, Raw]


class _Test(NamedTuple):
    """Alternatives of tests, one of which must pass whole, and the place of their model among its vendor's."""

    place: int
    alternatives: tuple[tuple[str, ...], ...]


class _Index(NamedTuple):
    vendor: _Vendor
    names: Mapping[str, int]  # a whole name in lower case -> the place of the first model that claims it
    tests: Sequence[_Test]  # what whole names do not tell, in file order


_DOCUMENT = msgspec.json.Decoder(_Document)
_VENDOR = msgspec.json.Decoder(_Vendor)


class Catalog:
    """Prices by vendor and model.

    Attributes:
        date: The day whose prices these are.
        source: What they come from, for a person.
    """

    def __init__(self, document: bytes) -> None:
        """Take a document.

        Raises:
            ValueError: It is none, or of another format.
        """
        decoded = _DOCUMENT.decode(document)
        if decoded.format != FORMAT:
            raise ValueError(f"format {decoded.format} instead of {FORMAT}")
        self.date, self.source = decoded.date, decoded.source
        self._raw = decoded.vendors
        self._indexes: dict[str, _Index] = {}

    @property
    def vendors(self) -> tuple[str, ...]:
        return tuple(self._raw)

    @property
    def has_windows(self) -> bool:
        """Whether context windows stand in it; those that earlier versions wrote had none."""
        return any(b'"window"' in raw for raw in map(bytes, self._raw.values()))

    def check(self) -> int:
        """Read all of it, and count the models.

        Raises:
            ValueError: Some part cannot be read.
        """
        models = [model for vendor in self._raw for model in self._index(vendor).vendor.models]
        for model in models:
            _price(model, self.date, self.label, with_tiers=True)
            for rule in model.match:
                for test in (rule,) if isinstance(rule, str) else rule:
                    sound(test[1:] if test[:1] == "/" else "")
        return len(models)

    @property
    def label(self) -> str:
        """What a price of this catalogue has as its source."""
        return f"catalog {self.date.isoformat()}"

    def price(self, vendor: str | None, model: str, on: date) -> Price | None:
        """Find a model's price.

        Args:
            vendor: As the catalogue calls it; None = a kind that it does not know.
            on: The UTC day from which the price is wanted; later changes are within it (`Price.changes`).
        """
        if vendor is None or vendor not in self._raw:
            return None
        found = self._find(vendor, model.lower())
        if found is None:
            return None
        is_own, row = found
        return _price(row, on, self.label, with_tiers=is_own)

    def window(self, vendor: str | None, model: str) -> int | None:
        """Find a model's context window, in tokens; None where it is not known."""
        if vendor is None or vendor not in self._raw:
            return None
        found = self._find(vendor, model.lower())
        return None if found is None else found[1].window

    def _find(self, vendor: str, name: str) -> tuple[bool, _Model] | None:
        """The vendor's own models first, then those of vendors whose models it resells; dates written without dashes
        only where nothing else fits."""
        for spelling in dict.fromkeys((name, _dashed(name))):
            own = self._index(vendor)
            others = [vendor for vendor in own.vendor.fallbacks if vendor in self._raw]
            for index in (own, *map(self._index, others)):
                place = _place(index, spelling)
                if place is not None:
                    return index is own, index.vendor.models[place]
        return None

    def _index(self, vendor: str) -> _Index:
        index = self._indexes.get(vendor)
        if index is None:
            index = self._indexes[vendor] = _make_index(_VENDOR.decode(self._raw[vendor]))
        return index


def shipped() -> bytes:
    """Read the document that ships in the package."""
    return files(__package__).joinpath("catalog.json").read_bytes()


@lru_cache(maxsize=1)
def load() -> Catalog:
    """Return the catalogue that ships in the package; read once."""
    return Catalog(shipped())


def _make_index(vendor: _Vendor) -> _Index:
    names: dict[str, int] = {}
    tests: list[_Test] = []
    for place, model in enumerate(vendor.models):
        others: list[tuple[str, ...]] = []
        for rule in model.match:
            if isinstance(rule, str) and rule[0] == "=":
                names.setdefault(rule[1:], place)
            else:
                others.append((rule,) if isinstance(rule, str) else tuple(rule))
        if others:
            tests.append(_Test(place, tuple(others)))
    return _Index(vendor, names, tests)


def _place(index: _Index, name: str) -> int | None:
    """The first model in file order that claims the name."""
    exact = index.names.get(name)
    for test in index.tests:
        if exact is not None and test.place > exact:
            break
        for alternative in test.alternatives:
            if all(_passes(rule, name) for rule in alternative):
                return test.place
    return exact


def _passes(rule: str, name: str) -> bool:
    mark, text = rule[0], rule[1:]
    match mark:
        case "^":
            return name.startswith(text)
        case "~":
            return text in name
        case "$":
            return name.endswith(text)
        case "/":
            return re.search(text, name) is not None
        case _:
            return name == text


def _dashed(name: str) -> str:
    """Write a compact date with dashes, if it is one."""

    def dashed(found: re.Match[str]) -> str:
        year, month, day = found.groups()
        try:
            date(int(year), int(month), int(day))
        except ValueError:
            return found[0]
        return f"-{year}-{month}-{day}"

    return _COMPACT_DATE.sub(dashed, name)


def _price(model: _Model, on: date, label: str, *, with_tiers: bool) -> Price | None:
    """Make the price of a day, with what changes later: by hours of the day, and on days to come."""
    periods = [*model.prices, *(model.tiers if with_tiers else ())]
    days = sorted({on, *(period.from_ for period in periods if period.from_ is not None and period.from_ > on)})
    borders = sorted({0, *(second for period in periods for second in period.hours or ())})
    changes: list[Change] = []
    for day in days:
        for border, following in zip(borders, [*borders[1:], _DAY_S], strict=True):
            price = _at(model, day, border, label, with_tiers=with_tiers) or Price(label, TokenRates())
            hours = None if len(borders) == 1 else (border, following)
            changes.append(Change(price, _unix_s(day), hours))
    first = changes.pop(0).price
    if not changes:
        return None if first.standard == TokenRates() else first
    return msgspec.structs.replace(first, changes=tuple(changes))


def _at(model: _Model, day: date, second: int, label: str, *, with_tiers: bool) -> Price | None:
    """The price of one second; the last period that holds wins, and where none does the first."""
    held = [period for period in model.prices if _holds(period, day, second)]
    rates = (held[-1] if held else model.prices[0]).rates
    if rates is None:
        return None
    tiers: dict[str, _Rates | None] = {}
    for period in model.tiers if with_tiers else ():
        if _holds(period, day, second):
            # The first that names a class wins; what none names is as usual.
            earlier = tiers.get(period.tier, {})
            tiers[period.tier] = None if earlier is None or period.rates is None else {**period.rates, **earlier}
    return Price(
        label,
        _token_rates(rates) if rates else FREE,
        {tier: _token_rates(None if own is None else {**rates, **own}) for tier, own in tiers.items()},
        _flat(rates.get(REQUEST, 0)),
        search_nusd=_flat(rates[SEARCH]) if SEARCH in rates else None,
    )


def _holds(period: _Period, day: date, second: int) -> bool:
    if period.from_ is not None and day < period.from_:
        return False
    if period.hours is None:
        return True
    start, end = period.hours
    return start <= second < end if start <= end else second >= start or second < end


def _token_rates(rates: _Rates | None) -> TokenRates:
    known = {name: _rate(value) for name, value in (rates or {}).items() if name not in (REQUEST, SEARCH)}
    return TokenRates(**known)


def _rate(value: int | tuple[int, tuple[tuple[int, int], ...]]) -> Rate:
    return Rate(value) if isinstance(value, int) else Rate(*value)


def _flat(value: int | tuple[int, tuple[tuple[int, int], ...]]) -> int:
    return value if isinstance(value, int) else value[0]


def _unix_s(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
