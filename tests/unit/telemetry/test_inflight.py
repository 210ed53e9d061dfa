"""Requests under way, counted when they are asked for."""

from __future__ import annotations

from proxy.core.health import StateView
from proxy.core.snapshot import Model, Snapshot
from proxy.telemetry.metrics import Metrics

SNAPSHOT = Snapshot(models={"idle": Model("idle", ()), "busy": Model("busy", ())}, prefixes=(Model("p-*", ()),))


def in_flight(under_way: list[str]) -> dict[str, float]:
    registry = Metrics(lambda: (SNAPSHOT, StateView(), 0.0), lambda: under_way).registry
    samples = [sample for family in registry.collect() for sample in family.samples]
    return {s.labels["model"]: s.value for s in samples if s.name == "fairlead_in_flight_requests"}


def test_every_configured_model_is_shown_and_what_else_is_under_way() -> None:
    assert in_flight(["busy", "other", "busy"]) == {"idle": 0, "busy": 2, "p-*": 0, "other": 1}


def test_an_ended_request_is_no_longer_shown() -> None:
    under_way = ["unknown"]
    assert in_flight(under_way)["unknown"] == 1
    under_way.clear()
    assert "unknown" not in in_flight(under_way)
