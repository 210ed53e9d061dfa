"""From token counts and a price to what a request cost, and from a plan to the most that it may cost.

Pure whole-number arithmetic: rates are pico-dollars a token, a total is rounded once, half-even, to nano-dollars, after
the provider's multiplier. An unknown price is None and never 0. Never looks a price up: `catalog` and the configuration
have done that.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from proxy.core.call import Call, Operation
from proxy.core.plan import Plan, Planned
from proxy.core.price import Cost, Price
from proxy.core.usage import Usage, without_others
from proxy.pricing.tariff import STANDARD_TIERS, Tariff, TokenTable, rounded, tariff_of, tokens_at

REPORTED = "reported"
USUAL_OUTPUT_TOKENS = 4_096  # expected of a request that sets no limit itself

_DAY_S = 86_400
_RANKING = Operation.RERANK  # charged for a search, where its model is charged by the search


def cost(usage: Usage, price: Price | None, multiplier: Decimal, of_others: Sequence[Price | None] = ()) -> Cost | None:
    """Say what a request cost; None where that is not known.

    Cached, cache-write and audio tokens are taken out of the totals that hold them. What other models used each
    time that they had part in the answer is priced, and rounded, by itself.

    Args:
        usage: Its `reported_cost_nusd` is set only where it is to be believed; then it wins over any price.
        price: The one in force at the time of the request (see `price_at`).
        multiplier: The provider's; it holds for a reported cost too.
        of_others: The prices in force of `usage.others`, in their order.
    """
    if usage.reported_cost_nusd is not None:
        return Cost(_multiplied(usage.reported_cost_nusd, multiplier), REPORTED)
    if price is None:
        return None
    if usage.others:
        return _with_others(usage, price, multiplier, of_others)
    tariff = tariff_of(price, usage.service_tier if price.tiers else "", multiplier)
    if tariff is None:
        return None
    tokens = tokens_at(tariff, usage.prompt_tokens) if tariff.steps else tariff.tokens
    amount = _of_tokens(usage, tokens)
    if usage.searches and amount is not None:
        searched = _of_searches(usage, price, tariff)
        amount = None if searched is None else amount + searched
    if amount is None:
        return None
    return Cost(rounded(amount + tariff.request, tariff.unit), price.source)


def _with_others(usage: Usage, price: Price, multiplier: Decimal, of_others: Sequence[Price | None]) -> Cost | None:
    theirs = [cost(used, its, multiplier) for (_, used), its in zip(usage.others, of_others, strict=True)]
    costs = [cost(without_others(usage), price, multiplier), *theirs]
    if None in costs:
        return None
    return Cost(sum([known.nusd for known in costs if known]), price.source)


def prompt_cost(prompt_tokens: int, price: Price, multiplier: Decimal) -> int | None:
    """Return the nano-dollars that a prompt costs before anything is answered; None where its rate is unknown."""
    tariff = tariff_of(price, "", multiplier)
    assert tariff is not None  # the standard one
    rate = tokens_at(tariff, prompt_tokens).input if tariff.steps else tariff.tokens.input
    return None if rate is None else rounded(prompt_tokens * rate + tariff.request, tariff.unit)


def price_at(price: Price, wall_s: float) -> Price:
    """Return the price in force at a time (Unix time): nearly always the same one."""
    if price.changes:
        for change in reversed(price.changes):
            hours = change.hours
            if wall_s >= change.from_s and (hours is None or hours[0] <= wall_s % _DAY_S < hours[1]):
                return change.price
    return price


def dearest(plan: Plan, call: Call, choices: int, service_tier: str, wall_s: float) -> int:
    """Return the nano-dollars that a request costs at most at the dearest candidate of its plan.

    Input and output count at their plain rates, or at those of the service tier asked for where that is dearer: the
    upstream decides by which it serves. Candidates without a price count as 0; whether a key may use them is decided
    elsewhere.

    Args:
        choices: Answers asked for.
        service_tier: As the client asked for it; "" where it did not.
    """
    most_nusd = 0
    for planned in plan.candidates if plan.last_resort is None else (*plan.candidates, plan.last_resort):
        price = planned.candidate.price
        if price is not None:
            nusd = _at_most(planned, price_at(price, wall_s), call, choices, service_tier)
            if nusd > most_nusd:
                most_nusd = nusd
    return most_nusd


def _at_most(planned: Planned, price: Price, call: Call, choices: int, service_tier: str) -> int:
    candidate, prompt = planned.candidate, call.needs.input_tokens
    output = call.max_tokens or USUAL_OUTPUT_TOKENS
    limit = candidate.capabilities.max_output_tokens or planned.model.capabilities.max_output_tokens
    if limit is not None and limit < output:
        output = limit
    multiplier = candidate.provider.cost_multiplier
    tariff = tariff_of(price, "", multiplier)
    assert tariff is not None  # the standard one
    tokens = tokens_at(tariff, prompt) if tariff.steps else tariff.tokens
    amount = prompt * (tokens.input or 0) + output * (tokens.output or 0)
    if price.tiers and service_tier not in STANDARD_TIERS:
        tier = tariff_of(price, service_tier, multiplier)
        if tier is not None:
            tokens = tokens_at(tier, prompt)
            amount = max(amount, prompt * (tokens.input or 0) + output * (tokens.output or 0))
    amount += tariff.request
    if call.endpoint.operation is _RANKING:
        amount += tariff.search or 0
    return rounded(amount if choices <= 1 else amount * choices, tariff.unit)


def _of_tokens(usage: Usage, rates: TokenTable) -> int | None:
    """Price the tokens by class; None where some class that was used has no rate."""
    prompt, output, cached = usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens
    written, audio, spoken = usage.cache_write_tokens, usage.audio_input_tokens, usage.audio_output_tokens
    input_rate, output_rate = rates.input, rates.output
    if input_rate is None:
        if prompt:
            return None
        input_rate = 0
    if output_rate is None:
        if output:
            return None
        output_rate = 0
    plain = prompt - cached - written - audio
    if plain < 0:  # an upstream counted some tokens twice, as cached and as audio, or counted wrongly
        cached = min(cached, prompt)
        written = min(written, prompt - cached)
        audio = prompt - cached - written
        plain = 0
    amount = plain * input_rate + cached * rates.cached + output * output_rate
    if audio:
        amount += audio * rates.audio_input
    if spoken:
        amount += min(spoken, output) * (rates.audio_output - output_rate)
    if written:
        for_an_hour = min(usage.cache_write_1h_tokens, written)
        amount += (written - for_an_hour) * rates.written + for_an_hour * rates.written_1h
    return amount


def _of_searches(usage: Usage, price: Price, tariff: Tariff) -> int | None:
    """Price the searches. Without a rate they are free beside what has one, and unknown where there is nothing else."""
    if tariff.search is not None:
        return usage.searches * tariff.search
    return 0 if usage.prompt_tokens or usage.completion_tokens or price.request_nusd else None


def _multiplied(nusd: int, multiplier: Decimal) -> int:
    numerator, denominator = multiplier.as_integer_ratio()
    return rounded(nusd * numerator * 2, denominator * 2)
