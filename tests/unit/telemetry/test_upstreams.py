"""The gauges computed at scrape: which provider is up, which breaker is open, how long a cooldown lasts."""

from __future__ import annotations

import pytest

from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Aside, CandidateId, StateView, Target
from proxy.core.secret import Secret
from proxy.core.snapshot import Candidate, Credential, Model, Provider, Snapshot
from proxy.telemetry.upstreams import breaker_states, configured_candidates, cooldowns_left_s, is_up

NOW_S = 1000.0
KEYS = (Credential("k1", Secret("one")), Credential("k2", Secret("two")))
K1, K2 = KEYS[0].id, KEYS[1].id


def aside(kind: FailureKind = FailureKind.AUTH, *, left_s: float = 10.0, breaker: bool = False) -> Aside:
    return Aside(kind, NOW_S - 1, NOW_S + left_s, NOW_S + left_s, breaker=breaker)


def snapshot_of(provider: Provider, *models: str) -> Snapshot:
    rows = {name: Model(name, (Candidate(provider, name),)) for name in models}
    return Snapshot(providers={provider.name: provider}, models=rows)


def target(scope: Scope, credential: str = "", model: str = "") -> Target:
    return Target(scope, "a", credential, model)


@pytest.mark.parametrize(
    ("shut", "up"),
    [
        pytest.param([], True, id="nothing-set-aside"),
        pytest.param([target(Scope.PROVIDER)], False, id="provider"),
        pytest.param([target(Scope.CREDENTIAL, K1)], True, id="one-of-two-credentials"),
        pytest.param([target(Scope.CREDENTIAL, K1), target(Scope.CREDENTIAL, K2)], False, id="all-credentials"),
        pytest.param([target(Scope.CANDIDATE, model="m1")], True, id="one-of-two-candidates"),
        pytest.param(
            [target(Scope.CANDIDATE, model="m1"), target(Scope.ACCOUNT, model="m2")], False, id="every-candidate"
        ),
        pytest.param(
            [
                target(Scope.CANDIDATE, model="m1"),
                target(Scope.CREDENTIAL, K1),
                target(Scope.CREDENTIAL_MODEL, K2, "m2"),
            ],
            False,
            id="no-free-pair-of-credential-and-model",
        ),
    ],
)
def test_provider_is_up_while_some_request_could_be_sent(shut: list[Target], up: bool) -> None:
    provider = Provider("a", "openai", "https://x.test", credentials=KEYS)
    snapshot = snapshot_of(provider, "m1", "m2")
    view = StateView(asides=dict.fromkeys(shut, aside()))
    assert is_up(provider, configured_candidates(snapshot), view, NOW_S) is up


def test_half_open_provider_is_up() -> None:
    provider = Provider("a", "openai", "https://x.test")
    view = StateView(asides={target(Scope.PROVIDER): aside(left_s=0)})
    assert is_up(provider, frozenset(), view, NOW_S)


def test_provider_without_candidates_is_judged_by_its_credentials() -> None:
    provider = Provider("a", "openai", "https://x.test", credentials=KEYS[:1])
    view = StateView(asides={target(Scope.CREDENTIAL, K1): aside()})
    assert is_up(provider, frozenset(), StateView(), NOW_S)
    assert not is_up(provider, frozenset(), view, NOW_S)


def test_disabled_provider_is_down() -> None:
    by_file = Provider("a", "openai", "https://x.test", enabled=False)
    by_operator = Provider("a", "openai", "https://x.test")
    assert not is_up(by_file, frozenset(), StateView(), NOW_S)
    assert not is_up(by_operator, frozenset(), StateView(disabled={"a"}), NOW_S)


def states(asides: dict[Target, Aside]) -> dict[tuple[str, str], float]:
    snapshot = snapshot_of(Provider("a", "openai", "https://x.test"), "m1", "m2")
    return breaker_states(snapshot, configured_candidates(snapshot), StateView(asides=asides), NOW_S)


def test_breaker_is_closed_open_or_half_open() -> None:
    shut = aside(FailureKind.SERVER_ERROR, breaker=True)
    expired = aside(FailureKind.SERVER_ERROR, left_s=0, breaker=True)
    candidate = target(Scope.CANDIDATE, model="m1")
    assert states({}) == {("a", "m1"): 0, ("a", "m2"): 0}
    assert states({candidate: shut}) == {("a", "m1"): 2, ("a", "m2"): 0}
    assert states({candidate: expired}) == {("a", "m1"): 1, ("a", "m2"): 0}


def test_open_breaker_of_a_provider_shows_at_each_of_its_candidates() -> None:
    shut = aside(FailureKind.CONNECT, breaker=True)
    assert states({target(Scope.PROVIDER): shut}) == {("a", "m1"): 2, ("a", "m2"): 2}


def test_cooldown_without_breaker_leaves_the_breaker_closed() -> None:
    assert set(states({target(Scope.CANDIDATE, model="m1"): aside()}).values()) == {0}


def test_breaker_of_an_ad_hoc_candidate_shows_as_other_and_of_an_unknown_provider_not_at_all() -> None:
    shut = aside(FailureKind.SERVER_ERROR, breaker=True)
    found = states({target(Scope.CANDIDATE, model="made-up"): shut, Target(Scope.CANDIDATE, "gone", "", "m"): shut})
    assert found == {("a", "m1"): 0, ("a", "m2"): 0, ("a", "other"): 2}


def test_cooldown_seconds_are_the_longest_of_a_provider_scope_and_reason() -> None:
    snapshot = snapshot_of(Provider("a", "openai", "https://x.test"), "m1")
    asides = {
        target(Scope.CREDENTIAL, K1): aside(left_s=5),
        target(Scope.CREDENTIAL, K2): aside(left_s=9),
        target(Scope.CANDIDATE, model="m1"): aside(FailureKind.CONNECT, left_s=0),
        Target(Scope.PROVIDER, "gone"): aside(),
    }
    assert cooldowns_left_s(snapshot, StateView(asides=asides), NOW_S) == {("a", "credential", "auth"): 9}


def test_candidates_of_prefixes_are_configured_ones() -> None:
    provider = Provider("a", "openai", "https://x.test")
    prefix = Model("gpt-*", (Candidate(provider, "openai/gpt-{*}"),))
    assert configured_candidates(Snapshot(prefixes=(prefix,))) == {CandidateId("a", "openai/gpt-{*}")}
