"""Verdicts and the table of the benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import report, traffic
from bench.load import Tally
from bench.rows import Sample


def sample(*, requests: int = 0, chunks: int = 0, reads: int = 0, cpu_s: float = 0.0, p50_ms: float = 0.0) -> Sample:
    return Sample(Tally(requests=requests, chunks=chunks, reads=reads, seconds=1.0, p50_ms=p50_ms), cpu_s)


@pytest.mark.parametrize(
    ("result", "fault", "verdict"),
    [
        pytest.param(4.0, "", "aim met", id="within-the-aim"),
        pytest.param(6.0, "", "bar met", id="between-aim-and-bar"),
        pytest.param(7.0, "", "bar met", id="at-the-bar"),
        pytest.param(7.1, "", "**missed**", id="above-the-bar"),
        pytest.param(4.0, "not flat", "**missed**: not flat", id="a-fault-whatever-the-result"),
    ],
)
def test_a_row_is_judged_by_bar_and_aim(result: float, fault: str, verdict: str) -> None:
    row = report.Row("work", {}, result, 7.0, "×", 5.0, fault)
    assert row.verdict == verdict
    assert row.missed == verdict.startswith("**missed**")


def test_ratios_are_taken_within_each_round() -> None:
    ours = [sample(requests=10, cpu_s=cpu) for cpu in (0.6, 3.0, 0.9)]
    theirs = [sample(requests=10, cpu_s=cpu) for cpu in (0.1, 1.0, 0.3)]
    row = report.chat_row({"direct": ours, "nginx": theirs, "Fairlead": ours})
    assert row.result == pytest.approx(3.0)


def test_merged_chunks_spoil_the_stream_row() -> None:
    clean = [sample(requests=1, chunks=100, reads=100, cpu_s=0.001)]
    merged = [sample(requests=1, chunks=100, reads=40, cpu_s=0.001)]
    assert not report.stream_row({"nginx": clean, "Fairlead": clean}).missed
    assert report.stream_row({"nginx": clean, "Fairlead": merged}).missed


def test_added_latency_is_measured_against_going_direct() -> None:
    row = report.latency_row(
        {"direct": [sample(p50_ms=0.1)], "nginx": [sample(p50_ms=0.15)], "Fairlead": [sample(p50_ms=0.5)]}
    )
    assert row.result == pytest.approx(0.4)
    assert row.missed


@pytest.mark.parametrize(
    ("seen_mb", "missed"),
    [
        pytest.param([60, 70, 80, 80, 80, 80, 80, 80, 80, 81], False, id="grows-while-warming-up"),
        pytest.param([60, 62, 64, 66, 68, 70, 72, 74, 76, 78], True, id="grows-all-along"),
        pytest.param([121] * 10, True, id="flat-but-too-high"),
    ],
)
def test_memory_must_be_low_and_flat(seen_mb: list[float], missed: bool) -> None:
    assert report.memory_row(seen_mb, 100_000).missed is missed


def test_the_table_replaces_what_stands_between_the_marks(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_into(readme, report.table([report.start_row(0.5)], ["direct", "Fairlead"]))
    text = readme.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\n| work | direct | Fairlead | result |")
    assert "| start to ready |  | 0.50 s | 0.50 s | ≤ 1.5 | ≤ 0.8 | aim met |" in text
    assert text.endswith(f"{report.END}\nafter\n")
    assert "old" not in text


@pytest.mark.parametrize("size_bytes", [1024, 100 * 1024])
@pytest.mark.parametrize("stream", [False, True])
def test_requests_have_exactly_the_stated_size(size_bytes: int, stream: bool) -> None:
    assert len(traffic.chat(size_bytes, stream=stream)) == size_bytes


def test_the_upstream_understands_what_the_clients_ask() -> None:
    pace = traffic.PACE.search(traffic.paced(30, 1.0))
    assert pace is not None
    assert (int(pace[1]), float(pace[2])) == (30, 1.0)
    assert traffic.STAMP.findall(traffic.stream_event(12.5, last=False)) == [b"12.500000"]
