"""Pieces of a body handed on within the event loop's call: what the sink gets, when the reader wakes, what ends it."""

from __future__ import annotations

import asyncio
import zlib

import pytest

from proxy.core.failure import Failure, FailureKind
from proxy.core.ports import Sink, Transport, UpstreamResponse
from proxy.upstream.native import NativeTransport
from tests.fakes.rawserver import Peer, RawServer, chunk
from tests.fakes.upstream_calls import post, sent, wait

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECES = [b"one", b"two", b"three", b"four"]
END = b"0\r\n\r\n"
GAP_S = 0.03


async def paced(peer: Peer) -> None:
    """Each piece apart from the others, then the end, for one request after the other."""
    while True:
        await peer.request()
        await peer.send(HEAD, *[chunk(piece) for piece in PIECES], END, gap_s=GAP_S)


def keeping(taken: list[bytes]) -> Sink:
    """A sink that keeps all it gets."""

    def take(piece: bytes) -> bool:
        taken.append(piece)
        return True

    return take


async def read_all(response: UpstreamResponse) -> list[bytes]:
    """What `read` returned until the end; the sink must not have said stop."""
    pieces = []
    while piece := await response.read(wait()):
        assert isinstance(piece, bytes)
        pieces.append(piece)
    return pieces


async def test_pieces_reach_the_sink_or_the_reader_each_once_and_in_order(transport: Transport) -> None:
    async with RawServer(paced) as server:
        response = await sent(transport, post(server.url))
        taken: list[bytes] = []

        response.hand_to(keeping(taken))
        returned = await read_all(response)
        await response.aclose()
    assert sorted(taken + returned) == sorted(PIECES)
    assert [piece for piece in PIECES if piece in taken] == taken


async def test_native_hands_every_piece_that_comes_while_a_read_waits(native: NativeTransport) -> None:
    async with RawServer(paced) as server:
        response = await sent(native, post(server.url))
        taken: list[bytes] = []
        response.hand_to(keeping(taken))
        assert await read_all(response) == []
        await response.aclose()
    assert taken == PIECES


@pytest.mark.parametrize("stop_after", range(1, len(PIECES) + 1))
async def test_sink_that_stops_wakes_the_reader_and_loses_nothing(native: NativeTransport, stop_after: int) -> None:
    async with RawServer(paced) as server:
        response = await sent(native, post(server.url))
        taken: list[bytes] = []

        def take(piece: bytes) -> bool:
            taken.append(piece)
            return len(taken) < stop_after

        response.hand_to(take)
        assert await response.read(wait()) == b""
        assert taken == PIECES[:stop_after]
        response.hand_to(None)
        rest = await read_all(response)
        await response.aclose()
    assert taken + rest == PIECES


async def test_pieces_that_come_after_the_stop_and_before_the_next_read_are_returned(native: NativeTransport) -> None:
    async def burst(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD, chunk(b"one"), gap_s=GAP_S)
        await peer.send(chunk(b"two"), chunk(b"three"), END)
        await peer.gone()

    async with RawServer(burst) as server:
        response = await sent(native, post(server.url))
        response.hand_to(lambda piece: False)
        assert await response.read(wait()) == b""
        await asyncio.sleep(3 * GAP_S)  # nobody reads, so nothing is handed on
        assert b"".join(await read_all(response)) == b"twothree"
        await response.aclose()


async def test_each_piece_grants_the_same_wait_again(native: NativeTransport) -> None:
    async with RawServer(paced) as server:
        response = await sent(native, post(server.url))
        taken: list[bytes] = []
        response.hand_to(keeping(taken))
        # Less than all the gaps together, more than any one of them.
        assert await response.read(wait(3 * GAP_S)) == b""
        await response.aclose()
    assert taken == PIECES


async def test_silence_after_a_piece_ends_the_wait(native: NativeTransport) -> None:
    async def stall(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD, gap_s=GAP_S)
        await peer.send(chunk(b"one"))
        await peer.gone()

    async with RawServer(stall) as server:
        response = await sent(native, post(server.url))
        taken: list[bytes] = []
        response.hand_to(keeping(taken))
        failure = await response.read(wait(0.15))
        await response.aclose()
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.TIMEOUT_IDLE
    assert taken == [b"one"]


async def test_cut_in_the_middle_is_a_failure_whatever_the_sink_took(native: NativeTransport) -> None:
    async def cut(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD, chunk(b"one"), gap_s=GAP_S)
        peer.close()

    async with RawServer(cut) as server:
        response = await sent(native, post(server.url))
        response.hand_to(lambda piece: True)
        assert isinstance(await response.read(wait()), Failure)
        await response.aclose()


async def test_connection_is_used_again_and_its_next_answer_goes_to_the_reader(native: NativeTransport) -> None:
    async with RawServer(paced) as server:
        for handed in (True, False):
            response = await sent(native, post(server.url))
            taken: list[bytes] = []
            if handed:
                response.hand_to(keeping(taken))
            returned = await read_all(response)
            await response.aclose()
            assert taken + returned == PIECES
        assert server.accepted == 1


async def test_coded_body_is_returned_decoded(native: NativeTransport) -> None:
    async def coded(peer: Peer) -> None:
        packed = zlib.compress(b"plain text", wbits=31)
        await peer.request()
        await peer.send(
            HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"), chunk(packed), END, gap_s=GAP_S
        )
        await peer.gone()

    async with RawServer(coded) as server:
        response = await sent(native, post(server.url))
        taken: list[bytes] = []
        response.hand_to(keeping(taken))
        assert b"".join(await read_all(response)) == b"plain text"
        assert taken == []
        await response.aclose()
