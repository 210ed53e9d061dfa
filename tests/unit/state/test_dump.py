from __future__ import annotations

import json
from dataclasses import replace

import pytest

from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Aside, CandidateId, Slot, StateView, Target
from proxy.core.snapshot import Credential, Provider
from proxy.state.dump import dump, parse
from tests.unit.routing.build import NOW_S, aside, candidate, provider, target

WALL_S = 1_800_000_000.0
A = candidate("a")
SPOT = target(Scope.CREDENTIAL, A)
LONG = Aside(FailureKind.AUTH, NOW_S - 5, NOW_S + 100, NOW_S + 300, stated=True, breaker=True, claimed_s=NOW_S)
PROVIDERS = {"a": A.provider}
VIEW = StateView(asides={SPOT: LONG}, pointers={Slot("m", 2): A.id}, disabled={"b"})


def test_what_is_dumped_is_json_with_unix_times() -> None:
    told = json.loads(json.dumps(dump(VIEW, PROVIDERS, NOW_S, WALL_S)))
    assert told["pointers"] == [{"model": "m", "priority": 2, "provider": "a", "upstream_model": "up"}]
    assert told["disabled"] == ["b"] and told["asides"][0]["until"] == WALL_S + 300
    assert (told["asides"][0]["scope"], told["asides"][0]["kind"]) == ("credential", "auth")


def test_a_later_process_reads_it_on_its_own_clock_without_the_claim() -> None:
    kept = json.loads(json.dumps(dump(VIEW, PROVIDERS, NOW_S, WALL_S)))
    found = parse(kept, PROVIDERS, 50.0, WALL_S + 20)
    assert found.asides == {SPOT: Aside(FailureKind.AUTH, 25.0, 130.0, 330.0, stated=True, breaker=True)}
    assert found.pointers == {Slot("m", 2): A.id} and found.disabled == {"b"} and found.skipped == 0


def test_what_ends_within_a_minute_is_not_kept() -> None:
    view = StateView(asides={SPOT: aside(for_s=60)})
    assert dump(view, PROVIDERS, NOW_S, WALL_S)["asides"] == []


@pytest.mark.parametrize(
    "now",
    [
        pytest.param({"a": replace(A.provider, base_url="https://another.test")}, id="at-another-address"),
        pytest.param({}, id="gone"),
    ],
)
def test_what_was_held_against_another_provider_is_not_read(now: dict[str, Provider]) -> None:
    found = parse(dump(VIEW, PROVIDERS, NOW_S, WALL_S), now, NOW_S, WALL_S)
    assert (found.asides, found.skipped) == ({}, 0)


def test_a_credential_is_known_again_when_one_before_it_is_gone() -> None:
    two = candidate(provider("a", keys=2))
    view = StateView(asides={target(Scope.CREDENTIAL, two, key): LONG for key in (1, 2)})
    left = candidate(replace(two.provider, credentials=(Credential("k1", two.provider.credentials[1].secret),)))
    found = parse(dump(view, {"a": two.provider}, NOW_S, WALL_S), {"a": left.provider}, NOW_S, WALL_S)
    assert set(found.asides) == {target(Scope.CREDENTIAL, two, 1), target(Scope.CREDENTIAL, left)}


def test_what_is_held_against_a_provider_that_is_gone_is_not_kept() -> None:
    assert dump(VIEW, {}, NOW_S, WALL_S)["asides"] == []


def test_a_clock_that_was_wrong_holds_nothing_for_years() -> None:
    kept = dump(VIEW, PROVIDERS, NOW_S, WALL_S)
    (found,) = parse(kept, PROVIDERS, 50.0, WALL_S - 10 * 365 * 86_400).asides.values()
    assert (found.since_s, found.until_s) == (50.0, 50.0 + 31 * 86_400)


@pytest.mark.parametrize(
    ("kept", "skipped"),
    [
        pytest.param({}, 0, id="nothing"),
        pytest.param({"version": 9, "unknown": [1]}, 0, id="other-things"),
        pytest.param({"pointers": "x", "asides": None, "disabled": {}}, 3, id="no-lists"),
        pytest.param({"pointers": [{"model": 1}], "asides": [[]], "disabled": [7]}, 3, id="wrong-rows"),
        pytest.param({"asides": [{"scope": "galaxy"}]}, 1, id="unknown-scope"),
    ],
)
def test_what_makes_no_sense_is_skipped_and_counted(kept: dict[str, object], skipped: int) -> None:
    found = parse(kept, PROVIDERS, NOW_S, WALL_S)
    assert (found.pointers, found.asides, found.disabled, found.skipped) == ({}, {}, frozenset(), skipped)


def test_good_rows_among_bad_ones_are_read() -> None:
    found = parse({"disabled": ["a", 1]}, PROVIDERS, NOW_S, WALL_S)
    assert found.disabled == {"a"} and found.skipped == 1


def test_a_target_and_a_pointer_keep_their_shape() -> None:
    assert SPOT == Target(Scope.CREDENTIAL, "a", SPOT.credential) and A.id == CandidateId("a", "up")
