from __future__ import annotations

import pytest

from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Aside, StateView, Target
from proxy.core.snapshot import CredentialOrder
from proxy.routing.view import (
    Block,
    Hold,
    block,
    credential_slot,
    guess,
    hold_of,
    is_claimable,
    is_proven,
    pick,
    target_of,
    targets_of,
)
from tests.unit.routing.build import NOW_S, aside, candidate, credential, half_open, provider, target

K = FailureKind
TWO = candidate(provider("two", keys=2))
KEYLESS = candidate(provider("local", keys=0))


def held(*pairs: tuple[Target, Aside]) -> StateView:
    return StateView(asides=dict(pairs))


def test_a_pair_depends_on_five_targets_and_no_field_too_many() -> None:
    assert targets_of(TWO.id, "k#1") == (
        Target(Scope.CREDENTIAL_MODEL, "two", "k#1", "up"),
        Target(Scope.CREDENTIAL, "two", "k#1", ""),
        Target(Scope.ACCOUNT, "two", "", "up"),
        Target(Scope.CANDIDATE, "two", "", "up"),
        Target(Scope.PROVIDER, "two", "", ""),
    )


@pytest.mark.parametrize("scope", list(Scope))
def test_the_target_of_a_scope_has_that_scope(scope: Scope) -> None:
    assert target_of(scope, TWO.id, "k#1").scope is scope


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        pytest.param(half_open(K.RATE_LIMITED, claimed_s=NOW_S - 2), True, id="two-seconds-without-a-refusal"),
        pytest.param(half_open(K.OVERLOADED, claimed_s=NOW_S - 2), True, id="overloaded-too"),
        pytest.param(half_open(K.QUOTA_EXHAUSTED, claimed_s=NOW_S - 40), True, id="quota-too"),
        pytest.param(half_open(K.RATE_LIMITED, claimed_s=NOW_S - 1.9), False, id="not-yet-two-seconds"),
        pytest.param(half_open(K.RATE_LIMITED), False, id="not-claimed"),
        pytest.param(half_open(K.CONNECT, claimed_s=NOW_S - 5), False, id="another-kind"),
        pytest.param(half_open(K.RATE_LIMITED, claimed_s=NOW_S - 5, breaker=True), False, id="a-breaker-as-well"),
        pytest.param(aside(K.RATE_LIMITED, claimed_s=NOW_S - 5), False, id="set-aside-again"),
    ],
)
def test_a_claim_that_is_not_refused_soon_proves_the_target(what: Aside, expected: bool) -> None:
    assert is_proven(what, NOW_S) is expected


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        pytest.param(half_open(), True, id="half-open"),
        pytest.param(half_open(opens_at_s=NOW_S), True, id="at-the-very-moment"),
        pytest.param(aside(), False, id="set-aside"),
        pytest.param(half_open(claimed_s=NOW_S - 29.9), False, id="claimed-lately"),
        pytest.param(half_open(claimed_s=NOW_S - 30), True, id="claimed-long-ago"),
        pytest.param(aside(claimed_s=NOW_S - 31), False, id="claimed-long-ago-but-set-aside-again"),
    ],
)
def test_a_half_open_target_admits_one_claim_in_thirty_seconds(what: Aside, expected: bool) -> None:
    assert is_claimable(what, NOW_S) is expected


def chosen(view: StateView, excluded: tuple[str, ...] = ()) -> str | None:
    found = pick(TWO, view, NOW_S, excluded)
    return found.credential.name if found and found.credential else None


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        pytest.param(held(), "k1", id="the-first-in-file-order"),
        pytest.param(held((target(Scope.CREDENTIAL, TWO, 1), aside())), "k2", id="the-first-healthy"),
        pytest.param(held((target(Scope.CREDENTIAL, TWO, 1), half_open())), "k1", id="half-open-keeps-its-place"),
        pytest.param(held((target(Scope.CANDIDATE, TWO), aside())), None, id="candidate-set-aside"),
        pytest.param(held((target(Scope.ACCOUNT, TWO), aside())), None, id="account-set-aside"),
        pytest.param(held((target(Scope.PROVIDER, TWO), aside())), None, id="provider-set-aside"),
        pytest.param(
            held((target(Scope.CREDENTIAL_MODEL, TWO, 1), half_open(K.RATE_LIMITED, claimed_s=NOW_S - 3))),
            "k1",
            id="proven-is-free",
        ),
        pytest.param(
            held((target(Scope.CREDENTIAL_MODEL, TWO, 1), half_open(claimed_s=NOW_S - 3))), "k2", id="busy-is-passed-by"
        ),
        pytest.param(held((Target(Scope.CANDIDATE, "two", "", "another"), aside())), "k1", id="another-model"),
    ],
)
def test_the_first_usable_credential_is_chosen(view: StateView, expected: str | None) -> None:
    assert chosen(view) == expected


@pytest.mark.parametrize("view", [held(), held((Target(Scope.PROVIDER, "other"), aside()))])
def test_excluded_credentials_are_passed_by(view: StateView) -> None:
    first, second = credential(TWO, 1), credential(TWO, 2)
    assert (chosen(view, (first,)), chosen(view, (first, second))) == ("k2", None)


def test_whatever_is_half_open_must_be_claimed() -> None:
    claims = (target(Scope.CREDENTIAL, TWO), target(Scope.PROVIDER, TWO))
    found = pick(TWO, held(*((each, half_open()) for each in claims)), NOW_S)
    assert found is not None and found.half_open == claims


def test_a_provider_without_credentials_is_picked_with_none() -> None:
    found = pick(KEYLESS, held(), NOW_S)
    assert found is not None and found.credential is None
    assert pick(KEYLESS, held(), NOW_S, ("",)) is None


def test_credentials_in_round_robin_begin_one_further_each_turn() -> None:
    turning = candidate(provider("t", keys=3, credential_order=CredentialOrder.ROUND_ROBIN))
    slot = credential_slot(turning.provider)
    picks = [pick(turning, StateView(turns={slot: turn}), NOW_S) for turn in range(4)]
    assert [found.credential.name for found in picks if found and found.credential] == ["k1", "k2", "k3", "k1"]


def test_one_credential_needs_no_turns() -> None:
    single = candidate(provider("s", credential_order=CredentialOrder.ROUND_ROBIN))
    assert pick(single, StateView(turns={credential_slot(single.provider): 5}), NOW_S) is not None


def test_a_free_candidate_has_no_block() -> None:
    assert block(TWO, held((target(Scope.CREDENTIAL, TWO, 1), aside())), NOW_S) is None


def test_a_candidate_recovers_when_the_first_of_its_credentials_does() -> None:
    view = held(
        (target(Scope.CREDENTIAL, TWO, 1), aside(K.AUTH, 300)),
        (target(Scope.CREDENTIAL_MODEL, TWO, 2), aside(K.RATE_LIMITED, 7, stated=True)),
    )
    assert block(TWO, view, NOW_S) == Block(NOW_S + 7, K.RATE_LIMITED, stated=True, busy=False)


def test_a_credential_recovers_when_the_last_of_its_targets_does() -> None:
    one = candidate()
    view = held((target(Scope.CREDENTIAL, one), aside(K.AUTH, 30)), (target(Scope.PROVIDER, one), aside(K.BLOCKED, 9)))
    assert block(one, view, NOW_S) == Block(NOW_S + 30, K.AUTH, stated=False, busy=False)


def test_clients_are_told_the_end_of_a_set_aside_not_its_next_probe() -> None:
    one = candidate()
    probed = aside(K.QUOTA_EXHAUSTED, opens_at_s=NOW_S + 600, until_s=NOW_S + 86_400)
    found = block(one, held((target(Scope.CREDENTIAL_MODEL, one), probed)), NOW_S)
    assert found is not None and found.recovers_s == NOW_S + 86_400


def test_while_it_is_probed_a_candidate_recovers_in_a_second() -> None:
    one = candidate()
    view = held((target(Scope.CANDIDATE, one), half_open(claimed_s=NOW_S - 1)))
    assert block(one, view, NOW_S) == Block(NOW_S + 1, K.CONNECT, stated=False, busy=True)


def test_the_guess_that_ends_first_gives_the_last_resorts_credential() -> None:
    view = held((target(Scope.CREDENTIAL, TWO, 1), aside(K.CONNECT, 20)), (target(Scope.CREDENTIAL, TWO, 2), aside()))
    found = guess(TWO, view, NOW_S)
    assert (
        found is not None
        and found.credential is not None
        and (found.recovers_s, found.credential.name)
        == (
            NOW_S + 10,
            "k2",
        )
    )


def test_a_slower_guess_does_not_replace_a_quicker_one() -> None:
    view = held((target(Scope.CREDENTIAL, TWO, 1), aside()), (target(Scope.CREDENTIAL, TWO, 2), aside(K.CONNECT, 20)))
    found = guess(TWO, view, NOW_S)
    assert found is not None and found.recovers_s == NOW_S + 10


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(aside(K.RATE_LIMITED, stated=True), id="stated"),
        *(
            pytest.param(aside(kind), id=str(kind))
            for kind in (K.AUTH, K.BILLING, K.QUOTA_EXHAUSTED, K.BLOCKED, K.PERMISSION, K.MODEL_MISSING)
        ),
    ],
)
def test_stated_times_and_firm_causes_are_no_guess(what: Aside) -> None:
    one = candidate()
    assert guess(one, held((target(Scope.CANDIDATE, one), what)), NOW_S) is None


def test_a_free_candidate_is_no_last_resort() -> None:
    assert guess(TWO, held(), NOW_S) is None


def test_eight_last_resorts_are_enough() -> None:
    one = candidate()
    asides = {target(Scope.CANDIDATE, one): aside()}
    assert guess(one, StateView(asides=asides, last_resorts={one.id: 7}), NOW_S) is not None
    assert guess(one, StateView(asides=asides, last_resorts={one.id: 8}), NOW_S) is None


def test_an_excluded_credential_is_no_last_resort() -> None:
    one = candidate()
    assert guess(one, held((target(Scope.CANDIDATE, one), aside())), NOW_S, (credential(one),)) is None


@pytest.mark.parametrize(
    ("what", "recovers_s", "is_claimed"),
    [
        pytest.param(aside(K.RATE_LIMITED, 1.5), NOW_S + 1.5, True, id="set-aside"),
        pytest.param(half_open(), NOW_S, True, id="half-open-recovers-now"),
        pytest.param(half_open(claimed_s=NOW_S - 1), NOW_S + 1, True, id="being-probed"),
        pytest.param(half_open(K.RATE_LIMITED, claimed_s=NOW_S - 5), NOW_S, False, id="proven-is-free"),
    ],
)
def test_a_pair_is_held_until_its_last_target_recovers(what: Aside, recovers_s: float, is_claimed: bool) -> None:
    one = candidate()
    at = target(Scope.CREDENTIAL_MODEL, one)
    found = hold_of(one.id, credential(one), held((at, what)), NOW_S)
    assert found == Hold(recovers_s, (at,) if is_claimed else ())
