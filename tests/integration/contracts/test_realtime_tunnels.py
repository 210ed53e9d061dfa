"""WebSockets after the 101: what passes, and every way in which one ends."""

from __future__ import annotations

import asyncio

import pytest
import trustme

from proxy.core.usage import Usage
from tests.fakes.rawserver import Peer, RawServer, server_tls
from tests.fakes.wireclient import WireClient
from tests.integration.contracts.ledger import ended, kept
from tests.integration.contracts.scene import said, scene
from tests.integration.contracts.tunnels import ACCEPTED, CLOSE, MASKED, MASKED_CLOSE, TEXT, accepting, handshake, one


async def test_every_byte_passes_wherever_it_is_cut() -> None:
    heard: list[bytes] = []

    async def talk(peer: Peer) -> None:
        await peer.head()
        await peer.send(ACCEPTED + b"\r\n")
        heard.append(await peer.read(len(MASKED) * 3))
        for byte in TEXT * 3 + CLOSE:
            await peer.send(bytes([byte]), gap_s=0.001)
        peer.close()

    async with scene(one(), a=talk) as gateway, WireClient(gateway.url) as client:
        ledger = kept(gateway)
        for byte in handshake():
            client.writer.write(bytes([byte]))
            await client.writer.drain()
        await client.head()
        for byte in MASKED * 3:
            client.writer.write(bytes([byte]))
            await asyncio.sleep(0.001)
        assert await client.reader.read(-1) == TEXT * 3 + CLOSE
        await ended(ledger)
    assert heard == [MASKED * 3]
    assert ledger.closed.end == "ok"


async def test_bytes_that_come_with_the_handshake_or_its_answer_are_not_lost() -> None:
    heard: list[bytes] = []

    async def talk(peer: Peer) -> None:
        await peer.head()
        await peer.send(ACCEPTED + b"\r\n" + TEXT)
        heard.append(await peer.read(len(MASKED)))
        peer.close()

    async with scene(one(), a=talk) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake() + MASKED)
        await client.head()
        await client.hear(TEXT)
        await client.reader.read(-1)
    assert heard == [MASKED]


async def test_handshake_waits_for_its_turn_behind_another_request() -> None:
    async def both(peer: Peer) -> None:
        head = await peer.head()
        if head.startswith(b"GET"):
            await peer.send(ACCEPTED + b"\r\n" + TEXT)
            await peer.gone()
        await peer.send(said())

    async with scene(one(), a=both) as gateway, WireClient(gateway.url) as client:
        client.send({"model": "m", "messages": []})
        client.writer.write(handshake() + MASKED)
        assert (await client.heard()).status == 200
        status, _ = await client.head()
        assert status == 101
        await client.hear(TEXT)


@pytest.mark.parametrize("is_reset", [False, True], ids=["end", "reset"])
async def test_upstream_that_leaves_without_a_farewell_is_one_that_failed(is_reset: bool) -> None:
    async def leave(peer: Peer) -> None:
        peer.reset() if is_reset else peer.close()

    async with scene(one(), a=accepting(TEXT, then=leave)) as gateway, WireClient(gateway.url) as client:
        ledger = kept(gateway)
        client.writer.write(handshake())
        await client.head()
        rest = await client.reader.read(-1)
        await ended(ledger)
        assert gateway.metric("streams_truncated_total", provider="a") == 1
    assert rest == TEXT + b"\x88\x02\x03\xf6"  # 1014
    assert (ledger.closed.end, ledger.closed.attempts[0].outcome) == ("truncated", "truncated")


async def test_nothing_is_said_into_the_middle_of_a_frame() -> None:
    async def leave(peer: Peer) -> None:
        peer.close()

    async with scene(one(), a=accepting(TEXT[:3], then=leave)) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake())
        await client.head()
        assert await client.reader.read(-1) == TEXT[:3]


async def test_client_that_goes_on_speaking_hears_the_farewell() -> None:
    """A reset for what it still says, as a microphone does all the time, would take the last words away again."""

    async def leave(peer: Peer) -> None:
        await peer.read(len(MASKED))
        await peer.send(TEXT + CLOSE)
        peer.close()

    async with scene(one(), a=accepting(then=leave)) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake())
        await client.head()
        hearing = client.writer.transport
        assert isinstance(hearing, asyncio.Transport)
        hearing.pause_reading()
        for _ in range(50):
            client.writer.write(MASKED)
            await asyncio.sleep(0.002)
        hearing.resume_reading()
        assert await client.reader.read(-1) == TEXT + CLOSE


@pytest.mark.parametrize("is_reset", [False, True], ids=["end", "reset"])
async def test_client_that_leaves_frees_the_upstream(is_reset: bool) -> None:
    left = asyncio.Event()

    async def wait(peer: Peer) -> None:
        await peer.gone()
        left.set()

    async with scene(one(), a=accepting(TEXT, then=wait)) as gateway:
        ledger = kept(gateway)
        async with WireClient(gateway.url) as client:
            client.writer.write(handshake())
            await client.head()
            await client.hear(TEXT)
            if is_reset:
                client.reset()
        async with asyncio.timeout(5):
            await left.wait()
        await ended(ledger)
        assert gateway.parts.edge.admission.in_flight == 0
        assert not gateway.parts.state.view.in_flight
        assert gateway.metric("streams_truncated_total", provider="a") == 0
    assert (ledger.closed.end, ledger.closed.usage) == ("client_gone", Usage(estimated=True))


async def test_client_that_said_its_farewell_and_left_has_ended_in_good_order() -> None:
    async with scene(one(), a=accepting(TEXT)) as gateway:
        ledger = kept(gateway)
        async with WireClient(gateway.url) as client:
            client.writer.write(handshake())
            await client.head()
            client.writer.write(MASKED_CLOSE)
            await client.writer.drain()
        await ended(ledger)
    assert ledger.closed.end == "ok"


async def test_silence_of_both_sides_ends_it() -> None:
    async with (
        scene(one("timeouts = { idle_s = 0.2 }"), a=accepting(TEXT)) as gateway,
        WireClient(gateway.url) as client,
    ):
        ledger = kept(gateway)
        client.writer.write(handshake())
        await client.head()
        assert await client.reader.read(-1) == TEXT + b"\x88\x02\x03\xe9"  # 1001
        await ended(ledger)
        assert gateway.metric("streams_truncated_total", provider="a") == 0
    assert (ledger.closed.end, ledger.closed.attempts[0].outcome) == ("truncated", "timeout_idle")


@pytest.mark.parametrize("speaker", ["client", "upstream"])
async def test_one_who_speaks_keeps_it_open(speaker: str) -> None:
    async def chatter(peer: Peer) -> None:
        for _ in range(8):
            if speaker == "upstream":
                await peer.send(TEXT)
            await asyncio.sleep(0.1)
        await peer.send(CLOSE)

    toml = one("timeouts = { idle_s = 0.4 }")
    async with scene(toml, a=accepting(then=chatter)) as gateway, WireClient(gateway.url) as client:
        ledger = kept(gateway)
        client.writer.write(handshake())
        await client.head()
        for _ in range(8 if speaker == "client" else 0):
            client.writer.write(MASKED)
            await asyncio.sleep(0.1)
        assert (await client.reader.read(-1)).endswith(CLOSE)
        await ended(ledger)
    assert ledger.closed.end == "ok"


async def test_nothing_lasts_longer_than_the_longest_stream() -> None:
    async def chatter(peer: Peer) -> None:
        while True:
            await peer.send(TEXT, gap_s=0.02)

    toml = one("timeouts = { max_stream_s = 1 }")
    async with scene(toml, a=accepting(then=chatter)) as gateway, WireClient(gateway.url) as client:
        ledger = kept(gateway)
        client.writer.write(handshake())
        await client.head()
        assert (await client.reader.read(-1)).endswith(TEXT + b"\x88\x02\x03\xe9")
        await ended(ledger)
    assert ledger.closed.end == "truncated"


async def test_slow_client_slows_the_upstream_down_and_the_other_way_round() -> None:
    sent = 0
    piece = b"\x82\x7e\xff\xff" + b"x" * 65_535

    async def flood(peer: Peer) -> None:
        nonlocal sent
        async with asyncio.timeout(3):
            while True:
                await peer.send(piece)
                sent += len(piece)

    async def stop(peer: Peer) -> None:
        try:
            await flood(peer)
        except TimeoutError:
            await peer.gone()

    async with scene(one(), a=accepting(then=stop)) as gateway:
        async with WireClient(gateway.url, window_bytes=4096) as client:
            client.writer.write(handshake())
            await asyncio.sleep(1)
            first = sent
            await asyncio.sleep(1)
            assert sent == first
            assert sent < 16_000_000

    async def deaf(peer: Peer) -> None:
        await asyncio.sleep(3600)

    async with scene(one(), a=accepting(then=deaf)) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake())
        await client.head()
        pushed = 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                while True:
                    client.writer.write(piece)
                    await client.writer.drain()
                    pushed += len(piece)
        assert pushed < 16_000_000


async def test_end_of_the_drain_says_that_the_gateway_goes_away() -> None:
    async with scene(one(), a=accepting(TEXT)) as gateway, WireClient(gateway.url) as client:
        ledger = kept(gateway)
        client.writer.write(handshake())
        await client.head()
        await client.hear(TEXT)
        gateway.parts.edge.admission.end_all()
        assert await client.reader.read(-1) == b"\x88\x02\x03\xe9"  # 1001
        await ended(ledger)
    assert ledger.closed.end == "truncated"


async def test_open_tunnel_counts_as_a_request_under_way() -> None:
    toml = "[server]\nmax_in_flight = 1\n" + one()
    async with scene(toml, a=accepting(TEXT)) as gateway, WireClient(gateway.url) as client:
        client.writer.write(handshake())
        await client.head()
        async with WireClient(gateway.url) as other:
            other.writer.write(handshake())
            assert (await other.heard()).status == 503


async def test_tunnel_over_tls_uses_the_provider_s_authority(tmp_path_factory: pytest.TempPathFactory) -> None:
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    async with RawServer(accepting(TEXT, CLOSE), tls=server_tls(authority)) as server:
        toml = one(f'ca_file = "{path}"').replace("@a", server.url)
        async with scene(toml) as gateway, WireClient(gateway.url) as client:
            client.writer.write(handshake())
            status, _ = await client.head()
            assert status == 101
            await client.hear(TEXT + CLOSE)
