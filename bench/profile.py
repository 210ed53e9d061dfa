"""`make profile`: the bench's chat or stream load on a gateway under cProfile, and the functions where its time goes.

A profile tells where, not how much: cProfile makes every call dearer, so many small functions look worse than they are.
"""

from __future__ import annotations

import argparse
import os
import pstats
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench import traffic
from bench.load import Job
from bench.processes import BenchError, apply_load, raise_file_limit, split_cores
from bench.targets import Bench, place


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench.profile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to apply the load (default 10)")
    parser.add_argument("--stream", action="store_true", help="streams of 100 chunks instead of whole answers")
    parser.add_argument("--sort", default="tottime", choices=["tottime", "cumtime", "ncalls"])
    parser.add_argument("--top", type=int, default=40, help="how many functions to print (default 40)")
    return parser.parse_args(argv)


def profiled(bench: Bench, job: Job, dump: Path) -> int:
    """Apply the load between two signals and return the number of requests; the profile is in `dump`."""
    with bench.fairlead(module=("bench.inside", str(dump))) as (target, _):
        assert target.child
        os.kill(target.child.pid, signal.SIGUSR1)
        requests = apply_load(target.address, job, bench.cores.others).requests
        os.kill(target.child.pid, signal.SIGUSR1)
        for _ in range(500):
            if dump.exists():
                return requests
            time.sleep(0.01)
    raise BenchError("the gateway wrote no profile within 5 s")


def main(argv: list[str]) -> int:
    args = parse(argv)
    raise_file_limit()
    body = traffic.paced(traffic.CHUNKS, 0.004) if args.stream else traffic.chat(1024)
    job = Job(body.decode(), clients=32, seconds=args.seconds, chunks=traffic.CHUNKS if args.stream else 0)
    try:
        with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as work, place(Path(work), split_cores()) as bench:
            dump = Path(work) / "fairlead.prof"
            requests = profiled(bench, job, dump)
            print(f"{requests:,} requests")
            pstats.Stats(str(dump)).strip_dirs().sort_stats(args.sort).print_stats(args.top)
    except BenchError as error:
        print(f"profile: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
