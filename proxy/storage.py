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

from proxy.api.health import REFUSING
from proxy.core.snapshot import Snapshot, StoredKey
from proxy.edge.key_lookup import with_stored
from proxy.gateway.context import Engine
from proxy.routing.budget import BudgetMark
from proxy.state.keylimits import KeyLimitsState
from proxy.store.budgetalerts import BudgetClaims
from proxy.store.database import LEAN_PRAGMAS, Database, DatabaseAway
from proxy.store.keys import KeyStore
from proxy.store.loader import Loader
from proxy.store.migrate import upgrade
from proxy.store.off import LedgerOff
from proxy.store.pepper import NAME as SECRET_FILE
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
        self._database = Database(snapshot.database_url.reveal(), data_dir, pragmas=LEAN_PRAGMAS)
        secret = data_dir / SECRET_FILE
        was_there = secret.exists()
        self._ring = load_ring(surroundings.environ, data_dir, is_sqlite=self._database.is_sqlite)
        self._made_secret = secret if secret.exists() and not was_there else None
        self._claims = BudgetClaims(self._database, engine.clock)
        self._configured = snapshot
        self._stored = EMPTY
        self._keys = KeyStore(self._database)
        self._watcher = KeyWatcher(self._keys, self._publish_keys)
        self._was_closed = False
        self._keys_changed = asyncio.Event()
        self._is_ready = False
        sink = open_sink(snapshot.ledger, data_dir)
        self._sink = sink
        self._loader = None if isinstance(sink, LedgerOff) else Loader(self._database, sink, engine.clock)
        if isinstance(sink, Spool):
            sink.start(asyncio.get_running_loop().call_soon_threadsafe)
        engine.sink = sink
        if self._loader is not None:
            loader = self._loader
            limits.expect_restore()
            engine.metrics.watch_ledger(lambda: (loader.backlog, loader.dropped))

    async def prepare(self) -> None:
        """Bring the tables up to date, load keys and what they spent; where the database is away, say so and go on.

        Raises:
            ConfigError: The database is another program's, or a newer release's.
        """
        try:
            await self._begin()
        except (DatabaseAway, OSError) as exc:
            _LOG.error(
                "the database is away; the gateway goes on without it and tries again every %d s: %s",
                RETRY_S,
                exc,
                extra={"event": "database_away"},
            )
            self._join_again()

    async def run(self) -> None:
        """Work beside the server until cancelled."""
        if not self._is_ready:
            await self._come_back()
        async with anyio.create_task_group() as group:
            group.start_soon(self._watcher.run)
            group.start_soon(self._retain)
            group.start_soon(self._follow_keys)
            if self._loader is not None:
                group.start_soon(self._loader.run)

    def joined(self, snapshot: Snapshot) -> Snapshot:
        """Add the keys of the database to those of a configuration that is to be put in force.

        Where nobody wrote whether keys are asked for, a gateway that once asked does so for good; while the database
        cannot say whether there are any, it asks too.
        """
        was_closed = self._was_closed or self._watcher.ever
        auth = with_stored(snapshot.auth, self._stored, self._ring, was_closed=was_closed)
        return replace(snapshot, auth=auth)

    def adopt(self, snapshot: Snapshot) -> None:
        """Take a configuration, as it was before it was joined, for the one in force from now on."""
        self._configured = snapshot
        self._was_closed = self._was_closed or snapshot.auth.mode == "keys" or bool(self._stored)
        if self._is_ready and snapshot.auth.keys and not self._watcher.ever:
            self._keys_changed.set()

    @property
    def is_away(self) -> bool:
        """Whether the database cannot be reached or used."""
        return not self._is_ready or self._watcher.is_away

    @property
    def ledger(self) -> str | None:
        """How the way of records into the database does, in the words of `Upkeep`; None = nothing is recorded."""
        sink = self._sink
        if isinstance(sink, Spool) and sink.is_full:
            return REFUSING if sink.refuses else "full"
        if self._loader is None:
            return None
        return "behind" if self._loader.is_behind or not self._is_ready else "ok"

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
        self._join_again()

    def _join_again(self) -> None:
        """Put the configuration in force with the keys of now."""
        self._engine.snapshot = self.joined(self._configured)
        self.adopt(self._configured)

    async def _begin(self) -> None:
        await upgrade(self._database)
        if self._configured.auth.keys:
            await self._keys.note_configured()
        await self._watcher.load_once()
        self._tell_lost_secret()
        if self._loader is not None:
            wall_s = self._engine.clock.wall()
            before = self._limits.spent(wall_s)
            self._limits.restore(await self._loader.spend(wall_s), wall_s, before)
        self._is_ready = True

    def _tell_lost_secret(self) -> None:
        """A restored database without the file beside it opens to nobody, and nothing else would say why."""
        lost = sum(not row.revoked for row in self._stored.values())
        if self._made_secret is not None and lost:
            _LOG.error(
                "%s was not there and has been made: none of the %d client keys in the database can be recognised; put "
                "the file back from a backup, or give each key a new secret with `fairlead keys rotate`",
                self._made_secret,
                lost,
                extra={"event": "secret_lost"},
            )

    async def _come_back(self) -> None:
        """Try again until the database is there, and is ours."""
        trouble = ""
        while True:
            await self._engine.clock.sleep(RETRY_S)
            try:
                await self._begin()
            except (DatabaseAway, OSError) as exc:
                _LOG.debug("the database is still away: %s", exc)
            except Exception as exc:  # the top of a background task: whatever it met, an operator may mend it
                if _told(exc) != trouble:
                    trouble = _told(exc)
                    _LOG.error(
                        "the database is there and cannot be used: %s", trouble, extra={"event": "database_away"}
                    )
            else:
                _LOG.warning("the database is back", extra={"event": "database_back"})
                return

    async def _retain(self) -> None:
        """Delete what is too old, once all that was left to load is loaded: what comes back would be summed twice."""
        clock = self._engine.clock
        while self._loader is not None and not await self._loader.load():
            await clock.sleep(RETRY_S)
        await Retention(self._database, lambda: self._engine.snapshot.ledger.retention_days, clock).run()

    async def _follow_keys(self) -> None:
        """Remember that there are keys in a configuration that had none."""
        while True:
            await self._keys_changed.wait()
            self._keys_changed.clear()
            try:
                await self._keys.note_configured()
            except Exception as exc:  # the top of a background task: it is tried again whatever it met
                _LOG.error("that there are client keys cannot be noted: %s", _told(exc))
                await self._engine.clock.sleep(RETRY_S)
                self._keys_changed.set()


def _told(exc: Exception) -> str:
    """What an exception says, without the statement and its values that SQLAlchemy puts on further lines."""
    return str(exc).partition("\n")[0]
