"""Who has no price, or half of one, never serves a key with a budget."""

from __future__ import annotations

import pytest

from proxy.core.call import UNMETERED, Operation
from proxy.core.health import StateView
from proxy.core.plan import OmitReason
from proxy.core.price import Change, Price
from proxy.core.snapshot import ClientKey, KeyLimits
from proxy.routing.lineup import lineup_of
from tests.fakes.prices import flat_price, rates
from tests.unit.routing.build import (
    NOW_S,
    call,
    candidate,
    model,
    names,
    planned,
    provider,
    reasons,
    set_aside,
    snapshot,
)

B, C = candidate("b"), candidate("c")
PRICED = candidate("a", price=flat_price("1", "2"))
DAILY = KeyLimits(day_nusd=10)


@pytest.mark.parametrize(
    ("limits", "is_unpriced_left_out"),
    [
        pytest.param(DAILY, True, id="budget-of-a-day"),
        pytest.param(KeyLimits(month_nusd=10), True, id="budget-of-a-month"),
        pytest.param(KeyLimits(day_nusd=10, allow_unpriced=True), False, id="budget-that-allows-it"),
        pytest.param(KeyLimits(rpm=10, tpm=10, parallel=10), False, id="limits-without-a-budget"),
        pytest.param(KeyLimits(), False, id="no-limits"),
    ],
)
@pytest.mark.parametrize(
    "state", [pytest.param(None, id="all-well"), pytest.param(set_aside(C), id="something-set-aside")]
)
def test_what_has_no_price_never_serves_a_key_with_a_budget(
    limits: KeyLimits, is_unpriced_left_out: bool, state: StateView | None
) -> None:
    made = planned(model(B, PRICED), state, call(key=ClientKey("k", limits=limits)))
    assert (names(made), reasons(made)) == (
        (["a"], [("b", OmitReason.UNPRICED)]) if is_unpriced_left_out else (["b", "a"], [])
    )


def test_a_key_with_a_budget_has_all_candidates_where_all_have_a_price() -> None:
    other = candidate("b", price=flat_price("3", "4"))
    assert names(planned(model(PRICED, other), None, call(key=ClientKey("k", limits=DAILY)))) == ["a", "b"]


SOON_UNKNOWN = Price("p", rates(input="1", output="2"), changes=(Change(flat_price("1"), NOW_S),))


@pytest.mark.parametrize(
    ("price", "operation", "may_serve"),
    [
        pytest.param(flat_price("1"), Operation.CHAT, False, id="chat-without-output"),
        pytest.param(flat_price("1"), Operation.COMPLETIONS, False, id="completions-without-output"),
        pytest.param(flat_price("1"), Operation.EMBEDDINGS, True, id="embeddings-have-no-output"),
        pytest.param(flat_price("1"), Operation.MODERATIONS, True, id="moderations-have-no-output"),
        pytest.param(flat_price(None, "2"), Operation.CHAT, False, id="chat-without-input"),
        pytest.param(flat_price(None, "2"), Operation.EMBEDDINGS, False, id="embeddings-without-input"),
        pytest.param(SOON_UNKNOWN, Operation.CHAT, False, id="chat-without-output-at-times"),
        pytest.param(SOON_UNKNOWN, Operation.EMBEDDINGS, True, id="embeddings-at-all-times"),
    ],
)
def test_a_budget_wants_a_rate_for_all_that_is_charged(price: Price, operation: Operation, may_serve: bool) -> None:
    half, key = candidate("b", price=price), ClientKey("k", limits=DAILY)
    made = planned(model(half, same_vectors=True), None, call(operation, key=key))
    assert (names(made), reasons(made)) == ((["b"], []) if may_serve else ([], [("b", OmitReason.UNPRICED)]))
    assert names(planned(model(half), None, call(operation, key=ClientKey("k")))) == ["b"]


def test_a_line_up_knows_for_which_operations_all_have_a_price() -> None:
    half = candidate("b", price=flat_price("1"))
    asked = [model(PRICED), model(PRICED, half), model(PRICED, C)]
    known = [lineup_of(call(), of, snapshot(of)).priced for of in asked]
    free = Operation.COUNT_TOKENS
    unanswered = {Operation.EMBEDDINGS, Operation.MODERATIONS, Operation.RERANK, free}
    assert known == [set(Operation) - UNMETERED, unanswered, {free}]


def test_a_price_by_the_search_is_one_for_rankings() -> None:
    searched = model(
        candidate(provider("b", operations=frozenset(Operation)), price=Price("configured", rates(), search_nusd=1))
    )
    for operation, served in ((Operation.RERANK, ["b"]), (Operation.EMBEDDINGS, [])):
        assert names(planned(searched, None, call(operation, key=ClientKey("k", limits=DAILY)))) == served


def test_a_fallback_without_a_price_never_serves_a_key_with_a_budget() -> None:
    made = planned(
        model(PRICED, fallbacks=("big",)), None, call(key=ClientKey("k", limits=DAILY)), model(B, name="big")
    )
    assert (names(made), reasons(made)) == (["a"], [("b", OmitReason.UNPRICED)])
