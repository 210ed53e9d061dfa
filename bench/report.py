"""Figures into verdicts and a Markdown table, beside the bars and aims of DESIGN.md section 11. Measures nothing."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.load import Tally
from bench.rows import Sample, Samples, middle, middle_ratio

MICRO = 1_000_000
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
LEVEL_MB = 2.0  # growth over the second half of the memory run that still counts as flat


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        cells: What is shown for each target, by name.
        result: Fairlead's figure in the unit of the bar.
        bar: The greatest result that is allowed.
        aim: The result to work towards; None where only a bar is set.
        fault: Why the row fails whatever its result; empty if nothing is wrong.
    """

    work: str
    cells: dict[str, str]
    result: float
    bar: float
    unit: str
    aim: float | None = None
    fault: str = ""

    @property
    def missed(self) -> bool:
        return bool(self.fault) or self.result > self.bar

    @property
    def verdict(self) -> str:
        if self.fault:
            return f"**missed**: {self.fault}"
        if self.missed:
            return "**missed**"
        return "bar met" if self.aim is not None and self.result > self.aim else "aim met" if self.aim else "bar met"


def cpu_per_request_us(sample: Sample) -> float:
    return sample.cpu_s / sample.tally.requests * MICRO


def cpu_per_chunk_us(sample: Sample) -> float:
    return sample.cpu_s / sample.tally.chunks * MICRO


def p50_ms(sample: Sample) -> float:
    return sample.tally.p50_ms


def per_second(sample: Sample) -> float:
    return sample.tally.requests / sample.tally.seconds


def cells(samples: Samples, figure: Callable[[Sample], float], form: str) -> dict[str, str]:
    """The median of each target in words; a rival without samples failed at the work."""
    return {name: form.format(middle(each, figure)) if each else "failed" for name, each in samples.items()}


def chat_row(samples: Samples) -> Row:
    rates = cells(samples, per_second, "{:,.0f}/s")
    costs = cells(samples, cpu_per_request_us, "{:.1f} µs")
    both = {name: f"{costs[name]}, {rate}" for name, rate in rates.items() if samples[name]}
    shown = rates | both | {"direct": rates["direct"]}
    ratio = middle_ratio(samples, "nginx", cpu_per_request_us)
    return Row("1 KB chat request, 0.7 KB answer, 32 connections", shown, ratio, 7.0, "× nginx", 5.0)


def stream_row(samples: Samples) -> Row:
    ratio = middle_ratio(samples, "nginx", cpu_per_chunk_us)
    merged = min(middle(samples[name], lambda s: s.tally.reads / s.tally.chunks) for name in ("nginx", "Fairlead"))
    fault = "" if merged > 0.8 else f"chunks were merged on the way ({merged:.2f} reads a chunk): not comparable"
    shown = cells(samples, cpu_per_chunk_us, "{:.1f} µs")
    return Row("stream of 100 chunks, per chunk", shown, ratio, 2.0, "× nginx", 1.5, fault)


def latency_row(samples: Samples) -> Row:
    added_ms = middle(samples["Fairlead"], p50_ms) - middle(samples["direct"], p50_ms)
    shown = cells(samples, p50_ms, "{:.3f} ms")
    return Row("p50 added at 1 connection over going direct", shown, added_ms, 0.35, "ms", 0.2)


def body_row(small: Samples, large: Samples) -> Row:
    shown = cells(large, cpu_per_request_us, "{:.1f} µs") | {"direct": ""}
    times = middle(large["Fairlead"], cpu_per_request_us) / middle(small["Fairlead"], cpu_per_request_us)
    return Row("100 KB request body, 32 connections", shown, times, 2.0, "× the 1 KB figure")


def memory_row(seen_mb: Sequence[float], requests: int) -> Row:
    growth = seen_mb[-1] - seen_mb[len(seen_mb) // 2 - 1]
    fault = "" if growth <= LEVEL_MB else f"not flat: {growth:+.1f} MB over the second half"
    shown = {"Fairlead": f"{seen_mb[0]:.1f} … {seen_mb[-1]:.1f} MB ({growth:+.1f} over the second half)"}
    return Row(f"resident memory after {requests:,} requests", shown, seen_mb[-1], 120.0, "MB", 90.0, fault)


def start_row(seconds: float) -> Row:
    return Row("start to ready", {"Fairlead": f"{seconds:.2f} s"}, seconds, 1.5, "s", 0.8)


def crowd_row(tallies: dict[str, Tally], streams: int, seconds: int) -> Row:
    shown = {name: f"{tally.late_ms:.1f} ms" for name, tally in tallies.items()}
    work = f"{streams:,} streams at once, 1 chunk a second, {seconds} s: latest chunk (none dropped)"
    return Row(work, shown, tallies["Fairlead"].late_ms, 100.0, "ms late")


def table(rows: Sequence[Row], names: Sequence[str]) -> str:
    """The Markdown table of a run."""
    lines = [
        f"| work | {' | '.join(names)} | result | bar | aim | verdict |",
        "|---" * (len(names) + 5) + "|",
    ]
    for row in rows:
        figures = " | ".join(row.cells.get(name, "") for name in names)
        digits = 2 if row.bar < 100 else 0
        aim = f"≤ {row.aim:g}" if row.aim is not None else ""
        result = f"{row.result:.{digits}f} {row.unit}"
        lines.append(f"| {row.work} | {figures} | {result} | ≤ {row.bar:g} | {aim} | {row.verdict} |")
    return "\n".join(lines)


def machine() -> str:
    """One line on where and when the figures were taken."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    seen = subprocess.run(
        ["/usr/bin/env", "PATH=/usr/sbin:/usr/bin", "nginx", "-v"], capture_output=True, text=True, check=False
    )
    nginx = seen.stderr.strip().rpartition("/")[2]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {model[1] if model else platform.machine()}, {os.cpu_count()} cores, "
        f"{memory_kb / 2**20:.0f} GB, Linux {platform.release().partition('-')[0]}, "
        f"{platform.python_implementation()} {platform.python_version()}, nginx {nginx}."
    )


def write_into(readme: Path, text: str) -> None:
    """Replace what stands between the two marks."""
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
