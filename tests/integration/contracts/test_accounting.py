"""DESIGN.md sections 4, 5 and 8: every request that was resolved is told to the ledger once, before its last bytes."""

from __future__ import annotations

import asyncio

import pytest

from proxy.core.records import CloseRecord, OpenRecord
from proxy.core.usage import Usage
from tests.fakes.rawserver import Handler, Peer, cut_after, refused_url
from tests.fakes.rawstreams import DONE, FINISH, cut, streaming
from tests.fakes.rawstreams import said as spoken
from tests.fakes.wireclient import WireClient, chat
from tests.integration.contracts.ledger import kept
from tests.integration.contracts.scene import TWO, Witness, ask, refused, said, scene, streamed

HI = spoken("Hi")[0]
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
STREAM = streamed(HI, FINISH, USAGE, DONE)
OUTCOMES = [
    pytest.param(Witness(said()), "ok", ["a:ok:False"], Usage(3, 2), False, id="answered"),
    pytest.param(Witness(STREAM), "ok", ["a:ok:False"], Usage(3, 2), True, id="streamed"),
    pytest.param(Witness(refused(429)), "ok", ["a:rate_limited:True", "b:ok:False"], Usage(3, 2), False, id="failover"),
    pytest.param(
        cut_after(said(), 150), "ok", ["a:protocol:True", "b:ok:False"], Usage(3, 2), False, id="cut-in-the-body"
    ),
    pytest.param(
        streaming(HI, USAGE, ending=cut, gap_s=0.03), "truncated", ["a:truncated:True"], Usage(3, 2), True, id="cut"
    ),
]


@pytest.mark.parametrize(("first", "end", "attempts", "usage", "stream"), OUTCOMES)
async def test_request_is_recorded_once_with_its_attempts_and_usage(
    first: Handler, end: str, attempts: list[str], usage: Usage, stream: bool
) -> None:
    async with scene(TWO, a=first, b=Witness(said())) as gateway:
        ledger = kept(gateway)
        heard = await ask(gateway, stream=stream, headers={"x-fairlead-tags": "one, two"})
        opened, closed = ledger.told[0], ledger.closed
    assert isinstance(opened, OpenRecord)
    assert (opened.model, opened.endpoint, opened.tags, opened.stream) == ("m", "chat", ("one", "two"), stream)
    assert opened.request_id == heard.headers["x-fairlead-request-id"]
    assert closed.end == end
    assert [f"{row.provider}:{row.outcome}:{row.maybe_billed}" for row in closed.attempts] == attempts
    assert closed.usage == usage


async def test_tags_of_several_lines_are_all_recorded() -> None:
    async with scene(TWO, a=Witness(said()), b=Witness(said())) as gateway, WireClient(gateway.url) as client:
        ledger = kept(gateway)
        await client.ask({"model": "m", "messages": []}, {"x-fairlead-tags": "one, two\r\nx-fairlead-tags: three"})
    assert ledger.closed.tags == ("one", "two", "three")


async def test_attempt_that_was_never_sent_is_not_maybe_billed() -> None:
    toml = TWO.replace("@a", refused_url())
    async with scene(toml, b=Witness(said())) as gateway:
        ledger = kept(gateway)
        await ask(gateway)
    assert [(row.outcome, row.maybe_billed) for row in ledger.closed.attempts] == [("connect", False), ("ok", False)]


async def test_failed_request_is_closed_as_failed() -> None:
    async with scene(TWO, a=Witness(refused(500)), b=Witness(refused(500))) as gateway:
        ledger = kept(gateway)
        await ask(gateway)
    assert (ledger.closed.end, len(ledger.closed.attempts), ledger.closed.usage) == ("failed", 2, None)


async def test_request_that_nobody_was_asked_is_a_close_alone() -> None:
    limited = refused(429, "slow down", b"Retry-After: 60")
    async with scene(TWO, a=Witness(limited), b=Witness(limited)) as gateway:
        await ask(gateway)
        ledger = kept(gateway)
        assert (await ask(gateway)).status == 429
    (closed,) = ledger.told
    assert isinstance(closed, CloseRecord)
    assert (closed.end, list(closed.attempts)) == ("failed", [])


@pytest.mark.parametrize("wanted", ["nobody", "", "a/x"])
async def test_request_that_is_refused_before_it_is_resolved_has_no_record(wanted: str) -> None:
    async with scene(TWO, a=Witness(said()), b=Witness(said())) as gateway:
        ledger = kept(gateway)
        assert (await ask(gateway, wanted)).status in (400, 404)
    assert ledger.told == []


@pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
async def test_open_comes_before_the_upstream_and_close_before_the_last_bytes(stream: bool) -> None:
    asked, answering = asyncio.Event(), asyncio.Event()

    async def hold_the_end(peer: Peer) -> None:
        await peer.request()
        asked.set()
        if stream:
            await peer.send(STREAM[: STREAM.index(b"data: [DONE]") - 4])
        await answering.wait()
        await peer.send(STREAM[STREAM.index(b"data: [DONE]") - 4 :] if stream else said())
        await peer.gone()

    async with scene(TWO, a=hold_the_end, b=Witness(said())) as gateway, WireClient(gateway.url) as client:
        ledger = kept(gateway)
        client.send(chat("m", stream=stream))
        await asyncio.wait_for(asked.wait(), 5)
        assert len(ledger.told) == 1
        if stream:
            _, headers = await client.head()
            while FINISH not in await client.chunk():
                pass
            assert len(ledger.told) == 1
            answering.set()
            assert await client.body(headers) == DONE
        else:
            answering.set()
            _, headers = await client.head()
        assert ledger.closed.end == "ok"


@pytest.mark.parametrize("stream", [pytest.param(True, id="stream"), pytest.param(False, id="whole")])
async def test_client_that_leaves_is_closed_as_gone_with_an_estimate(stream: bool) -> None:
    asked = asyncio.Event()

    async def say_nothing(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.gone()

    async with scene(TWO, a=say_nothing, b=Witness(said())) as gateway:
        ledger = kept(gateway)
        async with WireClient(gateway.url) as client:
            client.send(chat("m", stream=stream))
            await asyncio.wait_for(asked.wait(), 5)
        async with asyncio.timeout(2):
            while len(ledger.told) < 2:
                await asyncio.sleep(0.01)
        closed = ledger.closed
    assert (closed.end, [row.outcome for row in closed.attempts]) == ("client_gone", ["client_gone"])
    assert closed.usage is not None
    assert closed.usage.estimated
    assert closed.usage.prompt_tokens > 0
