from __future__ import annotations

import pytest

from proxy.core.secret import Secret
from proxy.core.snapshot import Snapshot
from tests.unit.settings.documents import LOCAL, build, only_problem, problems, warnings

PASSWORD = "planted-secret-0123456789"


def section(url: str) -> str:
    return f'[database]\nurl = "{url}"\n{LOCAL}'


def test_the_database_is_a_file_unless_it_is_written() -> None:
    assert build(LOCAL).database_url == Secret("sqlite:///fairlead.db")


def test_the_url_may_come_from_the_environment() -> None:
    made = build(section("${DB}"), {"DB": f"postgresql://u:{PASSWORD}@h/f"})
    assert not made.problems
    assert made.database_url == Secret(f"postgresql://u:{PASSWORD}@h/f")
    assert PASSWORD not in repr(made)


def test_a_url_that_leads_nowhere_is_an_error_with_its_key_and_a_fix() -> None:
    problem = only_problem(section(f"mysql://u:{PASSWORD}@h/f"))
    assert problem.fatal
    assert str(problem) == (
        "f.toml: database.url: a URL of no database that Fairlead knows; "
        'expected "sqlite:///FILE" or "postgresql://HOST:PORT/DATABASE" with USER:PASSWORD@ before HOST; '
        "correct the part before ://"
    )


def test_what_is_no_string_is_told_once() -> None:
    assert only_problem(f"[database]\nurl = 1\n{LOCAL}").where == "f.toml: database.url"


@pytest.mark.parametrize("source", ["database", "file"])
def test_the_source_of_the_configuration_is_accepted(source: str) -> None:
    assert not problems(f'[database]\nconfig_source = "{source}"\n{LOCAL}')


def test_a_database_in_use_stays_until_a_restart() -> None:
    running = Snapshot(server=build(LOCAL).server, database_url=Secret("sqlite:///old.db"))
    made = build(section("sqlite:///new.db"), running=running)
    assert made.database_url == Secret("sqlite:///old.db")
    assert [(problem.where, problem.warning) for problem in made.problems] == [("f.toml: database.url", True)]


def test_the_same_database_is_no_change() -> None:
    running = Snapshot(server=build(LOCAL).server, database_url=Secret("sqlite:///old.db"))
    assert not warnings(section("sqlite:///old.db"))
    assert not build(section("sqlite:///old.db"), running=running).problems
