"""The measurements: each runs its load and gives figures by target. What is good enough, `bench.report` says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench import traffic
from bench.load import Job, Tally
from bench.processes import BenchError, apply_load
from bench.targets import Bench, Target, address


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured; the figures of `QUICK` are for development, not for the record."""

    rounds: int
    seconds: float
    starts: int
    memory_requests: int
    crowd: int
    crowd_s: int


FULL = Effort(rounds=5, seconds=3.0, starts=5, memory_requests=100_000, crowd=1000, crowd_s=30)
QUICK = Effort(rounds=3, seconds=0.7, starts=2, memory_requests=10_000, crowd=200, crowd_s=5)


@dataclass(frozen=True, slots=True)
class Sample:
    """One load on one target. `cpu_s` is what the target's process spent meanwhile."""

    tally: Tally
    cpu_s: float


Samples = dict[str, list[Sample]]


def measure(bench: Bench, target: Target, job: Job) -> Sample:
    """Apply one load and take the processor time it cost the target."""
    before_s = target.child.cpu_s() if target.child else 0.0
    tally = apply_load(target.address, job, bench.cores.others)
    if not target.child:
        return Sample(tally, 0.0)
    target.child.check_alive()
    target.child.forget_log()
    return Sample(tally, target.child.cpu_s() - before_s)


def interleaved(bench: Bench, targets: Sequence[Target], rounds: int, job: Job) -> Samples:
    """Measure every target once a round, so that a drift of the machine meets all of them alike.

    A rival that cannot do the work has no samples; a fault of Fairlead, nginx or the upstream ends the run.
    """
    samples: Samples = {target.name: [] for target in targets}
    taking_part = list(targets)
    for _ in range(rounds):
        for target in tuple(taking_part):
            try:
                samples[target.name].append(measure(bench, target, job))
            except BenchError as error:
                if not target.is_rival:
                    raise
                print(f"bench: {target.name} failed: {error}", file=sys.stderr)
                samples[target.name].clear()
                taking_part.remove(target)
    return samples


def middle(samples: Sequence[Sample], figure: Callable[[Sample], float]) -> float:
    return median(map(figure, samples))


def middle_ratio(samples: Samples, over: str, figure: Callable[[Sample], float]) -> float:
    """The median over the rounds of Fairlead's figure divided by another target's figure of the same round."""
    rounds = zip(samples["Fairlead"], samples[over], strict=True)
    return median(figure(ours) / figure(theirs) for ours, theirs in rounds)


def chat(bench: Bench, targets: Sequence[Target], effort: Effort, size_bytes: int) -> Samples:
    """Whole answers at 32 connections."""
    job = Job(traffic.chat(size_bytes).decode(), clients=32, seconds=effort.seconds)
    return interleaved(bench, targets, effort.rounds, job)


def stream(bench: Bench, targets: Sequence[Target], effort: Effort) -> Samples:
    """Streams of 100 chunks at 32 connections, a chunk every 4 ms, so that each chunk is read and written alone.

    Chunks sent at once would be merged by a slow proxy and not by a fast one, which would flatter the slow one.
    """
    body = traffic.paced(traffic.CHUNKS, 0.004).decode()
    job = Job(body, clients=32, seconds=effort.seconds, chunks=traffic.CHUNKS)
    return interleaved(bench, [target for target in targets if target.child], effort.rounds, job)


def latency(bench: Bench, targets: Sequence[Target], effort: Effort) -> Samples:
    """Whole answers at one connection."""
    job = Job(traffic.chat(1024).decode(), clients=1, seconds=effort.seconds / 2)
    with bench.upstream_beside_target():
        return interleaved(bench, targets, effort.rounds, job)


def starts(bench: Bench, effort: Effort) -> float:
    """The median of seconds from exec to the first 200 of /readyz."""
    seconds = []
    for _ in range(effort.starts):
        with bench.fairlead() as (_, ready_s):
            seconds.append(ready_s)
    return median(seconds)


def memory(bench: Bench, effort: Effort) -> list[float]:
    """Resident megabytes of a fresh gateway after each tenth of the requests."""
    job = Job(traffic.chat(1024).decode(), clients=32, requests=effort.memory_requests // 10)
    seen = []
    with bench.fairlead() as (target, _):
        for _ in range(10):
            measure(bench, target, job)
            assert target.child
            seen.append(target.child.rss_mb())
    return seen


def crowd(bench: Bench, targets: Sequence[Target], effort: Effort) -> dict[str, Tally]:
    """Many streams at once, a chunk a second; opened over two seconds. A dropped stream ends the run."""
    body = traffic.paced(effort.crowd_s, 1.0).decode()
    job = Job(body, clients=effort.crowd, requests=effort.crowd, chunks=effort.crowd_s, ramp_s=2.0)
    watched = [target for target in targets if target.name in ("nginx", "Fairlead")]
    return {target.name: measure(bench, target, job).tally for target in watched}


def all_targets(stack: ExitStack, bench: Bench) -> list[Target]:
    """Start the reference and the gateway; the upstream itself is the first target."""
    direct = Target("direct", address(bench.upstream))
    return [direct, stack.enter_context(bench.nginx()), stack.enter_context(bench.fairlead())[0]]
