"""From a price and a provider's multiplier to whole numbers that a request need only multiply and add.

Pure. All that does not depend on the request is worked out once: which rate stands in for one that is unknown, from
which prompt length on another holds, and the multiplier. Amounts are so small that they are whole (`Tariff.unit` of
them are a nano-dollar); `rounded` rounds, once.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from msgspec import Struct

from proxy.core.price import Price, Rate, TokenRates

STANDARD_TIERS = frozenset({"", "default", "standard", "auto", "on_demand"})

_PUSD_PER_NUSD = 1_000


class TokenTable(Struct, frozen=True, gc=False):
    """What a token of each class costs in prompts of one length. Only `input` and `output` may be unknown (None).

    A class without a rate of its own has that of the class around it: a write for an hour is a write, and all others
    are input or output.
    """

    input: int | None
    cached: int
    written: int
    written_1h: int
    audio_input: int
    output: int | None
    audio_output: int


class Tariff(Struct, frozen=True, gc=False):
    """One service tier of a price, multiplied.

    Attributes:
        unit: So much of an amount is a nano-dollar.
        request: Charged for each request beside the tokens.
        search: Charged for each search beside the tokens; None = unknown.
        tokens: Of prompts shorter than all `steps`.
        steps: (prompt tokens above which it holds, what then holds for every token), ascending.
    """

    unit: int
    request: int
    tokens: TokenTable
    steps: tuple[tuple[int, TokenTable], ...]
    search: int | None = None


@lru_cache(maxsize=4096)
def tariff_of(price: Price, service_tier: str, multiplier: Decimal) -> Tariff | None:
    """Work out the tariff of the tier that an answer names; None where the price does not know that tier.

    A price that knows of no tiers holds for all of them.
    """
    is_standard = not price.tiers or service_tier in STANDARD_TIERS
    rates = price.standard if is_standard else price.tiers.get(service_tier)
    if rates is None:
        return None
    numerator, denominator = multiplier.as_integer_ratio()
    found = [rate for rate in _rates(rates) if rate is not None]
    return Tariff(
        denominator * _PUSD_PER_NUSD,
        price.request_nusd * _PUSD_PER_NUSD * numerator,
        _table(rates, 0, numerator),
        tuple(
            [
                (above, _table(rates, above + 1, numerator))
                for above in sorted({above for rate in found for above, _ in rate.steps})
            ]
        ),
        None if price.search_nusd is None else price.search_nusd * _PUSD_PER_NUSD * numerator,
    )


def tokens_at(tariff: Tariff, prompt_tokens: int) -> TokenTable:
    """Return what tokens cost with a prompt of this length."""
    tokens = tariff.tokens
    for above, stepped in tariff.steps:
        if prompt_tokens > above:
            tokens = stepped
    return tokens


def rounded(amount: int, unit: int) -> int:
    """Round half-even to nano-dollars. `unit` is even, as each is: a multiple of 1,000."""
    whole, rest = divmod(amount + unit // 2, unit)
    return whole if rest or whole % 2 == 0 else whole - 1


def _rates(rates: TokenRates) -> tuple[Rate | None, ...]:
    return (
        *(rates.input, rates.cached_input, rates.cache_write, rates.cache_write_1h, rates.audio_input),
        *(rates.output, rates.audio_output),
    )


def _table(rates: TokenRates, prompt_tokens: int, numerator: int) -> TokenTable:
    plain, cached, written, written_1h, audio, output, spoken = [
        None if rate is None else _per_token(rate, prompt_tokens) * numerator for rate in _rates(rates)
    ]
    written = _known(written, plain)
    return TokenTable(
        plain,
        _known(cached, plain),
        written,
        _known(written_1h, written),
        _known(audio, plain),
        output,
        _known(spoken, output),
    )


def _known(rate: int | None, around: int | None) -> int:
    """Where the rate around it is unknown too it does not matter: then there is no cost (see `cost`)."""
    return (around or 0) if rate is None else rate


def _per_token(rate: Rate, prompt_tokens: int) -> int:
    """The rate of a prompt of this length: past a step it holds for every token, not only for those past it."""
    pusd = rate.pusd
    for above, stepped in rate.steps:
        if prompt_tokens > above:
            pusd = stepped
    return pusd
