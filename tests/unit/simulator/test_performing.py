"""Steps carried out on an ASGI connection driven by hand, under a clock that jumps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import anyio
import anyio.lowlevel
import pytest
from starlette.types import Message

from proxy.simulator.behaviour import MAX_REPLY_S
from proxy.simulator.performing import Connection, End, Progress, RealClock, perform
from proxy.simulator.replies import Cut, Pause, Send, Start, Step
from tests.fakes.clock import StillClock


class Client:
    """Collects what is sent; leaves after `stays` messages. Each send may take time."""

    def __init__(self, clock: StillClock, stays: int = 1_000, send_s: float = 0.0) -> None:
        self.sent: list[Message] = []
        self._clock, self._stays, self._send_s = clock, stays, send_s
        self._gone = anyio.Event()
        self._begun = False

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        self._clock.now_s += self._send_s
        if len(self.sent) == self._stays:
            self._gone.set()
            for _ in range(5):  # as long as a server takes to notice
                await anyio.lowlevel.checkpoint()

    async def receive(self) -> Message:
        if not self._begun:  # a server may repeat the end of the request
            self._begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


async def _perform(steps: Iterable[Step], client: Client, clock: StillClock) -> Progress:
    progress = Progress()
    await perform(steps, Connection(client.receive, client.send, clock), progress)
    return progress


async def test_steps_are_sent_in_order_and_the_reply_is_ended() -> None:
    clock = StillClock()
    client = Client(clock)
    progress = await _perform([Start(200, (("X-Name", "v"),)), Send(b"a", 1), Send(b"b", 2)], client, clock)
    assert client.sent == [
        {"type": "http.response.start", "status": 200, "headers": [(b"x-name", b"v")]},
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.body", "body": b"b", "more_body": True},
        {"type": "http.response.body", "body": b"", "more_body": False},
    ]
    assert progress == Progress(End.COMPLETE, 200, 3)


async def test_cut_leaves_the_reply_unfinished() -> None:
    clock = StillClock()
    client = Client(clock)
    progress = await _perform([Start(200, ()), Send(b"a", 1), Cut()], client, clock)
    assert (progress, client.sent[-1]["more_body"]) == (Progress(End.CUT, 200, 1), True)


async def test_pauses_keep_to_the_plan_although_sending_takes_time() -> None:
    clock = StillClock()
    client = Client(clock, send_s=0.25)
    steps: list[Step] = [Start(200, ()), Pause(1.0), Send(b"a"), Pause(1.0), Send(b"b"), Pause(0.1)]
    await _perform(steps, client, clock)
    assert clock.slept_s == pytest.approx([0.75, 0.75])


async def test_reply_that_would_last_too_long_is_cut() -> None:
    def endless() -> Iterator[Step]:
        yield Start(200, ())
        while True:
            yield Pause(600.0)
            yield Send(b"x")

    clock = StillClock()
    client = Client(clock)
    progress = await _perform(endless(), client, clock)
    assert (progress.end, len(client.body)) == (End.CUT, MAX_REPLY_S / 600.0)


async def test_f14_client_that_leaves_ends_the_reply() -> None:
    clock = StillClock()
    client = Client(clock, stays=3)
    steps: list[Step] = [Start(200, ()), *(Send(b"x", 1) for _ in range(100))]
    progress = await _perform(steps, client, clock)
    assert (progress.end, progress.tokens, client.body) == (End.CLIENT_GONE, 2, b"xx")


async def test_real_clock_moves() -> None:
    clock = RealClock()
    before_s = clock.now()
    await clock.sleep(0.0)
    assert clock.now() >= before_s
    assert clock.wall() > 1_700_000_000
