"""Lists of providers over real sockets: when they are asked for, what is kept, what is done about those who fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from proxy.core.access import Access
from proxy.core.accounts import GoogleAccount, identity
from proxy.core.failure import Failure
from proxy.core.health import CandidateId
from proxy.core.secret import Secret
from proxy.core.snapshot import Credential, Provider, Server, Snapshot
from proxy.upstream.modellists import MOST, USUAL, ModelLists, Patience
from proxy.upstream.probes import Bounds
from proxy.upstream.tokens import Tokens
from tests.fakes.clock import ShiftedClock
from tests.fakes.prices import flat_price
from tests.fakes.rawserver import (
    Handler,
    Peer,
    RawServer,
    answer,
    chunk,
    refused_url,
    reset_after,
    response,
    silence,
    stall_after,
)
from tests.fakes.stage import nothing_left
from tests.fakes.upstream_calls import settles

SOON_S = 5.0
HASTY = Patience(wait_s=0.1)
SMALL = Bounds(wait_s=5.0, whole_s=10.0, page_bytes=10_000, models=MOST)
KEY = Credential("key-1", Secret("sk-first"))
OTHER = Credential("key-2", Secret("sk-second"))


class Lists(ModelLists):
    """Those that a test asks, and their clock."""

    def __init__(self, patience: Patience = USUAL, bounds: Bounds = SMALL) -> None:
        self.clock = ShiftedClock()
        super().__init__(Tokens(self.clock), self.clock, patience, bounds)

    async def names(self, *providers: Provider) -> list[str]:
        return [model.name for model in await self.models(configured(*providers), providers)]


@asynccontextmanager
async def lists(patience: Patience = USUAL, bounds: Bounds = SMALL) -> AsyncIterator[Lists]:
    """Hold at the end that nothing is left of what was asked."""
    async with RawServer(answer()):
        pass  # a loop's first server makes uvloop open one descriptor for good
    async with nothing_left():
        asking = Lists(patience, bounds)
        yield asking
        await asking.aclose()


def configured(*providers: Provider) -> Snapshot:
    return Snapshot(server=Server(direct_models=True), providers={each.name: each for each in providers})


def provider(name: str, url: str, **fields: object) -> Provider:
    return Provider(name, "openai_compatible", f"{url}/v1", **{"credentials": (KEY,), **fields})  # type: ignore[arg-type]


def told(*ids: object, **more: object) -> bytes:
    return response(json.dumps({"data": [{"id": each} for each in ids], **more}).encode())


def turns(*answers: bytes) -> Handler:
    """One answer a request, the last for good; each on a connection of its own."""
    left = list(answers)

    async def handle(peer: Peer) -> None:
        await peer.request()
        await peer.send(left.pop(0) if len(left) > 1 else left[0])
        peer.close()

    return handle


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "fairlead.models"]


async def test_list_is_fresh_for_a_while_then_asked_for_anew() -> None:
    async with lists() as asking, RawServer(turns(told("b", "a"), told("c"))) as server:
        row = provider("p", server.url)
        assert await asking.names(row) == await asking.names(row) == ["p/a", "p/b"]
        asking.clock.advance(USUAL.fresh_s - 60)
        assert await asking.names(row) == ["p/a", "p/b"]
        asking.clock.advance(60)
        assert await asking.names(row) == ["p/c"]
        assert server.accepted == asking.asked == 2


async def test_everybody_at_once_asks_once() -> None:
    async with lists() as asking, RawServer(answer(told("a"))) as server:
        row = provider("p", server.url)
        assert await asyncio.gather(*(asking.names(row) for _ in range(50))) == [["p/a"]] * 50
        assert server.accepted == 1


async def test_last_good_list_is_shown_while_its_provider_fails_but_not_for_good(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = response(b"oops", status=b"500 Internal Server Error")
    async with lists() as asking, RawServer(turns(told("a"), broken)) as server:
        row = provider("p", server.url)
        for _ in range(3):
            assert await asking.names(row) == ["p/a"]
            asking.clock.advance(USUAL.fresh_s)
        asking.clock.advance(USUAL.kept_s)
        assert await asking.names(row) == []
    assert warned(caplog) == ["provider p: its models cannot be listed: 500: the vendor fails right now"]


async def test_dead_provider_is_told_once_and_asked_again_after_a_pause(caplog: pytest.LogCaptureFixture) -> None:
    async with lists() as asking, RawServer(answer(told("a"))) as server:
        rows = provider("dead", refused_url()), provider("p", server.url)
        for number in range(1, 4):
            assert await asking.names(*rows) == await asking.names(*rows) == ["p/a"]
            assert asking.asked == number + 1
            asking.clock.advance(USUAL.retry_s)
    (line,) = warned(caplog)
    assert line.startswith("provider dead: its models cannot be listed: not reached (connection refused)")


async def test_provider_that_fails_again_after_a_success_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    broken = response(b"", status=b"500 Internal Server Error")
    async with lists() as asking, RawServer(turns(broken, told("a"), broken)) as server:
        for _ in range(3):
            await asking.names(provider("p", server.url))
            asking.clock.advance(USUAL.fresh_s)
    assert len(warned(caplog)) == 2


async def test_slow_provider_is_left_out_and_there_the_next_time() -> None:
    go = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.request()
        await go.wait()
        await peer.send(told("late"))

    async with lists(HASTY) as asking, RawServer(slow) as server:
        row = provider("slow", server.url)
        assert await asking.names(row) == await asking.names(row) == []
        go.set()
        assert await settles(lambda: asking._held["slow"].asking is None, SOON_S)
        assert await asking.names(row) == ["slow/late"]
        assert server.accepted == asking.asked == 1


async def test_asking_goes_on_when_its_client_leaves() -> None:
    async with lists() as asking, RawServer(silence()) as server:
        row = provider("p", server.url)
        leaving = asyncio.create_task(asking.names(row))
        assert await settles(lambda: server.open == 1, SOON_S)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        assert asking._held["p"].asking is not None


async def test_silent_provider_is_given_up_in_the_end(caplog: pytest.LogCaptureFixture) -> None:
    bounds = Bounds(wait_s=5.0, whole_s=0.2, page_bytes=10_000)
    async with lists(bounds=bounds) as asking, RawServer(stall_after(told("a"), 40)) as server:
        assert await asking.names(provider("p", server.url)) == []
        assert await settles(lambda: server.open == 0, SOON_S)
    assert warned(caplog) == ["provider p: its models cannot be listed: no whole list within 0.2 s"]


async def test_list_of_more_models_than_anybody_reads_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    everything = told(*(f"m{number:05}" for number in range(5_000)))
    async with lists(bounds=Bounds(page_bytes=1_000_000)) as asking, RawServer(answer(everything)) as server:
        names = await asking.names(provider("p", server.url))
        assert names == [f"p/m{number:05}" for number in range(MOST)]
        asking.clock.advance(USUAL.fresh_s)
        await asking.names(provider("p", server.url))
    assert warned(caplog) == ["provider p: of its models the first 1000 are listed"]


async def test_body_without_an_end_is_not_read_to_it() -> None:
    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b'{"data":['))
        while True:
            await peer.send(chunk(b'{"id":"x"},' * 100))

    async with lists() as asking, RawServer(endless) as server:
        assert await asking.names(provider("p", server.url)) == []
        assert await settles(lambda: server.open == 0, SOON_S)


ODD = [
    pytest.param(response(b"<html>hello</html>"), [], id="html"),
    pytest.param(response(b""), [], id="empty"),
    pytest.param(response(b"null"), [], id="null"),
    pytest.param(response(b'"models"'), [], id="text"),
    pytest.param(response(b'{"data":null}'), [], id="no-list"),
    pytest.param(response(b'{"data":' + b"[" * 9_000), [], id="nested-without-end"),
    pytest.param(response(b'{"data":[{"id":"\xff"}]}'), [], id="no-utf-8"),
    pytest.param(response(b'{"data":[]}'), [], id="nothing"),
    pytest.param(response(b'[{"id":"bare"}]'), ["p/bare"], id="a-bare-list"),
    pytest.param(told("twice", "twice"), ["p/twice"], id="twice-the-same"),
    pytest.param(
        response(b'{"data":[1,null,[],{},{"id":7},{"id":null},{"id":""},{"id":"m","context_length":"x"}]}'),
        ["p/m"],
        id="rows-of-every-shape",
    ),
    pytest.param(
        told("a\r\nx-evil: 1", "\u2028", "x" * 300, "..", "é", "a b"), ["p/a b", "p/é"], id="names-of-every-shape"
    ),
    pytest.param(response(b"{}", b"Location: /x", status=b"302 Found"), [], id="redirect"),
    pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", [], id="another-protocol"),
]


@pytest.mark.parametrize(("said", "names"), ODD)
async def test_odd_list_gives_what_can_be_read_of_it(said: bytes, names: list[str]) -> None:
    async with lists() as asking, RawServer(turns(said)) as server, RawServer(answer(told("a"))) as well:
        assert await asking.names(provider("p", server.url), provider("q", well.url)) == [*names, "q/a"]


async def test_connection_that_breaks_gives_nothing() -> None:
    async with lists() as asking, RawServer(reset_after(told("a"), 60)) as server:
        assert await asking.names(provider("p", server.url)) == []


async def test_next_credential_is_asked_with_where_one_is_refused() -> None:
    async def picky(peer: Peer) -> None:
        while True:
            request = await peer.request()
            is_first = b"sk-first" in request.head
            await peer.send(response(b"{}", status=b"401 Unauthorized") if is_first else told("a"))

    async with lists() as asking, RawServer(picky) as server:
        assert await asking.names(provider("p", server.url, credentials=(KEY, OTHER))) == ["p/a"]


async def test_provider_without_credentials_is_asked() -> None:
    async with lists() as asking, RawServer(answer(told("a"))) as server:
        assert await asking.names(provider("p", server.url, credentials=())) == ["p/a"]


async def test_fault_of_a_library_is_one_of_that_provider(caplog: pytest.LogCaptureFixture) -> None:
    account = GoogleAccount()
    row = provider("p", "http://127.0.0.1:9", credentials=(Credential("account", identity(account), account),))

    class Broken(Tokens):
        async def ready(self, *_: object) -> Access | Failure:
            raise ZeroDivisionError("sk-first")

    async with nothing_left():
        clock = ShiftedClock()
        asking = ModelLists(Broken(clock), clock)
        assert await asking.models(configured(row), [row]) == []
        await asking.aclose()
    assert warned(caplog) == ["provider p: its models cannot be listed: asking failed (ZeroDivisionError)"]


async def test_row_that_stays_the_same_keeps_its_list() -> None:
    async with lists() as asking, RawServer(answer(told("a"))) as server:
        assert await asking.names(provider("p", server.url)) == ["p/a"]
        again = provider("p", server.url)
        asking.keep_only(configured(again))
        (model,) = await asking.models(configured(again), [again])
        assert model.candidates[0].provider is again
        assert asking.asked == 1


async def test_reload_while_a_list_is_waited_for_is_not_shown_old_prices_after_it() -> None:
    go = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.request()
        await go.wait()
        await peer.send(told("a"))

    async with lists() as asking, RawServer(slow) as server:
        row, again, price = provider("p", server.url), provider("p", server.url), flat_price("1")
        waiting = asyncio.create_task(asking.names(row))
        assert await settles(lambda: server.open == 1, SOON_S)
        changed = replace(configured(again), prices={CandidateId("p", "a"): price})
        asking.keep_only(changed)
        go.set()
        assert await waiting == ["p/a"]
        (model,) = await asking.models(changed, [again])
        assert model.candidates[0].price is price
        assert asking.asked == 1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"enabled": False}, id="disabled"),
        pytest.param({"credentials": (OTHER,)}, id="another-key"),
        pytest.param({"headers": (("x-team", "blue"),)}, id="another-header"),
    ],
)
async def test_row_that_changes_loses_its_list(fields: dict[str, object]) -> None:
    async with lists() as asking, RawServer(answer(told("a"))) as server:
        await asking.names(provider("p", server.url))
        changed = provider("p", server.url, **fields)
        asking.keep_only(configured(changed))
        await asking.names(changed)
        assert asking.asked == 2


async def test_row_that_goes_ends_what_is_asked_of_it() -> None:
    async with lists() as asking, RawServer(silence()) as server:
        waiting = asyncio.create_task(asking.names(provider("p", server.url)))
        assert await settles(lambda: server.open == 1, SOON_S)
        asking.keep_only(configured())
        assert await waiting == []
        assert await settles(lambda: server.open == 0, SOON_S)
