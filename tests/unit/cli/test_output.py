"""Times, names and tables as a person reads them."""

from __future__ import annotations

import pytest

from proxy.cli.output import duration, print_table, printable


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(-1.0, "0s", id="past"),
        pytest.param(7.6, "8s", id="seconds"),
        pytest.param(60.0, "1m", id="whole-minute"),
        pytest.param(200.0, "3m 20s", id="minutes"),
        pytest.param(7500.0, "2h 5m", id="hours"),
        pytest.param(86_400 * 3 + 4 * 3600, "3d 4h", id="days"),
    ],
)
def test_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("naïve ✓ [red]", "naïve ✓ [red]", id="as-it-is"),
        pytest.param("two\nlines", "two\\nlines", id="newline"),
        pytest.param("\x1b[2J", "\\x1b[2J", id="terminal-command"),
        pytest.param("a\u202eb", "a\\u202eb", id="reversed-text"),
    ],
)
def test_names_cannot_steer_a_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_numbers_are_aligned_at_their_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Title", ("name", "count"), [("a", 5), (None, 1234)], numbers=("count",))
    title, _, heads, _, first, second, *_ = capsys.readouterr().out.splitlines()
    assert title.startswith("Title")
    assert heads.rstrip().endswith("count")
    assert first.rstrip().endswith("    5")
    assert second.split() == ["1234"]


@pytest.mark.parametrize("width", [10, 30, 80])
def test_no_value_is_cut_on_a_narrow_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    row = ("req_01a1fd93f26973d6be517a8287f3483c", "a reason of several words", "1,234,567.000000001", "数字数字")
    print_table("Title", ("request id", "reason", "cost USD", "name"), [row], numbers=("cost USD",))
    shown = capsys.readouterr().out
    assert set(" ".join(row).split()) <= set(shown.split())
