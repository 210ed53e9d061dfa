"""The processes that Fairlead runs as providers, and the transport that finds the port each has at the moment.

A process that is not there is a failed connection, so traffic fails over while it starts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache

import anyio
from anyio.abc import TaskGroup
from msgspec.structs import replace

from proxy.core.call import Headers
from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.localprocess import ProcessReport, Stage
from proxy.core.ports import Clock, Transport, UpstreamRequest, UpstreamResponse, UpstreamRoute, UpstreamTunnel, Wait
from proxy.core.snapshot import Provider, Snapshot
from proxy.upstream.process import LOOPBACK, Household, Supervised
from proxy.upstream.process_orphans import end_orphans

_LOG = logging.getLogger("fairlead.process")


class Processes:
    """All of them. `run` must run before the first request comes.

    Args:
        on_ready: Called with a provider's name when its process can be connected to.
    """

    def __init__(self, clock: Clock, on_ready: Callable[[str], None]) -> None:
        self._clock = clock
        self._household = Household(clock, asyncio.Event(), lambda: self._is_hurried, on_ready)
        self._group: TaskGroup | None = None
        self._running: dict[str, Supervised] = {}
        self._snapshot = Snapshot()
        self._is_hurried = False

    async def run(self) -> None:
        """Run what is asked for, until cancelled; then everything is stopped."""
        async with anyio.create_task_group() as group:
            self._group = group
            self.keep_only(self._snapshot)
            await self._tidy()
            await anyio.sleep_forever()

    async def _tidy(self) -> None:
        """End what a killed Fairlead left; whatever comes of that, processes may be started then."""
        try:
            await end_orphans(self._household.is_hurried)
        except Exception:  # the top of a background task: to find none is no reason to serve nobody
            _LOG.exception("what a Fairlead before this one left running cannot be looked for")
        finally:
            self._household.is_tidy.set()

    def keep_only(self, snapshot: Snapshot) -> None:
        """Stop the processes that a new configuration does not have, and start what it wants at once.

        Requests on their way to a process that goes finish.
        """
        self._snapshot = snapshot
        if self._group is None:
            return
        wanted = {p.name: p.process for p in snapshot.providers.values() if p.process is not None and p.enabled}
        for name, supervised in list(self._running.items()):
            if wanted.get(name) != supervised.process:
                supervised.leave()
                del self._running[name]
        for name, process in wanted.items():
            if name not in self._running:
                supervised = Supervised(name, process, self._household)
                self._running[name] = supervised
                self._group.start_soon(supervised.run)

    def hurry(self) -> None:
        """From now on give none the time to end by itself. May be called by a signal handler."""
        self._is_hurried = True

    def reports(self) -> Mapping[str, ProcessReport]:
        """Say how each process is doing, by provider."""
        return {name: supervised.report for name, supervised in self._running.items()}

    async def ready(self, provider: Provider, wait: Wait) -> Supervised | Failure:
        """Return the process once it can be connected to, or why it cannot be now."""
        while True:
            supervised = self._running.get(provider.name)
            if supervised is None:  # Fairlead is only starting, or a reload took it away
                return _failure("it has no process now")
            supervised.want()
            report = supervised.report
            if report.stage in (Stage.STARTING, Stage.STOPPED):
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait.until_s - self._clock.now()):
                        report = await supervised.settled()
            if report.stage is Stage.READY:
                return supervised
            if self._running.get(provider.name) is supervised:  # else a reload has brought another meanwhile
                return _failure(f"its process is {supervised.report.stage}: {supervised.report.why}")


class LocalTransport:
    """Sends requests to providers that have a process, by another transport, to the port it has at the moment."""

    def __init__(self, processes: Processes, inner: Transport) -> None:
        self._processes = processes
        self._inner = inner

    async def send(self, request: UpstreamRequest, connect: Wait, head: Wait) -> UpstreamResponse | Failure:
        """See `core.ports.Transport`."""
        supervised = await self._processes.ready(request.route.provider, connect)
        if isinstance(supervised, Failure):
            return supervised
        port = supervised.report.port
        if port is None:
            return _failure("its process has just ended")
        supervised.take()
        answer: UpstreamResponse | Failure | None = None
        try:
            answer = await self._inner.send(replace(request, route=_at_port(request.route, port)), connect, head)
        finally:
            if answer is None or isinstance(answer, Failure):
                supervised.give_back()
        if isinstance(answer, Failure):
            return answer
        return _Tunnel(answer, supervised) if isinstance(answer, UpstreamTunnel) else _Answer(answer, supervised)

    async def aclose(self) -> None:
        """Nothing of its own is open."""


class _Answer:
    """An answer of a process, which is not stopped for being idle before the answer is closed."""

    __slots__ = ("_inner", "_supervised", "hand_to", "headers", "read", "status", "take_whole")

    def __init__(self, inner: UpstreamResponse, supervised: Supervised) -> None:
        self._inner = inner
        self._supervised: Supervised | None = supervised
        self.status: int = inner.status
        self.headers: Headers = inner.headers
        self.read = inner.read
        self.take_whole = inner.take_whole
        self.hand_to = inner.hand_to

    async def aclose(self) -> None:
        supervised, self._supervised = self._supervised, None
        try:
            await self._inner.aclose()
        finally:
            if supervised is not None:
                supervised.give_back()


class _Tunnel(_Answer):
    """The same for a WebSocket."""

    __slots__ = ("drained", "write")

    def __init__(self, inner: UpstreamTunnel, supervised: Supervised) -> None:
        super().__init__(inner, supervised)
        self.write = inner.write
        self.drained = inner.drained


@lru_cache(maxsize=1024)
def _at_port(route: UpstreamRoute, port: int) -> UpstreamRoute:
    host = b"%b:%d" % (LOOPBACK.encode(), port)
    headers = tuple([(name, host if name == b"host" else value) for name, value in route.headers])
    scheme = "ws" if route.origin.startswith("ws") else "http"
    return replace(route, origin=f"{scheme}://{LOOPBACK}:{port}", headers=headers)


def _failure(detail: str) -> Failure:
    return Failure(FailureKind.CONNECT, Scope.CANDIDATE, request_sent=False, detail=detail)
