from __future__ import annotations

import json

from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Slot, StateView
from proxy.core.snapshot import Rotation
from proxy.state.rows import rows
from tests.unit.routing.build import (
    NOW_S,
    aside,
    candidate,
    credential,
    half_open,
    model,
    snapshot,
    target,
)

K = FailureKind
A, B = candidate("a"), candidate("b", "other")


def test_a_set_aside_is_shown_with_its_cause_and_times() -> None:
    quota = aside(K.QUOTA_EXHAUSTED, 7_200, opens_at_s=NOW_S + 600, stated=True)
    told = rows(StateView(asides={target(Scope.CREDENTIAL_MODEL, A): quota}), snapshot(), NOW_S)
    assert told["set_aside"] == [
        {
            "scope": "credential_model",
            "provider": "a",
            "upstream_model": "up",
            "credential": "k1",
            "cause": "quota_exhausted",
            "breaker": False,
            "stated": True,
            "seconds_left": 7_200.0,
            "next_try_s": 600.0,
            "half_open": False,
            "probing": False,
        }
    ]


def test_a_half_open_target_that_is_being_probed_is_shown_so() -> None:
    view = StateView(asides={target(Scope.PROVIDER, A): half_open(breaker=True, claimed_s=NOW_S - 1)})
    told = rows(view, snapshot(), NOW_S)["set_aside"]
    assert isinstance(told, list)
    row = told[0]
    assert (row["half_open"], row["probing"], row["breaker"], row["seconds_left"]) == (True, True, True, 0.0)
    assert (row["credential"], row["upstream_model"]) == (None, None)


def test_what_a_claim_has_proven_is_no_longer_shown() -> None:
    view = StateView(asides={target(Scope.ACCOUNT, A): half_open(K.RATE_LIMITED, claimed_s=NOW_S - 2)})
    assert rows(view, snapshot(), NOW_S)["set_aside"] == []


def test_each_rotation_is_shown_with_its_place() -> None:
    sticky, counting = model(A, B), model(A, name="n", rotation=Rotation.WEIGHTED)
    view = StateView(pointers={Slot("m", 1): B.id}, turns={Slot("n", 1): 4})
    a, b = {"provider": "a", "upstream_model": "up"}, {"provider": "b", "upstream_model": "other"}
    assert rows(view, snapshot(sticky, counting), NOW_S)["rotation"] == [
        {"model": "m", "priority": 1, "rotation": "sticky", "pointer": b, "turns": 0, "candidates": [a, b]},
        {"model": "n", "priority": 1, "rotation": "weighted", "pointer": None, "turns": 4, "candidates": [a]},
    ]


def test_turns_behind_other_candidates_are_turns_too() -> None:
    view = StateView(turns={Slot("m", 1): 2, Slot("m\0", 1): 3})
    told = json.dumps(rows(view, snapshot(model(A, B, rotation=Rotation.ROUND_ROBIN)), NOW_S)["rotation"])
    assert '"turns": 5' in told


def test_what_is_in_flight_measured_and_switched_off_is_shown() -> None:
    told = rows(StateView(in_flight={A.id: 3}, latency_s={A.id: 0.12345}, disabled={"z", "y"}), snapshot(), NOW_S)
    assert told["in_flight"] == [{"provider": "a", "upstream_model": "up", "requests": 3}]
    assert told["first_token"] == [{"provider": "a", "upstream_model": "up", "seconds": 0.123}]
    assert told["disabled"] == ["y", "z"]


def test_no_fingerprint_of_a_credential_is_shown() -> None:
    view = StateView(asides={target(Scope.CREDENTIAL, A): aside()})
    assert credential(A).partition("#")[2] not in json.dumps(rows(view, snapshot(model(A)), NOW_S))
