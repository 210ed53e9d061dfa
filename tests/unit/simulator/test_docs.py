"""docs/simulator.md names everything that the code knows."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from proxy.simulator.grammar import CLAUSES, parse_phrase
from proxy.simulator.journal import MAX_ENTRIES
from proxy.simulator.scenario import ANSWER_KEYS, MAX_RULES, RULE_KEYS, SCENARIO_KEYS, parse_scenario

_PAGE = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text("utf-8")


@pytest.mark.parametrize("shown", [pytest.param(clause.shown, id=clause.words) for clause in CLAUSES])
def test_page_names_every_clause(shown: str) -> None:
    assert f"`{shown}`" in _PAGE


@pytest.mark.parametrize("key", [*SCENARIO_KEYS, *(f"rules[].{key}" for key in RULE_KEYS), *ANSWER_KEYS])
def test_page_names_every_key_of_a_scenario(key: str) -> None:
    assert f"`{key}`" in _PAGE


@pytest.mark.parametrize("name", ["requests", "totals", "behaviours", "scenario", "reset"])
def test_page_names_every_control(name: str) -> None:
    assert f"/_simulator/{name}`" in _PAGE


def test_pages_scenario_can_be_read() -> None:
    text = _PAGE.split("```toml\n")[1].split("```")[0]
    assert len(parse_scenario(tomllib.loads(text)).rules) == 3


def test_pages_model_names_can_be_read() -> None:
    rows = [line.split("`")[1] for line in _PAGE.splitlines() if line.startswith("| `sim-")]
    assert len(rows) >= 8
    for name in rows:
        parse_phrase(name.removeprefix("sim-"))


def test_pages_figures_are_the_codes() -> None:
    assert f"the last {MAX_ENTRIES:,} requests" in _PAGE
    assert f"at most {MAX_RULES:,}" in _PAGE
