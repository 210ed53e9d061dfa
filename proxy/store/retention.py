"""Deletes requests older than the configuration keeps them, a few at a time; the sums that reports read stay.

A request's id begins with its time, so the oldest are the first of the table's own index.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import delete, select

from proxy.core.ports import Clock
from proxy.store.database import Database, DatabaseAway
from proxy.store.tables import REQUESTS

_LOG = logging.getLogger("fairlead.ledger")
EVERY_S = 3600.0
PAUSE_S = 0.2  # between two transactions, for whoever else wants to write
ROWS = 500  # in one of them
DAY_S = 86_400


class Retention:
    """A task.

    Args:
        days: Gives the setting in force; None = requests are kept for ever.
    """

    def __init__(self, database: Database, days: Callable[[], int | None], clock: Clock) -> None:
        self._database = database
        self._days = days
        self._clock = clock

    async def run(self) -> None:
        """Delete what is too old, now and every hour."""
        while True:
            try:
                await self.sweep()
            except DatabaseAway as exc:
                _LOG.warning("old requests cannot be deleted for now: %s", exc)
            except Exception:
                _LOG.exception("old requests cannot be deleted")
            await self._clock.sleep(EVERY_S)

    async def sweep(self) -> int:
        """Delete what is too old; return how many requests that were.

        Raises:
            DatabaseAway: The database cannot be reached.
        """
        days = self._days()
        if days is None:
            return 0
        first = f"req_{int((self._clock.wall() - days * DAY_S) * 1000):012x}"
        deleted = 0
        while count := await self._delete_before(first):
            deleted += count
            await self._clock.sleep(PAUSE_S)
        if deleted:
            _LOG.info("%d requests older than %d days were deleted", deleted, days)
        return deleted

    async def _delete_before(self, first: str) -> int:
        request_id = REQUESTS.c.request_id
        oldest = select(request_id).where(request_id < first).order_by(request_id).limit(ROWS)
        async with self._database.write() as connection:
            return (await connection.execute(delete(REQUESTS).where(request_id.in_(oldest)))).rowcount
