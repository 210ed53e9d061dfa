"""Child processes of the benchmark: started on chosen cores, watched through /proc and stopped; these and no others."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from json import dumps, loads
from pathlib import Path

from bench.load import Address, Job, Tally

ROOT = Path(__file__).parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
_OF_A_PROCESS = 2  # in the number of a clock, below the process (Linux: CPUCLOCK_SCHED, of all its threads)


class BenchError(Exception):
    """The benchmark cannot go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores the process under test has to itself, and which everything else shares; empty = no pinning."""

    target: frozenset[int]
    others: frozenset[int]


def split_cores() -> Cores:
    """Give the target the last of the cores this process may use, and the others the rest."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return Cores(frozenset(), frozenset())
    return Cores(frozenset(allowed[-1:]), frozenset(allowed[:-1]))


@contextlib.contextmanager
def _pinned(cores: frozenset[int]) -> Iterator[None]:
    """Children started meanwhile inherit these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def raise_file_limit() -> None:
    """Thousands of sockets need more than the usual soft limit of 1,024 files; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class Child:
    """One running process with all its descendants."""

    def __init__(self, command: str, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.command = command
        self.popen = popen
        self.log = log

    @property
    def pid(self) -> int:
        return self.popen.pid

    def check_alive(self) -> None:
        code = self.popen.poll()
        if code is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise BenchError(f"{self.command} ended with {code}:\n{tail}")

    def cpu_s(self) -> float:
        """Processor time so far, user and system, of the whole tree, children that have ended included."""
        return sum(map(_cpu_s, self._read_tree("stat")))

    def rss_mb(self) -> float:
        """Resident memory of the whole tree."""
        lines = (line for status in self._read_tree("status") for line in status.splitlines())
        return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _read_tree(self, name: str) -> list[str]:
        """A file of /proc for this process and its descendants; one that ends meanwhile is left out."""
        texts, pids = [], [self.pid]
        for pid in pids:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                place = Path(f"/proc/{pid}")
                texts.append((place / name).read_text())
                for children in place.glob("task/*/children"):
                    pids += map(int, children.read_text().split())
        return texts

    def forget_log(self) -> None:
        """Empty the log, which would otherwise grow by gigabytes."""
        os.truncate(self.log, 0)

    def stop(self) -> None:
        """Ask, wait 15 s, insist. The group is the child's own and holds what a wrapper leaves behind, no one else."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(15)
        self._signal(signal.SIGKILL)
        self.popen.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def _cpu_s(stat: str) -> float:
    """From a process's line in /proc to what it and its ended children used.

    Its own part comes from its clock, which counts the same in nanoseconds: the line has hundredths of a second, a
    sixteenth of what nginx needs for a round of streams.
    """
    pid, _, rest = stat.partition(" (")
    ended = sum(map(int, rest.rpartition(") ")[2].split()[13:15]))
    try:
        own_s = time.clock_gettime(~int(pid) << 3 | _OF_A_PROCESS)
    except OSError:  # it has ended meanwhile, and its parent has waited for it
        own_s = 0.0
    return own_s + ended / TICKS


@contextlib.contextmanager
def running(argv: Sequence[str], cores: frozenset[int], log: Path, env: Mapping[str, str]) -> Iterator[Child]:
    """A child process for the length of a `with`; its output goes to `log`."""
    # Appending, so that emptying the file meanwhile leaves no hole in it.
    with log.open("ab") as sink, _pinned(cores):
        popen = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, **env},
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    child = Child(" ".join(argv), popen, log)
    try:
        yield child
    finally:
        child.stop()


def wait_until_ready(child: Child, port: int, request: bytes, within_s: float) -> float:
    """Send `request` every 5 ms until it is answered with 200; return the seconds that took."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < within_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(request)
            if client.recv(4096)[9:12] == b"200":
                return time.monotonic() - began_s
        child.check_alive()
        time.sleep(0.005)
    raise BenchError(f"{child.command} did not answer 200 within {within_s:.0f} s: see {child.log}")


def apply_load(address: Address, job: Job, cores: frozenset[int]) -> Tally:
    """Run one job in a process of its own."""
    argv = [sys.executable, "-m", "bench.load", dumps(asdict(address)), dumps(asdict(job))]
    with _pinned(cores):
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=job.seconds + 300)
    if done.returncode:
        raise BenchError(done.stderr.strip())
    return Tally(**loads(done.stdout))
