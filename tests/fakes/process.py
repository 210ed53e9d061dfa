"""`python -m proxy` as a process of its own: the gateway as an operator runs it, and the commands that ask it.

    async with gateway_process(tmp_path, TOML) as gateway:
        await gateway.client.get("/readyz")
        gateway.send(signal.SIGTERM)
        assert await gateway.ended() == 0

It is started in an empty environment, in a folder of its own, on a free port; ready is when `/readyz` says so. What it
prints goes to files, so that it never waits for its reader. Only the process that was started here is ever stopped.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.upstream_calls import settles

ROOT = Path(__file__).parents[2]
READY_S = 15.0
END_S = 10.0
COMMAND_S = 15.0
LOOK_S = 0.05

_URL = re.compile(r"ready on (http://\S+)")


@dataclass(slots=True, eq=False)
class GatewayProcess:
    """A gateway that runs, or ran.

    Attributes:
        path: Its configuration file, whether or not it has one.
        url: Where it listens; empty until it is ready.
        client: Speaks to it; relative URLs.
    """

    folder: Path
    process: subprocess.Popen[bytes]
    client: httpx.AsyncClient
    url: str = ""

    @property
    def path(self) -> Path:
        return self.folder / "fairlead.toml"

    @property
    def data_dir(self) -> Path:
        return self.folder / "kept"

    @property
    def out(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "stderr").read_text()

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self, within_s: float = END_S) -> int:
        """Wait until the process is over and return its exit code."""
        assert await settles(lambda: self.process.poll() is not None, within_s), f"still running:\n{self.err}"
        code: int = self.process.returncode
        return code

    async def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it with a signal and return its exit code."""
        self.send(number)
        return await self.ended()

    async def metric(self, name: str, **labels: str) -> float:
        """A sample of its metrics page, 0 where it is absent."""
        page = (await self.client.get("/metrics")).text
        return sample(page, f"fairlead_{name}", labels)

    async def metric_becomes(self, name: str, value: float, within_s: float) -> float:
        """Wait until a sample has this value; return how long that took."""
        began_s = time.monotonic()
        while (found := await self.metric(name)) != value:
            assert time.monotonic() - began_s < within_s, f"{name} is {found}, not {value}, after {within_s} s"
            await asyncio.sleep(LOOK_S)
        return time.monotonic() - began_s


def sample(page: str, name: str, labels: Mapping[str, str]) -> float:
    """Take one sample from a metrics page, 0 where it is absent."""
    found = [
        row.value
        for family in text_string_to_metric_families(page)
        for row in family.samples
        if row.name == name and row.labels == dict(labels)
    ]
    return found[0] if found else 0.0


@asynccontextmanager
async def gateway_process(
    folder: Path,
    toml: str | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    arguments: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[GatewayProcess]:
    """Run a gateway that is ready for the length of one `async with`; started again in the same folder, it goes on.

    Args:
        folder: Its home and working folder, where its configuration, its output, its pid and its data folder are.
        toml: Its configuration file; None starts it without one.
        headers: Sent with every request of its client.
    """
    if toml is not None:
        (folder / "fairlead.toml").write_text(toml, encoding="utf-8")
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        command = [sys.executable, "-m", "proxy", "serve", "--port", "0", *arguments]
        process = subprocess.Popen(command, cwd=folder, env=environment(folder, environ), stdout=out, stderr=err)
    (folder / "pid").write_text(str(process.pid))
    try:
        async with httpx.AsyncClient(headers=headers, timeout=15, trust_env=False) as client:
            gateway = GatewayProcess(folder, process, client)
            await _ready(gateway)
            yield gateway
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


async def run_command(
    folder: Path, *words: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `fairlead` with these words to its end, in the same surroundings as `gateway_process`."""

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "proxy", *words],
            cwd=folder,
            env=environment(folder, environ),
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )

    return await asyncio.to_thread(run)


def run_script(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, as the commands run."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a process: nothing of this one's but where programs are, and whether to measure it."""
    names = ("PATH", "LANG", "TMPDIR", "COVERAGE_PROCESS_CONFIG")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    own = {"HOME": str(folder), "PYTHONPATH": str(ROOT), "FAIRLEAD_DATA_DIR": str(folder / "kept")}
    return {**kept, **own, **(more or {})}


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listened a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port: int = holder.getsockname()[1]
        return port


async def _ready(gateway: GatewayProcess) -> None:
    end_s = time.monotonic() + READY_S
    while time.monotonic() < end_s and gateway.process.poll() is None:
        found = _URL.search(gateway.out)
        if found:
            gateway.url = found[1]
            gateway.client.base_url = httpx.URL(found[1])
            answer = await gateway.client.get("/readyz")
            assert answer.status_code == 200, answer.text
            return
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"not ready; exit code {gateway.process.poll()}:\n{gateway.out}{gateway.err}")
