from __future__ import annotations

from datetime import date

import pytest

from proxy.core.snapshot import Problem
from proxy.settings.fields import Row
from proxy.settings.interpolate import Fault, FaultKind, KeyPath
from proxy.settings.problems import Report, Severity
from proxy.settings.schema import Configuration
from proxy.settings.wording import choose, choose_name, describe, dotted, keys_at, nearest
from tests.unit.settings.documents import LOCAL, only_problem, problems


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(("server", "port"), "server.port", id="bare"),
        pytest.param(
            ("models", "gpt-4.1", "candidates", 0, "model"), 'models."gpt-4.1".candidates[0].model', id="quoted"
        ),
        pytest.param(("models", 'a"b'), 'models."a\\"b"', id="quote-in-name"),
        pytest.param(("models", ""), 'models.""', id="empty-name"),
    ],
)
def test_a_path_is_written_as_in_toml(path: KeyPath, expected: str) -> None:
    assert dotted(path) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "true"),
        (3, "a number"),
        (3.5, "a number"),
        ("sk-1", "a string that does not fit"),
        ("", "an empty string"),
        ([], "an empty list"),
        ([1], "a list"),
        (date(2026, 1, 1), "a date or time"),
        ({}, "an empty table"),
        ({"a": 1}, "a table"),
    ],
)
def test_a_value_is_described_by_its_kind(value: object, expected: str) -> None:
    assert describe(value) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "[server]\nport = 99999",
            Problem("f.toml: server.port", "99999", "at most 65535", "correct the value"),
            id="out-of-bounds",
        ),
        pytest.param(
            '[server]\nport = "https"',
            Problem("f.toml: server.port", "a string", "a whole number", "correct the value"),
            id="wrong-type",
        ),
        pytest.param(
            '[server]\ncors_origins = "*"',
            Problem("f.toml: server.cors_origins", "a string", "a list", 'put it in brackets: ["a", "b"]'),
            id="string-for-list",
        ),
        pytest.param(
            "[server]\nhost = 127",
            Problem("f.toml: server.host", "a number", "a string", "put it in quotes"),
            id="number-for-string",
        ),
        pytest.param(
            "[server]\nport = true",
            Problem("f.toml: server.port", "true", "a number", "correct the value"),
            id="boolean-for-number",
        ),
        pytest.param(
            "[server]\nprot = 1",
            Problem("f.toml: server.prot", "an unknown key", "a key of this table", 'did you mean "port"?'),
            id="unknown-key",
        ),
        pytest.param(
            "[server]\nzzzzzz = 1",
            Problem(
                "f.toml: server.zzzzzz",
                "an unknown key",
                "a key of this table",
                "remove it; docs/configuration.md lists every key",
            ),
            id="unknown-key-like-no-other",
        ),
        pytest.param(
            '[server]\nbroken_events = "dorp"',
            Problem(
                "f.toml: server.broken_events",
                "a string that does not fit",
                'one of "drop", "error"',
                'did you mean "drop"?',
            ),
            id="nearly-an-option",
        ),
        pytest.param(
            "[server]\nbroken_events = 3",
            Problem("f.toml: server.broken_events", "a number", 'one of "drop", "error"', "choose one of them"),
            id="no-option",
        ),
        pytest.param(
            "[defaults]\ntimeouts = { conect_s = 1 }",
            Problem(
                "f.toml: defaults.timeouts.conect_s",
                "an unknown key",
                "a key of this table",
                'did you mean "connect_s"?',
            ),
            id="unknown-key-within",
        ),
        pytest.param(
            "[[auth.keys]]\nkey = 'fl_0123456789abcdef'",
            Problem("f.toml: auth.keys[0].name", "nothing", "a value", "add it"),
            id="missing",
        ),
        pytest.param(
            "[sever]",
            Problem("f.toml: sever", "an unknown section", "a known one", 'did you mean "server"?'),
            id="unknown-section",
        ),
        pytest.param(
            "server = 3",
            Problem(
                "f.toml: server",
                "a number",
                "a table",
                "write [server] once, in single brackets, and its keys below it",
            ),
            id="no-table",
        ),
        pytest.param(
            "models = 3",
            Problem("f.toml: models", "a number", "tables", "write [models.NAME], in single brackets"),
            id="no-tables",
        ),
        pytest.param(
            "[ledger]\nfsync_s = inf",
            Problem("f.toml: ledger.fsync_s", "a number", "a finite number", "correct the value"),
            id="infinite",
        ),
        pytest.param(
            "[server]\nmax_body_bytes = 4096\nmax_buffered_bytes = 2048",
            Problem(
                "f.toml: server.max_buffered_bytes",
                "less than max_body_bytes",
                "room for at least one request body",
                "raise it, or lower max_body_bytes",
            ),
            id="keys-that-do-not-fit-together",
        ),
    ],
)
def test_a_bad_section_is_fatal_and_says_where_what_and_how(text: str, problem: Problem) -> None:
    assert only_problem(text + LOCAL) == problem


def test_numbers_from_the_environment_are_not_shown() -> None:
    assert only_problem(LOCAL + '[server]\nport = "${P}"', {"P": "7391846201"}).found == "a string that does not fit"


def test_all_problems_come_at_once() -> None:
    text = "[server]\nport = -1\nhots = 'x'\n[defaults]\nmax_attempts = 0\n[providers.a]\nkind = 'opnai'\n[models.b]\n"
    assert [problem.where.removeprefix("f.toml: ") for problem in problems(text)] == [
        "server.port",
        "server.hots",
        "defaults.max_attempts",
        "providers.a.kind",
        "providers.a.api_key",
        "models.b",
    ]


@pytest.mark.parametrize(
    ("fault", "found", "fix"),
    [
        pytest.param(
            Fault(("a", "k"), FaultKind.UNSET, "OPENAI_API_KEY"),
            "the environment variable OPENAI_API_KEY is not set",
            "set OPENAI_API_KEY, or write ${OPENAI_API_KEY:-default}",
            id="unset",
        ),
        pytest.param(
            Fault(("a", "k"), FaultKind.UNSET, "my_key"),
            "the environment variable my_key is not set",
            "set my_key, or write ${my_key:-default}",
            id="unset-lower-case",
        ),
        pytest.param(
            Fault(("providers", "p", "api_key"), FaultKind.UNSET, "OPENAI_API_KEY"),
            "the environment variable OPENAI_API_KEY is not set",
            "set OPENAI_API_KEY, or write optional = true to go without this provider",
            id="unset-in-a-provider",
        ),
        pytest.param(
            Fault(("a", "k_env"), FaultKind.UNSET, "gsk_Q7z81bVv0Ld"),
            "an environment variable is not set",
            "set it; k_env takes the name of a variable, k the value itself",
            id="a-secret-in-place-of-a-name",
        ),
        pytest.param(
            Fault(("a", "k_env"), FaultKind.UNSET, "AKIAQ7Z81BVV0LD4"),
            "an environment variable is not set",
            "set it; k_env takes the name of a variable, k the value itself",
            id="a-key-id-in-place-of-a-name",
        ),
        pytest.param(
            Fault(("a", "k"), FaultKind.MALFORMED),
            "a ${ that begins no reference",
            "correct the reference, or write $${ for a literal ${",
            id="malformed",
        ),
        pytest.param(Fault(("a", "k_env"), FaultKind.TWICE), "a second value", "remove one of the two", id="twice"),
    ],
)
def test_a_bad_reference_is_told_without_what_may_be_a_secret(fault: Fault, found: str, fix: str) -> None:
    report = Report("f.toml")
    report.add_fault(Severity.ROW, fault)
    (problem,) = report.problems
    assert (problem.found, problem.fix, problem.fatal, problem.warning) == (found, fix, False, False)


def test_what_an_optional_provider_misses_is_told_with_its_effect() -> None:
    report = Report("f.toml")
    report.add_fault(Severity.WARNING, Fault(("providers", "p", "api_key"), FaultKind.UNSET, "OPENAI_API_KEY"))
    assert report.problems[0].fix == "set OPENAI_API_KEY; until then this optional provider is disabled"


def test_what_follows_from_a_bad_reference_is_not_told_again() -> None:
    text = LOCAL + '[auth]\nmode = "keys"\n[[auth.keys]]\nname = "ci"\nkey = "${NOT_SET}"'
    assert only_problem(text).where == "f.toml: auth.keys[0].key"


@pytest.mark.parametrize(
    ("path", "some"),
    [
        pytest.param((), "server", id="top"),
        pytest.param(("server",), "port", id="section"),
        pytest.param(("auth", "keys", 0), "name", id="list-of-tables"),
        pytest.param(("providers", "breaker"), "open_s", id="optional-table"),
    ],
)
def test_keys_of_a_table_are_found(path: KeyPath, some: str) -> None:
    assert some in keys_at(Configuration, path)


def test_a_place_without_a_table_has_no_keys() -> None:
    assert keys_at(Configuration, ("server", "port")) == []
    assert keys_at(Configuration, ("nowhere",)) == []


def test_the_nearest_word_is_suggested() -> None:
    assert nearest("opnai", ["openai", "azure"]) == "openai"
    assert nearest("zzz", ["openai"]) is None
    assert choose(3, ["openai"]) == "choose one of them"


@pytest.mark.parametrize(
    ("names", "fix"),
    [
        pytest.param(["local", "openai"], 'did you mean "local"?', id="nearly-one"),
        pytest.param(["alpha", "beta"], "choose one of: alpha, beta", id="like-none"),
        pytest.param([f"x{n}" for n in range(9)], "choose one of: x0, x1, x2, x3, x4, x5, x6, x7, …", id="many"),
        pytest.param([], "add it: there is none yet", id="none"),
    ],
)
def test_a_configured_name_is_suggested(names: list[str], fix: str) -> None:
    assert choose_name("locall", names) == fix


def test_a_row_never_shows_its_values() -> None:
    class Secretive(Row):
        api_key: str

    assert "sk-planted" not in f"{Secretive(api_key='sk-planted')!r} {Secretive(api_key='sk-planted')}"
