from __future__ import annotations

import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from proxy.core.snapshot import Timeouts
from proxy.settings import reference
from proxy.settings.environment import Process
from proxy.settings.load import load_snapshot
from proxy.settings.reference import BEGIN, END, main, render_markdown, render_toml, tables
from tests.unit.settings.documents import KEY

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "config" / "reference.toml"
PAGE = ROOT / "docs" / "configuration.md"
EXAMPLES = sorted((ROOT / "config" / "examples").glob("*.toml"))
ENVIRON = {
    **dict.fromkeys(
        [
            "AZURE_OPENAI_KEY_1",
            "DASHSCOPE_API_KEY",
            "FIREWORKS_API_KEY",
            "GROQ_API_KEY",
            "OPENAI_API_KEY",
            "OPENROUTER_API_KEY",
            "QWEN_API_KEY",
            "TOGETHER_API_KEY",
        ],
        "k",
    ),
    **dict.fromkeys(["FAIRLEAD_CLIENT_KEY", "FAIRLEAD_BATCH_KEY", "FAIRLEAD_CHAT_KEY", "FAIRLEAD_ADMIN_TOKEN"], KEY),
    "FAIRLEAD_CI_KEY": f"{KEY}-of-ci",
    "FAIRLEAD_PEOPLE_KEY": f"{KEY}-of-people",
    "FAIRLEAD_ALERT_URL": "https://alerts.test/fairlead",
    "FAIRLEAD_ALERT_SECRET": KEY,
    "FAIRLEAD_DATABASE_URL": "postgresql://me@db.test/books",
    "AZURE_OPENAI_KEY_2": "l",
    "AZURE_OPENAI_ENDPOINT": "https://res.openai.azure.com",
}
UPDATE = "run `python -m proxy.settings.reference config/reference.toml docs/configuration.md`"


def test_the_committed_reference_is_the_schema() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == render_toml(), UPDATE


def test_the_committed_page_is_the_schema() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == render_markdown(page), UPDATE


def test_the_reference_loads_without_an_error() -> None:
    made = load_snapshot(REFERENCE, {}, strict=True, simulator_url=None, version=1)
    assert made.problems == ()


def test_what_the_reference_writes_are_the_defaults() -> None:
    made = load_snapshot(REFERENCE, {}, strict=True, simulator_url=None, version=1)
    bare = load_snapshot(ROOT / "config/examples/simulator.toml", {}, strict=True, simulator_url=None, version=1)
    for name in ("max_attempts", "deadline_s", "cooldowns"):
        assert getattr(made, name) == getattr(bare, name)
    assert tomllib.loads(REFERENCE.read_text())["defaults"]["timeouts"] == asdict(Timeouts())
    assert repr(made.server) == repr(bare.server)


def test_the_reference_is_right_with_its_comments_taken_off() -> None:
    """Every key that is commented out is one of the schema, with an example of the right type."""
    for table in tables():
        text = f"{table.header}\n" + "".join(f"{key.name} = {key.literal}\n" for key in table.keys)
        assert [*_innermost(tomllib.loads(text), table.path)] == [key.name for key in table.keys]


def _innermost(document: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for part in path:
        found = document[part]
        document = found[0] if isinstance(found, list) else found
    return document


def test_every_key_has_an_example() -> None:
    assert [key.name for table in tables() for key in table.keys if key.literal == '""' and key.default != '`""`'] == []


def test_every_key_says_what_it_means() -> None:
    assert [(table.header, key.name) for table in tables() for key in table.keys if not key.meaning] == []
    assert [table.header for table in tables() if not table.meaning] == []


def test_every_section_and_variable_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for header in ("[server]", "[[auth.keys]]", "[providers.example]", '[prices."example/llama3.2"]'):
        assert f"### `{header}`" in page
    for field in Process.model_fields.values():
        assert f"`{field.alias}`" in page


@pytest.mark.parametrize(
    ("table", "key", "expected"),
    [
        ("server", "port", ("integer", "`8080`", "at least 0, at most 65535", "8080")),
        (
            "server",
            "data_dir",
            ("string", "`$FAIRLEAD_DATA_DIR`, else `~/.local/state/fairlead`", "", '"${FAIRLEAD_DATA_DIR:-}"'),
        ),
        ("server", "broken_events", ('"drop" or "error"', '`"drop"`', "", '"drop"')),
        ("auth.keys", "name", ("string", "required", "not empty, at most 128 characters", '"ci"')),
        ("auth.keys", "expires_at", ("date-time", "never", "", "2027-12-31T23:59:59Z")),
        ("defaults.timeouts", "idle_s", ("number", "`120`", "more than 0, at most 3600", "120")),
        ("defaults.breaker", "failure_ratio", ("number", "`0.5`", "more than 0, at most 1", "0.5")),
        ("providers.example.timeouts", "idle_s", ("number", "inherited", "more than 0, at most 3600", "120")),
        ("providers.example", "headers", ("table of strings", "`{}`", "at most 50 entries", "{}")),
        ("providers.example", "credentials", ('"ordered" or "round_robin"', '`"ordered"`', "", '"ordered"')),
        ("models.example", "providers", ("list of strings", "none", "not empty, at most 100 entries", '["example"]')),
    ],
)
def test_a_key_is_described_by_the_schema(table: str, key: str, expected: tuple[str, str, str, str]) -> None:
    rows = {(".".join(each.path), row.name): row for each in tables() for row in each.keys}
    row = rows[(table, key)]
    assert (row.type, row.default, row.bounds, row.literal) == expected


@pytest.mark.parametrize("page", ["", BEGIN, END, END + BEGIN])
def test_a_page_without_its_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="the page lacks"):
        render_markdown(page)


def test_the_prose_around_the_tables_stays() -> None:
    page = render_markdown(f"before\n{BEGIN}old{END}\nafter")
    assert page.startswith(f"before\n{BEGIN}\n\n### `[server]`")
    assert page.endswith(f"{END}\nafter")
    assert "old" not in page.split("\n")[1]


def test_the_command_writes_both_files(tmp_path: Path) -> None:
    toml, page = tmp_path / "r.toml", tmp_path / "c.md"
    page.write_text(BEGIN + END, encoding="utf-8")
    main([str(toml), str(page)])
    assert toml.read_text(encoding="utf-8") == render_toml()
    assert page.read_text(encoding="utf-8") == reference.render_markdown(BEGIN + END)


def test_there_are_examples() -> None:
    assert {"laptop", "two-providers", "team", "kubernetes"} <= {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_loads(path: Path) -> None:
    made = load_snapshot(path, ENVIRON, strict=True, simulator_url=None, version=1)
    assert made.problems == ()
    assert made.models


def test_the_team_example_limits_its_keys_and_prices_what_they_use() -> None:
    made = load_snapshot(ROOT / "config/examples/team.toml", ENVIRON, strict=True, simulator_url=None, version=1)
    assert [key.limits.has_budget for key in made.auth.keys.values()] == [True, True]
    assert all(candidate.price is not None for candidate in made.models["small"].candidates)
    assert made.alerts.webhook_url is not None


def test_the_laptop_example_serves_without_a_key() -> None:
    path = ROOT / "config/examples/laptop.toml"
    made = load_snapshot(path, {}, strict=True, simulator_url=None, version=1)
    assert [provider.name for provider in made.providers.values() if provider.enabled] == ["local"]
