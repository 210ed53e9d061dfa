"""The composition root: builds every part, wires ports to implementations and owns the lifespan.

Nothing else constructs an engine. `assemble` wires the parts without a process around them; `serve` is the
`fairlead serve` command, with sockets, signals, reloads and kept state.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup

from proxy import __version__
from proxy.admin.routes import AdminParts, admin_routes
from proxy.api.endpoints import Edge
from proxy.api.health import Upkeep
from proxy.api.routes import client_front, metrics_front
from proxy.core.errors import ConfigError
from proxy.core.ports import Clock
from proxy.core.snapshot import Problem, Server, Snapshot
from proxy.edge.admission import Admission
from proxy.edge.front import Front
from proxy.edge.server import DrainingServer, QuietServer, listen, server_config, side_config
from proxy.gateway.context import Engine
from proxy.openings import open_all
from proxy.routing.budget import BudgetMark
from proxy.settings.banner import banner
from proxy.settings.load import load_snapshot
from proxy.settings.ollama import ollama_answers
from proxy.settings.origin import choose_path
from proxy.settings.reload import Reloader, Watched, log_problems
from proxy.simulator.app import simulator_app
from proxy.state.clock import SystemClock
from proxy.state.items import MemoryItems
from proxy.state.memory import MemoryState
from proxy.store.kept import KeptState
from proxy.store.off import LedgerOff
from proxy.telemetry.alerts import AlertDesk, UnpricedModels, provider_attention
from proxy.telemetry.attention import Attention
from proxy.telemetry.budgetalerts import BudgetAlerts
from proxy.telemetry.logs import AccessLog, LineStream, log_format, setup_logging
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.redact import Redactor
from proxy.upstream.modellists import ModelLists
from proxy.upstream.processes import Processes
from proxy.upstream.tokens import Tokens
from proxy.upstream.transports import Transports
from proxy.upstream.webhook import Webhook

if TYPE_CHECKING:
    from proxy.storage import Storage

_LOG = logging.getLogger("fairlead")

LOOPBACK = "127.0.0.1"
KEEP_EVERY_S = 1.0
ROOM_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line says; None leaves it to the configuration."""

    config: Path | None = None
    host: str | None = None
    port: int | None = None
    log_level: str | None = None
    log_format: str | None = None


@dataclass(slots=True, eq=False)
class Parts:
    """A wired gateway."""

    edge: Edge
    state: MemoryState
    transports: Transports
    tokens: Tokens
    lists: ModelLists
    redactor: Redactor
    budget_alerts: BudgetAlerts
    webhook: Webhook
    storage: Storage | None = None
    rejected: Sequence[Problem] = ()
    front: Front = field(init=False)

    def __post_init__(self) -> None:
        engine = self.edge.engine
        reports = self.transports.processes.reports
        routes = admin_routes(AdminParts(lambda: engine.snapshot, self.state, engine.clock, reports))
        self.front = client_front(self.edge, routes)

    def publish(self, snapshot: Snapshot) -> None:
        """Put a new configuration in force: requests under way keep the one they began with.

        Whatever it raises, the old one stays in force: what reads the new one comes first, the rest only lets go.
        """
        engine, configured = self.edge.engine, snapshot
        if self.storage is not None:
            snapshot = self.storage.joined(snapshot)
        self.redactor.learn(snapshot)
        if self.storage is not None:
            self.storage.adopt(configured)
        before, engine.snapshot = engine.snapshot.providers, snapshot
        self.transports.retire(snapshot)
        self.tokens.keep_only(snapshot.providers.values())
        self.lists.keep_only(snapshot)
        self.state.forget(snapshot, engine.clock.now(), before)
        engine.attention.forget(snapshot, before)
        engine.metrics.config_version(snapshot.version)
        engine.metrics.config_reload_failed(False)
        self.rejected = ()

    def reject(self, problems: Sequence[Problem]) -> None:
        """Note that the file on disk cannot be put in force."""
        self.edge.engine.metrics.config_reload_failed(True)
        self.rejected = problems

    def upkeep(self) -> Upkeep:
        """How what stands beside the requests does."""
        if self.storage is None:
            return Upkeep(self.rejected)
        return Upkeep(self.rejected, "away" if self.storage.is_away else "ok", self.storage.ledger)

    def settings(self) -> Server:
        """The process's settings that are in force."""
        return self.edge.engine.snapshot.server

    async def claim(self, mark: BudgetMark) -> bool:
        """Say whether an alert about a budget is this process's to raise: without a database, always."""
        return self.storage is None or await self.storage.claim(mark)

    async def aclose(self) -> None:
        await self.transports.aclose()
        await self.lists.aclose()
        await self.tokens.aclose()
        if self.storage is not None:
            await self.storage.aclose()


def assemble(snapshot: Snapshot, access_log: AccessLog, redactor: Redactor, clock: Clock | None = None) -> Parts:
    """Wire every part for this snapshot, without a database. The access log is the caller's to start and to close."""
    clock = clock or SystemClock()
    rng = random.Random()  # noqa: S311 - jitter and exploration, nothing secret
    engine: Engine
    parts: Parts
    webhook = Webhook(lambda: engine.snapshot.alerts, clock)
    desk = AlertDesk(webhook.put, clock.wall, redactor)
    budget_alerts = BudgetAlerts(lambda mark: parts.claim(mark), desk.raise_alert)
    state = MemoryState(rng, on_mark=budget_alerts.note)
    admission = Admission()
    metrics = Metrics(lambda: (engine.snapshot, state.view, clock.now()), admission.labels)
    tokens = Tokens(clock)
    transports = Transports(clock, on_stale_retry=metrics.stale_retry, on_ready=state.reached)
    engine = Engine(
        snapshot=snapshot,
        clock=clock,
        transport=transports,
        credentials=tokens,
        state=state,
        sink=LedgerOff(),
        kept=MemoryItems(lambda: engine.snapshot.server.max_kept_bytes),
        metrics=metrics,
        attention=Attention(metrics, lambda *episode: desk.post(provider_attention(*episode))),
        unpriced=UnpricedModels(desk.raise_alert),
        rng=rng,
    )
    lists = ModelLists(tokens, clock)
    edge = Edge(engine, admission, access_log, lists, transports.processes.reports, lambda: parts.upkeep())
    parts = Parts(edge, state, transports, tokens, lists, redactor, budget_alerts, webhook)
    parts.publish(snapshot)
    return parts


def serve(options: ServeOptions) -> None:
    """Run the gateway until a signal ends it.

    Raises:
        ConfigError: It cannot start so.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_Process(options).run())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # not on Windows or PyPy
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


class _Process:
    """One run of the command: from its options to its end."""

    def __init__(self, options: ServeOptions) -> None:
        self._options = options
        self._environ = _environment(options)
        self._path = choose_path(options.config, self._environ, Path.cwd())
        self._ollama_answers = self._path is None and ollama_answers()
        self._simulator: socket.socket | None = listen(LOOPBACK, 0)
        self._simulator_url = f"http://{LOOPBACK}:{self._simulator.getsockname()[1]}"

    async def run(self) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is what reads again; without a file there is nothing
        snapshot = load_snapshot(
            self._path,
            self._environ,
            strict=False,
            simulator_url=self._simulator_url,
            version=1,
            ollama_answers=self._ollama_answers,
        )
        redactor = Redactor()
        redactor.learn(snapshot)
        stream = LineStream(sys.stderr)
        fmt = log_format(self._options.log_format, sys.stderr)
        stop_logging = setup_logging(snapshot.server.log_level, fmt, stream, redactor)
        # What they say at a start the banner says better; and the values of rows are nothing for a log.
        for chatty in ("uvicorn", "alembic", "aiosqlite"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        access_log = AccessLog(stream, fmt, redactor, is_wanted=lambda: _LOG.isEnabledFor(logging.INFO))
        access_log.start()
        try:
            await self._serve(snapshot, assemble(snapshot, access_log, redactor))
        finally:
            access_log.close()
            stop_logging()

    async def _serve(self, snapshot: Snapshot, parts: Parts) -> None:
        log_problems(snapshot.problems)
        opened = open_all(snapshot, self._environ, self._path)
        kept = KeptState(opened.data_dir) if opened.data_dir is not None else None
        engine = parts.edge.engine
        clock = engine.clock
        if kept is not None:
            parts.state.restore(kept.load(), snapshot, clock.now(), clock.wall())
            parts.state.forget(snapshot, clock.now())  # what was kept of keys and models that are no longer configured
        settings = parts.settings
        server = DrainingServer(server_config(parts.front, settings), settings, parts.edge.admission)
        server.on_started = lambda: self._tell_ready(engine.snapshot, *opened.listener.getsockname()[:2])
        if opened.data_dir is not None:
            parts.storage = await _open_storage(parts, opened.data_dir, self._environ)
        server.on_second_signal = parts.transports.processes.hurry
        _keep_room()
        _tame_collector()
        async with anyio.create_task_group() as group:
            self._start_beside(group, snapshot, parts)
            if opened.side is not None:
                group.start_soon(QuietServer(server_config(metrics_front(parts.edge), settings)).serve, [opened.side])
            if kept is not None:
                group.start_soon(_keep, parts, kept)
            await server.serve(sockets=[opened.listener])
            _hurry_at_signals(parts.transports.processes)
            group.cancel_scope.cancel()
        if kept is not None:
            _save(kept, _dump(parts))
        await parts.aclose()
        _LOG.info("stopped", extra={"event": "stopped"})

    def _tell_ready(self, snapshot: Snapshot, host: str, port: int) -> None:
        """Tell people on stdout, and what reads the log in a line of it."""
        print(banner(snapshot, host, port), flush=True)  # noqa: T201
        if log_format(self._options.log_format, sys.stderr) == "json":
            about = {"service.version": __version__, "server.address": host, "server.port": port}
            _LOG.info("ready", extra={"event": "ready", **about})

    def _start_beside(self, group: TaskGroup, snapshot: Snapshot, parts: Parts) -> None:
        """Start what runs beside the main server."""
        group.start_soon(parts.webhook.run)
        group.start_soon(parts.transports.processes.run)
        group.start_soon(parts.budget_alerts.run)
        if parts.storage is not None:
            group.start_soon(parts.storage.run)

        def publish(changed: Snapshot) -> None:
            parts.publish(changed)
            logging.getLogger().setLevel(changed.server.log_level.upper())
            self._simulate_if_needed(group, changed)

        if self._path is not None:
            reloader = Reloader(
                Watched(self._path, self._environ, self._simulator_url),
                snapshot,
                publish,
                parts.reject,
            )
            group.start_soon(reloader.run)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.poke)
        self._simulate_if_needed(group, snapshot)

    def _simulate_if_needed(self, group: TaskGroup, snapshot: Snapshot) -> None:
        """Start the simulator with the first snapshot that has a provider of its kind."""
        if self._simulator is None or not any(p.kind == "simulator" for p in snapshot.providers.values()):
            return
        side = QuietServer(side_config(simulator_app(), LOOPBACK, 0))
        group.start_soon(side.serve, [self._simulator])
        self._simulator = None


async def _open_storage(parts: Parts, data_dir: Path, environ: Mapping[str, str]) -> Storage:
    """Open the database; one that is away is tried again beside the server."""
    from proxy.storage import Storage, Surroundings  # half a second of imports that no other command needs

    storage = Storage(parts.edge.engine, parts.state.keys, Surroundings(data_dir, environ))
    try:
        await storage.prepare()
    except ConfigError:
        await storage.aclose()
        raise
    parts.redactor.learn(parts.edge.engine.snapshot)  # which has what keys are hashed under only now
    return storage


def _keep_room() -> None:
    """Let glibc keep what large bodies leave, for the next ones: it gives back, and asks for again, 128 KB at once.

    It learns that from a large piece that goes. This one is never written to, and so never took any memory.
    """
    bytes(ROOM_BYTES)


def _tame_collector() -> None:
    """What lives now lives for good; and a request makes hundreds of objects, none of them in cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def _hurry_at_signals(processes: Processes) -> None:
    """Once the server has stopped taking signals: the first stops what providers run at once, the next is the last.

    Without this it would end the gateway while it waits for its children, and leave them behind.
    """

    def hurry(number: int, _frame: FrameType | None) -> None:
        processes.hurry()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, hurry)


async def _keep(parts: Parts, kept: KeptState) -> None:
    """Write what survives a restart, at most once a second and only when it changed."""
    written = -1
    while True:
        await anyio.sleep(KEEP_EVERY_S)
        if parts.state.changes != written:
            written = parts.state.changes
            await anyio.to_thread.run_sync(_save, kept, _dump(parts))


def _dump(parts: Parts) -> dict[str, object]:
    engine = parts.edge.engine
    return parts.state.dump(engine.snapshot, engine.clock.now(), engine.clock.wall())


def _save(kept: KeptState, dumped: Mapping[str, object]) -> None:
    try:
        kept.save(dumped)
    except OSError as exc:
        _LOG.error("the state cannot be kept: %s", exc.strerror)


def _environment(options: ServeOptions) -> Mapping[str, str]:
    """The environment with the command line's flags put in as the variables they stand for."""
    flags = {"FAIRLEAD_HOST": options.host, "FAIRLEAD_PORT": options.port, "FAIRLEAD_LOG_LEVEL": options.log_level}
    return {**os.environ, **{name: str(value) for name, value in flags.items() if value is not None}}
