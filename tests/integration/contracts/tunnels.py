"""Handshakes, frames, and the two sides of a WebSocket that is passed on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from proxy.wire.websocket import accepted
from tests.fakes.gateway import RunningGateway
from tests.fakes.rawserver import Handler, Peer
from tests.integration.contracts.scene import model, providers, scene

PATH = "/v1/realtime?model=m"
CLIENT_KEY = "client-key-0123456789"
KEYS = f'[[auth.keys]]\nname = "ci"\nkey = "{CLIENT_KEY}"\n'
WS_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    + accepted(WS_KEY.encode())
    + b"\r\n"
)
TEXT = b"\x81\x02hi"
CLOSE = b"\x88\x02\x03\xe8"
MASKED = b"\x81\x82\x00\x00\x00\x00yo"
MASKED_CLOSE = b"\x88\x82\x00\x00\x00\x00\x03\xe8"
Speaker = Callable[[ServerConnection], Awaitable[None]]


def one(more: str = "", name: str = "a") -> str:
    return providers(name, more=more) + model(name)


@asynccontextmanager
async def speaking(speaker: Speaker, toml: str = "") -> AsyncIterator[tuple[RunningGateway, list[ServerConnection]]]:
    """A gateway before a real WebSocket server."""
    seen: list[ServerConnection] = []

    async def handle(connection: ServerConnection) -> None:
        seen.append(connection)
        await speaker(connection)

    def choose(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return Subprotocol("realtime") if "realtime" in offered else None

    async with serve(handle, "127.0.0.1", 0, select_subprotocol=choose) as server:
        port = server.sockets[0].getsockname()[1]
        async with scene((toml + one()).replace("@a", f"http://127.0.0.1:{port}")) as gateway:
            yield gateway, seen


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def ws(gateway: RunningGateway, path: str = PATH) -> str:
    return gateway.url.replace("http", "ws") + path


def handshake(path: str = PATH, *fields: str, key: str = WS_KEY, version: str = "13") -> bytes:
    lines = [f"GET {path} HTTP/1.1", "host: 127.0.0.1", "connection: Upgrade", "upgrade: websocket"]
    lines += [f"sec-websocket-key: {key}", f"sec-websocket-version: {version}", *fields, "", ""]
    return "\r\n".join(lines).encode()


def accepting(*pieces: bytes, then: Callable[[Peer], Awaitable[None]] | None = None, fields: bytes = b"") -> Handler:
    """Accept a handshake, say these bytes, then do something or wait for the other side's end."""

    async def handle(peer: Peer) -> None:
        await peer.head()
        await peer.send(ACCEPTED + fields + b"\r\n", *pieces)
        await (then or Peer.gone)(peer)

    return handle
