"""A ledger that keeps what it is told of each request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from proxy.core.records import CloseRecord, OpenRecord
from tests.fakes.gateway import RunningGateway


@dataclass(slots=True)
class Ledger:
    """Implements `UsageSink`; keeps what it is told in order."""

    told: list[OpenRecord | CloseRecord] = field(default_factory=list)

    def open(self, record: OpenRecord) -> None:
        self.told.append(record)

    def close(self, record: CloseRecord) -> None:
        self.told.append(record)

    @property
    def closed(self) -> CloseRecord:
        """The one record of a request that was opened and closed."""
        opened, closed = self.told
        assert isinstance(opened, OpenRecord)
        assert isinstance(closed, CloseRecord)
        assert opened.request_id == closed.request_id
        return closed


def kept(gateway: RunningGateway) -> Ledger:
    ledger = Ledger()
    gateway.parts.edge.engine.sink = ledger
    return ledger


async def ended(ledger: Ledger) -> None:
    """Wait for the record's close."""
    async with asyncio.timeout(5):
        while len(ledger.told) < 2:
            await asyncio.sleep(0.01)
