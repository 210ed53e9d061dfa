"""The endpoints under `/_simulator/`: what arrived, what was served, reset, and the script.

Turns a control request into one JSON answer. There is no access control: the simulator is a test server for loopback.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import orjson

from proxy.core.errors import ConfigError, MalformedRequest, MethodNotAllowed, NotFound
from proxy.simulator.grammar import CLAUSES
from proxy.simulator.journal import Journal
from proxy.simulator.replies import Plain, json_answer
from proxy.simulator.scenario import Scenario, as_document, parse_scenario, parse_toml


class Controlled(Protocol):
    """What the controls act on."""

    scenario: Scenario
    journal: Journal

    def reset(self) -> None: ...

    def use(self, scenario: Scenario) -> None: ...


class Order(NamedTuple):
    """A control request. `query` holds the last value of each parameter."""

    method: str
    name: str
    query: Mapping[str, str]
    body: bytes
    content_type: str


def obey(order: Order, simulator: Controlled) -> Plain:
    """Carry out a control request.

    Raises:
        NotFound, MethodNotAllowed, MalformedRequest: The order is none.
    """
    match order.name, order.method:
        case "requests", "GET":
            return json_answer({"requests": _entries(order.query, simulator.journal)})
        case "totals", "GET":
            return json_answer({"totals": simulator.journal.totals()})
        case "behaviours", "GET":
            return json_answer({"behaviours": [{"clause": c.shown, "meaning": c.meaning} for c in CLAUSES]})
        case "scenario", "GET":
            return json_answer(as_document(simulator.scenario))
        case "scenario", "PUT":
            simulator.use(_scenario(order))
            return json_answer(as_document(simulator.scenario))
        case "reset", "POST":
            simulator.reset()
            return json_answer({"reset": True})
        case name, _ if name in _METHODS:
            raise MethodNotAllowed(f"Use {_METHODS[name]} here.", _METHODS[name])
        case _:
            raise NotFound("The simulator has: " + ", ".join(f"/_simulator/{name}" for name in _METHODS) + ".")


_METHODS = {"requests": "GET", "totals": "GET", "behaviours": "GET", "scenario": "GET, PUT", "reset": "POST"}


def _entries(query: Mapping[str, str], journal: Journal) -> list[dict[str, Any]]:
    """Return the log, oldest first; `provider` and `model` narrow it, `limit` keeps the newest."""
    limit = query.get("limit", "1000")
    if not limit.isascii() or not limit.isdigit():
        raise MalformedRequest("limit must be a whole number.", param="limit")
    entries = [
        entry
        for entry in journal.entries
        if query.get("provider", entry.arrival.provider) == entry.arrival.provider
        and query.get("model", entry.model) == entry.model
    ]
    return [entry.as_document() for entry in entries[max(0, len(entries) - int(limit)) :]]


def _scenario(order: Order) -> Scenario:
    try:
        if order.content_type.startswith("application/json"):
            return parse_scenario(orjson.loads(order.body))
        return parse_toml(order.body.decode())
    except ConfigError as exc:
        raise MalformedRequest(str(exc)) from exc
    except ValueError as exc:
        raise MalformedRequest(f"The scenario cannot be decoded: {exc}") from exc
