"""An attempt's place at its provider comes back however the attempt ends, and only what was sent is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace as replaced

import pytest
from msgspec import Raw
from msgspec.structs import replace

from proxy.core.access import Access, Token
from proxy.core.accounts import GoogleAccount
from proxy.core.call import Headers
from proxy.core.errors import LedgerFull, UpstreamsExhausted
from proxy.core.failure import Failure, FailureKind
from proxy.core.ports import Sink, UpstreamRequest, Wait
from proxy.core.records import OpenRecord
from proxy.core.secret import Secret
from proxy.core.snapshot import Credential, Provider
from proxy.gateway.accounting import Account
from proxy.gateway.attempts import attempt
from tests.unit.gateway.engine import Bench
from tests.unit.routing.build import call, candidate, limited, model, planned, provider, snapshot

OF = model(candidate(provider("up")))


class Refusal:
    """An answer that is an error, and whose end takes its time."""

    status = 500
    headers: Headers = ()

    def __init__(self) -> None:
        self.closing = asyncio.Event()

    async def read(self, wait: Wait) -> bytes | Failure:
        return b""

    def take_whole(self) -> bytes | None:
        return None

    def hand_to(self, sink: Sink | None) -> None:
        raise AssertionError("nobody relays an error")

    async def aclose(self) -> None:
        self.closing.set()
        await asyncio.Event().wait()


class Upstream:
    """A transport whose every request ends as told."""

    def __init__(self, end: Callable[[], Refusal | Failure]) -> None:
        self._end = end
        self.sent: list[UpstreamRequest] = []

    async def send(self, request: UpstreamRequest, connect: Wait, head: Wait) -> Refusal | Failure:
        self.sent.append(request)
        return self._end()

    async def aclose(self) -> None:
        """Nothing is open."""


class Slow:
    """Credentials for which somebody has to wait."""

    def __init__(self, bench: Bench) -> None:
        self._clock = bench.clock

    async def ready(self, provider: Provider, credential: Credential, wait: Wait) -> Access | Failure:
        await self._clock.sleep(3.0)
        return Token(Secret("token"), self._clock.now() + 60)

    async def refresh(
        self, provider: Provider, credential: Credential, refused: Access, wait: Wait
    ) -> Access | Failure:
        raise AssertionError("nothing is refused")


def wired(end: Callable[[], Refusal | Failure]) -> tuple[Bench, Upstream]:
    bench, upstream = Bench(), Upstream(end)
    bench.engine.transport = upstream
    return bench, upstream


async def walk(bench: Bench, deadline_s: float = 600.0, waited_s: float = 0.0) -> Account:
    request = replace(call(), deadline_s=deadline_s, arrived_s=bench.clock.now() - waited_s, fields={"n": Raw(b"1")})
    account = bench.account(request, OF)
    await attempt(bench.engine, bench.engine.snapshot, request, planned(OF, None, request), account)
    return account


async def test_client_that_leaves_while_the_answer_is_closed_leaves_no_place_taken() -> None:
    answer = Refusal()
    bench, _ = wired(lambda: answer)
    task = asyncio.create_task(walk(bench))
    await answer.closing.wait()
    assert not bench.state.view.in_flight
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not bench.state.view.provider_in_flight


async def test_fault_of_this_program_is_no_attempt_and_takes_no_place() -> None:
    def fault() -> Refusal:
        raise ValueError("a request that cannot be written")

    bench, _ = wired(fault)
    with pytest.raises(ValueError, match="cannot be written"):
        await walk(bench)
    assert not bench.state.view.in_flight
    assert bench.metric("attempts_total", provider="up", model="m", outcome="client_gone") == 0


async def test_what_cannot_be_recorded_is_not_sent() -> None:
    class Full(Bench):
        def open(self, record: OpenRecord) -> None:
            raise LedgerFull("no room")

    bench, upstream = Full(), Upstream(Refusal)
    bench.engine.transport = upstream
    with pytest.raises(LedgerFull):
        await walk(bench)
    assert (upstream.sent, bench.state.view.in_flight) == ([], {})


async def test_wait_that_an_upstream_asks_for_is_no_time_of_the_gateway() -> None:
    bench, upstream = wired(lambda: limited(1.5))
    bench.engine.snapshot = snapshot(OF)
    request = replace(call(), fields={"n": Raw(b"1")})
    account = bench.account(request, OF)
    with pytest.raises(UpstreamsExhausted):
        await attempt(bench.engine, bench.engine.snapshot, request, planned(OF, None, request), account)
    assert len(upstream.sent) == len(bench.clock.slept_s) + 1 > 1
    assert account.overhead_s == pytest.approx(0.0)


async def test_wait_for_a_token_is_no_time_of_the_gateway() -> None:
    of = model(candidate(replaced(provider("up"), credentials=(Credential("k", Secret("s"), GoogleAccount()),))))
    bench, upstream = wired(lambda: Failure(FailureKind.SERVER_ERROR))
    bench.engine.credentials = Slow(bench)
    request = replace(call(), fields={"n": Raw(b"1")})
    account = bench.account(request, of)
    with pytest.raises(UpstreamsExhausted):
        await attempt(bench.engine, bench.engine.snapshot, request, planned(of, None, request), account)
    assert upstream.sent and bench.clock.slept_s == [3.0]
    assert account.overhead_s == pytest.approx(0.0)


async def test_no_attempt_begins_when_the_body_took_all_the_time() -> None:
    bench, upstream = wired(Refusal)
    with pytest.raises(UpstreamsExhausted) as refused:
        await walk(bench, deadline_s=60.0, waited_s=61.0)
    assert (refused.value.code, upstream.sent, bench.state.view.asides) == ("upstream_timeout", [], {})
