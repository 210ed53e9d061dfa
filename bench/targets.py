"""What the benchmark sends its load to: the upstream directly, nginx, Fairlead, and rivals by their start commands."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench import traffic
from bench.load import Address
from bench.processes import BenchError, Child, Cores, free_port, running, wait_until_ready

HERE = Path(__file__).parent
KEYS = {
    "BENCH_KEY": "sk-bench-client-key-0123456789abcdef",
    "BENCH_ADMIN_TOKEN": "bench-admin-token-0123456789abcdef",
    "BENCH_UPSTREAM_KEY": "bench-upstream-key-0123456789abcdef",
}
READY = b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Rival:
    """Another gateway, as given on the command line. `{upstream}` in a header stands for the upstream's port."""

    name: str
    command: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send load. `child` is the process whose cost is measured; None for the upstream itself."""

    name: str
    address: Address
    child: Child | None = None
    is_rival: bool = False


def address(port: int) -> Address:
    """The usual path on `port`, with the client key that Fairlead asks for; the others get it too."""
    return Address(port, traffic.PATH, {"authorization": f"Bearer {KEYS['BENCH_KEY']}"})


def nginx_binary() -> str:
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not binary:
        raise BenchError("nginx, the reference of this benchmark, is missing (Debian: apt install nginx-light)")
    return binary


@dataclass(frozen=True, slots=True)
class Bench:
    """One run's place: a folder for logs and state, the cores, the upstream's port and process."""

    work: Path
    cores: Cores
    upstream: int
    upstream_pid: int

    @contextlib.contextmanager
    def upstream_beside_target(self) -> Iterator[None]:
        """Move the upstream to the target's core.

        Waking another core costs more than a proxy does. With the clients on one core and all else on another, a
        request wakes the same cores whether it goes direct or through a proxy, so the difference is the proxy's own.
        """
        if self.cores.target:
            os.sched_setaffinity(self.upstream_pid, self.cores.target)
        yield
        if self.cores.target:
            os.sched_setaffinity(self.upstream_pid, self.cores.others)

    @contextlib.contextmanager
    def fairlead(self, *, module: Sequence[str] = ("proxy",)) -> Iterator[tuple[Target, float]]:
        """A fresh gateway on a fresh data folder, and the seconds it took to be ready.

        Args:
            module: What `python -m` runs, with its own arguments; the gateway's arguments follow.
        """
        port = free_port()
        config = str(HERE / "fairlead.toml")
        argv = [sys.executable, "-m", *module, "serve", "--config", config, "--port", str(port)]
        state = self.work / f"state-{port}"
        state.mkdir()
        env = {**KEYS, "BENCH_UPSTREAM": str(self.upstream), "FAIRLEAD_DATA_DIR": str(state)}
        with running(argv, self.cores.target, self.work / "fairlead.log", env) as child:
            seconds = wait_until_ready(child, port, READY, within_s=30)
            yield Target("Fairlead", address(port), child), seconds

    @contextlib.contextmanager
    def nginx(self) -> Iterator[Target]:
        binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if not binary:
            raise BenchError(
                "nginx, the reference of this benchmark, is not installed (Debian: apt install nginx-light)"
            )
        port = free_port()
        text = (HERE / "nginx.conf.template").read_text()
        for mark, value in {"WORK": self.work, "PORT": port, "UPSTREAM": self.upstream}.items():
            text = text.replace(f"@{mark}@", str(value))
        config = self.work / "nginx.conf"
        config.write_text(text)
        argv = [nginx_binary(), "-c", str(config), "-e", str(self.work / "nginx.log")]
        with running(argv, self.cores.target, self.work / "nginx.log", {}) as child:
            target = Target("nginx", address(port), child)
            wait_until_ready(child, port, _probe(target.address), within_s=10)
            yield target

    @contextlib.contextmanager
    def rival(self, rival: Rival) -> Iterator[Target]:
        url = urlsplit(rival.url)
        env = {**KEYS, "BENCH_UPSTREAM_URL": f"http://127.0.0.1:{self.upstream}/v1"}
        log = self.work / f"{rival.name}.log"
        with running(shlex.split(rival.command), self.cores.target, log, env) as child:
            marks = {name: value.replace("{upstream}", str(self.upstream)) for name, value in rival.headers.items()}
            headers = {"authorization": f"Bearer {KEYS['BENCH_KEY']}", **marks}
            path = url.path.rstrip("/") + "/chat/completions"
            target = Target(rival.name, Address(url.port or 80, path, headers), child, is_rival=True)
            wait_until_ready(child, target.address.port, _probe(target.address), within_s=120)
            yield target


@contextlib.contextmanager
def place(work: Path, cores: Cores) -> Iterator[Bench]:
    """Start the upstream."""
    port = free_port()
    argv = [sys.executable, "-m", "bench.upstream", str(port)]
    with running(argv, cores.others, work / "upstream.log", {}) as child:
        bench = Bench(work, cores, port, child.pid)
        wait_until_ready(child, port, _probe(address(port)), within_s=10)
        yield bench


def _probe(to: Address) -> bytes:
    return traffic.post(traffic.chat(1024), to.path, to.headers)
