"""Which process tells of a mark that a key's budget passed: the one whose row gets into the table.

So an alert is raised once a period, whatever restarts and however many processes share a PostgreSQL. While the database
is away every process that notices tells of it: rather twice than never. Rows of past periods are deleted.
"""

from __future__ import annotations

import logging

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from proxy.core.ports import Clock
from proxy.routing.budget import BudgetMark
from proxy.store.database import Database, DatabaseAway
from proxy.store.tables import BUDGET_ALERTS

_LOG = logging.getLogger("fairlead.alerts")
KEPT_S = 62 * 86_400.0  # longer than any period, and than a request that began in it can last
SWEEP_EVERY_S = 86_400.0


class BudgetClaims:
    """Claims marks for this process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sweep_from_s = 0.0

    async def claim(self, mark: BudgetMark) -> bool:
        """Return whether nobody told of this mark yet; True too where the database cannot say."""
        wall_s = self._clock.wall()
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        row = insert(BUDGET_ALERTS).values(
            key=mark.key,
            budget=mark.budget,
            period=mark.period,
            percent=mark.percent,
            raised_us=int(wall_s * 1_000_000),
        )
        try:
            async with self._database.write() as connection:
                done = await connection.execute(row.on_conflict_do_nothing())
                if wall_s >= self._sweep_from_s:
                    old = BUDGET_ALERTS.c.raised_us < int((wall_s - KEPT_S) * 1_000_000)
                    await connection.execute(delete(BUDGET_ALERTS).where(old))
        except DatabaseAway as away:
            _LOG.warning("the database is away (%s): a budget alert may come twice", away)
            return True
        if wall_s >= self._sweep_from_s:
            self._sweep_from_s = wall_s + SWEEP_EVERY_S
        return done.rowcount > 0
