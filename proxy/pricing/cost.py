"""From token counts and a price to what a request cost, and from a plan to the most that it may cost.

Pure whole-number arithmetic: rates are pico-dollars a token, a total is rounded once, half-even, to nano-dollars, after
the provider's multiplier. An unknown price is None and never 0. Never looks a price up: `catalog` and the configuration
have done that.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from proxy.core.plan import Plan, Planned
from proxy.core.price import Cost, Price, Rate, TokenRates
from proxy.core.usage import Usage

REPORTED = "reported"
USUAL_OUTPUT_TOKENS = 4_096  # expected of a request that sets no limit itself
STANDARD_TIERS = frozenset({"", "default", "standard", "auto", "on_demand"})

_DAY_S = 86_400
_PUSD_PER_NUSD = 1_000


class Expected(Struct, frozen=True, gc=False):
    """What a request may use at most, for reserving.

    Attributes:
        input_tokens: An estimate.
        max_tokens: The client's own limit of one answer; None = it set none.
        choices: Answers asked for.
        service_tier: As the client asked for it.
    """

    input_tokens: int
    max_tokens: int | None = None
    choices: int = 1
    service_tier: str = ""


def cost(usage: Usage, price: Price | None, multiplier: Decimal) -> Cost | None:
    """Say what a request cost; None where that is not known.

    Cached, cache-write and audio tokens are taken out of the totals that hold them. Where such a class has no rate of
    its own, that of the class around it counts: a write for an hour is a write, and all others are input or output.

    Args:
        usage: Its `reported_cost_nusd` is set only where it is to be believed; then it wins over any price.
        price: The one in force at the time of the request (see `price_at`).
        multiplier: The provider's; it holds for a reported cost too.
    """
    reported_nusd = usage.reported_cost_nusd
    if reported_nusd is not None:
        return Cost(_rounded(reported_nusd * _PUSD_PER_NUSD, multiplier), REPORTED)
    if price is None:
        return None
    rates = _rates(price, usage.service_tier)
    pusd = None if rates is None else _tokens_pusd(usage, rates)
    if pusd is None:
        return None
    return Cost(_rounded(pusd + price.request_nusd * _PUSD_PER_NUSD, multiplier), price.source)


def prompt_cost(prompt_tokens: int, price: Price, multiplier: Decimal) -> int | None:
    """Return the nano-dollars that a prompt costs before anything is answered; None where its rate is unknown."""
    rate = price.standard.input
    if rate is None:
        return None
    return _rounded(prompt_tokens * _per_token(rate, prompt_tokens) + price.request_nusd * _PUSD_PER_NUSD, multiplier)


def price_at(price: Price, wall_s: float) -> Price:
    """Return the price in force at a time (Unix time): nearly always the same one."""
    for change in reversed(price.changes):
        if wall_s >= change.from_s and (change.hours is None or change.hours[0] <= wall_s % _DAY_S < change.hours[1]):
            return change.price
    return price


def dearest(plan: Plan, expected: Expected, wall_s: float) -> int:
    """Return the nano-dollars that a request costs at most at the dearest candidate of its plan.

    Input and output count at their plain rates, or at those of the service tier asked for where that is dearer: the
    upstream decides by which it serves. Candidates without a price count as 0; whether a key may use them is decided
    elsewhere.
    """
    planned = plan.candidates if plan.last_resort is None else (*plan.candidates, plan.last_resort)
    return max([_at_most(item, expected, wall_s) for item in planned], default=0)


def _at_most(planned: Planned, expected: Expected, wall_s: float) -> int:
    candidate = planned.candidate
    if candidate.price is None:
        return 0
    price = price_at(candidate.price, wall_s)
    output_tokens = expected.max_tokens or USUAL_OUTPUT_TOKENS
    limit = candidate.capabilities.max_output_tokens or planned.model.capabilities.max_output_tokens
    if limit is not None and limit < output_tokens:
        output_tokens = limit
    pusd = _plain_pusd(expected.input_tokens, output_tokens, price.standard)
    tier = _rates(price, expected.service_tier)
    if tier is not None and tier is not price.standard:
        pusd = max(pusd, _plain_pusd(expected.input_tokens, output_tokens, tier))
    pusd += price.request_nusd * _PUSD_PER_NUSD
    return _rounded(pusd * max(1, expected.choices), candidate.provider.cost_multiplier)


def _plain_pusd(prompt: int, output: int, rates: TokenRates) -> int:
    return prompt * _per_token(rates.input, prompt) + output * _per_token(rates.output, prompt)


def _rates(price: Price, service_tier: str) -> TokenRates | None:
    """The rates of the tier that an answer names. A price that knows of no tiers holds for all of them."""
    tiers = price.tiers
    if not tiers or service_tier in STANDARD_TIERS:
        return price.standard
    return tiers.get(service_tier)


def _tokens_pusd(usage: Usage, rates: TokenRates) -> int | None:
    """Price the tokens by class; None where some class that was used has no rate."""
    prompt, output = usage.prompt_tokens, usage.completion_tokens
    cached, written, audio = usage.cached_tokens, usage.cache_write_tokens, usage.audio_input_tokens
    plain = prompt - cached - written - audio
    if plain < 0:  # an upstream counted some tokens twice, as cached and as audio, or counted wrongly
        cached = min(cached, prompt)
        written = min(written, prompt - cached)
        audio = prompt - cached - written
        plain = 0
    spoken = min(usage.audio_output_tokens, output)
    pusd = 0
    if prompt:
        if rates.input is None:
            return None
        pusd = plain * _per_token(rates.input, prompt)
        if cached:
            pusd += cached * _per_token(rates.cached_input or rates.input, prompt)
        if written:
            pusd += _written_pusd(written, usage, rates)
        if audio:
            pusd += audio * _per_token(rates.audio_input or rates.input, prompt)
    if output:
        if rates.output is None:
            return None
        pusd += (output - spoken) * _per_token(rates.output, prompt)
        if spoken:
            pusd += spoken * _per_token(rates.audio_output or rates.output, prompt)
    return pusd


def _written_pusd(written: int, usage: Usage, rates: TokenRates) -> int:
    prompt = usage.prompt_tokens
    for_an_hour = min(usage.cache_write_1h_tokens, written)
    brief = rates.cache_write or rates.input
    long = rates.cache_write_1h or brief
    return (written - for_an_hour) * _per_token(brief, prompt) + for_an_hour * _per_token(long, prompt)


def _per_token(rate: Rate | None, prompt_tokens: int) -> int:
    """The rate of a prompt of this length: past a step it holds for every token, not only for those past it."""
    if rate is None:
        return 0
    pusd = rate.pusd
    for above, stepped in rate.steps:
        if prompt_tokens > above:
            pusd = stepped
    return pusd


def _rounded(pusd: int, multiplier: Decimal) -> int:
    """Multiply, and round half-even to nano-dollars."""
    numerator, denominator = (1, 1) if multiplier == 1 else multiplier.as_integer_ratio()
    unit = denominator * _PUSD_PER_NUSD
    whole, rest = divmod(pusd * numerator, unit)
    return whole + (2 * rest > unit or (2 * rest == unit and whole % 2 == 1))
