"""The pages say what the program does: every metric, command, error code and failure kind; links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from proxy.api.endpointspec import BY_PATH, GEMINI_METHODS, RESOURCES
from proxy.cli.main import app
from proxy.core import errors
from proxy.core.failure import FailureKind, Scope
from proxy.core.health import Aside, StateView, Target
from proxy.core.snapshot import Candidate, Model, Provider, Snapshot
from proxy.core.usage import Usage
from proxy.settings.load import load_snapshot
from proxy.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
ROW = re.compile(r"^\| `(?P<name>fairlead_\w+)` \| (?P<kind>\w+) \| (?P<labels>.*?) \| .+ \|$", re.MULTILINE)
PARTS = ("_bucket", "_sum", "_count")


def page(name: str) -> str:
    return (ROOT / name).read_text()


def test_every_endpoint_label_is_told() -> None:
    told = page("docs/metrics.md")
    specs = [*BY_PATH.values(), *RESOURCES.values(), *GEMINI_METHODS.values()]
    assert [spec.name for spec in specs if f"`{spec.name}`" not in told] == []


def busy_metrics() -> Metrics:
    """Metrics in which every series has a sample."""
    provider = Provider("a", "openai", "https://x.test")
    snapshot = Snapshot(providers={"a": provider}, models={"m": Model("m", (Candidate(provider, "up"),))})
    aside = Aside(FailureKind.CONNECT, 0.0, 10.0, 10.0, breaker=True)
    view = StateView(asides={Target(Scope.CANDIDATE, "a", model="up"): aside})
    metrics = Metrics(lambda: (snapshot, view, 0.0))
    metrics.request("chat", "m", True, 200, 1.0, 0.1)
    metrics.answered("a", "m", 0.5)
    metrics.failover("a", "a", "connect")
    metrics.used("a", "m", Usage(1, 1), 1)
    metrics.used("a", "m", Usage(1, 1), None)
    metrics.truncated("a")
    metrics.broken_event("a")
    metrics.dropped("a", ("seed",))
    metrics.stale_retry("a")
    metrics.rate_limit_remaining("a", "requests", 1.0)
    metrics.attention("a", "auth", True)
    metrics.watch_ledger(lambda: (1, 2))
    return metrics


def registered() -> dict[str, tuple[str, frozenset[str]]]:
    """Every series by name: its type and its labels."""
    return {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            frozenset(family.samples[0].labels) - {"le"},
        )
        for family in busy_metrics().registry.collect()
    }


def test_every_metric_is_documented_with_its_type_and_labels_and_no_other() -> None:
    rows = ROW.finditer(page("docs/metrics.md"))
    documented = {row["name"]: (row["kind"], frozenset(re.findall(r"`(\w+)`", row["labels"]))) for row in rows}
    assert documented == registered()


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(page("config/prometheus-rules.yaml"))["groups"]
    return list(group["rules"])


def test_what_is_worth_an_alert_is_a_rule_and_nothing_else_is() -> None:
    table = page("docs/metrics.md").partition("\n## Worth an alert\n")[2]
    written = dict(re.findall(r"^\| `(.+?)`(?: for (\d+) minutes)? \|", table, re.MULTILINE))
    assert {rule["expr"]: rule.get("for", "").removesuffix("m") for rule in rules()} == written


def test_rule_speaks_of_a_series_that_exists_and_of_its_labels() -> None:
    for rule in rules():
        (name,) = set(re.findall(r"fairlead_\w+", rule["expr"]))
        _, labels = registered()[name]
        assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= labels, rule["alert"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_metric_that_a_page_names_exists(path: Path) -> None:
    known = set(registered())
    for name in re.findall(r"\bfairlead_[a-z_]+", path.read_text()):
        stem = next((name.removesuffix(part) for part in PARTS if name.endswith(part)), name)
        assert stem in known or name in known, f"{path.name} names {name}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]*(?:#[^)\s]*)?)\)", path.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), f"{path.name} links to {target}"
        if anchor:
            assert anchor in set(anchors(linked.read_text())), f"{path.name} links to {target}"


def anchors(text: str) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_command_and_option_is_documented() -> None:
    text = page("docs/cli.md")
    for words, options in every_command(get_command(app), "fairlead"):
        assert words in text or f"`… {words.split()[-1]} " in text, words
        for option in options:
            if option.startswith("--"):
                assert option in text, f"{words} {option}"


def every_command(command: object, words: str) -> Iterator[tuple[str, list[str]]]:
    """Give the words of every command that is no group, with its options."""
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from every_command(inner, f"{words} {name}")
    elif isinstance(command, TyperCommand):
        yield words, [option for parameter in command.params for option in parameter.opts]


def test_every_error_code_is_documented() -> None:
    text = page("docs/errors.md")
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.code for kind in classes if issubclass(kind, errors.GatewayError) and kind.code}
    source = Path(errors.__file__).read_text()
    codes |= set(re.findall(r'\bcode="(\w+)"', source))
    assert len(codes) > 12
    for code in codes:
        assert f"`{code}`" in text, code


def test_every_failure_kind_is_documented() -> None:
    text = page("docs/errors.md")
    for kind in FailureKind:
        assert f"`{kind}`" in text, kind


def test_configuration_of_the_readme_is_right(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", page("README.md"), re.DOTALL)
    environ = {name: f"https://{name.lower()}.test" for name in re.findall(r"\$\{(\w+)", text)}
    path = tmp_path / "fairlead.toml"
    path.write_text(text)
    snapshot = load_snapshot(path, environ, strict=True, simulator_url=None, version=1)
    assert [candidate.provider.name for candidate in snapshot.models["gpt-4o"].candidates] == ["azure-eu", "openrouter"]
    assert snapshot.problems == ()


@pytest.mark.parametrize("path", sorted((ROOT / "docs/adr").glob("*.md")), ids=lambda path: path.stem)
def test_decision_has_its_parts_and_is_listed(path: Path) -> None:
    text = path.read_text()
    assert re.match(rf"# {path.stem[:4]}: .+\n\nStatus: (accepted|superseded)", text)
    for heading in ("Context", "Decision", "Consequences"):
        assert f"\n## {heading}\n" in text
    assert f"adr/{path.name}" in page("docs/architecture.md")
