"""A silence is filled until the answer's last bytes are on their way, and never behind them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from proxy.core.snapshot import Snapshot
from proxy.gateway.keepalive import COMMENT, TalkingDownstream
from tests.fakes.clock import StillClock
from tests.unit.gateway.engine import Bench
from tests.unit.routing.build import call, candidate, model


@dataclass(slots=True)
class SlowClient:
    """The side of a client that reads nothing until it `reads`."""

    started: bool = True
    is_silent: bool = False
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    heard: list[bytes] = field(default_factory=list)

    async def answer(self, status: int, lines: bytes, body: bytes) -> None:
        raise AssertionError("a stream is no whole answer")

    async def begin(self, status: int, lines: bytes) -> None:
        raise AssertionError("it has begun")

    async def write(self, body: bytes) -> None:
        await self.reads.wait()
        self.heard.append(body)

    def write_now(self, body: bytes) -> bool:
        return False

    async def end(self, body: bytes = b"") -> None:
        await self.write(body)


async def rounds(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_nothing_follows_the_end_though_a_comment_was_still_on_its_way() -> None:
    client = SlowClient()
    talking = TalkingDownstream(client, StillClock())
    account = Bench().account(call(), model(candidate("a")))
    filling = asyncio.create_task(talking.fill_silences(1.0, Snapshot(), account))
    await rounds()
    ending = asyncio.create_task(talking.end(b"last"))
    await rounds()
    client.reads.set()
    await ending
    await rounds()
    filling.cancel()
    with suppress(asyncio.CancelledError):
        await filling
    assert client.heard == [COMMENT, b"last"]
