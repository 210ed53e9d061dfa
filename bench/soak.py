"""`make soak`: hours of whole answers, streams and cancelled streams; memory, open files and tasks must stay level.

Every cycle applies the three loads, lets the gateway come to rest and takes one sample. The first tenth of the samples
is warm-up; the medians of the first and the last third of the rest are compared. Exit 1 if anything grew.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median

from bench import traffic
from bench.load import Job
from bench.processes import BenchError, Child, apply_load, raise_file_limit, split_cores
from bench.targets import Bench, Target, place

REST_S = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The gateway at rest, `at_s` seconds after the start."""

    at_s: float
    rss_mb: float
    files: float
    tasks: float


@dataclass(frozen=True, slots=True)
class Watched:
    """A figure that must stay level. `slack` is the growth between the two thirds that still counts as level."""

    name: str
    figure: Callable[[Sample], float]
    slack: float


WATCHED = (
    Watched("resident memory, MB", lambda s: s.rss_mb, 3.0),
    Watched("open files", lambda s: s.files, 2.0),
    Watched("asyncio tasks", lambda s: s.tasks, 2.0),
)


def jobs(load_s: float) -> list[Job]:
    """One cycle: whole answers, whole streams, streams that the client leaves after 5 of 100 chunks."""
    whole, streamed = traffic.chat(1024).decode(), traffic.paced(traffic.CHUNKS, 0.004).decode()
    return [
        Job(whole, clients=8, seconds=load_s),
        Job(streamed, clients=32, seconds=load_s, chunks=traffic.CHUNKS),
        Job(streamed, clients=32, seconds=load_s, chunks=traffic.CHUNKS, cancel_after=5),
    ]


def count_tasks(child: Child, counts: Path) -> int:
    """Ask the gateway how many tasks it has."""
    seen = counts.stat().st_size if counts.exists() else 0
    os.kill(child.pid, signal.SIGUSR2)
    for _ in range(200):
        if counts.exists() and counts.stat().st_size > seen:
            return int(counts.read_text().split()[-1])
        time.sleep(0.01)
    raise BenchError("the gateway did not say how many tasks it has within 2 s")


def soak(bench: Bench, target: Target, counts: Path, seconds: float, load_s: float) -> list[Sample]:
    """Run cycles until the time is over."""
    assert target.child
    began_s = time.monotonic()
    samples: list[Sample] = []
    requests = 0
    while (at_s := time.monotonic() - began_s) < seconds:
        for job in jobs(load_s):
            requests += apply_load(target.address, job, bench.cores.others).requests
        time.sleep(REST_S)
        target.child.check_alive()
        target.child.forget_log()
        tasks = count_tasks(target.child, counts)
        samples.append(Sample(at_s, target.child.rss_mb(), target.child.open_files(), tasks))
        last = samples[-1]
        print(
            f"soak: {at_s:6.0f} s {requests:10,} requests {last.rss_mb:6.1f} MB {last.files:.0f} files {tasks} tasks",
            flush=True,
        )
    return samples


def verdict(watched: Watched, samples: Sequence[Sample]) -> tuple[str, bool]:
    """One line on a figure, and whether it stayed level."""
    settled = samples[len(samples) // 10 :]
    third = max(1, len(settled) // 3)
    growth = median(map(watched.figure, settled[-third:])) - median(map(watched.figure, settled[:third]))
    slope = linear_regression([s.at_s for s in settled], [watched.figure(s) for s in settled]).slope
    level = growth <= watched.slack
    return f"{watched.name}: {growth:+.1f}, {slope * 3600:+.2f} an hour: {'level' if level else 'GROWS'}", level


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10_000.0, help="how long (default 10,000)")
    parser.add_argument("--load-seconds", type=float, default=3.0, help="length of each load in a cycle (default 3)")
    args = parser.parse_args(argv)
    raise_file_limit()
    try:
        with tempfile.TemporaryDirectory(prefix="fairlead-soak-") as work, place(Path(work), split_cores()) as bench:
            counts = Path(work) / "tasks"
            with bench.fairlead(module=("bench.inside", str(counts))) as (target, _):
                samples = soak(bench, target, counts, args.seconds, args.load_seconds)
    except BenchError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 2
    if len(samples) < 4:
        print("soak: too short to say anything", file=sys.stderr)
        return 2
    verdicts = [verdict(watched, samples) for watched in WATCHED]
    print("\n".join(line for line, _ in verdicts))
    return 0 if all(level for _, level in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
