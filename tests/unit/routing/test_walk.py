"""Which candidate and credential a request goes to next, after what was refused so far."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.core.capabilities import Capabilities
from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.health import StateView
from proxy.core.plan import Send
from proxy.core.snapshot import Candidate, Credential, Snapshot
from proxy.routing.resolve import resolve
from proxy.routing.steps import AttemptPolicy, Stop, StopReason
from tests.unit.routing.build import (
    candidate,
    credential,
    failure,
    half_open,
    limited,
    model,
    planned,
    policy,
    provider,
    resent,
    set_aside,
    snapshot,
    step,
    target,
    tried,
    where,
)

K = FailureKind
A, B, C = candidate("a"), candidate("b"), candidate("c")
ALL = {"a": A, "b": B, "c": C}
TWO_KEYS = candidate(provider("two", keys=2))
NEXT = planned(model(A, B, C))
KEYS = planned(model(TWO_KEYS, B))
ALONE = planned(model(A))


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(limited(7), id="rate-limited"),
        pytest.param(failure(K.QUOTA_EXHAUSTED, scope=Scope.CREDENTIAL_MODEL), id="quota"),
        pytest.param(failure(K.BILLING), id="billing"),
        pytest.param(failure(K.AUTH), id="auth"),
        pytest.param(failure(K.PERMISSION), id="permission"),
    ],
)
def test_the_next_credential_comes_before_the_next_candidate(what: Failure) -> None:
    assert where(step(KEYS, tried(KEYS, what))) == ("two", "k2")


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(limited(7, Scope.ACCOUNT), id="limited-by-account"),
        pytest.param(limited(7, Scope.CANDIDATE), id="limited-for-all"),
        pytest.param(failure(K.SERVER_ERROR), id="server-error"),
        pytest.param(failure(K.MODEL_MISSING), id="model-missing"),
    ],
)
def test_no_other_credential_helps_after(what: Failure) -> None:
    assert where(step(KEYS, tried(KEYS, what))) == ("b", "k1")


def test_where_limits_are_by_account_no_other_credential_is_tried() -> None:
    of = planned(model(candidate(provider("two", keys=2, limits_by_account=True)), B))
    assert where(step(of, tried(of, limited(7)))) == ("b", "k1")


def test_a_quota_is_not_by_account_where_rate_limits_are() -> None:
    of = planned(model(candidate(provider("two", keys=2, limits_by_account=True)), B))
    history = tried(of, failure(K.QUOTA_EXHAUSTED, scope=Scope.CREDENTIAL_MODEL))
    assert where(step(of, history)) == ("two", "k2")


def test_a_pair_is_not_sent_to_twice() -> None:
    assert where(step(KEYS, tried(KEYS, (0, 1, limited(7)), (0, 2, limited(7))))) == ("b", "k1")


def test_the_last_candidates_next_credential_comes_before_an_earlier_candidates() -> None:
    of = planned(model(candidate(provider("x", keys=5)), TWO_KEYS))
    history = tried(of, (0, 1, limited(9)), (0, 2, limited(9)), (1, 1, limited(9)))
    assert where(step(of, history)) == ("two", "k2")


def test_a_provider_gets_two_sends_while_another_is_untried() -> None:
    of = planned(model(candidate(provider("x", keys=3)), B))
    two = tried(of, (0, 1, limited(9)), (0, 2, limited(9)))
    assert where(step(of, two)) == ("b", "k1")
    assert where(step(of, [*two, *tried(of, (1, 1, failure(K.SERVER_ERROR)))])) == ("x", "k3")


def test_an_untried_provider_that_cannot_be_used_holds_nobody_back() -> None:
    of = planned(model(candidate(provider("x", keys=3)), B))
    assert where(step(of, tried(of, (0, 1, limited(9)), (0, 2, limited(9))), set_aside(B))) == ("x", "k3")


def test_candidates_set_aside_since_the_plan_was_made_are_passed_by() -> None:
    assert where(step(NEXT, tried(NEXT, failure(K.SERVER_ERROR)), set_aside(B))) == ("c", "k1")


def test_candidates_set_aside_since_the_plan_was_made_are_passed_by_from_the_first_send_on() -> None:
    assert where(step(NEXT, (), set_aside(A))) == ("b", "k1")


def test_what_was_not_admitted_is_passed_by_from_the_first_send_on() -> None:
    assert where(step(NEXT, (), None, policy(NEXT, refused=[(A.id, credential(A))]))) == ("b", "k1")
    assert where(step(KEYS, (), None, policy(KEYS, refused=[(TWO_KEYS.id, credential(TWO_KEYS))]))) == ("two", "k2")


# A conflict, an edited resend: the same candidate on purpose.


def test_a_conflict_is_tried_once_more_and_then_the_next() -> None:
    once = tried(NEXT, failure(K.CONFLICT, 409))
    assert where(step(NEXT, once)) == ("a", "k1")
    assert where(step(NEXT, resent(once, failure(K.CONFLICT, 409)))) == ("b", "k1")


def test_a_conflict_is_repeated_with_the_same_edit() -> None:
    history = tried(ALONE, failure(K.INVALID_REQUEST, 400, edit=("seed",)))
    found = step(ALONE, resent(history, failure(K.CONFLICT, 409), ("seed",)))
    assert isinstance(found, Send) and found.edit == ("seed",) and where(found) == ("a", "k1")


@pytest.mark.parametrize("state", [pytest.param(set_aside(A), id="set-aside"), pytest.param(None, id="not-admitted")])
def test_what_cannot_be_repeated_is_failed_over(state: StateView | None) -> None:
    bounds = policy(NEXT) if state else policy(NEXT, refused=[(A.id, credential(A))])
    assert where(step(NEXT, tried(NEXT, failure(K.CONFLICT, 409)), state, bounds)) == ("b", "k1")


def test_a_half_open_candidate_is_claimed_again_for_its_repeat() -> None:
    spot = target(Scope.CANDIDATE, A)
    found = step(NEXT, tried(NEXT, failure(K.CONFLICT, 409)), StateView(asides={spot: half_open()}))
    assert isinstance(found, Send) and found.half_open == (spot,)


@pytest.mark.parametrize("kind", [K.INVALID_REQUEST, K.REJECTED])
def test_refused_fields_are_left_out_in_one_resend(kind: FailureKind) -> None:
    history = tried(NEXT, failure(kind, 400, edit=("seed", "user")))
    found = step(NEXT, history)
    assert isinstance(found, Send) and found.edit == ("seed", "user") and where(found) == ("a", "k1")
    again = step(NEXT, resent(history, failure(K.INVALID_REQUEST, 400, edit=("top_p",)), ("seed",)))
    assert again == Stop(StopReason.CLIENT_FAULT)


def test_the_next_credential_gets_the_edited_request() -> None:
    of = planned(model(TWO_KEYS))
    history = tried(of, failure(K.INVALID_REQUEST, 400, edit=("seed",)))
    found = step(of, resent(history, limited(7), ("seed",)))
    assert where(found) == ("two", "k2") and isinstance(found, Send) and found.edit == ("seed",)


def test_the_next_candidate_gets_the_whole_request() -> None:
    refused = tried(NEXT, failure(K.INVALID_REQUEST, 400, edit=("seed",)))
    found = step(NEXT, resent(refused, failure(K.SERVER_ERROR), ("seed",)))
    assert where(found) == ("b", "k1") and isinstance(found, Send) and found.edit == ()


def test_a_resend_gives_way_to_an_untried_provider_after_two_sends() -> None:
    of = planned(model(TWO_KEYS, B))
    history = tried(of, (0, 1, limited(7)), (0, 2, failure(K.INVALID_REQUEST, 400, edit=("seed",))))
    assert where(step(of, history)) == ("b", "k1")


def test_a_resend_that_cannot_be_made_leaves_the_clients_fault() -> None:
    only = planned(model(A))
    history = tried(only, failure(K.INVALID_REQUEST, 400, edit=("seed",)))
    assert step(only, history, set_aside(A)) == Stop(StopReason.CLIENT_FAULT)


# An unrecognised refusal, a request too long: only some candidates may still be asked.


def test_an_unrecognised_refusal_is_put_to_one_of_another_kind() -> None:
    other = candidate(provider("other", kind="mistral"))
    of = planned(model(A, B, other))
    history = tried(of, failure(K.REJECTED, 400))
    assert where(step(of, history)) == ("other", "k1")
    assert step(of, [*history, *tried(of, (2, 1, failure(K.REJECTED, 422)))]) == Stop(StopReason.CLIENT_FAULT)


def test_with_no_other_kind_an_unrecognised_refusal_is_the_clients_fault() -> None:
    assert step(NEXT, tried(NEXT, failure(K.REJECTED, 400))) == Stop(StopReason.CLIENT_FAULT)


def window(of: str, tokens: int | None, upstream: str = "up") -> Candidate:
    return candidate(of, upstream, capabilities=Capabilities(context_window_tokens=tokens))


@pytest.mark.parametrize(
    ("second", "goes_on"),
    [
        pytest.param(window("b", 9), True, id="larger"),
        pytest.param(window("b", 8), False, id="no-larger"),
        pytest.param(window("b", None), False, id="unknown-same-model"),
        pytest.param(window("b", None, "big"), True, id="unknown-other-model"),
    ],
)
def test_a_request_too_long_goes_only_where_it_may_fit(second: Candidate, goes_on: bool) -> None:
    of = planned(model(window("a", 8), second))
    found = step(of, tried(of, failure(K.CONTEXT_TOO_LONG, 400)))
    assert where(found) == ("b", "k1") if goes_on else found == Stop(StopReason.CLIENT_FAULT)


def test_an_unknown_window_that_was_too_small_counts_by_the_models_name() -> None:
    of = planned(model(window("a", None), window("b", 9_999)))
    assert step(of, tried(of, failure(K.CONTEXT_TOO_LONG, 400))) == Stop(StopReason.CLIENT_FAULT)


# The configuration in force now.


def changed(*candidates: Candidate) -> AttemptPolicy:
    return policy(NEXT, snapshot(model(*candidates)))


@pytest.mark.parametrize(
    "bounds",
    [
        pytest.param(changed(candidate("a"), candidate("c")), id="candidate-removed"),
        pytest.param(
            changed(candidate("a"), candidate(provider("b", enabled=False)), candidate("c")), id="provider-disabled"
        ),
        pytest.param(
            policy(NEXT, snapshot(model(candidate("a"), candidate("b"), candidate("c")), providers={"c": C.provider})),
            id="provider-removed",
        ),
        pytest.param(
            changed(candidate("a"), candidate(replace(B.provider, credentials=())), candidate("c")),
            id="credential-removed",
        ),
        pytest.param(policy(NEXT, refused=[(B.id, credential(B))]), id="not-admitted"),
    ],
)
def test_what_the_configuration_no_longer_has_is_not_sent_to(bounds: AttemptPolicy) -> None:
    assert where(step(NEXT, tried(NEXT, failure(K.SERVER_ERROR)), None, bounds)) == ("c", "k1")


def test_what_an_operator_disabled_meanwhile_is_not_sent_to() -> None:
    state = StateView(disabled={"b"})
    assert where(step(NEXT, tried(NEXT, failure(K.SERVER_ERROR)), state)) == ("c", "k1")


def test_a_reload_that_changes_nothing_changes_no_attempt() -> None:
    bounds = changed(candidate("a"), candidate("b"), candidate("c"))
    assert where(step(NEXT, tried(NEXT, failure(K.SERVER_ERROR)), None, bounds)) == ("b", "k1")


def test_a_model_removed_meanwhile_gets_no_further_attempt() -> None:
    bounds = policy(NEXT, snapshot(model(A, B, C, name="other")))
    assert step(NEXT, (), None, bounds) == Stop(StopReason.EXHAUSTED)


@pytest.mark.parametrize(
    ("now", "served"),
    [
        pytest.param(("a", "b", "c"), "b", id="unchanged"),
        pytest.param(("a", "c"), "c", id="candidate-removed"),
        pytest.param((), None, id="prefix-removed"),
    ],
)
def test_what_a_prefix_no_longer_has_is_not_sent_to(now: tuple[str, ...], served: str | None) -> None:
    of = resolve("p-7", None, prefixed("a", "b", "c"))
    made = planned(of)
    bounds = policy(made, prefixed(*now))
    found = step(made, tried(made, failure(K.SERVER_ERROR)), None, bounds)
    assert found == Stop(StopReason.EXHAUSTED) if served is None else where(found) == (served, "k1")


def prefixed(*names: str) -> Snapshot:
    """A configuration of a prefix with candidates of these providers, and of no other model."""
    prefix = model(*(candidate(ALL[name].provider, "up-{*}") for name in names), name="p-*")
    return Snapshot(providers={name: of.provider for name, of in ALL.items()}, prefixes=(prefix,) if names else ())


def test_an_ad_hoc_model_needs_its_provider_alone() -> None:
    of = planned(model(A, name="a/up", configured=False))
    bounds = policy(of, Snapshot(providers={"a": A.provider}))
    assert where(step(of, (), None, bounds)) == ("a", "k1")


def test_a_provider_without_credentials_is_sent_to_without_one() -> None:
    of = planned(model(candidate(provider("local", keys=0)), B))
    assert where(step(of)) == ("local", None)
    assert where(step(of, tried(of, failure(K.AUTH)))) == ("b", "k1")


@pytest.mark.parametrize(
    ("left", "following"),
    [
        pytest.param([2], "k2", id="the-first-is-deleted"),
        pytest.param([2, 1], "k2", id="they-have-changed-places"),
        pytest.param([1], None, id="the-second-is-deleted"),
    ],
)
def test_a_credential_is_still_configured_whatever_its_place_in_the_list(
    left: list[int], following: str | None
) -> None:
    of = planned(model(TWO_KEYS))
    secrets = [TWO_KEYS.provider.credentials[key - 1].secret for key in left]
    named = tuple(Credential(f"k{place}", secret) for place, secret in enumerate(secrets, 1))
    current = snapshot(model(candidate(replace(TWO_KEYS.provider, credentials=named))))
    found = step(of, tried(of, failure(K.AUTH, 401)), bounds=policy(of, current))
    assert (where(found)[1] if isinstance(found, Send) else None) == following
