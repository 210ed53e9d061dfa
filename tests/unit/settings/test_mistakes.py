"""Files as people get them wrong: every problem is told at once, once, where it is, and without a value.

The same loading serves `fairlead serve`, `fairlead check` and a reload.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import pytest

from proxy.core.errors import ConfigError
from proxy.core.snapshot import Problem
from proxy.settings.load import load_snapshot
from proxy.telemetry.redact import Redactor
from tests.unit.settings.documents import build
from tests.unit.settings.mistaken_rows import MISTAKES_IN_ROWS
from tests.unit.settings.mistaken_sections import ALONE, GOOD, MISTAKES_IN_SECTIONS, PLANTED, SECRET

MISTAKES = {**MISTAKES_IN_SECTIONS, **MISTAKES_IN_ROWS}


def told(path: Path, text: str, environ: Mapping[str, str] | None = None) -> list[Problem]:
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_snapshot(path, environ or {}, strict=True, simulator_url=None, version=1)
    return [problem for problem in caught.value.problems if not problem.warning]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        *(pytest.param(text + GOOD, places, id=name) for name, (text, places) in MISTAKES.items()),
        *(pytest.param(text, places, id=name) for name, (text, places) in ALONE.items()),
    ],
)
def test_every_mistake_is_told_at_once_where_it_is(tmp_path: Path, text: str, places: list[str]) -> None:
    path = tmp_path / "f.toml"
    problems = told(path, text)
    assert sorted(problem.where.removeprefix(f"{path}: ") for problem in problems) == sorted(places)
    for problem in problems:
        assert problem.found and problem.expected and problem.fix
        assert PLANTED not in str(problem) and "\n" not in str(problem)
        assert Redactor()(str(problem)) == str(problem)  # nothing that a log would mask
        assert problem.expected != "a valid value"  # the words for what nobody thought of


@pytest.mark.parametrize("name", [name for name in MISTAKES if "provider" in name or "urls" in name])
def test_a_mistake_in_a_row_leaves_the_others_serving(tmp_path: Path, name: str) -> None:
    path = tmp_path / "f.toml"
    path.write_text(MISTAKES[name][0] + GOOD)
    made = load_snapshot(path, {}, strict=False, simulator_url=None, version=1)
    assert list(made.providers) == ["p", "o"] and "m" in made.models
    assert len([problem for problem in made.problems if not problem.warning]) == len(MISTAKES[name][1])


def test_problems_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        '[models.b]\nrotaton = 1\nproviders = ["p"]\n'
        + GOOD
        + "[server]\ndrain_s = 1\nport = -1\nx = 1\n[ledger]\ny = 1"
    )
    places = [problem.where.rpartition(": ")[2] for problem in told(tmp_path / "f", text, {"FAIRLEAD_PORT": "x"})]
    assert places == ["FAIRLEAD_PORT", "models.b.rotaton", "server.drain_s", "server.port", "server.x", "ledger.y"]


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        pytest.param("[[server]]\nport = 1", "write [server] once, in single brackets", id="section-as-list"),
        pytest.param(f'[auth.keys]\nkey = "{SECRET}"', "write [[auth.keys]] in double brackets", id="list-as-table"),
        pytest.param('[auth]\nkeys = ["x"]', "write [[auth.keys]] for each entry", id="list-of-strings"),
        pytest.param("port = 8080", "put it below [server]", id="key-above-all-sections"),
        pytest.param('[providers]\nkind = "openai"', "write [providers.NAME] above it", id="keys-without-a-name"),
        pytest.param('[models.gpt-4.1]\nproviders = ["p"]', 'write [models."gpt-4.1"]', id="dot-in-a-name"),
        pytest.param("[prices.p.x]\ninput_usd_per_mtok = 1", 'write [prices."p/x"]', id="price-in-pieces"),
        pytest.param('[server]\ndrain_s = "2m"', "write the seconds as a number alone", id="unit"),
        pytest.param('[server]\nhost = ["a"]', "write one string, without brackets", id="list-for-string"),
        pytest.param('[providers.x]\nkind = "OpenAI"', 'did you mean "openai"?', id="capitals"),
        pytest.param('[providers.x]\nendpoint = "x"', 'did you mean "base_url"?', id="word-of-others"),
        pytest.param('[auth]\nadmin_token_env = "sk-PLNT-4242"', "takes the name of a variable", id="value-as-name"),
        pytest.param('[auth]\nadmin_token = "$TOKEN"', "write ${ before its name", id="shell-variable"),
        pytest.param("[models.x]\nfallbacks = ['x']", "remove it", id="fallback-to-itself"),
    ],
)
def test_the_fix_says_what_to_write(tmp_path: Path, text: str, fix: str) -> None:
    rest = "" if text.startswith("[providers]") else GOOD
    assert any(fix in problem.fix for problem in told(tmp_path / "f.toml", f"{text}\n{rest}"))


# One mistake a row, each in keys of its own, none of which another needs.
OF_PROVIDER = (
    'kind = "opnai"',
    'api_key = ""',
    'base_url = "https://x/v1/v1"',
    "priority = -1",
    "priorty = 1",
    'region = "eu"',
    'args = ["x"]',
    "limits = { rpm = 0, x = 1 }",
    'timeouts = { connect_s = "x" }',
    'breaker = "off"',
    'headers = { "X Y" = "a" }',
    'forward_headers = ["ok", "authorization"]',
    'ca_file = "/nope"',
    'quota_markers = ["a", {}]',
    'tags = "x"',
    'enabled = "${NOPE}"',
)
OF_MODEL = (
    'providers = ["p", "q"]',
    'aliases = ["m", "a b", "ok", 5]',
    'fallbacks = ["nope", "x", "m"]',
    'rotation = "x"',
    'alias = "x"',
    'model = "x*"',
    'capabilities = { tools = "x", tool = 1 }',
    "timeouts = 5",
    'default = "${NOPE}"',
)
OF_CANDIDATE = (
    'provider = "q"',
    'model = "x*"',
    "weight = 0",
    'priority = "first"',
    "wieght = 1",
    "timeouts = { connect_s = 0 }",
    'capabilities = { tools = "x" }',
)
OF_CLIENT_KEY = (
    'name = ""',
    'key = "short"',
    "rpm = 0",
    "modles = []",
    'models = ["", "m"]',
    'expires_at = "tomorrow"',
    'budget_usd_day = "5$"',
    'owner = "${NOPE}"',
)


@pytest.mark.parametrize(
    ("head", "base", "mistakes"),
    [
        pytest.param("[providers.x]", ('kind = "openai"', f'api_key = "{SECRET}"'), OF_PROVIDER, id="provider"),
        pytest.param("[models.x]", ('providers = ["p"]',), OF_MODEL, id="model"),
        pytest.param("[[models.x.candidates]]", ('provider = "p"', 'model = "x"'), OF_CANDIDATE, id="candidate"),
        pytest.param("[[auth.keys]]", ('name = "x"', f'key = "{SECRET}"'), OF_CLIENT_KEY, id="client-key"),
    ],
)
def test_no_mistake_in_a_row_hides_another(head: str, base: tuple[str, ...], mistakes: tuple[str, ...]) -> None:
    def places(*lines: str) -> set[str]:
        keys = {line.partition(" ")[0]: line for line in (*base, *lines)}
        return {p.where for p in build("\n".join((GOOD, head, *keys.values()))).problems if not p.warning}

    alone = {line: places(line) for line in mistakes}
    assert all(alone.values())
    for first, second in combinations(mistakes, 2):
        assert places(first, second) == alone[first] | alone[second], (first, second)
    assert places(*mistakes) == set().union(*alone.values())
