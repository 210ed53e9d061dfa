"""From marks of budgets that keys passed to alerts, each raised once a period among all processes of one database.

The mark comes from a request's way and is only noted there; a task of its own asks whether another process, or this one
before its last start, was first. Never raises towards the request.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from proxy.routing.budget import BudgetMark
from proxy.telemetry.alerts import Raise, budget_alert

_LOG = logging.getLogger("fairlead.alerts")
CAPACITY = 10_000

# True where the mark is this process's to tell: nobody else has, or nobody can say whether anybody has.
Claim = Callable[[BudgetMark], Awaitable[bool]]


class BudgetAlerts:
    """Takes marks from the event loop's thread and tells of them from `run`."""

    def __init__(self, claim: Claim, raise_alert: Raise) -> None:
        self._claim = claim
        self._raise = raise_alert
        self._marks: deque[BudgetMark] = deque(maxlen=CAPACITY)
        self._noted = asyncio.Event()

    def note(self, mark: BudgetMark) -> None:
        """Take a mark; returns at once."""
        self._marks.append(mark)
        self._noted.set()

    async def run(self) -> None:
        """Tell of marks as they come, until cancelled."""
        while True:
            await self._noted.wait()
            self._noted.clear()
            await self.tell()

    async def tell(self) -> None:
        """Tell of every mark that waits."""
        while self._marks:
            mark = self._marks.popleft()
            try:
                is_ours = await self._claim(mark)
            except asyncio.CancelledError:  # the gateway ends, and the claim may be made: nobody else would tell then
                self._raise(budget_alert(mark))
                raise
            except Exception:  # the top of a background task: an alert too many is better than none
                _LOG.exception("whether a budget alert was raised before cannot be found out")
                is_ours = True
            if is_ours:
                self._raise(budget_alert(mark))
