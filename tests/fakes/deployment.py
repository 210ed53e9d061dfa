"""Fairlead and the simulator as an operator runs them: a process each, a configuration file, client keys.

The gateway has two providers behind `chat`, and for each suite of tests a provider of its own, asked for what a model's
name says: `node-cut-after-5` is the simulator's `sim-cut-after-5` at the provider `node`. So no suite meets what
another made a provider be set aside for.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.process import environment

SUITES = ("python", "asyncio", "azure", "node")
TEAM_KEY = "team-key-0123456789"
NARROW_KEY = "narrow-key-0123456789"
UPSTREAM_KEY = "sk-upstream-0123456789"
SCENARIO = "record_bodies = true\n"
ENDS_IN_S = 15.0

_BASE = f"""
[server]
drain_delay_s = 0
drain_s = 1

[auth]
keys = [
  {{ name = "team", key = "{TEAM_KEY}" }},
  {{ name = "narrow", key = "{NARROW_KEY}", models = ["chat", "vendor/chat"] }},
]

[providers.first]
kind = "openai"
base_url = "${{SIMULATOR_URL}}/first/v1"
api_key = "{UPSTREAM_KEY}"

[providers.second]
kind = "openai"
base_url = "${{SIMULATOR_URL}}/second/v1"
api_key = "{UPSTREAM_KEY}"

[models.chat]
model = "sim-ok"
providers = ["first", "second"]

[models."vendor/chat"]
model = "sim-ok"
providers = ["first"]
"""

_SUITE = """
[providers.SUITE]
kind = "openai"
base_url = "${SIMULATOR_URL}/SUITE/v1"
api_key = "sk-upstream-0123456789"

[providers.SUITE-refused]
kind = "openai"
base_url = "${SIMULATOR_URL}/SUITE-refused/v1"
api_key = "sk-upstream-0123456789"

[models."SUITE-*"]
candidates = [{ provider = "SUITE", model = "sim-{*}" }]

[models."SUITE-hasty-*"]
timeouts = { response_s = 0.7, headers_s = 0.7, first_output_s = 0.7, idle_s = 0.7 }
candidates = [{ provider = "SUITE", model = "sim-{*}" }]

[models."SUITE-backed-*"]
candidates = [
  { provider = "SUITE", model = "sim-{*}", priority = 1 },
  { provider = "second", model = "sim-ok", priority = 2 },
]

[models.SUITE-refused]
candidates = [{ provider = "SUITE-refused", model = "sim-auth" }]
"""

CONFIGURATION = _BASE + "".join(_SUITE.replace("SUITE", suite) for suite in SUITES)


@dataclass(frozen=True, slots=True)
class Running:
    """A command of Fairlead's that says where it listens."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def end(self) -> None:
        """Stop it as Ctrl-C does and hold that it ended well."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(ENDS_IN_S)
        written = self.log.read_text()
        assert code == 0, written
        assert "Traceback" not in written, written


@contextmanager
def run(command: str, *options: str, folder: Path, environ: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run `fairlead COMMAND` on a free port for the length of one `with`."""
    log = folder / f"{command}.log"
    with log.open("w") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "proxy", command, "--port", "0", *options],
            cwd=folder,
            env=environment(folder, environ),
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
        )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = next((word for word in first.split() if word.startswith("http://")), None)
        assert url is not None, log.read_text()
        yield Running(process, url.removesuffix("/v1"), log)
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is running.

    Attributes:
        url: The gateway's, without `/v1`.
    """

    gateway: Running
    simulator: Running

    @property
    def url(self) -> str:
        return self.gateway.url

    def arrivals(self, model: str) -> list[dict[str, Any]]:
        """What arrived at the simulator for the model that a test asked the gateway for, oldest first."""
        suite, _, phrase = model.partition("-")
        query = {"provider": suite, "model": "sim-" + phrase.removeprefix("hasty-").removeprefix("backed-")}
        found: list[dict[str, Any]] = self._ask("requests", query)["requests"]
        return found

    def last_end(self, model: str, within_s: float = 5.0) -> dict[str, Any]:
        """The last request that arrived for a model, once it has ended."""
        give_up_s = time.monotonic() + within_s
        while time.monotonic() < give_up_s:
            arrivals = self.arrivals(model)
            if arrivals and arrivals[-1]["end"] is not None:
                return arrivals[-1]
            time.sleep(0.02)
        raise AssertionError(f"no request for {model} has ended: {self.arrivals(model)}")

    def check_let_go(self, model: str) -> None:
        """Hold that the upstream of a request that was just given up is closed within 1 s."""
        left_s = time.time()
        request = self.last_end(model)
        assert request["end"] == "client_gone"
        assert request["ended_at_s"] - left_s < 1.0
        assert self.in_flight() == 0

    def in_flight(self, within_s: float = 1.0) -> float:
        """How many requests the gateway counts as under way, once that is none or the time is over."""
        give_up_s = time.monotonic() + within_s
        while (count := self._in_flight()) and time.monotonic() < give_up_s:
            time.sleep(0.02)
        return count

    def _in_flight(self) -> float:
        page = httpx.get(f"{self.url}/metrics", trust_env=False).raise_for_status().text
        lines = [line for line in page.splitlines() if line.startswith("fairlead_in_flight_requests{")]
        assert lines, page
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def _ask(self, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        url = f"{self.simulator.url}/_simulator/{name}"
        answer: dict[str, Any] = httpx.get(url, params=query, trust_env=False).raise_for_status().json()
        return answer


@contextmanager
def deployment(folder: Path) -> Iterator[Deployment]:
    """Run both for the length of one `with`."""
    scenario, configuration = folder / "scenario.toml", folder / "fairlead.toml"
    scenario.write_text(SCENARIO)
    configuration.write_text(CONFIGURATION)
    with run("simulate", "--scenario", str(scenario), folder=folder) as simulator:
        environ = {"SIMULATOR_URL": simulator.url}
        with run("serve", "--config", str(configuration), folder=folder, environ=environ) as gateway:
            yield Deployment(gateway, simulator)
