"""Every model that genai-prices knows costs here what it costs there, to the nano-dollar.

`DIFFERENCES` says where they differ by design; a test shows each.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from typing import Any

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices.data import providers
from genai_prices.types import ModelInfo, ModelPrice, Provider, Tier, TieredPrices
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from proxy.core.price import Price
from proxy.core.usage import Usage
from proxy.pricing import catalog
from proxy.pricing.cost import cost, price_at
from proxy.pricing.published import CLASSES, NOT_COUNTED, REQUESTS, SEARCHES

DIFFERENCES = {
    "finer_than_a_pico_dollar": "A price with more digits than a pico-dollar a token is rounded to it: a million "
    "tokens differ by half a micro-dollar at most, and no vendor bills so finely.",
    "what_no_answer_counts": "A model that is charged by images, video, thoughts, citations, pages, characters, "
    "messages or seconds at rates of their own has no price here: OpenAI's usage object does not tell these counts.",
    "no_rate_for_what_was_used": "Where tokens were used that have no rate, genai-prices adds 0; here the cost is "
    "unknown.",
    "tools_of_the_vendor": "Code executions, and searches of files and of social networks, are charged beside the "
    "tokens; no answer counts them, so they are not in the cost.",
    "cached_sound": "Cached sound that has a rate of its own costs what other cached tokens do: answers do not tell it "
    "apart.",
}
EXPRESSIBLE = CLASSES.keys() | NOT_COUNTED | {REQUESTS, SEARCHES}
TIER_KEYS = {"service_tier", "processing", "speed"}
LENGTHS = (1, 32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
UNIT = Decimal("0.000001")  # USD per million tokens: a pico-dollar a token
NUSD = 10**9
MILLION = 10**6

ALL = [(provider, model) for provider in providers for model in provider.models]
LARGE = 100  # models, from which on a vendor takes seconds
SLOW = (pytest.mark.slow, pytest.mark.timeout(60))
VENDORS = [
    pytest.param(provider, id=provider.id, marks=SLOW if len(provider.models) > LARGE else ()) for provider in providers
]


def texts(clause: object) -> Iterator[str]:
    """The texts by which a model is told."""
    for inner in (*getattr(clause, "or_", ()), *getattr(clause, "and_", ())):
        yield from texts(inner)
    for name in ("equals", "starts_with", "contains", "ends_with"):
        if hasattr(clause, name):
            yield getattr(clause, name)


def names(provider: Provider) -> list[str]:
    """Names that find each model of this vendor; for some models also such as look like theirs."""
    found: dict[str, None] = {}
    for place, model in enumerate(provider.models):
        for text in (model.id, *texts(model.match)):
            found[text] = None
            if place % (1 + len(provider.models) // 50) == 0:
                found |= dict.fromkeys((text.upper(), f"{text}-20251211", f"x{text}", f"{text}-x:free"))
    return list(found)


def moments(model: ModelInfo) -> Iterator[datetime]:
    """Now, and either side of each border of a model's conditions."""
    yield NOW
    conditional = model.prices if isinstance(model.prices, list) else []
    for condition in [item.constraint for item in (*conditional, *(model.price_variants or ()))]:
        start = getattr(condition, "start_date", None)
        if start is not None:
            midnight = datetime.combine(start, time(), UTC)
            yield from (midnight - timedelta(seconds=1), midnight, midnight + timedelta(hours=2))
        for name in ("start_time", "end_time"):
            border = getattr(condition, name, None)
            if border is not None:
                at = datetime.combine(date(2026, 11, 21), border)
                yield from (at - timedelta(seconds=1), at)


def contexts(model: ModelInfo) -> Iterator[tuple[str, dict[str, str] | None]]:
    """The usual tier, and every other that a model has."""
    yield "", None
    for when in [variant.when for variant in model.price_variants or ()]:
        if when.keys() <= TIER_KEYS:
            yield next(iter(when.values())), when


def usages(rng: random.Random, prices: ModelPrice, most: int) -> Iterator[Usage]:
    """Usages with every class that can be told, on both sides of each border of a tier."""
    priced = known(prices)
    lengths = [
        tier.start + beside
        for price in priced.values()
        if isinstance(price, TieredPrices)
        for tier in price.tiers
        for beside in (0, 1)
    ]
    for prompt in [*dict.fromkeys(lengths), rng.choice(LENGTHS), rng.randrange(MILLION)][:most]:
        cached, written = rng.choice((0, prompt // 3)), rng.choice((0, prompt // 4))
        output = rng.choice((0, 1, 777, 65_536)) if "output_mtok" in priced else 0
        yield Usage(
            prompt if "input_mtok" in priced or not priced else 0,
            output,
            cached,
            cache_write_tokens=written,
            cache_write_1h_tokens=rng.choice((0, written // 2)),
            audio_input_tokens=0 if "cache_audio_read_mtok" in priced and cached else rng.choice((0, prompt // 5)),
            audio_output_tokens=rng.choice((0, output // 2)),
            searches=rng.choice((0, 1, 7)) if SEARCHES in priced else 0,
        )


def known(prices: ModelPrice) -> Mapping[str, Decimal | TieredPrices]:
    return {name: price for name, price in prices.__dict__.items() if price is not None}


def is_expressible(prices: ModelPrice) -> bool:
    return known(prices).keys() <= EXPRESSIBLE


def theirs(usage: Usage, prices: ModelPrice, **more: int) -> Decimal:
    """What genai-prices says, in nano-dollars."""
    counts = {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "cache_read_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "input_audio_tokens": usage.audio_input_tokens,
        "output_audio_tokens": usage.audio_output_tokens,
        "cache_audio_read_tokens": 0,
        "web_searches": usage.searches,
    }
    return prices.calc_price(TheirUsage(**{**counts, **more}))["total_price"] * NUSD


def to_pusd(prices: ModelPrice) -> ModelPrice:
    """The same prices, rounded to the pico-dollar a token."""

    def rounded(price: Decimal | TieredPrices) -> Decimal | TieredPrices:
        if isinstance(price, Decimal):
            return price.quantize(UNIT, ROUND_HALF_EVEN)
        tiers = [Tier(tier.start, tier.price.quantize(UNIT, ROUND_HALF_EVEN)) for tier in price.tiers]
        return TieredPrices(price.base.quantize(UNIT, ROUND_HALF_EVEN), tiers)

    return ModelPrice(**{name: rounded(price) for name, price in known(prices).items()})


@cache
def ours(vendor: str, model: str, day: date) -> Price | None:
    return catalog.load().price(vendor, model, day)


def charged(usage: Usage, price: Price | None, tier: str = "") -> int | None:
    made = cost(Usage(**{**asdict(usage), "service_tier": tier}), price, Decimal(1))
    return None if made is None else made.nusd


@pytest.mark.parametrize("provider", VENDORS)
def test_every_model_of_a_vendor_costs_what_genai_prices_says(provider: Provider) -> None:
    rng = random.Random(provider.id)
    seen: set[str] = set()
    compared = 0
    for name in names(provider):
        model = provider.find_model(name, all_providers=providers)
        if model is None:
            assert ours(provider.id, name, NOW.date()) is None, name
            continue
        is_own = any(model is other for other in provider.models)
        is_new = model.id not in seen
        seen.add(model.id)
        for moment in moments(model) if is_new else [NOW]:
            for tier, context in contexts(model) if is_new and is_own else [("", None)]:
                at = (name, moment, tier, context)
                compared += _compare(rng, provider, model, at, most=30 if is_new else 1)
    assert {model.id for model in provider.models} <= seen
    assert compared >= 2 * sum(is_expressible(model.get_prices(NOW)) for model in provider.models)


def _compare(
    rng: random.Random,
    provider: Provider,
    model: ModelInfo,
    at: tuple[str, datetime, str, dict[str, str] | None],
    most: int,
) -> int:
    """Compare some usages at a time and in a tier; return how many."""
    name, moment, tier, context = at
    prices = model.get_prices(moment, context)
    loaded = ours(provider.id, name, moment.date() - timedelta(days=rng.choice((0, 3))))  # some days before, perhaps
    price = None if loaded is None else price_at(loaded, moment.timestamp())
    if not is_expressible(prices):
        assert price is None or charged(Usage(1, 1), price, tier) is None, at
        return 0
    if tier and (price is None or tier not in price.tiers):  # it costs what is usual, then
        assert known(prices) == known(model.get_prices(moment)), at
        return 0
    found = list(usages(rng, prices, most))
    for usage in found:
        expected = theirs(usage, to_pusd(prices)).quantize(Decimal(1), ROUND_HALF_EVEN)
        assert charged(usage, price, tier) == expected, (at, usage)
    return len(found)


@given(
    place=st.sampled_from(range(len(ALL))),
    prompt=st.integers(0, 2 * MILLION),
    output=st.integers(0, 200_000),
    parts=st.tuples(*[st.integers(0, 1000)] * 5),
)
def test_any_usage_of_any_model_costs_what_genai_prices_says(
    place: int, prompt: int, output: int, parts: tuple[int, int, int, int, int]
) -> None:
    provider, row = ALL[place]
    model = provider.find_model(row.id, all_providers=providers)
    if model is None or not is_expressible(prices := model.get_prices(NOW)):
        return
    cached = prompt * parts[0] // 3000
    written = prompt * parts[1] // 3000
    usage = Usage(
        prompt if "input_mtok" in known(prices) else 0,
        output if "output_mtok" in known(prices) else 0,
        cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=written * parts[2] // 1000,
        audio_input_tokens=0 if "cache_audio_read_mtok" in known(prices) and cached else prompt * parts[3] // 3000,
        audio_output_tokens=output * parts[4] // 1000,
    )
    price = ours(provider.id, row.id, NOW.date())
    expected = theirs(usage, to_pusd(prices)).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert charged(usage, price_at(price, NOW.timestamp()) if price else None) == (expected if price else None)


def priced(vendor: str, model: str) -> tuple[Price | None, ModelPrice]:
    provider = next(provider for provider in providers if provider.id == vendor)
    found = provider.find_model(model, all_providers=providers)
    assert found is not None
    return ours(vendor, model, NOW.date()), found.get_prices(NOW)


def test_difference_finer_than_a_pico_dollar() -> None:
    assert "finer_than_a_pico_dollar" in DIFFERENCES
    price, prices = priced("openrouter", "google/gemini-2.5-flash")
    usage = Usage(MILLION, 0, cache_write_tokens=MILLION)
    made = charged(usage, price)
    assert made is not None
    assert 0 < abs(made - theirs(usage, prices)) <= 500


@pytest.mark.parametrize(
    ("vendor", "model"),
    [("openai", "gpt-image-1"), ("openai", "whisper-1"), ("perplexity", "sonar-deep-research"), ("openai", "tts-1")],
)
def test_difference_what_no_answer_counts(vendor: str, model: str) -> None:
    assert "what_no_answer_counts" in DIFFERENCES
    price, prices = priced(vendor, model)
    assert price is None
    assert not is_expressible(prices)


def test_difference_no_rate_for_what_was_used() -> None:
    assert "no_rate_for_what_was_used" in DIFFERENCES
    price, prices = priced("openai", "text-embedding-3-small")
    assert charged(Usage(1000, 1), price) is None
    assert theirs(Usage(1000, 1), prices) == charged(Usage(1000), price) == 20_000


def test_difference_tools_of_the_vendor() -> None:
    assert "tools_of_the_vendor" in DIFFERENCES
    price, prices = priced("openai", "gpt-4.1")
    usage = Usage(1000, 10, searches=1)
    assert theirs(usage, prices, storage_searches=1) - 2_500_000 == charged(usage, price)


def test_difference_cached_sound() -> None:
    assert "cached_sound" in DIFFERENCES
    price, prices = priced("google", "gemini-2.5-flash")
    usage = Usage(MILLION, 0, cached_tokens=MILLION)
    assert theirs(usage, prices) == charged(usage, price)
    assert theirs(usage, prices, cache_audio_read_tokens=MILLION, input_audio_tokens=MILLION) > theirs(usage, prices)


def test_each_difference_is_shown() -> None:
    shown = {name.removeprefix("test_difference_") for name in globals() if name.startswith("test_difference_")}
    assert shown == DIFFERENCES.keys()


def test_the_shipped_catalogue_is_what_genai_prices_gives() -> None:
    from proxy.pricing.generate import installed
    from proxy.pricing.published import compile_published, render

    shipped = catalog.load()
    made: dict[str, Any] = compile_published(installed(), shipped.date, shipped.source)
    assert render(made) == catalog.shipped()
