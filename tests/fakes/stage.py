"""A whole gateway in front of upstreams that misbehave, and a client that hears what comes of it.

    async with stage(Upstream("first", "sim-429-retry-after-7"), Upstream("second")) as on:
        heard = await on.ask(stream=True)

The upstreams are candidates of the model `m`, in order of priority. When the stage is left, nothing may be left over:
no request in flight, no claim held, no open task, no connection, no file descriptor.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from proxy.core.snapshot import Snapshot
from proxy.simulator.app import Simulator, simulator_app
from proxy.simulator.journal import Entry
from proxy.simulator.scenario import parse_toml
from tests.fakes.clock import ShiftedClock
from tests.fakes.gateway import RunningGateway, gateway, load
from tests.fakes.heard import Heard
from tests.fakes.rawserver import BLINK_S
from tests.fakes.serving import serve
from tests.fakes.upstream_calls import open_files, settles

SOON_S = 2.0
CROWD_S = 9.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider, and its candidate of the model `m`.

    Attributes:
        model: What it is asked for: for the simulator, what it does.
        url: Empty = the simulator.
        priority: 0 = its place on the stage, from 1.
        more: Further lines of its table.
    """

    name: str
    model: str = "sim-ok"
    url: str = ""
    kind: str = "openai_compatible"
    priority: int = 0
    more: str = ""


def configuration(upstreams: tuple[Upstream, ...], simulator_url: str, sections: str, model: str) -> str:
    """Write the file: the sections given, a table for each provider, the model `m`."""
    providers, candidates = [], []
    for place, upstream in enumerate(upstreams, 1):
        url = upstream.url or f"{simulator_url}/{upstream.name}/v1"
        table = f'[providers.{upstream.name}]\nkind = "{upstream.kind}"\nbase_url = "{url}"\n{upstream.more}\n'
        if upstream.kind != "openai_compatible" and "api_key" not in upstream.more:
            table += f'api_key = "sk-of-{upstream.name}"\n'
        providers.append(table)
        priority = upstream.priority or place
        candidates.append(f'{{ provider = "{upstream.name}", model = "{upstream.model}", priority = {priority} }}')
    table = f"[models.m]\ncandidates = [{', '.join(candidates)}]\n{model}\n"
    return "\n".join([sections, *providers, table])


def script(*steps: tuple[int, str], provider: str = "first") -> str:
    """Write a scenario: so many requests get this behaviour, the next so many that; then what the model's name says."""
    rule = '[[rules]]\nprovider = "{}"\nfirst = {}\nthen = "{}"\n'
    return "".join(rule.format(provider, count, phrase) for count, phrase in steps)


@dataclass(slots=True, eq=False)
class Stage:
    """What is running, and what can be asked of it."""

    gateway: RunningGateway
    simulator: Simulator
    simulator_url: str
    clock: ShiftedClock

    async def ask(self, *, stream: bool = False, headers: Mapping[str, str] | None = None, **members: object) -> Heard:
        """Send a chat request and hear its answer to the end."""
        body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": stream, **members}
        client = self.gateway.client
        async with client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
            return Heard(answer.status_code, answer.headers, await answer.aread())

    async def ask_many(self, count: int, *, stream: bool = False) -> list[Heard]:
        """Ask so many times at once."""
        return await asyncio.gather(*(self.ask(stream=stream) for _ in range(count)))

    async def ask_crowd(self, count: int, *, slow: int, slow_s: float, stream: bool = False) -> list[Heard]:
        """Ask so many times at once; `slow` of them meet a simulated delay, which ends when the rest are answered."""
        entries = self.simulator.journal.entries

        def is_down_to_the_slow() -> bool:
            waiting = sum(entry.ended_at_s is None for entry in entries)
            return waiting == slow and sum(task.done() for task in asking) == count - slow

        with self.clock.slowed():
            asking = [asyncio.create_task(self.ask(stream=stream)) for _ in range(count)]
            assert await settles(is_down_to_the_slow, CROWD_S), [task for task in asking if not task.done()]
            await asyncio.sleep(BLINK_S)
        self.clock.advance(slow_s)
        return await asyncio.gather(*asking)

    def arrivals(self, provider: str) -> list[Entry]:
        """What arrived at the simulator for a provider, oldest first."""
        return [entry for entry in self.simulator.journal.entries if entry.arrival.provider == provider]

    def calls(self, provider: str) -> int:
        return len(self.arrivals(provider))

    def attempts(self, provider: str, outcome: str) -> float:
        return self.gateway.metric("attempts_total", provider=provider, model="m", outcome=outcome)

    def failovers(self, source: str, target: str, reason: str) -> float:
        return self.gateway.metric("failovers_total", from_provider=source, to_provider=target, reason=reason)

    def cooldown_s(self, provider: str, scope: str, reason: str) -> float:
        return self.gateway.metric("cooldown_seconds", provider=provider, scope=scope, reason=reason)

    def breaker(self, provider: str, model: str) -> float:
        """0 closed, 1 half-open, 2 open."""
        return self.gateway.metric("breaker_state", provider=provider, model=model)

    def is_anything_aside(self) -> bool:
        return bool(self.gateway.parts.state.view.asides)

    def publish(self, *upstreams: Upstream, sections: str = "", model: str = "") -> Snapshot:
        """Put another configuration in force, as a reload does."""
        text = configuration(upstreams, self.simulator_url, sections, model)
        snapshot = load(text, simulator_url=self.simulator_url)
        self.gateway.parts.publish(snapshot)
        return snapshot

    async def records(self, count: int) -> list[dict[str, Any]]:
        """The access log, once it has so many lines."""
        log = self.gateway.log
        assert await settles(lambda: log.getvalue().count("\n") >= count, SOON_S), log.getvalue()
        return [json.loads(line) for line in log.getvalue().splitlines()]

    async def quiet(self, within_s: float = SOON_S) -> bool:
        """Whether everything under way is over soon."""
        return await settles(self._is_quiet, within_s)

    def _is_quiet(self) -> bool:
        parts = self.gateway.parts
        view, admission = parts.state.view, parts.edge.admission
        families = parts.edge.engine.metrics.registry.collect()
        gauges = [s.value for f in families if f.name == "fairlead_in_flight_requests" for s in f.samples]
        claims = [aside for aside in view.asides.values() if aside.claimed_s is not None]
        counts = (view.in_flight, view.provider_in_flight, view.last_resorts, claims)
        return not (any(counts) or any(gauges) or admission.in_flight or admission.buffered_bytes)


@asynccontextmanager
async def stage(*upstreams: Upstream, sections: str = "", model: str = "", scenario: str = "") -> AsyncIterator[Stage]:
    """Run a gateway, a simulator and their upstreams; hold at the end that nothing is left of what happened.

    Args:
        sections: Of the configuration file, before the providers.
        model: Further lines of the model's table, such as its rotation.
        scenario: Rules of the simulator, in TOML.
    """
    clock = ShiftedClock()
    simulator = simulator_app(parse_toml(scenario) if scenario else None, clock)
    async with nothing_left(), serve(simulator) as url:
        text = configuration(upstreams, url, sections, model)
        async with gateway(text, simulator_url=url, clock=clock) as running:
            on = Stage(running, simulator, url, clock)
            yield on
            assert await on.quiet(), on.gateway.parts.state.view


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Hold that no task and no file descriptor outlives what is inside."""
    tasks, files = asyncio.all_tasks(), open_files()
    yield
    assert await settles(lambda: asyncio.all_tasks() <= tasks, SOON_S), asyncio.all_tasks() - tasks
    assert await settles(lambda: open_files() <= files, SOON_S)
