from __future__ import annotations

import pytest

from proxy.settings.environment import Process, read_process
from proxy.settings.problems import Report


def read(environ: dict[str, str]) -> tuple[Process, list[str]]:
    report = Report("environment")
    return read_process(environ, report), list(map(str, report.problems))


def test_variables_of_the_process_are_read() -> None:
    process, problems = read({"FAIRLEAD_PORT": "9000", "FAIRLEAD_HOST": "::1", "FAIRLEAD_CI_KEY": "x", "PORT": "1"})
    assert (process.port, process.host, process.log_level) == (9000, "::1", None)
    assert problems == []


def test_an_empty_variable_is_absent() -> None:
    assert read({"FAIRLEAD_PORT": " ", "FAIRLEAD_HOST": ""})[0].host is None


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("FAIRLEAD_PORT", "http", "a string; expected a whole number"),
        ("FAIRLEAD_PORT", "65536", "a string that does not fit; expected at most 65535"),
        (
            "FAIRLEAD_LOG_LEVEL",
            "loud",
            'a string that does not fit; expected one of "debug", "info", "warning", "error"',
        ),
        ("FAIRLEAD_ADMIN_TOKEN", "a\nb", "a string that does not fit; expected printable characters on one line"),
    ],
)
def test_a_bad_variable_is_told_by_its_name(variable: str, value: str, said: str) -> None:
    process, (problem,) = read({variable: value})
    assert problem.startswith(f"environment: {variable}: {said};")
    assert process.port is None
