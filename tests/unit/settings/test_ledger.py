from __future__ import annotations

from dataclasses import astuple, replace

from proxy.core.snapshot import Ledger, Snapshot
from tests.unit.settings.documents import LOCAL, build, warnings


def section(text: str) -> str:
    return f"[ledger]\n{text}\n{LOCAL}"


def test_requests_are_spooled_unless_it_is_written() -> None:
    assert astuple(build(LOCAL).ledger) == ("spool", "refuse", 1.0, None)


def test_the_section_is_taken_over_without_a_warning() -> None:
    text = section('mode = "memory"\non_full = "drop"\nfsync_s = 0\nretention_days = 90')
    assert astuple(build(text).ledger) == ("memory", "drop", 0.0, 90)
    assert warnings(text) == []


def test_a_reload_changes_how_long_requests_are_kept_and_nothing_else() -> None:
    running = Snapshot(server=build(LOCAL).server, ledger=Ledger(retention_days=90))
    made = build(section('mode = "off"\non_full = "drop"\nfsync_s = 5\nretention_days = 30'), running=running)
    assert astuple(made.ledger) == astuple(replace(running.ledger, retention_days=30))
    assert [(problem.where, problem.warning) for problem in made.problems] == [
        ("f.toml: ledger.mode", True),
        ("f.toml: ledger.on_full", True),
        ("f.toml: ledger.fsync_s", True),
    ]


def test_a_reload_of_the_same_section_says_nothing() -> None:
    running = Snapshot(server=build(LOCAL).server)
    assert not build(section("retention_days = 30"), running=running).problems
