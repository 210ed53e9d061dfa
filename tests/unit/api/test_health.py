"""The health report: what each provider is, and why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.api.health import Upkeep, health_report
from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Aside, StateView, Target
from proxy.core.secret import Secret
from proxy.core.snapshot import Candidate, Credential, Model, Problem, Provider, Snapshot

NOW_S = 1000.0
PLANTED = "sk-planted-4711"
KEYS = (Credential("k1", Secret(PLANTED)), Credential("k2", Secret("other")))
K1, K2 = KEYS[0].id, KEYS[1].id
KEYED = Provider("a", "openai", "https://internal.test/v1", credentials=KEYS)
KEYLESS = Provider("local", "ollama", "http://127.0.0.1:11434")
OFF = Provider("off", "groq", "https://x.test", enabled=False)


def snapshot_of(*providers: Provider, problems: tuple[Problem, ...] = ()) -> Snapshot:
    models = {"m": Model("m", tuple(Candidate(provider, name) for provider in providers for name in ("m1", "m2")))}
    rows = {provider.name: provider for provider in providers}
    return Snapshot(version=7, source="file", providers=rows, models=models, problems=problems)


def aside(left_s: float, kind: FailureKind = FailureKind.RATE_LIMITED, told_s: float | None = None) -> Aside:
    return Aside(kind, NOW_S - 1, NOW_S + left_s, NOW_S + (left_s if told_s is None else told_s))


def report(
    snapshot: Snapshot, asides: dict[Target, Aside] | None = None, disabled: frozenset[str] = frozenset()
) -> Any:  # noqa: ANN401 # JSON
    return json.loads(json.dumps(health_report(snapshot, StateView(asides=asides or {}, disabled=disabled), NOW_S)))


def test_report_of_healthy_providers() -> None:
    assert report(snapshot_of(KEYED, KEYLESS)) == {
        "status": "ok",
        "config": {"version": 7, "source": "file", "problems": [], "rejected": []},
        "database": None,
        "ledger": None,
        "providers": {"a": {"status": "ok", "kind": "openai"}, "local": {"status": "ok", "kind": "ollama"}},
    }


@pytest.mark.parametrize(
    ("ledger", "status"), [("ok", "ok"), ("behind", "ok"), ("full", "ok"), ("refusing", "down"), (None, "ok")]
)
def test_gateway_that_refuses_every_request_is_down_however_its_providers_are(ledger: str | None, status: str) -> None:
    rejected = [Problem("x", "found", "expected", "fix")]
    shown = health_report(snapshot_of(KEYED), StateView(), NOW_S, None, Upkeep(rejected, "away", ledger))
    assert (shown["status"], shown["database"], shown["ledger"]) == (status, "away", ledger)
    config = shown["config"]
    assert isinstance(config, dict)
    assert config["rejected"] == ["x: found; expected expected; fix"]


def credential(name: str) -> Target:
    return Target(Scope.CREDENTIAL, "a", name)


@pytest.mark.parametrize(
    ("targets", "status"),
    [
        pytest.param([credential(K1)], "degraded", id="one-of-two-credentials"),
        pytest.param([credential(K1), credential(K2)], "down", id="all-credentials"),
        pytest.param([Target(Scope.PROVIDER, "a")], "down", id="the-provider"),
        pytest.param([Target(Scope.CANDIDATE, "a", model="m1")], "degraded", id="one-of-two-candidates"),
        pytest.param([Target(Scope.CANDIDATE, "a", model=name) for name in ("m1", "m2")], "down", id="all-candidates"),
        pytest.param([Target(Scope.ACCOUNT, "a", model="m1")], "degraded", id="the-account-for-one-model"),
        pytest.param([Target(Scope.CREDENTIAL_MODEL, "a", K1, "m1")], "degraded", id="one-key-with-one-model"),
        pytest.param([Target(Scope.PROVIDER, "local")], "ok", id="another-provider"),
    ],
)
def test_provider_is_down_when_no_request_could_be_sent_to_it(targets: list[Target], status: str) -> None:
    shown = report(snapshot_of(KEYED, KEYLESS), {target: aside(10.0) for target in targets})
    assert shown["providers"]["a"]["status"] == status


def test_provider_without_credentials_is_down_when_it_is_set_aside_itself() -> None:
    shown = report(snapshot_of(KEYLESS), {Target(Scope.PROVIDER, "local"): aside(10.0, FailureKind.CONNECT)})
    assert (shown["status"], shown["providers"]["local"]["status"]) == ("down", "down")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param(Target(Scope.PROVIDER, "a"), {"scope": "provider"}, id="provider"),
        pytest.param(credential(K1), {"scope": "credential", "credential": "k1"}, id="credential"),
        pytest.param(
            Target(Scope.CREDENTIAL_MODEL, "a", K1, "m1"),
            {"scope": "credential_model", "credential": "k1", "model": "m1"},
            id="credential-and-model",
        ),
        pytest.param(Target(Scope.CANDIDATE, "a", model="m1"), {"scope": "candidate", "model": "m1"}, id="candidate"),
    ],
)
def test_what_is_set_aside_says_why_and_for_how_long(target: Target, expected: dict[str, str]) -> None:
    shown = report(snapshot_of(KEYED), {target: aside(5.0, FailureKind.QUOTA_EXHAUSTED, told_s=60.04)})
    rest = {"reason": "quota_exhausted", "seconds_left": 60.0}
    assert shown["providers"]["a"]["set_aside"] == [expected | rest]


def test_target_that_is_half_open_is_no_longer_shown() -> None:
    shown = report(snapshot_of(KEYED), {Target(Scope.PROVIDER, "a"): aside(0.0, told_s=60.0)})
    assert shown["providers"]["a"] == {"status": "ok", "kind": "openai"}


@pytest.mark.parametrize(
    ("provider", "disabled"),
    [
        pytest.param(OFF, frozenset(), id="in-the-file"),
        pytest.param(KEYLESS, frozenset({"local"}), id="by-an-operator"),
    ],
)
def test_disabled_provider_says_so_and_no_more(provider: Provider, disabled: frozenset[str]) -> None:
    shown = report(snapshot_of(provider), {Target(Scope.PROVIDER, provider.name): aside(9.0)}, disabled)
    assert shown["providers"][provider.name] == {"status": "disabled", "kind": provider.kind}


@pytest.mark.parametrize(
    ("providers", "asides", "status"),
    [
        pytest.param((), [], "down", id="no-provider"),
        pytest.param((KEYLESS, OFF), [], "ok", id="one-is-up"),
        pytest.param((KEYED,), [credential(K1)], "ok", id="one-is-degraded"),
        pytest.param((OFF,), [], "down", id="all-disabled"),
        pytest.param((KEYLESS, OFF), [Target(Scope.PROVIDER, "local")], "down", id="down-and-disabled"),
    ],
)
def test_gateway_is_up_while_some_provider_is(
    providers: tuple[Provider, ...], asides: list[Target], status: str
) -> None:
    assert report(snapshot_of(*providers), {target: aside(9.0) for target in asides})["status"] == status


def test_problems_of_the_configuration_are_listed() -> None:
    problem = Problem("providers.x", "no key", "a key", "set one", fatal=False)
    shown = report(snapshot_of(KEYLESS, problems=(problem,)))
    assert shown["config"]["problems"] == ["providers.x: no key; expected a key; set one"]


def test_report_holds_no_secret_fingerprint_or_address() -> None:
    targets = [credential(K1), Target(Scope.CREDENTIAL_MODEL, "a", K2, "m1"), Target(Scope.PROVIDER, "a")]
    shown = json.dumps(report(snapshot_of(KEYED), {target: aside(9.0) for target in targets}))
    for hidden in (PLANTED, *(key.secret.fingerprint for key in KEYS), "#", "internal.test"):
        assert hidden not in shown
