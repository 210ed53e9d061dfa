"""The endpoints under /_simulator/."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.errors import MalformedRequest, MethodNotAllowed, NotFound
from proxy.simulator.app import Simulator, simulator_app
from proxy.simulator.control import Order, obey
from proxy.simulator.journal import Arrival, Entry
from proxy.simulator.scenario import Scenario


def _order(method: str, name: str, body: bytes = b"", content_type: str = "") -> Order:
    return Order(method, name, {}, body, content_type)


def _get(simulator: Simulator, name: str, **query: str) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(obey(Order("GET", name, query, b"", ""), simulator).body)


def _simulator() -> Simulator:
    simulator = simulator_app()
    for number, provider in enumerate(("a", "b", "a")):
        arrival = Arrival(number, 0.0, "POST", "/", "", provider, {}, (), "", 0, (), None)
        simulator.journal.entries.append(Entry(arrival, model=f"m{number}"))
    simulator.journal.count("a", "m0", 3, 4)
    return simulator


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        pytest.param({}, [0, 1, 2], id="all"),
        pytest.param({"provider": "a"}, [0, 2], id="of-a-provider"),
        pytest.param({"model": "m1"}, [1], id="of-a-model"),
        pytest.param({"limit": "2"}, [1, 2], id="newest"),
        pytest.param({"limit": "0"}, [], id="none"),
        pytest.param({"limit": "9"}, [0, 1, 2], id="more-than-there-are"),
    ],
)
def test_log_is_shown_oldest_first(query: dict[str, str], numbers: list[int]) -> None:
    assert [row["number"] for row in _get(_simulator(), "requests", **query)["requests"]] == numbers


@pytest.mark.parametrize("limit", ["-1", "x", "²", ""])
def test_limit_must_be_a_number(limit: str) -> None:
    with pytest.raises(MalformedRequest):
        _get(_simulator(), "requests", limit=limit)


def test_totals_are_shown() -> None:
    (row,) = _get(_simulator(), "totals")["totals"]
    assert row == {"provider": "a", "model": "m0", "requests": 1, "prompt_tokens": 3, "completion_tokens": 4}


def test_behaviours_are_listed() -> None:
    assert {"clause": "silent", "meaning": "accept the request, send nothing"} in _get(_simulator(), "behaviours")[
        "behaviours"
    ]


def test_reset_forgets_everything() -> None:
    simulator = _simulator()
    obey(_order("POST", "reset"), simulator)
    assert (_get(simulator, "requests")["requests"], _get(simulator, "totals")["totals"]) == ([], [])


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b'[[rules]]\nthen = "quota"\n', "application/toml", id="toml"),
        pytest.param(b'{"rules": [{"then": "quota"}]}', "application/json; charset=utf-8", id="json"),
    ],
)
def test_scenario_can_be_changed_and_read(body: bytes, content_type: str) -> None:
    simulator = _simulator()
    obey(_order("PUT", "scenario", body, content_type), simulator)
    assert simulator.scenario.rules[0].then == "quota"
    assert _get(simulator, "scenario")["rules"][0]["then"] == "quota"


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        pytest.param(b'default = "nonsense"', "", "no behaviour is called", id="mistake"),
        pytest.param(b"\xff", "", "cannot be decoded", id="not-utf8"),
        pytest.param(b"{", "application/json", "cannot be decoded", id="not-json"),
    ],
)
def test_bad_scenario_changes_nothing(body: bytes, content_type: str, said: str) -> None:
    simulator = _simulator()
    with pytest.raises(MalformedRequest, match=said):
        obey(_order("PUT", "scenario", body, content_type), simulator)
    assert simulator.scenario == Scenario()


def test_wrong_method_is_named_with_the_right_one() -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        obey(_order("DELETE", "scenario"), _simulator())
    assert caught.value.allow == "GET, PUT"


def test_unknown_control_names_the_known_ones() -> None:
    with pytest.raises(NotFound, match="/_simulator/totals"):
        obey(_order("GET", "nothing"), _simulator())
