"""Reports as CSV: read back by any reader, and nothing that a spreadsheet or a terminal obeys."""

from __future__ import annotations

import csv
import io

import pytest

from proxy.cli.usageview import report_csv
from proxy.store.period import Period
from proxy.store.report import Dimension, Question, Report, Row, Sums

PERIOD = Period(0, 24, "UTC", ((0, 0),))


def written(name: str) -> str:
    """The CSV of a report with one row of two names."""
    sums = Sums(requests=1, cost_nusd=2_500_000_000)
    question = Question(PERIOD, (Dimension.KEY, Dimension.TAG))
    return report_csv(Report(question, (Row(("ci", name), sums),), sums))


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        pytest.param("team-a", "team-a", id="ordinary"),
        pytest.param('a,"b"', 'a,"b"', id="commas-and-quotes"),
        pytest.param("=1+1", "'=1+1", id="formula"),
        pytest.param("-1", "'-1", id="minus"),
        pytest.param("@SUM(1)", "'@SUM(1)", id="at"),
        pytest.param(" =1+1", "' =1+1", id="formula-after-a-space"),
        pytest.param("\uff1d1", "'\uff1d1", id="formula-in-full-width"),
        pytest.param('x;=HYPERLINK("u")', 'x;\'=HYPERLINK("u")', id="formula-where-a-semicolon-ends-a-cell"),
        pytest.param("\t=1", "\\t=1", id="tab"),
        pytest.param("two\r\nlines", "two\\r\\nlines", id="line-break"),
        pytest.param("\x1b[31m", "\\x1b[31m", id="terminal-command"),
        pytest.param("\x9b31m", "\\x9b31m", id="terminal-command-in-one-character"),
        pytest.param("naïve", "naïve", id="letters"),
    ],
)
def test_csv_has_names_that_nothing_obeys(name: str, cell: str) -> None:
    made = written(name)
    assert [row["tag"] for row in csv.DictReader(io.StringIO(made, newline=""))] == [cell]
    assert made.replace("\r\n", "").isprintable()


def test_every_cell_of_a_csv_is_quoted() -> None:
    heads, row = written("a").splitlines()
    assert heads.startswith('"key","tag","requests",') and heads.endswith(',"cost_usd"')
    assert row.startswith('"ci","a","1",') and row.endswith('"2.50"')
