"""The database of a running gateway: its tables, the client keys in it, the way of requests into it, what keys spent.

`app` prepares it before the first request, runs it beside the server and closes it last. While the database is away all
goes on that does not need it: requests are spooled, keys stay as they were read, and those with a budget wait until
what they spent is known.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from proxy.core.snapshot import Auth, Snapshot, StoredKey
from proxy.edge.key_lookup import with_stored
from proxy.gateway.context import Engine
from proxy.routing.budget import BudgetMark
from proxy.state.keylimits import KeyLimitsState
from proxy.store.budgetalerts import BudgetClaims
from proxy.store.database import Database, DatabaseAway
from proxy.store.keys import KeyStore
from proxy.store.loader import Loader
from proxy.store.migrate import upgrade
from proxy.store.off import LedgerOff
from proxy.store.pepper import load_ring
from proxy.store.retention import Retention
from proxy.store.sink import open_sink
from proxy.store.spool import Spool
from proxy.store.watcher import KeyWatcher

_LOG = logging.getLogger("fairlead.storage")

RETRY_S = 5.0
DRAIN_S = 10.0  # for what is not in the database when the gateway ends; the next start finds the rest
EMPTY: Mapping[str, StoredKey] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Where a gateway keeps things."""

    data_dir: Path
    environ: Mapping[str, str]


class Storage:
    """One gateway's.

    Raises:
        ConfigError: The folder, the database's address or the secrets for keys cannot be used.
    """

    def __init__(self, engine: Engine, limits: KeyLimitsState, surroundings: Surroundings) -> None:
        snapshot, data_dir = engine.snapshot, surroundings.data_dir
        assert snapshot.database_url is not None
        self._engine = engine
        self._limits = limits
        self._database = Database(snapshot.database_url.reveal(), data_dir)
        self._ring = load_ring(surroundings.environ, data_dir, is_sqlite=self._database.is_sqlite)
        self._claims = BudgetClaims(self._database, engine.clock)
        self._stored = EMPTY
        self._keys = KeyStore(self._database)
        self._watcher = KeyWatcher(self._keys, self._publish_keys)
        self._budgeted: frozenset[str] = frozenset()
        self._budgets_changed = asyncio.Event()
        self._is_ready = False
        sink = open_sink(snapshot.ledger, data_dir)
        self._sink = sink
        self._loader = None if isinstance(sink, LedgerOff) else Loader(self._database, sink, engine.clock)
        if isinstance(sink, Spool):
            sink.start(asyncio.get_running_loop().call_soon_threadsafe)
        engine.sink = sink
        if self._loader is None:
            limits.restore({}, engine.clock.wall())
        else:
            loader = self._loader
            engine.metrics.watch_ledger(lambda: (loader.backlog, loader.dropped))

    async def prepare(self) -> bool:
        """Bring the tables up to date, load keys and what they spent. False = the database is away, and said so.

        Raises:
            ConfigError: The database is another program's, or a newer release's.
        """
        snapshot, wall = self._engine.snapshot, self._engine.clock.wall
        try:
            await upgrade(self._database)
            await self._watcher.load_once()
            if snapshot.auth.keys:
                await self._keys.note_configured()
            if self._loader is not None:
                self._limits.restore(await self._loader.spend(wall()), wall())
        except (DatabaseAway, OSError) as exc:
            _LOG.error(
                "the database is away; the gateway goes on without it: %s", exc, extra={"event": "database_away"}
            )
            self._engine.snapshot = self.joined(self._engine.snapshot)
            return False
        self._is_ready = True
        return True

    async def run(self) -> None:
        """Work beside the server until cancelled."""
        clock = self._engine.clock
        while not self._is_ready:
            await clock.sleep(RETRY_S)
            if await self.prepare():
                _LOG.warning("the database is back", extra={"event": "database_back"})
        retention = Retention(self._database, lambda: self._engine.snapshot.ledger.retention_days, clock)
        async with anyio.create_task_group() as group:
            group.start_soon(self._watcher.run)
            group.start_soon(retention.run)
            if self._loader is not None:
                group.start_soon(self._loader.run)
                group.start_soon(self._follow_budgets, self._loader)

    def joined(self, snapshot: Snapshot) -> Snapshot:
        """Add the keys of the database to those of a configuration."""
        was_closed = self._watcher.ever or self._engine.snapshot.auth.mode == "keys"
        auth = with_stored(snapshot.auth, self._stored, self._ring, was_closed=was_closed)
        budgeted = _budgeted(auth)
        if budgeted - self._budgeted and self._is_ready:
            self._budgets_changed.set()
        self._budgeted = budgeted if not self._is_ready else self._budgeted & budgeted
        return replace(snapshot, auth=auth)

    async def claim(self, mark: BudgetMark) -> bool:
        """Say whether an alert about a budget is this process's to raise."""
        return await self._claims.claim(mark)

    async def aclose(self) -> None:
        """Load what is left and close; after the last request."""
        if self._loader is not None and self._is_ready and not await self._loader.drain(DRAIN_S):
            _LOG.warning("some records are not in the database yet: the next start loads them")
        if not isinstance(self._sink, LedgerOff):
            self._sink.stop()
        await self._database.aclose()

    def _publish_keys(self, stored: Mapping[str, StoredKey]) -> None:
        self._stored = stored
        self._engine.snapshot = self.joined(self._engine.snapshot)

    async def _follow_budgets(self, loader: Loader) -> None:
        """Find out what a key has spent that is given a budget while the gateway runs."""
        clock = self._engine.clock
        while True:
            await self._budgets_changed.wait()
            self._budgets_changed.clear()
            budgeted = _budgeted(self._engine.snapshot.auth)
            try:
                spent = await loader.spend(clock.wall())
            except (DatabaseAway, OSError) as exc:
                _LOG.error("what keys with a new budget have spent cannot be read: %s", exc)
                await clock.sleep(RETRY_S)
                self._budgets_changed.set()
                continue
            new = budgeted - self._budgeted
            self._limits.restore({name: spent[name] for name in new if name in spent}, clock.wall())
            self._budgeted = budgeted


def _budgeted(auth: Auth) -> frozenset[str]:
    """Name the keys that have a budget."""
    keys = [*auth.keys.values(), *(row.key for row in auth.stored.values())]
    return frozenset([key.name for key in keys if key.limits.has_budget])
