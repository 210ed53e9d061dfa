"""What a request's stations share: the engine they run on and the client they answer.

`Engine` holds the ports and the current snapshot; it is the same object for the HTTP edge and any other caller.
`Downstream` is how an answer leaves; the edge implements it. Nothing here decides anything.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from proxy.core.call import Call, Headers
from proxy.core.failure import FailureKind
from proxy.core.plan import Send
from proxy.core.ports import (
    Clock,
    Credentials,
    KeptItems,
    SharedState,
    Transport,
    UpstreamResponse,
    UsageSink,
    Wait,
)
from proxy.core.snapshot import Server, Snapshot
from proxy.core.usage import Usage
from proxy.gateway.bytesreader import BytesReader
from proxy.gateway.events import EventReader
from proxy.gateway.translated import TranslatedReader
from proxy.providers.adapter import Prepared
from proxy.telemetry.alerts import UnpricedModels
from proxy.telemetry.attention import Attention
from proxy.telemetry.metrics import Metrics


class Downstream(Protocol):
    """The client's side of one exchange. Each call may wait for the client to read.

    `lines` are header fields as `wire.headers.field_lines` writes them.
    """

    @property
    def started(self) -> bool:
        """Whether the status line has been sent: the commit point is passed."""
        ...

    @property
    def is_silent(self) -> bool:
        """Whether an answer in chunks has begun and nothing of its body has been sent."""
        ...

    def answer(self, status: int, lines: bytes, body: bytes) -> Awaitable[None]:
        """Send a whole answer; its length is added. Instead of the others, which send one in chunks."""
        ...

    def begin(self, status: int, lines: bytes) -> Awaitable[None]: ...

    def write(self, body: bytes) -> Awaitable[None]: ...

    def write_now(self, body: bytes) -> bool:
        """Write if that needs no waiting; False = not written, use `write`."""
        ...

    def end(self, body: bytes = b"") -> Awaitable[None]: ...


@dataclass(slots=True, eq=False)
class Engine:
    """The ports, wired once by `app`. `snapshot` is replaced whole when the configuration changes."""

    snapshot: Snapshot
    clock: Clock
    transport: Transport
    credentials: Credentials
    state: SharedState
    sink: UsageSink
    kept: KeptItems
    metrics: Metrics
    attention: Attention
    unpriced: UnpricedModels
    rng: random.Random


Reader = EventReader | TranslatedReader | BytesReader


class Reply(Struct, frozen=True, eq=False):
    """An upstream's answer that passed its gate. `reader` is None for a whole answer, whose bytes are `body`."""

    send: Send
    answer: UpstreamResponse
    status: int
    headers: Headers
    body: bytes = b""
    usage: Usage | None = None
    reader: Reader | None = None

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"  # never what an upstream said


class Sent(Struct, frozen=True, eq=False):
    """One attempt whose answer has begun to come.

    Attributes:
        server: The settings that its request began with.
        sent_s: Monotonic seconds.
        head: The wait that its head came within; where no stream was asked for the whole answer comes within it too.
    """

    server: Server
    call: Call
    send: Send
    prepared: Prepared
    answer: UpstreamResponse
    sent_s: float
    head: Wait


def capped(call: Call, until_s: float, kind: FailureKind) -> Wait:
    """Make a wait of an attempt: the deadline of the request ends it too."""
    ends_s = call.arrived_s + call.deadline_s
    return Wait(until_s if until_s < ends_s else ends_s, kind)
