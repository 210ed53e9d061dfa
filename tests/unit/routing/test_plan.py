"""The order of a plan: by priority, rotation and health, then the fallbacks, then the last resort."""

from __future__ import annotations

import random

import pytest

from proxy.core.call import Operation
from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Slot, StateView
from proxy.core.plan import OmitReason
from proxy.core.snapshot import Candidate, CredentialOrder, Provider, Rotation
from proxy.routing.plan import plan
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
    reasons,
    set_aside,
    snapshot,
    step,
    target,
)

A, B, C = candidate("a"), candidate("b"), candidate("c")


def test_all_candidates_are_planned_by_priority() -> None:
    assert names(planned(model(candidate("b", priority=2), A))) == ["a", "b"]


def test_a_sticky_plan_begins_at_the_pointer() -> None:
    assert names(planned(model(A, B, C), StateView(pointers={Slot("m", 1): B.id}))) == ["b", "c", "a"]


def test_a_healthy_plan_is_the_same_whichever_way_it_is_made() -> None:
    of = model(A, candidate("b", priority=2), C)
    other = StateView(asides={target(Scope.CANDIDATE, candidate("elsewhere")): aside()})
    assert planned(of).candidates == planned(of, other).candidates
    assert planned(of).candidates == planned(of, StateView(disabled={"elsewhere"})).candidates


@pytest.mark.parametrize(
    ("scope", "of", "is_as_ever"),
    [
        pytest.param(Scope.CANDIDATE, candidate("elsewhere"), True, id="other-provider"),
        pytest.param(Scope.CANDIDATE, candidate("b", "other"), True, id="other-upstream-model"),
        pytest.param(Scope.CANDIDATE, B, False, id="candidate"),
        pytest.param(Scope.ACCOUNT, B, False, id="account"),
        pytest.param(Scope.CREDENTIAL, B, False, id="credential"),
        pytest.param(Scope.PROVIDER, candidate("b", "other"), False, id="provider"),
    ],
)
def test_only_what_is_held_against_its_candidates_makes_a_plan_anew(
    scope: Scope, of: Candidate, is_as_ever: bool
) -> None:
    whole = model(A, B)
    assert (planned(whole, StateView(asides={target(scope, of): aside()})) is planned(whole)) is is_as_ever


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


def test_groups_that_do_not_come_first_are_counted_apart() -> None:
    low, lower = candidate("d", priority=2), candidate("e", priority=2)
    of = model(A, low, lower, rotation=Rotation.ROUND_ROBIN)
    later, first = Slot("m\0", 2), Slot("m", 2)
    assert planned(of).turns == (later,)
    assert planned(of, set_aside(A)).turns == (first,)
    view = StateView(turns={later: 1})
    assert names(planned(of, view)) == ["a", "e", "d"]
    view = StateView(asides=set_aside(A).asides, turns={later: 1})
    assert names(planned(of, view)) == ["d", "e"]


def test_fallbacks_come_last_and_say_so() -> None:
    other = model(B, A, name="big", fallbacks=("never",))
    never = model(C, name="never")
    made = planned(model(A, fallbacks=("big", "gone")), None, None, other, never)
    assert [(item.candidate, item.reason) for item in made.candidates] == [
        (A, "priority 1, sticky"),
        (B, "fallback of m: priority 1, sticky"),
    ]
    assert reasons(made) == [("a", OmitReason.DUPLICATE)]


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
