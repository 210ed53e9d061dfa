"""What requests cost by `docs/prices.md`, worked out in fractions and without any code of the gateway's own sums.

Slow and plain on purpose: it shares with `proxy.pricing` the values that a price is written in, and nothing else.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from proxy.core.price import Price, TokenRates
from proxy.core.usage import Usage

BELIEVED = frozenset({"openrouter", "perplexity", "xai"})
USUAL_TIERS = frozenset({"", "default", "standard", "auto", "on_demand"})
ROUND = {  # the class that a class without a rate is charged as
    "cached_input": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "audio_input": "input",
    "audio_output": "output",
}


def charged_nusd(usage: Usage, price: Price | None, kind: str, multiplier: Decimal, at_s: float) -> int | None:
    """Nano-dollars, rounded once; None where nobody knows."""
    exact: Fraction | None
    if usage.reported_cost_nusd is not None and kind in BELIEVED:
        exact = Fraction(usage.reported_cost_nusd)
    else:
        exact = None if price is None else _priced(usage, price, at_s)
    return None if exact is None else round(exact * Fraction(multiplier))  # half to even


def _priced(usage: Usage, price: Price, at_s: float) -> Fraction | None:
    for change in price.changes:
        if at_s >= change.from_s and (change.hours is None or change.hours[0] <= at_s % 86_400 < change.hours[1]):
            price = change.price  # the last that holds: none of these has changes of its own
    is_usual = usage.service_tier in USUAL_TIERS or not price.tiers
    rates = price.standard if is_usual else price.tiers.get(usage.service_tier)
    if rates is None:
        return None
    whole = Fraction(price.request_nusd)
    for name, tokens in classes(usage).items():
        if tokens:
            pusd = _pusd(rates, name, usage.prompt_tokens)
            if pusd is None:
                return None
            whole += Fraction(pusd, 1_000) * tokens
    if usage.searches and price.search_nusd is not None:
        whole += price.search_nusd * usage.searches
    elif usage.searches and not (usage.prompt_tokens or usage.completion_tokens or price.request_nusd):
        return None
    return whole


def classes(usage: Usage) -> dict[str, int]:
    """Each token in the one class that it is charged as; parts that exceed their whole are cut to it in this order."""
    prompt, output = usage.prompt_tokens, usage.completion_tokens
    cached, written, heard = usage.cached_tokens, usage.cache_write_tokens, usage.audio_input_tokens
    if cached + written + heard > prompt:
        cached = min(cached, prompt)
        written = min(written, prompt - cached)
        heard = prompt - cached - written
    for_an_hour, spoken = min(usage.cache_write_1h_tokens, written), min(usage.audio_output_tokens, output)
    return {
        "input": prompt - cached - written - heard,
        "cached_input": cached,
        "cache_write": written - for_an_hour,
        "cache_write_1h": for_an_hour,
        "audio_input": heard,
        "output": output - spoken,
        "audio_output": spoken,
    }


def _pusd(rates: TokenRates, name: str, prompt_tokens: int) -> int | None:
    if (rates.input if name in PROMPT else rates.output) is None:
        return None
    rate = getattr(rates, name)
    while rate is None:
        name = ROUND[name]
        rate = getattr(rates, name)
    pusd: int = rate.pusd
    for above, stepped in rate.steps:
        if prompt_tokens > above:
            pusd = stepped
    return pusd


PROMPT = frozenset({"input", "cached_input", "cache_write", "cache_write_1h", "audio_input"})
