from __future__ import annotations

import random

import pytest

from proxy.core.call import UNMETERED, Call, Needs, Operation
from proxy.core.capabilities import Capabilities
from proxy.core.errors import BodyTooLarge, MalformedRequest
from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Slot, StateView
from proxy.core.plan import OmitReason, Plan
from proxy.core.price import Change, Price
from proxy.core.snapshot import Candidate, ClientKey, CredentialOrder, KeyLimits, Limits, Model, Provider, Rotation
from proxy.routing.lineup import lineup_of
from proxy.routing.omit import refusal
from proxy.routing.plan import plan
from tests.fakes.prices import flat_price, rates
from tests.unit.routing.build import (
    NOW_S,
    aside,
    call,
    candidate,
    half_open,
    model,
    names,
    planned,
    provider,
    set_aside,
    snapshot,
    step,
    target,
)

A, B, C = candidate("a"), candidate("b"), candidate("c")
PRICED = candidate("a", price=flat_price("1", "2"))
DAILY = KeyLimits(day_nusd=10)
R = OmitReason


def reasons(of: Plan) -> list[tuple[str, OmitReason]]:
    return [(item.candidate.provider.name, item.reason) for item in of.omitted]


def test_all_candidates_are_planned_by_priority() -> None:
    assert names(planned(model(candidate("b", priority=2), A))) == ["a", "b"]


def test_a_sticky_plan_begins_at_the_pointer() -> None:
    assert names(planned(model(A, B, C), StateView(pointers={Slot("m", 1): B.id}))) == ["b", "c", "a"]


def test_a_healthy_plan_is_the_same_whichever_way_it_is_made() -> None:
    of = model(A, candidate("b", priority=2), C)
    other = StateView(asides={target(Scope.CANDIDATE, candidate("elsewhere")): aside()})
    assert planned(of).candidates == planned(of, other).candidates


@pytest.mark.parametrize(
    ("first", "state", "request_", "reason"),
    [
        pytest.param(candidate(provider("x", enabled=False)), None, call(), R.DISABLED, id="disabled"),
        pytest.param(candidate("x"), StateView(disabled={"x"}), call(), R.OPERATOR_DISABLED, id="by-the-operator"),
        pytest.param(
            candidate("x"), None, call(key=ClientKey("k", providers=("a*",))), R.NOT_PERMITTED, id="not-for-this-key"
        ),
        pytest.param(candidate("x"), None, call(pinned_provider="a"), R.NOT_PINNED, id="another-is-pinned"),
        pytest.param(
            candidate(provider("x", operations=frozenset({"embeddings"}))),
            None,
            call(),
            R.UNSUPPORTED,
            id="unsupported",
        ),
        pytest.param(
            candidate("x", capabilities=Capabilities(tools=False)),
            None,
            call(needs=Needs(tools=True)),
            R.LACKS_CAPABILITY,
            id="no-tools",
        ),
        pytest.param(
            candidate("x", capabilities=Capabilities(context_window_tokens=100)),
            None,
            call(needs=Needs(input_tokens=151)),
            R.LACKS_CAPABILITY,
            id="window-too-small",
        ),
        pytest.param(
            candidate("x", capabilities=Capabilities(image_urls=False)),
            None,
            call(needs=Needs(images=True, image_urls=True)),
            R.LACKS_CAPABILITY,
            id="no-images-by-url",
        ),
        pytest.param(candidate(provider("x", body_limit_bytes=1)), None, call(), R.BODY_TOO_LARGE, id="body-too-large"),
        pytest.param(
            candidate("x"), StateView(limit_free_s={"x": NOW_S + 3}), call(), R.LIMIT_REACHED, id="rate-limit-reached"
        ),
        pytest.param(
            candidate(provider("x", limits=Limits(parallel=2))),
            StateView(provider_in_flight={"x": 2}),
            call(),
            R.LIMIT_REACHED,
            id="parallel-limit-reached",
        ),
        pytest.param(candidate("x"), set_aside(candidate("x")), call(), R.SET_ASIDE, id="set-aside"),
        pytest.param(
            candidate("x"),
            StateView(asides={target(Scope.CANDIDATE, candidate("x")): half_open(claimed_s=NOW_S - 1)}),
            call(),
            R.HALF_OPEN_BUSY,
            id="being-probed",
        ),
    ],
)
def test_a_candidate_is_left_out_for_its_reason(
    first: Candidate, state: StateView | None, request_: Call, reason: OmitReason
) -> None:
    made = planned(model(first, A), state, request_)
    assert (names(made), reasons(made)) == (["a"], [("x", reason)])


@pytest.mark.parametrize(
    ("first", "request_"),
    [
        pytest.param(candidate("x", capabilities=Capabilities(tools=False)), call(), id="lacks-what-is-not-needed"),
        pytest.param(candidate("x"), call(needs=Needs(tools=True, images=True)), id="unknown-is-allowed"),
        pytest.param(
            candidate("x", capabilities=Capabilities(context_window_tokens=100)),
            call(needs=Needs(input_tokens=150)),
            id="an-estimate-a-little-too-large",
        ),
        pytest.param(candidate(provider("x", body_limit_bytes=2)), call(), id="a-body-just-small-enough"),
        pytest.param(candidate("x"), call(key=ClientKey("k", providers=("x", "a"))), id="permitted"),
        pytest.param(candidate("x", capabilities=Capabilities(tools=True)), call(needs=Needs(tools=True)), id="able"),
        pytest.param(
            candidate("x", capabilities=Capabilities(images=False)),
            call(needs=Needs(tools=True)),
            id="lacks-something-else",
        ),
        pytest.param(
            candidate("x", capabilities=Capabilities(context_window_tokens=100)),
            call(needs=Needs(input_tokens=900, is_cut=True)),
            id="the-upstream-is-to-cut-it",
        ),
    ],
)
def test_a_candidate_that_may_serve_stays(first: Candidate, request_: Call) -> None:
    assert names(planned(model(first, A), None, request_)) == ["x", "a"]


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
    assert (names(made), reasons(made)) == ((["a"], [("b", R.UNPRICED)]) if is_unpriced_left_out else (["b", "a"], []))


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
    assert (names(made), reasons(made)) == ((["b"], []) if may_serve else ([], [("b", R.UNPRICED)]))
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
    assert (names(made), reasons(made)) == (["a"], [("b", R.UNPRICED)])


@pytest.mark.parametrize(
    "first",
    [pytest.param(provider("x", keys=2), id="with-keys"), pytest.param(provider("x", keys=0), id="without-a-key")],
)
def test_a_healthy_plan_knows_its_first_step(first: Provider) -> None:
    made = planned(model(candidate(first), A))
    assert made.first is not None and made.first == step(made)


def test_a_plan_leaves_a_key_that_is_used_in_turn_to_the_first_step() -> None:
    in_turn = provider("x", keys=2, credential_order=CredentialOrder.ROUND_ROBIN)
    assert planned(model(candidate(in_turn), A)).first is None


def test_a_pinned_provider_narrows_the_plan_to_one() -> None:
    assert names(planned(model(A, B), None, call(pinned_provider="b"))) == ["b"]


def test_a_candidates_own_capability_wins_over_its_models() -> None:
    able = candidate("b", capabilities=Capabilities(tools=True))
    of = model(A, able, capabilities=Capabilities(tools=False))
    assert names(planned(of, None, call(needs=Needs(tools=True)))) == ["b"]


def test_a_limit_that_is_over_no_longer_counts() -> None:
    assert names(planned(model(A), StateView(limit_free_s={"a": NOW_S}))) == ["a"]


def test_an_omission_says_why_and_until_when() -> None:
    stated = aside(FailureKind.RATE_LIMITED, 7, stated=True)
    made = planned(model(A, B), StateView(asides={target(Scope.CREDENTIAL_MODEL, A): stated}))
    found = made.omitted[0]
    assert (found.kind, found.recovers_s, found.stated) == (FailureKind.RATE_LIMITED, NOW_S + 7, True)


def test_lower_priorities_serve_while_higher_ones_cool() -> None:
    assert names(planned(model(A, candidate("b", priority=2)), set_aside(A))) == ["b"]


def test_a_half_open_candidate_keeps_its_place() -> None:
    made = planned(model(A, B), StateView(asides={target(Scope.CANDIDATE, A): half_open()}))
    assert [(item.candidate, item.half_open, item.reason) for item in made.candidates] == [
        (A, True, "priority 1, sticky, half-open"),
        (B, False, "priority 1, sticky"),
    ]


def test_counting_rotations_are_counted_once_a_plan() -> None:
    low = candidate("d", priority=2)
    made = planned(model(A, B, low, rotation=Rotation.ROUND_ROBIN))
    assert made.turns == (Slot("m", 1),)


def test_fallbacks_come_last_and_say_so() -> None:
    other = model(B, A, name="big", fallbacks=("never",))
    never = model(C, name="never")
    made = planned(model(A, fallbacks=("big", "gone")), None, None, other, never)
    assert [(item.candidate, item.reason) for item in made.candidates] == [
        (A, "priority 1, sticky"),
        (B, "fallback of m: priority 1, sticky"),
    ]
    assert reasons(made) == [("a", R.DUPLICATE)]


def test_a_fallback_may_be_named_by_an_alias() -> None:
    of, other = model(A, fallbacks=("alias",)), model(B, name="big")
    configured = snapshot(of, other, aliases={"alias": "big"})
    assert names(plan(call(), of, configured, StateView(), NOW_S, random.Random(1))) == ["a", "b"]


def test_a_fallback_with_nothing_new_adds_nothing() -> None:
    assert names(planned(model(A, fallbacks=("same",)), None, None, model(A, name="same"))) == ["a"]


def test_a_fallbacks_rotation_goes_round_without_the_repeated_candidate() -> None:
    other = model(A, B, C, name="big")
    state = StateView(pointers={Slot("big", 1): C.id})
    assert names(planned(model(A, fallbacks=("big",)), state, None, other)) == ["a", "c", "b"]


def test_embeddings_have_no_fallbacks() -> None:
    made = planned(model(A, fallbacks=("big",)), None, call(Operation.EMBEDDINGS), model(B, name="big"))
    assert names(made) == ["a"]


@pytest.mark.parametrize(
    ("operation", "same_vectors", "expected"),
    [
        pytest.param(Operation.EMBEDDINGS, False, ["a", "c"], id="vectors-are-not-mixed"),
        pytest.param(Operation.EMBEDDINGS, True, ["a", "b", "c"], id="unless-they-are-the-same"),
        pytest.param(Operation.CHAT, False, ["a", "b", "c"], id="chat-is-not-concerned"),
    ],
)
def test_embeddings_stay_with_one_upstream_model(operation: Operation, same_vectors: bool, expected: list[str]) -> None:
    of = model(A, candidate("b", "other"), C, same_vectors=same_vectors)
    assert names(planned(of, None, call(operation))) == expected


def test_a_third_candidate_of_a_provider_waits_for_another_provider() -> None:
    one = provider("a")
    many = [candidate(one, f"m{number}") for number in range(3)]
    for state in (None, set_aside(C)):
        made = planned(model(*many, B, C), state)
        assert [item.candidate.id.model for item in made.candidates][:3] == ["m0", "m1", "up"]


def test_a_model_without_candidates_has_an_empty_plan() -> None:
    assert planned(model()).candidates == ()


def test_the_last_resort_is_the_guess_that_ends_first() -> None:
    later = StateView(
        asides={
            target(Scope.CANDIDATE, A): aside(for_s=20),
            target(Scope.CANDIDATE, B): aside(for_s=9),
            target(Scope.CANDIDATE, C): aside(for_s=15),
        }
    )
    made = planned(model(A, B, C), later)
    assert made.candidates == () and made.last_resort is not None and made.last_resort.candidate is B


def test_a_stated_time_is_no_last_resort_but_another_candidates_guess_is() -> None:
    mixed = StateView(
        asides={
            target(Scope.CANDIDATE, A): aside(FailureKind.RATE_LIMITED, 1, stated=True),
            target(Scope.CANDIDATE, B): aside(for_s=60),
        }
    )
    made = planned(model(A, B), mixed)
    assert made.last_resort is not None and made.last_resort.candidate is B


def test_with_stated_times_alone_there_is_no_last_resort() -> None:
    assert planned(model(A), set_aside(A, stated=True)).last_resort is None


@pytest.mark.parametrize(
    ("of", "request_", "status"),
    [
        pytest.param(model(A), call(pinned_provider="b"), 400, id="pinned-elsewhere"),
        pytest.param(model(candidate(provider("x", body_limit_bytes=1))), call(), 413, id="body-too-large"),
        pytest.param(model(A), call(key=ClientKey("k", limits=DAILY)), 400, id="unpriced-for-a-budget"),
    ],
)
def test_a_request_that_no_candidate_can_ever_serve_is_refused(of: Model, request_: Call, status: int) -> None:
    error = refusal(planned(of, None, request_))
    assert isinstance(error, MalformedRequest | BodyTooLarge) and error.status == status


def test_a_window_is_for_one_text_not_for_a_list_of_them() -> None:
    small = candidate("x", capabilities=Capabilities(context_window_tokens=100))
    long = Needs(input_tokens=900)
    made = {operation: planned(model(small), None, call(operation, needs=long)) for operation in Operation}
    left_out = {operation for operation, plan in made.items() if not plan.candidates}
    assert left_out == {Operation.CHAT, Operation.COMPLETIONS} | {
        operation for operation in Operation if operation not in small.provider.operations
    }


def test_a_refusal_says_what_cannot_be_taken_and_what_to_do() -> None:
    blind = candidate("x", capabilities=Capabilities(images=False, json_schema=False))
    error = refusal(planned(model(blind), None, call(needs=Needs(images=True, json_schema=True))))
    assert error is not None
    assert error.message == (
        "No provider of the model 'm' can serve this request: it cannot take images, a JSON schema for its answer. "
        "Leave that out, or ask a model that can."
    )


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(planned(model(A, B), None, call(pinned_provider="a")), id="one-can"),
        pytest.param(planned(model(A), set_aside(A)), id="one-could-later"),
        pytest.param(planned(model()), id="there-are-none"),
        pytest.param(
            planned(
                model(candidate("x", capabilities=Capabilities(context_window_tokens=1))),
                None,
                call(needs=Needs(input_tokens=9)),
            ),
            id="too-long-has-its-own-answer",
        ),
    ],
)
def test_a_request_that_waiting_or_another_answer_helps_is_not_refused(made: Plan) -> None:
    assert refusal(made) is None
