"""What a request costs, by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.core.call import Needs, Operation
from proxy.core.capabilities import Capabilities
from proxy.core.plan import Plan, Planned
from proxy.core.price import Change, Cost, Price, Rate, TokenRates
from proxy.core.snapshot import Candidate, Model
from proxy.core.usage import Usage, without_others
from proxy.pricing.cost import cost, dearest, price_at, prompt_cost
from tests.fakes.prices import flat_price, rates
from tests.unit.routing.build import call, candidate, model, provider

ONE = Decimal(1)
NOW_S = 1_800_000_000.0
MIDNIGHT_S = 1_800_057_600.0  # 2027-01-16T00:00:00Z
FULL = Price(
    "catalog 2026-11-10",
    rates(
        input="2",
        output="10",
        cached_input="0.5",
        cache_write="2.5",
        cache_write_1h="4",
        audio_input="40",
        audio_output="80",
    ),
    {"flex": rates(input="1", output="5"), "priority": rates(input="4", output="20")},
    request_nusd=5_000,
)
BARE = flat_price("2", "10")
SEARCHED = replace(BARE, search_nusd=10_000_000)
STEPPED = Price("s", TokenRates(Rate(2_000, ((100, 3_000), (200, 4_000))), Rate(10_000, ((200, 20_000),))))


def nusd(usage: Usage, price: Price | None = BARE, multiplier: Decimal = ONE) -> int | None:
    made = cost(usage, price, multiplier)
    return None if made is None else made.nusd


@pytest.mark.parametrize(
    ("usage", "price", "expected"),
    [
        pytest.param(Usage(1000, 100), BARE, 2_000_000 + 1_000_000, id="input-and-output"),
        pytest.param(Usage(0, 0), BARE, 0, id="nothing-used"),
        pytest.param(Usage(1000, 100, reasoning_tokens=90), BARE, 3_000_000, id="reasoning-is-output"),
        pytest.param(Usage(1000, 0), FULL, 2_000_000 + 5_000, id="the-request-itself"),
        pytest.param(Usage(1000, 0, 400), FULL, 600 * 2_000 + 400 * 500 + 5_000, id="cached-is-part-of-the-prompt"),
        pytest.param(Usage(1000, 0, 400), BARE, 2_000_000, id="cached-without-a-rate-is-input"),
        pytest.param(Usage(1000, 0, cache_write_tokens=400), FULL, 600 * 2_000 + 400 * 2_500 + 5_000, id="written"),
        pytest.param(
            Usage(1000, 0, cache_write_tokens=400, cache_write_1h_tokens=100),
            FULL,
            600 * 2_000 + 300 * 2_500 + 100 * 4_000 + 5_000,
            id="written-for-an-hour",
        ),
        pytest.param(Usage(1000, 0, cache_write_tokens=400, cache_write_1h_tokens=9), BARE, 2_000_000, id="all-input"),
        pytest.param(
            Usage(1000, 100, audio_input_tokens=300, audio_output_tokens=60),
            FULL,
            700 * 2_000 + 300 * 40_000 + 40 * 10_000 + 60 * 80_000 + 5_000,
            id="sound",
        ),
        pytest.param(Usage(1000, 100, audio_input_tokens=300, audio_output_tokens=60), BARE, 3_000_000, id="as-text"),
        pytest.param(Usage(1000, 0, searches=3), SEARCHED, 2_000_000 + 3 * 10_000_000, id="searches"),
        pytest.param(Usage(searches=2), SEARCHED, 20_000_000, id="searches-alone"),
        pytest.param(Usage(1000, 0, searches=3), BARE, 2_000_000, id="searches-without-a-rate-are-free-beside-tokens"),
        pytest.param(Usage(searches=2), FULL, 5_000, id="searches-where-the-request-is-charged"),
        pytest.param(Usage(0, 100), flat_price(None, "10"), 1_000_000, id="a-rate-that-is-not-needed"),
        pytest.param(Usage(100, 10), STEPPED, 300, id="at-a-step-the-lower-rate"),
        pytest.param(Usage(101, 10), STEPPED, 403, id="past-a-step-all-tokens"),
        pytest.param(Usage(201, 10), STEPPED, 804 + 200, id="past-the-last-step-output-too"),
    ],
)
def test_tokens_cost_by_class(usage: Usage, price: Price, expected: int) -> None:
    assert cost(usage, price, ONE) == Cost(expected, price.source)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(Usage(100, 0, 70, audio_input_tokens=50), 70 * 500 + 30 * 40_000, id="cached-sound"),
        pytest.param(Usage(100, 0, 170, cache_write_tokens=3), 100 * 500, id="more-cached-than-there-was"),
        pytest.param(Usage(100, 0, 60, cache_write_tokens=80), 60 * 500 + 40 * 2_500, id="more-written-than-was-left"),
        pytest.param(Usage(0, 10, audio_output_tokens=50), 10 * 80_000, id="more-sound-than-output"),
        pytest.param(Usage(100, 0, cache_write_tokens=9, cache_write_1h_tokens=99), 182_000 + 9 * 4_000, id="hour"),
    ],
)
def test_parts_never_exceed_the_whole(usage: Usage, expected: int) -> None:
    assert nusd(usage, FULL) == expected + 5_000


@pytest.mark.parametrize(
    ("usage", "price"),
    [
        pytest.param(Usage(1), None, id="no-price"),
        pytest.param(Usage(1), flat_price(None, "1"), id="no-rate-for-input"),
        pytest.param(Usage(1, 1), flat_price("1"), id="no-rate-for-output"),
        pytest.param(Usage(1, service_tier="batch"), FULL, id="a-tier-that-the-price-does-not-know"),
        pytest.param(Usage(searches=1), BARE, id="searches-alone-without-a-rate"),
        pytest.param(Usage(1, 1, searches=1), replace(flat_price("1"), search_nusd=1), id="no-rate-beside-searches"),
    ],
)
def test_unknown_rate_is_no_cost_and_never_0(usage: Usage, price: Price | None) -> None:
    assert cost(usage, price, ONE) is None


ADVISED = Usage(300, 30, 100, cache_write_tokens=40, cache_write_1h_tokens=8, service_tier="priority")
BY_TWO = replace(
    ADVISED,
    prompt_tokens=300 + 201 + 1000,
    completion_tokens=30 + 10 + 100,
    cached_tokens=100 + 400,
    cache_write_tokens=40 + 90,
    cache_write_1h_tokens=8 + 60,
    others=(
        ("big", Usage(201, 10)),
        ("bigger", Usage(1000, 100, 400, cache_write_tokens=90, cache_write_1h_tokens=60)),
    ),
)


def test_what_other_models_had_part_in_is_priced_by_model_and_by_the_length_of_its_own_prompt() -> None:
    alone = [
        cost(ADVISED, FULL, ONE),
        cost(BY_TWO.others[0][1], STEPPED, ONE),
        cost(BY_TWO.others[1][1], FULL, ONE),
    ]
    expected = sum(made.nusd for made in alone if made)
    assert cost(BY_TWO, FULL, ONE, [STEPPED, FULL]) == Cost(expected, FULL.source)
    assert without_others(BY_TWO) == ADVISED


@pytest.mark.parametrize(
    ("usage", "price", "others"),
    [
        pytest.param(BY_TWO, None, [STEPPED, FULL], id="no-price"),
        pytest.param(BY_TWO, FULL, [STEPPED, None], id="no-price-of-another"),
        pytest.param(BY_TWO, FULL, [STEPPED, flat_price("1")], id="no-rate-of-another"),
        pytest.param(replace(BY_TWO, service_tier="batch"), FULL, [STEPPED, FULL], id="no-such-tier"),
    ],
)
def test_answer_in_which_an_unpriced_model_had_part_has_no_cost(
    usage: Usage, price: Price | None, others: list[Price | None]
) -> None:
    assert cost(usage, price, ONE, others) is None


def test_reported_cost_holds_for_all_models() -> None:
    assert nusd(replace(BY_TWO, reported_cost_nusd=7), None) == 7


@pytest.mark.parametrize(
    ("tier", "price", "expected"),
    [
        pytest.param("flex", FULL, 1_005_000, id="cheaper"),
        pytest.param("priority", FULL, 4_005_000, id="dearer"),
        pytest.param("default", FULL, 2_005_000, id="the-usual-one-by-name"),
        pytest.param("priority", BARE, 2_000_000, id="a-price-without-tiers-holds-for-all"),
    ],
)
def test_service_tier_is_the_one_that_the_answer_names(tier: str, price: Price, expected: int) -> None:
    assert nusd(Usage(1000, service_tier=tier), price) == expected


@pytest.mark.parametrize(
    ("pusd", "multiplier", "expected"),
    [
        pytest.param(1_499, "1", 1, id="down"),
        pytest.param(1_501, "1.0", 2, id="up"),
        pytest.param(1_500, "1", 2, id="half-to-even-up"),
        pytest.param(2_500, "1", 2, id="half-to-even-down"),
        pytest.param(1_000, "1.5", 2, id="after-the-multiplier"),
        pytest.param(999, "2.5", 2, id="once"),
        pytest.param(10**9, "0", 0, id="free"),
        pytest.param(3_000, "0.333", 1, id="many-digits"),
    ],
)
def test_total_is_rounded_once_half_even_after_the_multiplier(pusd: int, multiplier: str, expected: int) -> None:
    assert nusd(Usage(1), Price("p", TokenRates(input=Rate(pusd))), Decimal(multiplier)) == expected


@given(
    prompt=st.integers(0, 10**7),
    output=st.integers(0, 10**6),
    rate=st.integers(0, 10**9),
    multiplier=st.decimals(0, 1000, places=6),
)
def test_cost_is_the_exact_product_rounded(prompt: int, output: int, rate: int, multiplier: Decimal) -> None:
    exact = (prompt * rate + output * 3 * rate) * multiplier / 1000
    made = nusd(Usage(prompt, output), Price("p", TokenRates(input=Rate(rate), output=Rate(3 * rate))), multiplier)
    assert made == round(exact)  # half-even


def test_searches_beside_a_charged_request_are_free_at_a_provider_that_is_free_too() -> None:
    assert nusd(Usage(searches=2), FULL, Decimal(0)) == 0
    assert nusd(Usage(searches=2), BARE, Decimal(0)) is None


def test_a_reported_cost_wins_over_any_price_and_is_multiplied_too() -> None:
    usage = Usage(1000, 100, reported_cost_nusd=200)
    assert cost(usage, FULL, Decimal("1.055")) == Cost(211, "reported")
    assert cost(usage, None, ONE) == Cost(200, "reported")


def test_a_reported_cost_of_nothing_is_one() -> None:
    assert cost(Usage(1000, reported_cost_nusd=0), FULL, ONE) == Cost(0, "reported")


NIGHT, LATER = flat_price("1"), flat_price("3")
CHANGING = Price("p", rates(input="2"), changes=(Change(NIGHT, 0.0, (3600, 7200)), Change(LATER, MIDNIGHT_S)))


@pytest.mark.parametrize(
    ("wall_s", "expected"),
    [
        pytest.param(MIDNIGHT_S - 86_400, CHANGING, id="as-loaded"),
        pytest.param(MIDNIGHT_S - 86_400 + 3600, NIGHT, id="from-an-hour-on"),
        pytest.param(MIDNIGHT_S - 86_400 + 7200, CHANGING, id="until-an-hour"),
        pytest.param(MIDNIGHT_S - 1, CHANGING, id="the-day-before"),
        pytest.param(MIDNIGHT_S, LATER, id="from-a-day-on"),
        pytest.param(MIDNIGHT_S + 3600, LATER, id="the-last-that-holds-wins"),
    ],
)
def test_the_price_in_force_is_that_of_the_time(wall_s: float, expected: Price) -> None:
    assert price_at(CHANGING, wall_s) is expected


def test_a_price_that_never_changes_is_in_force() -> None:
    assert price_at(BARE, 0.0) is BARE


def plan(*candidates: Candidate, last_resort: Candidate | None = None, max_output_tokens: int | None = None) -> Plan:
    whole: Model = model(*candidates, capabilities=Capabilities(max_output_tokens=max_output_tokens))
    planned = tuple(Planned(item, whole, "") for item in candidates)
    return Plan(whole, planned, last_resort=None if last_resort is None else Planned(last_resort, whole, ""))


class Expected(NamedTuple):
    """What a request may use at most."""

    input_tokens: int
    max_tokens: int | None = None
    choices: int = 1
    service_tier: str = ""
    is_search: bool = False


CHEAP, DEAR = candidate("cheap", price=BARE), candidate("dear", price=flat_price("4", "20"))


@pytest.mark.parametrize(
    ("made", "expected", "nusd"),
    [
        pytest.param(plan(CHEAP), Expected(1000, 100), 3_000_000, id="what-the-client-allows"),
        pytest.param(plan(CHEAP), Expected(1000), 2_000_000 + 4_096 * 10_000, id="what-is-usual"),
        pytest.param(plan(CHEAP), Expected(1000, 100, choices=3), 9_000_000, id="for-each-choice"),
        pytest.param(plan(CHEAP), Expected(1000, 100, choices=0), 3_000_000, id="at-least-one"),
        pytest.param(plan(CHEAP, DEAR), Expected(1000, 100), 6_000_000, id="the-dearest"),
        pytest.param(plan(DEAR, CHEAP), Expected(1000, 100), 6_000_000, id="the-dearest-wherever-it-stands"),
        pytest.param(plan(CHEAP, last_resort=DEAR), Expected(1000, 100), 6_000_000, id="the-last-resort-too"),
        pytest.param(plan(candidate("x"), CHEAP), Expected(1000, 100), 3_000_000, id="the-unpriced-are-none"),
        pytest.param(plan(), Expected(1000, 100), 0, id="no-candidate"),
        pytest.param(
            plan(candidate("s", price=BARE, capabilities=Capabilities(max_output_tokens=50))),
            Expected(1000, 100),
            2_500_000,
            id="what-the-model-can",
        ),
        pytest.param(
            plan(candidate("s", price=BARE, capabilities=Capabilities(max_output_tokens=5000))),
            Expected(1000, 100),
            3_000_000,
            id="a-model-that-could-more",
        ),
        pytest.param(
            plan(CHEAP, max_output_tokens=50),
            Expected(1000, 100),
            2_500_000,
            id="what-is-known-of-the-model-at-large",
        ),
        pytest.param(
            plan(
                candidate("s", price=BARE, capabilities=Capabilities(max_output_tokens=80)),
                max_output_tokens=50,
            ),
            Expected(1000, 100),
            2_800_000,
            id="its-own-word-first",
        ),
        pytest.param(
            plan(candidate(provider("m", cost_multiplier=Decimal("1.5")), price=BARE)),
            Expected(1000, 100),
            4_500_000,
            id="multiplied",
        ),
        pytest.param(plan(candidate("e", price=flat_price("2"))), Expected(1000), 2_000_000, id="no-rate-for-output"),
        pytest.param(
            plan(candidate("t", price=FULL)), Expected(1000, 100, service_tier="priority"), 6_005_000, id="in-a-tier"
        ),
        pytest.param(
            plan(candidate("t", price=FULL)),
            Expected(1000, 100, service_tier="flex"),
            3_005_000,
            id="never-a-cheap-tier",
        ),
        pytest.param(
            plan(candidate("t", price=FULL)), Expected(1000, 100, service_tier="auto"), 3_005_000, id="no-tier-asked"
        ),
        pytest.param(
            plan(candidate("t", price=FULL)), Expected(1000, 100, service_tier="x"), 3_005_000, id="an-unknown-tier"
        ),
        pytest.param(plan(candidate("c", price=CHANGING)), Expected(1000, 100), 2_000_000, id="at-the-time"),
        pytest.param(plan(candidate("s", price=SEARCHED)), Expected(0, 1, is_search=True), 10_010_000, id="a-search"),
        pytest.param(plan(candidate("s", price=BARE)), Expected(0, 1, is_search=True), 10_000, id="a-free-search"),
    ],
)
def test_reserved_is_what_the_dearest_candidate_may_cost(made: Plan, expected: Expected, nusd: int) -> None:
    operation = Operation.RERANK if expected.is_search else Operation.CHAT
    request = replace(call(operation, needs=Needs(input_tokens=expected.input_tokens)), max_tokens=expected.max_tokens)
    assert dearest(made, request, expected.choices, expected.service_tier, NOW_S) == nusd


@given(prompt=st.integers(0, 10**7), rate=st.integers(0, 10**9), request_nusd=st.integers(0, 10**9))
def test_a_prompt_alone_costs_what_an_answer_without_output_would(prompt: int, rate: int, request_nusd: int) -> None:
    price = Price("configured", TokenRates(input=Rate(rate, ((1_000, rate // 2),))), request_nusd=request_nusd)
    whole = cost(Usage(prompt), price, Decimal("1.5"))
    assert whole is not None
    assert prompt_cost(prompt, price, Decimal("1.5")) == whole.nusd


def test_a_prompt_without_a_rate_has_no_cost() -> None:
    assert prompt_cost(10, Price("configured", TokenRates(output=Rate(1))), Decimal(1)) is None
