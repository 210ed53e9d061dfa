"""An engine without a network: a real state and real metrics, and a ledger that keeps what it is told."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TypedDict, Unpack, cast

from proxy.core.call import Call
from proxy.core.ports import Credentials, Transport
from proxy.core.records import CloseRecord, OpenRecord
from proxy.core.snapshot import ClientKey, KeyLimits, Model, Snapshot
from proxy.gateway.accounting import Account
from proxy.gateway.context import Engine
from proxy.state.items import MemoryItems
from proxy.state.memory import MemoryState
from proxy.telemetry.alerts import Alert, UnpricedModels
from proxy.telemetry.attention import Attention
from proxy.telemetry.metrics import Metrics
from tests.fakes.clock import StillClock
from tests.fakes.prices import flat_price
from tests.unit.routing.build import candidate, model

NOON_S = 1_795_176_000.0  # 2026-11-20, 12:00 UTC
PRICE = flat_price("2", "10", "1")
PRICED = model(candidate("a", price=PRICE), candidate("b", price=flat_price("4", "20")))


class NoonClock(StillClock):
    """Stands still at noon."""

    def wall(self) -> float:
        return NOON_S + self.now_s - 1_000.0


@dataclass(slots=True, eq=False)
class Bench:
    """An engine, and what it told others.

    Attributes:
        told: By the ledger's two calls, in order.
        alerts: About models without a price.
    """

    clock: NoonClock = field(default_factory=NoonClock)
    told: list[OpenRecord | CloseRecord] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    state: MemoryState = field(default_factory=lambda: MemoryState(random.Random(1)))
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        metrics = Metrics()
        self.engine = Engine(
            snapshot=Snapshot(),
            clock=self.clock,
            transport=cast(Transport, None),
            credentials=cast(Credentials, None),
            state=self.state,
            sink=self,
            kept=MemoryItems(lambda: 1 << 20),
            metrics=metrics,
            attention=Attention(metrics, lambda *_: None),
            unpriced=UnpricedModels(self.alerts.append),
            rng=random.Random(1),
        )

    def open(self, record: OpenRecord) -> None:
        self.told.append(record)

    def close(self, record: CloseRecord) -> None:
        self.told.append(record)

    def account(self, call: Call, of: Model = PRICED) -> Account:
        """An account of a request that is resolved and admitted."""
        account = Account(self.engine, call, started_at_s=self.clock.wall())
        account.resolved(of)
        account.is_admitted = True
        return account

    def closed(self, account: Account, end: str = "ok") -> CloseRecord:
        """Close an account and return what the ledger is told."""
        account.close(end)
        record = self.told[-1]
        assert isinstance(record, CloseRecord)
        return record

    def metric(self, name: str, **labels: str) -> float:
        return self.engine.metrics.registry.get_sample_value(f"fairlead_{name}", labels) or 0.0


class LimitFields(TypedDict, total=False):
    rpm: int | None
    tpm: int | None
    parallel: int | None
    day_nusd: int | None
    month_nusd: int | None
    allow_unpriced: bool


def key(tags: tuple[str, ...] = (), **limits: Unpack[LimitFields]) -> ClientKey:
    """A client key with these limits."""
    return ClientKey("ci", tags=tags, limits=KeyLimits(**limits))
