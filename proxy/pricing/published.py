"""From the prices that genai-prices publishes to the catalogue's own document, and from its decimals to whole numbers.

The document keeps what `catalog` looks up, and nothing else: how a model's names are told, its context window in
tokens, and integer pico-dollars a token by class, by service tier, by date and by time of day. Pure; who fetches or
writes either is elsewhere. A price that our token counts cannot express is kept without rates: its model is then known
to be unpriced, and no broader rule further down takes its name.

Source: github.com/pydantic/genai-prices, prices/new_data/v2/data.json and packages/python, read 2026-11-20.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec
from msgspec import Struct

FORMAT = 1
PUSD_PER_MTOK = 10**6  # pico-dollars a token, of one USD per million tokens
NUSD_PER_KILO = 10**6  # nano-dollars each, of one USD per thousand
REQUEST = "request"
SEARCH = "search"

CLASSES: Mapping[str, str] = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
}
REQUESTS = "requests_kcount"
SEARCHES = "web_searches_kcount"
# Charged beside the tokens where the vendor's own tools are used, or a part of a class that answers do not tell apart.
NOT_COUNTED = frozenset(
    {
        "cache_audio_read_mtok",
        "code_executions_kcount",
        "social_searches_kcount",
        "storage_searches_kcount",
    }
)
_TIER_KEYS = {"service_tier", "processing", "speed"}  # what a variant may be chosen by that an answer names


class Tier(Struct):
    start: int
    price: Decimal


class Tiered(Struct):
    base: Decimal
    tiers: list[Tier] = []


class Constraint(Struct):
    start_date: date | None = None
    start_time: time | None = None
    end_time: time | None = None


Prices = dict[str, Decimal | Tiered | None]


class Conditional(Struct):
    prices: Prices
    constraint: Constraint | None = None


class Variant(Struct):
    when: dict[str, str]
    prices: Prices
    constraint: Constraint | None = None


class Model(Struct):
    id: str
    match: dict[str, Any]
    context_window: int | None = None
    prices: Prices | list[Conditional] = {}
    price_variants: list[Variant] | None = None


class Vendor(Struct):
    id: str
    models: list[Model] = []
    fallback_model_providers: list[str] | None = None


_DECODER = msgspec.json.Decoder(list[Vendor])


def compile_published(published: bytes, on: date, source: str) -> dict[str, Any]:
    """Make the catalogue's document.

    Args:
        published: The JSON that genai-prices publishes.
        on: The day whose prices these are.
        source: What they come from, for a person.

    Raises:
        ValueError: They are not in the form that is known.
    """
    vendors = _DECODER.decode(published)
    models = sum(len(vendor.models) for vendor in vendors)
    if not models:
        raise ValueError("no model in it")
    return {
        "format": FORMAT,
        "date": on.isoformat(),
        "source": source,
        "vendors": {vendor.id: _vendor(vendor) for vendor in vendors},
    }


def render(document: Mapping[str, Any]) -> bytes:
    """Write the document as JSON, a model a line, so that a person can read what changed."""
    encode = msgspec.json.encode
    head = ",\n".join(f"{_text(name)}:{_text(document[name])}" for name in ("format", "date", "source"))
    vendors = ",\n".join(
        f'{_text(name)}:{{"fallbacks":{_text(vendor["fallbacks"])},"models":[\n'
        + ",\n".join(encode(model).decode() for model in vendor["models"])
        + "\n]}"
        for name, vendor in document["vendors"].items()
    )
    return f'{{{head},\n"vendors":{{\n{vendors}\n}}}}\n'.encode()


def pusd(usd_per_mtok: Decimal) -> int:
    """Turn USD per million tokens into pico-dollars a token, half-even where a vendor's own division left digits.

    Raises:
        ValueError: It is below 0.
    """
    if usd_per_mtok < 0:
        raise ValueError("a price below 0")
    return int((usd_per_mtok * PUSD_PER_MTOK).to_integral_value(ROUND_HALF_EVEN))


def sound(expression: str) -> str:
    """Return a regular expression that is one.

    Raises:
        ValueError: It is none.
    """
    try:
        re.compile(expression)
    except re.error as exc:
        raise ValueError("a rule for names that is no regular expression") from exc
    return expression


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _vendor(vendor: Vendor) -> dict[str, Any]:
    return {"fallbacks": vendor.fallback_model_providers or [], "models": [_model(model) for model in vendor.models]}


def _model(model: Model) -> dict[str, Any]:
    conditional = model.prices if isinstance(model.prices, list) else [Conditional(model.prices)]
    row: dict[str, Any] = {
        "match": [rule[0] if len(rule) == 1 else list(rule) for rule in _rules(model.match)],
        "prices": [{"rates": _rates(item.prices), **_when(item.constraint)} for item in conditional],
    }
    if model.context_window:
        row["window"] = model.context_window
    variants = [
        {"tier": tier, "rates": _rates(item.prices), **_when(item.constraint)}
        for item in model.price_variants or ()
        if (tier := _tier(item.when)) and item.prices
    ]
    return {**row, "tiers": variants} if variants else row


def _tier(when: Mapping[str, str]) -> str:
    """Name the service tier of a variant; "" where something else chooses it that no answer tells."""
    (key, value), *others = when.items()
    return value if key in _TIER_KEYS and not others else ""


def _when(constraint: Constraint | None) -> dict[str, Any]:
    if constraint is None:
        return {}
    if constraint.start_date is not None:
        return {"from": constraint.start_date.isoformat()}
    start, end = constraint.start_time, constraint.end_time
    if start is None or end is None:
        raise ValueError("a price with a condition that is not known")
    return {"hours": [_seconds(start), _seconds(end)]}


def _seconds(at: time) -> int:
    """Seconds of the UTC day; a time without a zone is UTC."""
    offset = at.utcoffset()
    seconds = at.hour * 3600 + at.minute * 60 + at.second
    return seconds if offset is None else (seconds - int(offset.total_seconds())) % 86_400


def _rates(prices: Prices) -> dict[str, Any] | None:
    """Give the rates by class. None: they depend on what no answer counts. Nothing priced at all: free of charge."""
    known = {name: price for name, price in prices.items() if price is not None}
    if any(not _is_expressible(name, known) for name in known):
        return None
    rates: dict[str, Any] = {CLASSES[name]: _rate(known[name]) for name in CLASSES if name in known}
    if REQUESTS in known:
        rates[REQUEST] = int(_flat(known[REQUESTS]) * NUSD_PER_KILO)
    if SEARCHES in known:
        rates[SEARCH] = int(_flat(known[SEARCHES]) * NUSD_PER_KILO)
    return rates


def _is_expressible(name: str, prices: Mapping[str, Decimal | Tiered]) -> bool:
    """Say whether what is charged by this name is counted, or is charged as the class that counts it."""
    if name in CLASSES or name in (REQUESTS, SEARCHES) or name in NOT_COUNTED:
        return True
    whole = re.sub(r"_(?:5m|text|image|video|reasoning|citation)_", "_", name)
    return whole != name and whole in prices and prices[whole] == prices[name]


def _flat(price: Decimal | Tiered) -> Decimal:
    return price.base if isinstance(price, Tiered) else price


def _rate(price: Decimal | Tiered) -> Any:  # noqa: ANN401 - a number, or a number and its steps
    if isinstance(price, Decimal):
        return pusd(price)
    tiers = sorted(price.tiers, key=lambda tier: tier.start)
    return [pusd(price.base), [[tier.start, pusd(tier.price)] for tier in tiers]] if tiers else pusd(price.base)


def _rules(clause: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Give a clause as alternatives, each a list of tests that must all pass.

    A test is a mark and a text: `=` the whole name, `^` its beginning, `$` its end, `~` within it, `/` a regular
    expression. Names are compared in lower case.
    """
    ((kind, value),) = clause.items()
    match kind:
        case "equals":
            yield (f"={value.lower()}",)
        case "starts_with":
            yield (f"^{value.lower()}",)
        case "ends_with":
            yield (f"${value.lower()}",)
        case "contains":
            yield (f"~{value.lower()}",)
        case "regex":
            yield (f"/{sound(value)}",)
        case "or":
            for inner in value:
                yield from _rules(inner)
        case "and":
            yield from _products([list(_rules(inner)) for inner in value])
        case _:
            raise ValueError("a rule for names that is not known")


def _products(parts: Sequence[Iterable[tuple[str, ...]]]) -> Iterator[tuple[str, ...]]:
    if not parts:
        yield ()
        return
    for first in parts[0]:
        for rest in _products(parts[1:]):
            yield (*first, *rest)
