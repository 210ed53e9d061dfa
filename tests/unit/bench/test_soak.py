"""What the soak calls level, and how the command line names rivals."""

from __future__ import annotations

import pytest

from bench.processes import BenchError
from bench.run import parse, rivals
from bench.soak import WATCHED, Sample, verdict
from bench.targets import Rival

MEMORY, FILES, TASKS = WATCHED


def samples(rss_mb: list[float], files: float = 10.0) -> list[Sample]:
    return [Sample(at_s=10.0 * at, rss_mb=rss, files=files, tasks=3.0) for at, rss in enumerate(rss_mb)]


def test_warming_up_is_not_growth() -> None:
    line, level = verdict(MEMORY, samples([40.0] + [60.0] * 11))
    assert level
    assert line == "resident memory, MB: +0.0, +0.00 an hour: level"


def test_steady_growth_is_found() -> None:
    line, level = verdict(MEMORY, samples([60.0 + at for at in range(12)]))
    assert not level
    assert line.endswith("+360.00 an hour: GROWS")


def test_a_peak_that_goes_away_is_not_growth() -> None:
    _, level = verdict(MEMORY, samples([60.0] * 6 + [90.0] + [60.0] * 5))
    assert level


def test_figures_are_judged_apart() -> None:
    growing = samples([60.0 + at for at in range(12)])
    assert [verdict(watched, growing)[1] for watched in (MEMORY, FILES, TASKS)] == [False, True, True]


def test_a_rival_is_its_command_url_and_headers() -> None:
    words = ["--rival", "other=serve --port 1", "--rival-url", "other=http://127.0.0.1:1/v1"]
    args = parse([*words, "--rival-header", "other=X-Host: http://127.0.0.1:{upstream}/v1"])
    expected = Rival("other", "serve --port 1", "http://127.0.0.1:1/v1", {"x-host": "http://127.0.0.1:{upstream}/v1"})
    assert rivals(args) == [expected]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--rival", "other=serve"], "--rival-url other=", id="no-url"),
        pytest.param(["--rival", "serve"], "NAME=VALUE", id="no-name"),
    ],
)
def test_half_a_rival_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        rivals(parse(words))
