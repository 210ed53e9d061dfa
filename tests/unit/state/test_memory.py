from __future__ import annotations

import random
from dataclasses import replace

import pytest

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.health import CandidateId, Slot, StateView, Target
from proxy.core.ports import Grant, SharedState
from proxy.core.secret import Secret
from proxy.core.snapshot import BreakerPolicy, Credential, CredentialOrder, Rotation
from proxy.routing.order import pointer_move
from proxy.routing.plan import plan
from proxy.routing.view import credential_slot
from proxy.state.memory import MemoryState
from tests.unit.routing.build import (
    NOW_S,
    call,
    candidate,
    credential,
    failure,
    limited,
    model,
    planned,
    provider,
    snapshot,
    target,
)
from tests.unit.state.drive import admit, begin, broken, done, fail, fresh, succeed

K = FailureKind
A, B, C = candidate("a"), candidate("b"), candidate("c")
SLOT = Slot("m", 1)


def test_it_is_a_shared_state() -> None:
    state: SharedState = fresh()
    assert isinstance(state.view, StateView)


def test_a_failure_sets_its_target_aside_until_its_stated_time() -> None:
    state = broken(A, limited(7))
    assert admit(state, A, NOW_S + 6.9) is None
    assert admit(state, A, NOW_S + 7.4) is not None


def test_the_setback_names_what_was_set_aside() -> None:
    state = fresh()
    setback = done(state.failed(begin(state, A, NOW_S), limited(7), NOW_S))
    assert setback.asides == (target(Scope.CREDENTIAL_MODEL, A),)


def test_after_its_time_one_request_goes_first_and_its_success_frees_all() -> None:
    state = broken(A, failure(K.CONNECT))
    probe = begin(state, A, NOW_S + 10)
    assert probe.claimed == (target(Scope.CANDIDATE, A),)
    assert admit(state, A, NOW_S + 10) is None
    state.succeeded(probe, NOW_S + 11, 0.5)
    assert begin(state, A, NOW_S + 11).claimed == ()


def test_a_failed_probe_sets_aside_again() -> None:
    state = broken(A, failure(K.CONNECT))
    probe = begin(state, A, NOW_S + 10)
    done(state.failed(probe, failure(K.CONNECT), NOW_S + 11))
    state.release(probe, NOW_S + 11)
    assert admit(state, A, NOW_S + 20) is None
    assert admit(state, A, NOW_S + 21) is not None


def test_a_probe_that_tells_nothing_hands_over_to_the_next_request() -> None:
    state = broken(A, failure(K.CONNECT))
    state.release(begin(state, A, NOW_S + 10), NOW_S + 11)
    assert begin(state, A, NOW_S + 11).claimed == (target(Scope.CANDIDATE, A),)


def test_a_claim_older_than_thirty_seconds_admits_one_more() -> None:
    state = broken(A, failure(K.CONNECT))
    first = begin(state, A, NOW_S + 10)
    assert admit(state, A, NOW_S + 39) is None
    assert begin(state, A, NOW_S + 40).claimed == first.claimed
    state.release(first, NOW_S + 41)
    assert admit(state, A, NOW_S + 41) is None, "the first holder gave the second one's claim away"


def test_two_seconds_without_a_refusal_free_a_rate_limited_target() -> None:
    state = broken(A, limited())
    begin(state, A, NOW_S + 10)
    assert admit(state, A, NOW_S + 11.9) is None
    assert begin(state, A, NOW_S + 12).claimed == ()
    assert state.view.asides == {}


def test_a_last_resort_needs_no_claim_and_its_success_ends_the_set_aside() -> None:
    state = broken(A, failure(K.CONNECT))
    attempt = begin(state, A, NOW_S + 1, last_resort=True)
    assert attempt.claimed == ()
    state.succeeded(attempt, NOW_S + 2, 0.5)
    assert admit(state, A, NOW_S + 2) is not None


def test_a_last_resort_that_fails_lengthens_nothing() -> None:
    state = broken(A, failure(K.CONNECT))
    before = dict(state.view.asides)
    done(state.failed(begin(state, A, NOW_S + 1, last_resort=True), limited(600), NOW_S + 2))
    assert dict(state.view.asides) == before


def test_eight_last_resorts_at_once_are_enough() -> None:
    state = broken(A, failure(K.CONNECT))
    attempts = [begin(state, A, NOW_S + 1, last_resort=True) for _ in range(8)]
    assert admit(state, A, NOW_S + 1, last_resort=True) is None
    state.release(attempts[0], NOW_S + 2)
    assert admit(state, A, NOW_S + 2, last_resort=True) is not None


def test_what_is_in_flight_is_counted_and_given_back_once() -> None:
    state = fresh()
    attempts = [begin(state, A, NOW_S) for _ in range(2)]
    assert (state.view.in_flight, state.view.provider_in_flight) == ({A.id: 2}, {"a": 2})
    for _ in range(2):
        state.release(attempts[0], NOW_S)
    assert (state.view.in_flight, state.view.provider_in_flight) == ({A.id: 1}, {"a": 1})
    state.release(attempts[1], NOW_S)
    assert (state.view.in_flight, state.view.provider_in_flight) == ({}, {})


def test_a_forged_release_leaves_no_negative_count() -> None:
    state = fresh()
    state.release(Grant(A, credential(A), NOW_S), NOW_S)
    assert state.view.in_flight == {}


def test_the_time_to_first_token_is_smoothed() -> None:
    state = fresh()
    for first_token_s in (1.0, 2.0):
        succeed(state, A, NOW_S, first_token_s)
    assert state.view.latency_s == {A.id: pytest.approx(1.3)}


# Rotation.


def test_turns_are_counted() -> None:
    state = fresh()
    for _ in range(2):
        state.take_turn(SLOT)
    assert state.view.turns == {SLOT: 2}


def test_credentials_in_round_robin_take_a_turn_with_each_attempt() -> None:
    state, of = fresh(), candidate(provider("rr", keys=2, credential_order=CredentialOrder.ROUND_ROBIN))
    begin(state, of, NOW_S)
    assert state.view.turns == {credential_slot(of.provider): 1}


def test_the_pointer_moves_only_from_where_it_is_expected() -> None:
    state = fresh()
    assert done(state.advance(SLOT, A.id, B.id, A.id)) is True
    assert done(state.advance(SLOT, A.id, C.id, A.id)) is False
    assert state.view.pointers == {SLOT: B.id}


def test_a_hundred_failures_in_flight_move_the_pointer_once() -> None:
    state, of = fresh(), model(A, B, C)
    made = planned(of)
    attempts = [begin(state, A, NOW_S) for _ in range(100)]
    moves = 0
    for attempt in attempts:
        setback = done(state.failed(attempt, limited(30), NOW_S + 1))
        move = pointer_move(made.candidates[0], limited(30), setback, state.view, NOW_S + 1)
        moves += move is not None and done(state.advance(*move))
    assert moves == 1 and state.view.pointers == {SLOT: B.id}


def test_a_hundred_unstated_failures_in_flight_step_the_ladder_once() -> None:
    state = fresh()
    for attempt in [begin(state, A, NOW_S) for _ in range(100)]:
        done(state.failed(attempt, limited(), NOW_S + 1))
    assert state.view.asides[target(Scope.CREDENTIAL_MODEL, A)].until_s < NOW_S + 2.2


def test_a_lone_provider_that_fails_half_the_time_still_serves_the_other_half() -> None:
    of = model(A)
    state, rng, served = fresh(), random.Random(5), 0
    for number in range(400):
        now_s = NOW_S + number * 0.5
        made = plan(call(), of, snapshot(of), state.view, now_s, rng)
        attempt = admit(state, A, now_s, last_resort=not made.candidates)
        assert attempt is not None and (made.candidates or made.last_resort)
        if number % 2:
            served += 1
            state.succeeded(attempt, now_s, 0.1)
        else:
            done(state.failed(attempt, failure(K.SERVER_ERROR, 500), now_s))
        state.release(attempt, now_s)
    assert served == 200


@pytest.mark.parametrize("rotation", [Rotation.ROUND_ROBIN, Rotation.WEIGHTED])
def test_requests_for_a_model_take_no_turns_of_those_for_its_fallback(rotation: Rotation) -> None:
    state, second = fresh(), model(A, B, name="second", rotation=rotation)
    first = model(C, fallbacks=("second",))
    begun_at = []
    for number in range(8):
        asked = (first, second)[number % 2]
        made = plan(call(), asked, snapshot(first, second), state.view, NOW_S, random.Random(1))
        for slot in made.turns:
            state.take_turn(slot)
        begun_at.append(next(item.candidate.id for item in made.candidates if item.model is second))
    assert begun_at == [A.id, A.id, B.id, B.id] * 2


# What is forgotten.


def test_each_map_is_bounded() -> None:
    state = fresh(cap=3)
    for number in range(10):
        of = candidate("a", f"m{number}")
        attempt = begin(state, of, NOW_S)
        done(state.failed(attempt, limited(), NOW_S))
        state.succeeded(attempt, NOW_S, 0.1)
        done(state.failed(attempt, limited(), NOW_S))
        state.release(attempt, NOW_S)
        state.take_turn(Slot(of.model, 1))
        done(state.advance(Slot(of.model, 1), of.id, A.id, of.id))
    view = state.view
    assert [len(each) for each in (view.asides, view.pointers, view.turns, view.latency_s)] == [3, 3, 3, 3]


def fallen(kind: FailureKind) -> MemoryState:
    """A state in which three attempts at once have failed."""
    state = fresh()
    for attempt in [begin(state, A, NOW_S) for _ in range(3)]:
        done(state.failed(attempt, failure(kind), NOW_S))
        state.release(attempt, NOW_S)
    return state


def test_a_provider_that_can_be_reached_again_is_free_of_what_that_alone_did() -> None:
    state, provider_target = fallen(K.CONNECT), Target(Scope.PROVIDER, "a")
    assert {aside.kind for aside in state.view.asides.values()} == {K.CONNECT}
    assert provider_target in state.view.asides
    fail(state, B, failure(K.CONNECT), NOW_S)
    state.reached("a")
    assert {target.provider for target in state.view.asides} == {"b"}
    fail(state, A, failure(K.CONNECT), NOW_S)
    assert provider_target not in state.view.asides  # its breaker counts from the beginning


@pytest.mark.parametrize("kind", [K.SERVER_ERROR, K.AUTH, K.QUOTA_EXHAUSTED])
def test_a_provider_that_can_be_reached_again_stays_aside_for_other_causes(kind: FailureKind) -> None:
    state = fallen(kind)
    asides = dict(state.view.asides)
    assert asides
    state.reached("a")
    assert state.view.asides == asides


def test_a_changed_credential_ends_what_the_old_one_did() -> None:
    state = broken(A, failure(K.AUTH))
    rekeyed = provider("a")
    object.__setattr__(rekeyed, "credentials", (Credential("k1", Secret("another")),))
    state.forget(snapshot(model(candidate(rekeyed))), NOW_S)
    assert state.view.asides == {}


def test_a_credential_keeps_its_past_when_one_before_it_is_deleted() -> None:
    two = candidate(provider("a", keys=2))
    state = fresh()
    for key, kind in ((1, K.AUTH), (2, K.AUTH), (2, K.PERMISSION)):
        attempt = Grant(two, credential(two, key), NOW_S)
        done(state.failed(attempt, failure(kind), NOW_S))
    left = candidate(replace(two.provider, credentials=(Credential("k1", two.provider.credentials[1].secret),)))
    state.forget(snapshot(model(left)), NOW_S, {"a": two.provider})
    asides = state.view.asides
    assert set(asides) == {target(Scope.CREDENTIAL, left), target(Scope.CREDENTIAL_MODEL, left)}
    fail(state, left, failure(K.AUTH), NOW_S + 601)
    assert asides[target(Scope.CREDENTIAL, left)].until_s == NOW_S + 601 + 300, "its ladder goes on too"


def test_what_is_still_configured_is_remembered() -> None:
    state = broken(A, failure(K.AUTH))
    fail(state, B, failure(K.CONNECT), NOW_S)
    done(state.advance(SLOT, A.id, B.id, A.id))
    state.forget(snapshot(model(A, B)), NOW_S)
    assert (len(state.view.asides), state.view.pointers) == (2, {SLOT: B.id})


@pytest.mark.parametrize(
    ("slot", "pointer"),
    [
        pytest.param(SLOT, C.id, id="candidate-left-the-model"),
        pytest.param(Slot("m", 2), A.id, id="priority-changed"),
        pytest.param(Slot("gone", 1), CandidateId("gone", "up"), id="provider-left"),
    ],
)
def test_a_pointer_to_what_left_the_configuration_is_dropped(slot: Slot, pointer: CandidateId) -> None:
    state = fresh()
    done(state.advance(slot, A.id, pointer, A.id))
    state.forget(snapshot(model(A, B)), NOW_S)
    assert state.view.pointers == {}


def test_a_pointer_of_an_ad_hoc_model_stays_while_its_provider_does() -> None:
    state, slot = fresh(), Slot("qwen-7b", 1)
    done(state.advance(slot, A.id, CandidateId("a", "7b"), A.id))
    state.forget(snapshot(model(A, B)), NOW_S)
    assert list(state.view.pointers) == [slot]


def test_a_provider_that_left_is_forgotten_whole() -> None:
    state = broken(C, failure(K.CONNECT))
    state.forget(snapshot(model(A)), NOW_S)
    assert state.view.asides == {}


def test_a_provider_that_moved_is_as_unknown_as_a_new_one() -> None:
    state = broken(A, failure(K.CONNECT))
    succeed(state, A, NOW_S + 10)
    fail(state, A, failure(K.AUTH), NOW_S + 11)
    moved = replace(A.provider, base_url="https://another.test")
    state.forget(snapshot(model(candidate(moved))), NOW_S + 12, {"a": A.provider})
    assert (state.view.asides, state.view.latency_s) == ({}, {})


@pytest.mark.parametrize(
    ("what", "is_kept"),
    [
        pytest.param(failure(K.MODEL_MISSING), False, id="model-that-the-account-lacks"),
        pytest.param(failure(K.BLOCKED), False, id="account-that-is-blocked"),
        pytest.param(failure(K.CONNECT), True, id="address-that-does-not-answer"),
    ],
)
def test_a_new_key_ends_what_an_account_was_refused(what: Failure, is_kept: bool) -> None:
    state = broken(A, what)
    state.forget(snapshot(model(candidate(provider("a", keys=2)))), NOW_S, {"a": A.provider})
    assert bool(state.view.asides) is is_kept


def test_a_new_key_closes_no_breaker() -> None:
    of = candidate(provider("a", breaker=BreakerPolicy(consecutive=1)))
    state = broken(of, failure(K.SERVER_ERROR, 500))
    state.forget(snapshot(model(candidate(provider("a", keys=2)))), NOW_S, {"a": of.provider})
    assert [aside.breaker for aside in state.view.asides.values()] == [True]


# Over a restart.


def test_what_is_kept_comes_back_after_a_restart() -> None:
    state = broken(A, failure(K.QUOTA_EXHAUSTED, scope=Scope.CREDENTIAL_MODEL, delay_s=7_200, stated=True))
    fail(state, B, failure(K.CONNECT), NOW_S)
    done(state.advance(SLOT, A.id, B.id, A.id))
    state.disable("c")
    configured = snapshot(model(A, B))
    kept = state.dump(configured, NOW_S + 10, 1_700_000_000.0)
    later = fresh()
    assert later.restore(kept, configured, 50.0, 1_700_000_100.0) == 0
    (spot,) = later.view.asides
    assert spot == target(Scope.CREDENTIAL_MODEL, A), "a set-aside of ten seconds is not worth keeping"
    assert later.view.asides[spot].until_s == pytest.approx(50 + 7_200 - 110, abs=3)
    assert (later.view.pointers, later.view.disabled) == ({SLOT: B.id}, {"c"})


def test_the_rows_show_what_is_set_aside() -> None:
    state = broken(A, limited(7))
    told = state.rows(snapshot(model(A)), NOW_S)["set_aside"]
    assert isinstance(told, list) and told[0]["credential"] == "k1"


def test_a_breaker_opens_and_closes_through_the_state() -> None:
    of = candidate(provider("a", breaker=BreakerPolicy(open_s=10)))
    state = fresh()
    for number in range(3):
        fail(state, of, failure(K.SERVER_ERROR, 500), NOW_S + number)
    assert state.view.asides[Target(Scope.CANDIDATE, "a", "", "up")].breaker
    assert admit(state, of, NOW_S + 11.9) is None
    succeed(state, of, NOW_S + 12)
    assert state.view.asides == {}
