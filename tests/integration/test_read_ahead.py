"""How much of an upstream's bytes is read that the client is not waiting for."""

from __future__ import annotations

import asyncio

from tests.fakes.rawserver import BLINK_S, Peer, RawServer, chunk, response
from tests.fakes.rawstreams import DONE, FINISH, HEAD, ROLE, said
from tests.fakes.stage import Upstream, stage
from tests.fakes.upstream_calls import settles
from tests.integration.faults.cases import BOTH

WHOLE = chunk(ROLE, *said("Hello"), FINISH, DONE)
COMMENT = chunk(b": bye\n")


async def test_connection_of_a_stream_is_used_again_although_its_end_comes_after_the_terminator() -> None:
    async def linger(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(HEAD + WHOLE, COMMENT, COMMENT, b"0\r\n\r\n", gap_s=BLINK_S)

    async with RawServer(linger) as first, stage(Upstream("first", "gpt", first.url)) as on:
        for _ in range(3):
            heard = await on.ask(stream=True)
            heard.check_clean()
            assert heard.text == "Hello"
            assert await on.quiet()
        assert first.accepted == 1


async def test_connection_of_a_stream_that_goes_on_after_its_terminator_is_given_up_soon() -> None:
    async def never_end(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + WHOLE)
        while True:
            await peer.send(COMMENT, gap_s=BLINK_S)

    async with RawServer(never_end) as first, stage(Upstream("first", "gpt", first.url)) as on:
        (await on.ask(stream=True)).check_clean()
        assert await settles(lambda: first.open == 0, 3.0), "its connection is closed"


@BOTH
async def test_refusal_without_an_end_is_judged_by_its_head(stream: bool) -> None:
    start = b'{"error":{"message":"slow down","code":"rate_limit_exceeded"},"padding":"' + b"x" * 70_000
    endless = response(start, b"Content-Type: application/json", status=b"429 Too Many")
    endless = endless.replace(b"Content-Length: ", b"Content-Length: 9")

    async def refuse(peer: Peer) -> None:
        await peer.request()
        await peer.send(endless)
        await peer.gone()

    async with RawServer(refuse) as first, stage(Upstream("first", "gpt", first.url), Upstream("second")) as on:
        async with asyncio.timeout(2):
            heard = await on.ask(stream=stream)
        heard.check_whole("second")
        assert heard.trail == "first=rate_limited;second=ok"
