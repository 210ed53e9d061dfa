"""A key's place comes back however a request ends that passes as it came: sounds, forms, files and WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.fakes.gateway import RunningGateway
from tests.fakes.rawserver import Handler, Peer, response, stall_after
from tests.fakes.wireclient import WireClient
from tests.integration.contracts.passed import AUDIO, SOUND
from tests.integration.contracts.scene import Witness, model, providers, refused, said, scene
from tests.integration.contracts.tunnels import ACCEPTED, CLIENT_KEY, CLOSE, MASKED_CLOSE, PATH, TEXT, handshake

AUTH = {"authorization": f"Bearer {CLIENT_KEY}"}
KEY = f'[[auth.keys]]\nname = "ci"\nkey = "{CLIENT_KEY}"\nparallel = 1\ntpm = 1000000\n'
SPEECH = {"model": "m", "input": "hi", "voice": "v"}
FORM = {"content-type": "multipart/form-data; boundary=x", **AUTH}

Way = Callable[[RunningGateway, WireClient], Awaitable[None]]


@asynccontextmanager
async def guarded(upstream: Handler) -> AsyncIterator[RunningGateway]:
    async with scene(KEY + providers("a") + model("a"), a=upstream) as gateway:
        yield gateway


async def accept(peer: Peer) -> None:
    await peer.request()
    await peer.send(ACCEPTED + b"\r\n" + TEXT)
    await peer.gone()


async def accept_and_close(peer: Peer) -> None:
    await peer.request()
    await peer.send(ACCEPTED + b"\r\n" + CLOSE)
    peer.close()


async def accept_and_leave(peer: Peer) -> None:
    await peer.request()
    await peer.send(ACCEPTED + b"\r\n" + TEXT[:2])
    peer.close()


async def whole_speech(gateway: RunningGateway, client: WireClient) -> None:
    client.send(SPEECH, AUTH, path="/v1/audio/speech")
    _, headers = await client.head()
    await client.body(headers)


async def left_speech(gateway: RunningGateway, client: WireClient) -> None:
    client.send(SPEECH, AUTH, path="/v1/audio/speech")
    await client.head()


async def left_upload(gateway: RunningGateway, client: WireClient) -> None:
    client.begin(len(SOUND) * 2, FORM, path="/v1/audio/transcriptions")
    client.writer.write(b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n')


async def left_transcript(gateway: RunningGateway, client: WireClient) -> None:
    body = b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n'
    body += b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\naa\r\n--x--\r\n'
    client.send(body, FORM, path="/v1/audio/transcriptions")
    async with asyncio.timeout(5):
        while not any(use.in_flight for use in gateway.parts.state.keys.uses.values()):
            await asyncio.sleep(0.01)


async def listed_files(gateway: RunningGateway, client: WireClient) -> None:
    await gateway.client.get("/v1/files", headers=AUTH)


async def tunnel(gateway: RunningGateway, client: WireClient) -> None:
    client.writer.write(handshake(PATH, f"authorization: Bearer {CLIENT_KEY}"))
    await client.head()


async def farewell(gateway: RunningGateway, client: WireClient) -> None:
    await tunnel(gateway, client)
    client.writer.write(MASKED_CLOSE)
    await client.writer.drain()


ENDS = [
    pytest.param(Witness(response(SOUND, AUDIO)), whole_speech, id="speech"),
    pytest.param(stall_after(response(SOUND, AUDIO), 2000), left_speech, id="speech-client-gone"),
    pytest.param(Witness(refused(500)), left_speech, id="speech-failed"),
    pytest.param(Witness(said()), left_upload, id="upload-client-gone"),
    pytest.param(stall_after(said(), 10), left_transcript, id="transcript-client-gone"),
    pytest.param(Witness(said()), listed_files, id="files"),
    pytest.param(Witness(refused(404)), listed_files, id="files-refused"),
    pytest.param(accept, tunnel, id="tunnel-client-gone"),
    pytest.param(accept, farewell, id="tunnel-client-closed"),
    pytest.param(accept_and_close, tunnel, id="tunnel-upstream-closed"),
    pytest.param(accept_and_leave, tunnel, id="tunnel-upstream-gone"),
    pytest.param(Witness(refused(403)), tunnel, id="tunnel-refused"),
]


@pytest.mark.parametrize(("upstream", "way"), ENDS)
async def test_place_comes_back(upstream: Handler, way: Way) -> None:
    async with guarded(upstream) as gateway:
        async with WireClient(gateway.url) as client:
            await way(gateway, client)
        uses = gateway.parts.state.keys.uses
        async with asyncio.timeout(5):
            while any(use.in_flight for use in uses.values()) or gateway.parts.edge.admission.in_flight:
                await asyncio.sleep(0.01)
        assert not any(use.days.first.reserved_nusd or use.months.first.reserved_nusd for use in uses.values())


async def test_open_tunnel_holds_the_place() -> None:
    async with guarded(accept) as gateway, WireClient(gateway.url) as client:
        await tunnel(gateway, client)
        await client.hear(TEXT)
        answer = await gateway.client.post("/v1/audio/speech", json=SPEECH, headers=AUTH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
