"""Requests go on together, part by part; one that is cancelled between two parts leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from msgspec import Raw
from msgspec.structs import replace

from proxy.core.call import Headers
from proxy.core.failure import Failure, FailureKind, Scope
from proxy.core.ports import KeyAsk, KeyGrant, Sink, UpstreamRequest, Wait
from proxy.core.records import CloseRecord, OpenRecord
from proxy.core.snapshot import Snapshot
from proxy.core.usage import Usage
from proxy.gateway.accounting import Account
from proxy.gateway.cohort import others_first
from proxy.gateway.pipeline import Way, handle
from proxy.gateway.relay import deliver
from tests.fakes.prices import flat_price
from tests.unit.gateway.engine import NOON_S, Bench, key
from tests.unit.routing.build import call, candidate, model, provider

PRICE = flat_price("2", "10")
OF = model(candidate(provider("down"), price=PRICE), candidate(provider("up"), price=PRICE))
COST_NUSD = 7 * 2_000 + 5 * 10_000
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
    """A transport that needs a round of the event loop, and may reach nobody at its first attempt."""

    def __init__(self, *, fails_once: bool = False) -> None:
        self.fails_once = fails_once
        self.sends = 0
        self.answers: list[Whole] = []

    async def send(self, request: UpstreamRequest, connect: Wait, head: Wait) -> Whole | Failure:
        self.sends += 1
        await asyncio.sleep(0)
        if self.sends == 1 and self.fails_once:
            return Failure(FailureKind.CONNECT, Scope.PROVIDER, request_sent=False)
        self.answers.append(Whole())
        return self.answers[-1]

    async def aclose(self) -> None:
        """Nothing is open."""


class Client:
    """What it was sent."""

    is_silent = False

    def __init__(self) -> None:
        self.started = False
        self.answered: list[bytes] = []
        self.last = b""

    async def answer(self, status: int, lines: bytes, body: bytes) -> None:
        assert not self.started, "one status line"
        self.started = True
        self.answered.append(body)

    async def begin(self, status: int, lines: bytes) -> None:
        raise AssertionError("it is whole")

    async def write(self, body: bytes) -> None:
        raise AssertionError("it is whole")

    def write_now(self, body: bytes) -> bool:
        raise AssertionError("it is whole")

    async def end(self, body: bytes = b"") -> None:
        assert self.started, "after a keep-alive"
        self.last = body


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


def begun(bench: Bench, upstream: Upstream, client: Client) -> tuple[Account, asyncio.Task[None]]:
    """Begin a request."""
    bench.engine.transport, bench.engine.snapshot = upstream, Snapshot(models={OF.name: OF})
    request = replace(call(), key=KEY, arrived_s=bench.clock.now(), fields={"model": Raw(b'"m"')})
    account = Account(bench.engine, request, started_at_s=NOON_S)
    return account, asyncio.create_task(handle(bench.engine, request, client, account, Way(lambda *_: OF, deliver)))


async def ended_after(rounds: int, how: Callable[[Account], None] = lambda _: None) -> Account:
    """Cancel a request after so many rounds of the event loop, and check what it leaves.

    Args:
        how: What is done before it is cancelled.
    """
    bench, upstream, client = Bench(), Upstream(fails_once=True), Client()
    account, task = begun(bench, upstream, client)
    for _ in range(rounds):
        await asyncio.sleep(0)
    if not task.done():
        how(account)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    view = bench.state.view
    assert not view.in_flight and not view.provider_in_flight
    assert all(answer.is_closed for answer in upstream.answers)
    assert isinstance(await bench.state.reserve(KeyAsk(KEY, 1, 1, bench.clock.now(), NOON_S)), KeyGrant)
    opened = [record for record in bench.told if isinstance(record, OpenRecord)]
    closed = [record for record in bench.told if isinstance(record, CloseRecord)]
    assert len(opened) <= len(closed) == account.is_admitted
    assert len(opened) == (upstream.sends > 0), "recorded before it is sent"
    assert (account.end == "ok") == (client.answered == [ANSWER])
    if closed and upstream.answers:
        assert closed[0].cost_nusd is not None
    if account.attempts and account.attempts[-1].outcome == "ok":
        assert account.usage == Usage(7, 5), "as the upstream counted it"
        assert account.cost is not None and account.cost.nusd == COST_NUSD
    assert bench.state.keys.spent(NOON_S)["ci"][0] == (account.cost.nusd if account.cost else 0)
    return account


async def every_round(how: Callable[[Account], None] = lambda _: None) -> list[Account]:
    """Cancel requests after one round, two rounds and so on, up to one that was answered before."""
    accounts: list[Account] = []
    while not accounts or accounts[-1].end != "ok":
        accounts.append(await ended_after(len(accounts), how))
        assert len(accounts) < 20
    assert len(accounts) > 6, "a round for each wait"
    assert accounts[0].end is None, "it had not begun"
    assert any(account.attempts and account.attempts[-1].outcome == "ok" for account in accounts[1:-1])
    return accounts[1:]


async def test_request_cancelled_in_any_round_leaves_nothing_and_is_recorded_once() -> None:
    *left, answered = await every_round()
    assert {(account.end, account.status, account.committed_s) for account in left} == {("client_gone", 499, None)}
    assert (answered.status, answered.trail) == (200, "down=connect;up=ok")


async def test_request_that_a_shutdown_ends_in_any_round_is_recorded_with_the_error_that_it_gets() -> None:
    *left, answered = await every_round(Account.shut_down)
    assert {(account.end, account.status, account.error) for account in left} == {("failed", 503, "overloaded")}
    assert (answered.end, answered.status) == ("ok", 200)


async def test_keep_alive_in_any_round_is_never_followed_by_another_status_line() -> None:
    ends: list[str | None] = []
    while not ends or ends[-1] != "ok":
        bench, client = Bench(), Client()
        account, task = begun(bench, Upstream(), client)
        for _ in range(len(ends)):
            await asyncio.sleep(0)
        if not client.started:
            client.started, account.status, account.committed_s = True, 200, bench.clock.now()
        await task
        ends.append(account.end)
        assert (account.end == "truncated") == (b"upstream_truncated" in client.last) == (not client.answered)
        assert (account.status, account.usage) == (200, Usage(7, 5))
        assert len(ends) < 20
    assert set(ends[:-1]) == {"truncated"}
    assert len(ends) > 6, "a round for each wait"
