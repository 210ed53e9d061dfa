"""From the spool to the database: a task that loads finished requests in batches, each exactly once.

Beside the event loop's other work: rows are made a few hundred at a time, and the database works in a thread or another
process. While the database is away everything waits in the spool; nothing here ever gives a record up.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Sequence

import anyio
from anyio.lowlevel import checkpoint
from sqlalchemy.exc import DBAPIError

from proxy.core.ports import Clock
from proxy.store.database import Database, DatabaseAway
from proxy.store.ledgerrows import Row, fitted
from proxy.store.ledgersources import LeftSource, LiveSource, MemorySource, Source
from proxy.store.ledgersql import Partly, insert_requests, missing_rows, widths
from proxy.store.spend import Place, Spent, read_spend
from proxy.store.spool import Spool
from proxy.store.spoolfolder import Position, adopt_folders, end_of, foreign_folders, size
from proxy.store.spoolmemory import SpoolMemory

_LOG = logging.getLogger("fairlead.ledger")
LOAD_EVERY_S = 0.5
LONGEST_PAUSE_S = 30.0
ADOPT_EVERY_S = 10.0
BATCH = 2048  # rows in one transaction
WIDTHS = widths()


class Loader:
    """Takes records on from the spool. Its methods are for the event loop's thread."""

    def __init__(self, database: Database, spool: Spool | SpoolMemory, clock: Clock) -> None:
        self._database = database
        self._spool = spool
        self._clock = clock
        self._turn = anyio.Lock()
        self._sources: list[Source] = []
        self._taken: list[Row] = []  # handed out by the first source that has more, and not in the database yet
        self._adopted_s = -ADOPT_EVERY_S
        self._pause_s = LOAD_EVERY_S
        self._is_behind = False
        if isinstance(spool, Spool):
            before = Position(spool.first - 1, size(spool.folder.path, spool.first - 1))
            self._sources = [LeftSource(spool.folder, before, is_mine=True), LiveSource(spool)]
        else:
            self._sources = [MemorySource(spool)]

    @property
    def backlog(self) -> int:
        """Requests that are recorded and not in the database: `ledger_spool_records`."""
        return sum(source.backlog for source in self._sources)

    @property
    def is_behind(self) -> bool:
        """Whether the last load failed: the database is away, or refuses."""
        return self._is_behind

    @property
    def dropped(self) -> int:
        """Requests whose record is lost: `ledger_dropped_total`."""
        return self._spool.dropped

    async def run(self) -> None:
        """Load for ever."""
        while True:
            await self._clock.sleep(self._pause_s)
            await self.load()

    async def load(self) -> bool:
        """Load everything that is there. Returns False, having logged why, where that was not possible."""
        async with self._turn:
            trouble: Exception | None
            try:
                trouble = await self._load()
            except DatabaseAway as exc:
                trouble = exc
            except Exception as exc:  # a statement that an operator, or a later release, may mend
                trouble = exc
                _LOG.debug("the statement that failed", exc_info=exc)
        if trouble is not None:
            return self._fall_behind(trouble)
        if self._is_behind:
            _LOG.warning("the ledger is loaded into the database again", extra={"event": "ledger_caught_up"})
        self._is_behind, self._pause_s = False, LOAD_EVERY_S
        return True

    async def drain(self, timeout_s: float) -> bool:
        """Load what is left, as far as time allows; what remains is found by the next start.

        Returns:
            Everything is in the database.
        """
        with anyio.move_on_after(timeout_s):
            while not await self.load():
                await self._clock.sleep(LOAD_EVERY_S)
            async with self._turn:
                for source in self._sources:
                    source.finish(math.inf)
            return await self.load()
        return False

    async def spend(self, wall_s: float) -> dict[str, Spent]:
        """Add up what each key has spent in the open UTC day and month, in the database and on its way there.

        Args:
            wall_s: Unix time.

        Raises:
            DatabaseAway: The database cannot be reached.
            OSError: A file cannot be read.
        """
        async with self._turn:
            self._adopt()
            return await read_spend(self._database, self._places(), wall_s)

    async def _load(self) -> OSError | None:
        """Empty every source; return what was wrong with one that cannot be read."""
        trouble: OSError | None = None
        self._adopt()
        for source in tuple(self._sources):
            try:
                await self._empty(source)
            except OSError as exc:
                trouble = exc
        return trouble

    async def _empty(self, source: Source) -> None:
        has_more = True
        while has_more:
            has_more = await self._gather(source)
            if self._taken:
                await self._commit()
            if source.loaded():
                await anyio.to_thread.run_sync(_sync, self._database)
                source.discard()
        if not source.finish(self._clock.now()):
            self._sources.remove(source)

    async def _gather(self, source: Source) -> bool:
        """Take rows until a batch is full. Returns False when there are no more."""
        while len(self._taken) < BATCH:
            rows = source.take()
            if rows is None:
                return False
            self._taken += rows
            await checkpoint()  # requests first
        return True

    async def _commit(self) -> None:
        try:
            await self._insert(self._taken)
        except (DBAPIError, OverflowError, UnicodeEncodeError):  # refused: what a client made of a model's name
            self._fit()
            await self._insert(self._taken)
        self._taken = []

    def _fit(self) -> None:
        self._taken = [fitted(row, WIDTHS) for row in self._taken]

    async def _insert(self, rows: Sequence[Row]) -> None:
        try:
            async with self._database.write() as connection:
                await insert_requests(connection, rows)
        except Partly:
            async with self._database.write() as connection:
                rows = await missing_rows(connection, rows)
                if rows:
                    await insert_requests(connection, rows)

    def _adopt(self) -> None:
        """Look for files of processes that are gone."""
        now_s = self._clock.now()
        if isinstance(self._spool, SpoolMemory) or now_s - self._adopted_s < ADOPT_EVERY_S:
            return
        self._adopted_s = now_s
        for folder in adopt_folders(self._spool.data_dir, self._spool.folder):
            _LOG.info("records that an earlier process left in %s are loaded", folder.path)
            self._sources.insert(0, LeftSource(folder, folder.end(), is_mine=False))

    def _places(self) -> list[Place]:
        if isinstance(self._spool, SpoolMemory):
            return []
        mine = Place(self._spool.folder.path, self._spool.end, is_foreign=False)
        adopted = [source.place for source in self._sources if isinstance(source, LeftSource) and not source.is_mine]
        left = {place.path for place in adopted}
        foreign = [path for path in foreign_folders(self._spool.data_dir, self._spool.folder) if path not in left]
        return [mine, *adopted, *(Place(path, end_of(path), is_foreign=True) for path in foreign)]

    def _fall_behind(self, trouble: Exception) -> bool:
        if not self._is_behind:
            _LOG.error(
                "the ledger cannot be loaded into the database: %s; requests wait in the spool and nothing is lost "
                "while there is room",
                str(trouble).partition("\n")[0],  # the statement itself says nothing to an operator
                extra={"event": "ledger_behind"},
            )
        try:
            self._fit()  # in case it was for a value that the database seems to be away
        except Exception as exc:
            _LOG.debug("the rows that cannot be made to fit", exc_info=exc)
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2) if self._is_behind else LOAD_EVERY_S
        self._is_behind = True
        return False


def _sync(database: Database) -> None:
    """See to it that a power loss does not take back what was committed, as SQLite alone would allow.

    Raises:
        OSError: It cannot be written to the disk.
    """
    if database.target.path is None:
        return
    try:
        log = os.open(f"{database.target.path}-wal", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # all of it is in the database's file, and was synced there
        return
    try:
        os.fsync(log)
    finally:
        os.close(log)
