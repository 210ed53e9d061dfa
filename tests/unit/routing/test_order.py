from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.health import CandidateId, Slot, StateView, Target
from proxy.core.ports import Setback
from proxy.core.price import Price
from proxy.core.snapshot import Candidate, Model, Rotation
from proxy.routing.order import (
    Group,
    PointerMove,
    arrange,
    blended_pusd,
    groups_of,
    next_free,
    pointer_move,
    spread,
    weighted_orders,
)
from tests.fakes.prices import flat_price
from tests.unit.routing.build import NOW_S, aside, candidate, failure, limited, model, provider, set_aside, target

A, B, C = candidate("a"), candidate("b"), candidate("c")
SLOT = Slot("m", 1)


def group(*candidates: Candidate, rotation: Rotation = Rotation.STICKY) -> Group:
    return groups_of(model(*candidates, rotation=rotation))[0]


def order(of: Group, view: StateView, seed: int = 1) -> str:
    return "".join(item.candidate.provider.name for item in arrange(of, of.members, of.slot, view, random.Random(seed)))


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        pytest.param(None, "abc", id="no-pointer"),
        pytest.param(B.id, "bca", id="at-the-second"),
        pytest.param(CandidateId("gone", "up"), "abc", id="at-one-that-left"),
    ],
)
def test_sticky_starts_at_the_pointer(pointer: CandidateId | None, expected: str) -> None:
    assert order(group(A, B, C), StateView(pointers={SLOT: pointer} if pointer else {})) == expected


def test_sticky_keeps_going_round_when_the_pointers_candidate_is_out() -> None:
    whole = group(A, B, C)
    free = [whole.members[0], whole.members[2]]
    arranged = arrange(whole, free, SLOT, StateView(pointers={SLOT: B.id}), random.Random(1))
    assert [item.candidate for item in arranged] == [C, A]


@pytest.mark.parametrize("rotation", list(Rotation))
def test_one_candidate_alone_needs_no_order(rotation: Rotation) -> None:
    assert order(group(A, rotation=rotation), StateView()) == "a"


def test_round_robin_begins_one_further_each_turn() -> None:
    whole = group(A, B, C, rotation=Rotation.ROUND_ROBIN)
    assert [order(whole, StateView(turns={SLOT: turn})) for turn in range(4)] == ["abc", "bca", "cab", "abc"]


def test_weighted_is_smooth_and_shows_who_comes_next() -> None:
    whole = group(candidate("a", weight=4), candidate("b", weight=2), rotation=Rotation.WEIGHTED)
    assert [order(whole, StateView(turns={SLOT: turn})) for turn in range(4)] == ["ab", "ba", "ab", "ab"]


def test_a_weight_of_nothing_is_for_failover_only() -> None:
    assert weighted_orders((0, 1)) == ((1, 0),)


def test_weights_of_nothing_alone_count_alike() -> None:
    assert [orders[0] for orders in weighted_orders((0, 0))] == [0, 1]


def test_huge_weights_are_scaled_to_a_short_cycle() -> None:
    firsts = [orders[0] for orders in weighted_orders((999_983, 7))]
    assert len(firsts) <= 1_001 and firsts.count(1) == 1


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_weighted_gives_each_its_share_of_a_cycle(weights: list[int]) -> None:
    orders = weighted_orders(tuple(weights))
    shares = Counter(each[0] for each in orders)
    assert [shares[index] * sum(weights) for index in range(len(weights))] == [w * len(orders) for w in weights]
    assert all(sorted(each) == list(range(len(weights))) for each in orders)


@given(st.lists(st.integers(0, 5), min_size=2, max_size=4).filter(any))
def test_each_weighted_order_is_who_comes_next(weights: list[int]) -> None:
    orders = weighted_orders(tuple(weights))
    for turn, each in enumerate(orders):
        coming = list(dict.fromkeys(orders[(turn + ahead) % len(orders)][0] for ahead in range(len(orders))))
        assert list(each[: len(coming)]) == coming


def test_least_busy_divides_by_weight_and_keeps_file_order() -> None:
    whole = group(candidate("a", weight=1), candidate("b", weight=4), C, rotation=Rotation.LEAST_BUSY)
    assert order(whole, StateView(in_flight={A.id: 1, B.id: 3, C.id: 1})) == "bac"


def test_least_busy_leaves_a_weight_of_nothing_for_last() -> None:
    whole = group(candidate("a", weight=0), B, rotation=Rotation.LEAST_BUSY)
    assert order(whole, StateView(in_flight={B.id: 50})) == "ba"


def test_lowest_latency_tries_the_untried_first() -> None:
    whole = group(A, B, C, rotation=Rotation.LOWEST_LATENCY)
    assert order(whole, StateView(latency_s={A.id: 0.5, B.id: 0.2})) == "cba"


def test_lowest_latency_explores_one_time_in_twenty() -> None:
    whole = group(A, B, C, rotation=Rotation.LOWEST_LATENCY)
    view, rng = StateView(latency_s={A.id: 0.1, B.id: 0.2, C.id: 0.3}), random.Random(7)
    firsts = Counter(arrange(whole, whole.members, SLOT, view, rng)[0].candidate.provider.name for _ in range(4_000))
    assert 150 < firsts["b"] + firsts["c"] < 250 and min(firsts["b"], firsts["c"]) > 50


@pytest.mark.parametrize(
    ("given_price", "expected"),
    [
        pytest.param(None, None, id="no-price"),
        pytest.param(flat_price(), None, id="neither-known"),
        pytest.param(flat_price("1", "5"), Decimal(4_000_000), id="three-parts-input-one-output-doubled"),
        pytest.param(flat_price("0.1"), Decimal(200_000), id="input-alone"),
        pytest.param(flat_price(None, "3"), Decimal(6_000_000), id="output-alone"),
    ],
)
def test_prices_are_compared_by_a_blend_times_the_multiplier(given_price: Price | None, expected: Decimal) -> None:
    priced = candidate(provider("a", cost_multiplier=Decimal(2)), price=given_price)
    assert blended_pusd(priced) == expected


def test_lowest_cost_puts_the_unpriced_last() -> None:
    cheap, dear = candidate("b", price=flat_price("1", "1")), candidate("c", price=flat_price("2", "2"))
    assert order(group(A, dear, cheap, rotation=Rotation.LOWEST_COST), StateView()) == "bca"


def test_groups_go_by_priority_and_count_a_repeated_candidate_once() -> None:
    again = candidate("a", priority=3)
    found = groups_of(model(candidate("b", priority=2), A, again, C))
    assert [(each.slot.priority, [item.candidate.provider.name for item in each.members]) for each in found] == [
        (1, ["a", "c"]),
        (2, ["b"]),
    ]


def test_a_fallbacks_candidates_say_whose_they_are() -> None:
    reasons = [groups_of(model(A), fallback)[0].members[0].reason for fallback in ("", "big")]
    assert reasons == ["priority 1, sticky", "fallback of big: priority 1, sticky"]


def test_a_providers_third_candidate_waits_for_another_provider() -> None:
    whole = group(*(candidate("a", f"m{n}") for n in range(4)), candidate("b", "x"), candidate("b", "y"))
    ordered = [(item.candidate.provider.name, item.candidate.model) for item in spread(whole.members)]
    assert ordered == [("a", "m0"), ("a", "m1"), ("b", "x"), ("a", "m2"), ("a", "m3"), ("b", "y")]


MODEL = model(A, B, C)
NOTHING = Setback()


def move(
    what: Failure, view: StateView, *, of: Model = MODEL, setback: Setback = NOTHING, at: int = 0
) -> PointerMove | None:
    return pointer_move(groups_of(of)[0].members[at], what, setback, view, NOW_S)


@pytest.mark.parametrize(
    "kind", [FailureKind.RATE_LIMITED, FailureKind.QUOTA_EXHAUSTED, FailureKind.BILLING, FailureKind.AUTH]
)
def test_a_limit_or_a_refused_credential_moves_the_pointer(kind: FailureKind) -> None:
    assert move(failure(kind), set_aside(A)) == PointerMove(SLOT, A.id, B.id, A.id)


def test_an_opened_breaker_moves_the_pointer() -> None:
    opened = Setback((target(Scope.CANDIDATE, A),), breaker_opened=True)
    assert move(failure(FailureKind.SERVER_ERROR), set_aside(A), setback=opened) is not None


def test_another_failure_leaves_the_pointer() -> None:
    assert move(failure(FailureKind.CONNECT), set_aside(A)) is None


def test_a_rotation_without_a_pointer_moves_none() -> None:
    assert move(limited(), set_aside(A), of=model(A, B, rotation=Rotation.WEIGHTED)) is None


def test_a_candidate_with_a_credential_left_keeps_the_pointer() -> None:
    two_keys = candidate(provider("a", keys=2))
    held = StateView(asides={target(Scope.CREDENTIAL_MODEL, two_keys): aside()})
    assert move(limited(), held, of=model(two_keys, B)) is None


def test_the_pointer_passes_over_what_is_set_aside() -> None:
    moved = move(limited(), set_aside(A, B))
    assert moved is not None and moved.new == C.id


def test_with_no_candidate_free_the_pointer_stays() -> None:
    assert move(limited(), set_aside(A, B, C)) is None


def test_the_failure_of_another_than_the_pointers_candidate_moves_nothing() -> None:
    assert move(limited(), set_aside(B), at=1) is None


def test_the_pointer_goes_round() -> None:
    held = set_aside(C)
    view = StateView(asides=held.asides, pointers={SLOT: C.id})
    assert move(limited(), view, at=2) == PointerMove(SLOT, C.id, A.id, A.id)


def test_a_pointer_to_one_that_left_is_expected_where_it_is() -> None:
    gone = CandidateId("gone", "up")
    view = StateView(asides=set_aside(A).asides, pointers={SLOT: gone})
    assert move(limited(), view) == PointerMove(SLOT, gone, B.id, A.id)


def test_a_disabled_provider_is_no_next_one() -> None:
    whole = group(A, candidate(provider("b", enabled=False)), C)
    assert next_free(whole, 0, StateView(disabled={"c"}), NOW_S) is None


def test_all_targets_know_their_candidate() -> None:
    assert target(Scope.ACCOUNT, A) == Target(Scope.ACCOUNT, "a", "", "up")
