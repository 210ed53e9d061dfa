"""F14 and F19: a client that leaves takes its upstream request with it, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest

from proxy.edge.exchange import Exchange
from proxy.gateway.accounting import Account
from proxy.gateway.events import EventReader
from proxy.upstream.connection import Connection
from tests.fakes.rawserver import Handler, Peer, RawServer, response, silence, stall_after
from tests.fakes.rawstreams import HEAD, ROLE, event, said, stall, streaming
from tests.fakes.stage import Stage, Upstream, stage
from tests.fakes.upstream_calls import open_files, settles
from tests.fakes.wireclient import WireClient, chat
from tests.integration.faults.cases import BOTH, SECOND

CANCELLED_S = 1.0
ANSWER = b'{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
HALF = response(ANSWER, b"Content-Type: application/json")

Leave = Callable[[WireClient], None]
LEAVING = pytest.mark.parametrize("leave", [WireClient.close, WireClient.reset])
TRANSPORTS = pytest.mark.parametrize("transport", ["native", "httpx"])


class Wait(NamedTuple):
    """What the upstream does while the client leaves."""

    handler: Handler
    stream: bool


WAITS = [
    pytest.param(Wait(silence(), True), id="stream-without-headers"),
    pytest.param(Wait(stall_after(HEAD, len(HEAD)), True), id="stream-without-output"),
    pytest.param(Wait(streaming(ROLE, ending=stall), True), id="stream-with-a-role"),
    pytest.param(Wait(silence(), False), id="whole-without-headers"),
    pytest.param(Wait(stall_after(HALF, 120), False), id="whole-with-half-a-body"),
]


async def check_unblamed(on: Stage) -> None:
    """Hold that nobody is called instead, and that nothing is held against the provider."""
    assert await on.quiet(CANCELLED_S)
    assert on.calls("second") == 0
    assert not on.is_anything_aside()
    assert on.breaker("first", "gpt") == 0
    assert on.gateway.metric("streams_truncated_total", provider="first") == 0


@TRANSPORTS
@LEAVING
@pytest.mark.parametrize("wait", WAITS)
async def test_f14_client_that_leaves_before_the_first_token(wait: Wait, leave: Leave, transport: str) -> None:
    more = f'transport = "{transport}"'
    async with RawServer(wait.handler) as first, stage(Upstream("first", "gpt", first.url, more=more), SECOND) as on:
        async with WireClient(on.gateway.url) as client:
            client.send(chat("m", stream=wait.stream))
            assert await settles(lambda: first.open == 1)
            await asyncio.sleep(0.05)
            leave(client)
            assert await settles(lambda: first.open == 0, CANCELLED_S), "the upstream request is cancelled"
        await check_unblamed(on)
        assert on.attempts("first", "client_gone") == 1
        (record,) = await on.records(1)
        assert record["http.response.status_code"] == 499
        assert on.gateway.metric("requests_total", endpoint="chat", model="m", status="499") == 1
        assert record["fairlead.end"] == "client_gone"
        assert record["fairlead.trail"] == "first=client_gone"
        assert record["fairlead.usage_estimated"] is True
        assert record["gen_ai.usage.input_tokens"] > 0, "the upstream may have read the prompt"
        assert record["gen_ai.usage.output_tokens"] == 0


@TRANSPORTS
@LEAVING
async def test_f14_client_that_leaves_after_the_first_token(leave: Leave, transport: str) -> None:
    more = f'transport = "{transport}"'
    handler = streaming(ROLE, *said("Once", " upon", " a"), ending=stall)
    async with RawServer(handler) as first, stage(Upstream("first", "gpt", first.url, more=more), SECOND) as on:
        async with WireClient(on.gateway.url) as client:
            client.send(chat("m", stream=True))
            await client.hear(b'" a"')
            leave(client)
            assert await settles(lambda: first.open == 0, CANCELLED_S), "the upstream request is cancelled"
        await check_unblamed(on)
        assert on.attempts("first", "ok") == 1
        (record,) = await on.records(1)
        assert record["http.response.status_code"] == 200
        assert record["fairlead.end"] == "client_gone"
        assert record["fairlead.usage_estimated"] is True
        assert record["gen_ai.usage.input_tokens"] > 0
        assert record["gen_ai.usage.output_tokens"] == 3
        assert on.gateway.metric("tokens_total", provider="first", model="m", type="completion") == 3


async def test_f14_client_that_leaves_a_stream_in_full_flow() -> None:
    """The upstream keeps sending: the gateway notices by its own writes as well as by the close."""
    async with stage(Upstream("first", "sim-rate-200-tokens-2000"), SECOND) as on:
        async with WireClient(on.gateway.url) as client:
            client.send(chat("m", stream=True))
            await client.hear(b"simula")
            client.close()
            assert await settles(lambda: on.arrivals("first")[0].ended_at_s is not None, CANCELLED_S)
        await check_unblamed(on)
        assert on.arrivals("first")[0].progress.end == "client_gone"
        (record,) = await on.records(1)
        sent = on.arrivals("first")[0].progress.tokens
        assert 0 < record["gen_ai.usage.output_tokens"] <= sent < 2000


async def test_f14_usage_that_the_upstream_reported_before_is_not_estimated() -> None:
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    handler = streaming(ROLE, *said("Once"), event({"content": " upon"}, usage=usage), ending=stall)
    async with RawServer(handler) as first, stage(Upstream("first", "gpt", first.url), SECOND) as on:
        async with WireClient(on.gateway.url) as client:
            client.send(chat("m", stream=True))
            await client.hear(b" upon")
            client.close()
            assert await on.quiet(CANCELLED_S)
        (record,) = await on.records(1)
        assert "fairlead.usage_estimated" not in record
        assert (record["gen_ai.usage.input_tokens"], record["gen_ai.usage.output_tokens"]) == (11, 7)


@BOTH
async def test_f14_many_leaving_clients_never_open_a_breaker(stream: bool) -> None:
    async with RawServer(silence()) as first, stage(Upstream("first", "gpt", first.url), SECOND) as on:
        for _ in range(8):
            async with WireClient(on.gateway.url) as client:
                client.send(chat("m", stream=stream))
                assert await settles(lambda: first.open == 1)
                client.close()
                assert await settles(lambda: first.open == 0, CANCELLED_S)
        await check_unblamed(on)
        assert first.accepted == 8


@BOTH
async def test_f14_client_that_leaves_before_its_request_is_whole_reaches_no_upstream(stream: bool) -> None:
    async with stage(Upstream("first"), SECOND) as on:
        async with WireClient(on.gateway.url) as client:
            body = json.dumps(chat("m", stream=stream)).encode()
            client.begin(len(body))
            client.writer.write(body[:-10])
            await asyncio.sleep(0.15)
            assert on.gateway.parts.edge.admission.in_flight == 1
            client.close()
            assert await on.quiet(CANCELLED_S)
        assert on.calls("first") == 0
        (record,) = await on.records(1)
        assert record["http.response.status_code"] == 499


@BOTH
async def test_f14_client_that_leaves_while_a_short_limit_is_sat_out_causes_no_further_send(stream: bool) -> None:
    async with stage(Upstream("first", "sim-429-retry-after-1-first-1")) as on:
        async with WireClient(on.gateway.url) as client:
            client.send(chat("m", stream=stream))
            assert await settles(lambda: on.calls("first") == 1)
            client.close()
            assert await on.quiet(0.9)
        await asyncio.sleep(0.5)
        assert on.calls("first") == 1
        (record,) = await on.records(1)
        assert record["fairlead.end"] == "client_gone"
        assert record["fairlead.trail"] == "first=rate_limited"
        assert "gen_ai.usage.input_tokens" not in record, "a refused request is not billed"


@BOTH
async def test_f14_client_that_leaves_during_failover_stops_at_the_provider_it_left(stream: bool) -> None:
    async with RawServer(silence()) as second:
        async with stage(Upstream("first", "sim-500"), Upstream("second", "gpt", second.url)) as on:
            async with WireClient(on.gateway.url) as client:
                client.send(chat("m", stream=stream))
                assert await settles(lambda: second.open == 1)
                client.close()
                assert await settles(lambda: second.open == 0, CANCELLED_S)
            assert await on.quiet(CANCELLED_S)
            (record,) = await on.records(1)
            assert record["fairlead.trail"] == "first=server_error;second=client_gone"
            assert not on.is_anything_aside()


STREAMS = 100
KEPT_PER_REQUEST = (Exchange, Account, EventReader, Connection, asyncio.Task, asyncio.TimerHandle)


def census() -> Counter[str]:
    """Count the objects that belong to one request each. The loop forgets a cancelled timer when it likes."""
    gc.collect()
    found = [thing for thing in gc.get_objects() if isinstance(thing, KEPT_PER_REQUEST)]
    return Counter(
        type(thing).__name__ for thing in found if not (isinstance(thing, asyncio.TimerHandle) and thing.cancelled())
    )


def live_blocks() -> int:
    """Count what the interpreter has allocated. Resident memory says little in a process that ran many tests before;
    `make soak` watches that of a gateway alone."""
    gc.collect()
    return sys.getallocatedblocks()


async def cancel_a_hundred(on: Stage, first: RawServer, number: int) -> None:
    """Open a hundred streams and leave them all at once, after their first token or before it."""
    clients = [WireClient(on.gateway.url) for _ in range(STREAMS)]
    await asyncio.gather(*(client.__aenter__() for client in clients))
    for client in clients:
        client.send(chat("m", stream=True))
    if number % 2:
        await asyncio.gather(*(client.hear(b"Once") for client in clients))
    assert await settles(lambda: first.open == STREAMS)
    assert on.gateway.metric("in_flight_requests", model="m") == STREAMS
    for client in clients:
        client.close()
    assert await settles(lambda: first.open == 0, CANCELLED_S), f"{first.open} upstream connections are still open"
    assert await on.quiet(CANCELLED_S)
    await asyncio.gather(*(client.__aexit__() for client in clients))


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize(("transport", "rounds"), [("native", 20), ("httpx", 4)])
async def test_f19_a_hundred_streams_cancelled_at_once_leave_nothing_behind(transport: str, rounds: int) -> None:
    async def now_and_then(peer: Peer) -> None:
        await (talking if flags["talks"] else silent)(peer)

    flags = {"talks": False}
    talking, silent = streaming(ROLE, *said("Once"), ending=stall), silence()
    more = f'transport = "{transport}"'
    async with RawServer(now_and_then) as first, stage(Upstream("first", "gpt", first.url, more=more), SECOND) as on:
        files, things, blocks = 0, Counter[str](), 0
        for number in range(rounds):
            flags["talks"] = bool(number % 2)
            await cancel_a_hundred(on, first, number)
            if number == rounds // 4:  # by now every lazy thing has been made
                files, things, blocks = open_files(), census(), live_blocks()
        assert await settles(lambda: open_files() <= files)
        assert await settles(lambda: not census() - things), census() - things
        cancelled = (rounds - rounds // 4 - 1) * STREAMS
        assert await settles(lambda: live_blocks() - blocks < cancelled), "more than a block stays for each request"
        assert len(await on.records(STREAMS * rounds)) == STREAMS * rounds, "each has its line in the log"
        await check_unblamed(on)
        assert first.accepted == STREAMS * rounds
        assert on.attempts("first", "ok") == STREAMS * rounds / 2
        assert on.attempts("first", "client_gone") == STREAMS * rounds / 2
