"""Requests go on together, part by part; one that is cancelled between two parts leaves nothing behind."""

from __future__ import annotations

import asyncio
import json

import pytest
from msgspec import Raw
from msgspec.structs import replace

from proxy.core.call import Headers
from proxy.core.failure import Failure
from proxy.core.ports import KeyAsk, KeyGrant, Sink, UpstreamRequest, Wait
from proxy.core.records import CloseRecord, OpenRecord
from proxy.gateway.accounting import Account
from proxy.gateway.cohort import others_first
from proxy.gateway.pipeline import Way, handle
from proxy.gateway.relay import deliver
from tests.fakes.prices import flat_price
from tests.unit.gateway.engine import NOON_S, Bench, key
from tests.unit.routing.build import call, candidate, model, provider

OF = model(candidate(provider("up"), price=flat_price("2", "10")))
KEY = key(parallel=1, rpm=1_000_000, tpm=1_000_000, day_nusd=10**12)
ANSWER = json.dumps(
    {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
    }
).encode()


class Whole:
    """An answer that has come as a whole."""

    status = 200
    headers: Headers = ((b"content-type", b"application/json"),)

    def __init__(self) -> None:
        self.is_closed = False

    async def read(self, wait: Wait) -> bytes | Failure:
        return b""

    def take_whole(self) -> bytes | None:
        return ANSWER

    def hand_to(self, sink: Sink | None) -> None:
        raise AssertionError("it is whole")

    async def aclose(self) -> None:
        self.is_closed = True


class Upstream:
    """A transport that needs a round of the event loop."""

    def __init__(self) -> None:
        self.answers: list[Whole] = []

    async def send(self, request: UpstreamRequest, connect: Wait, head: Wait) -> Whole:
        await asyncio.sleep(0)
        self.answers.append(Whole())
        return self.answers[-1]

    async def aclose(self) -> None:
        """Nothing is open."""


class Client:
    """What it was sent."""

    started = is_silent = False

    def __init__(self) -> None:
        self.answered: list[bytes] = []

    async def answer(self, status: int, lines: bytes, body: bytes) -> None:
        self.answered.append(body)

    async def begin(self, status: int, lines: bytes) -> None:
        raise AssertionError("it is whole")

    async def write(self, body: bytes) -> None:
        raise AssertionError("it is whole")

    def write_now(self, body: bytes) -> bool:
        raise AssertionError("it is whole")

    async def end(self, body: bytes = b"") -> None:
        raise AssertionError("it is whole")


async def test_all_do_one_part_before_any_does_the_next() -> None:
    done: list[str] = []

    async def request(name: str) -> None:
        for part in "123":
            done.append(part + name)
            await others_first()

    await asyncio.gather(*[request(name) for name in "abc"])
    assert done == ["1a", "1b", "1c", "2a", "2b", "2c", "3a", "3b", "3c"]


async def test_request_between_two_parts_can_be_cancelled() -> None:
    task = asyncio.create_task(_wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _wait() -> None:
    await others_first()


async def cancelled_after(rounds: int) -> str | None:
    """Cancel a request after so many rounds of the event loop; check what it leaves and return how it ended."""
    bench, upstream, client = Bench(), Upstream(), Client()
    bench.engine.transport = upstream
    request = replace(call(), key=KEY, arrived_s=bench.clock.now(), fields={"model": Raw(b'"m"')})
    account = Account(bench.engine, request, started_at_s=NOON_S)
    task = asyncio.create_task(handle(bench.engine, request, client, account, Way(lambda *_: OF, deliver)))
    for _ in range(rounds):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    view = bench.state.view
    assert not view.in_flight and not view.provider_in_flight
    assert all(answer.is_closed for answer in upstream.answers)
    assert isinstance(await bench.state.reserve(KeyAsk(KEY, 1, 1, bench.clock.now(), NOON_S)), KeyGrant)
    opened = [record for record in bench.told if isinstance(record, OpenRecord)]
    closed = [record for record in bench.told if isinstance(record, CloseRecord)]
    assert len(opened) <= len(closed) == account.is_admitted
    assert len(opened) >= len(upstream.answers), "recorded before it is sent"
    assert (account.end == "ok") == (client.answered == [ANSWER])
    if closed and upstream.answers:
        assert closed[0].cost_nusd is not None
    return account.end


async def test_request_cancelled_in_any_round_leaves_nothing_and_is_recorded_once() -> None:
    ends: list[str | None] = []
    while not ends or ends[-1] != "ok":
        ends.append(await cancelled_after(len(ends)))
        assert len(ends) < 20
    assert ends[0] is None, "it had not begun"
    assert set(ends[1:-1]) == {"client_gone"}
    assert len(ends) > 6, "a round for each wait"
