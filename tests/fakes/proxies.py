"""Proxies for a `RawServer`: HTTP (forwarding and CONNECT) and SOCKS 5. They connect to loopback addresses only."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

from tests.fakes.rawserver import Handler, Peer


def http_proxy(seen: list[bytes]) -> Handler:
    """Forward absolute-form requests and tunnel CONNECT; each head is added to `seen`."""

    async def handle(peer: Peer) -> None:
        head = await peer.head()
        seen.append(head)
        method, target, rest = head.split(b" ", 2)
        if method == b"CONNECT":
            host, _, port = target.decode().rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            url = urlsplit(target.decode())
            reader, writer = await asyncio.open_connection(url.hostname, url.port)
            writer.write(b"%b %b %b" % (method, url.path.encode(), rest))
        await _pipe(peer, reader, writer)

    return handle


def refusing_proxy() -> Handler:
    """Want a password that nobody has."""

    async def handle(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 407 Secret realm\r\nContent-Length: 0\r\n\r\n")
        peer.close()

    return handle


def socks_proxy(seen: list[str]) -> Handler:
    """Speak SOCKS 5 without authentication; each destination is added to `seen`."""

    async def handle(peer: Peer) -> None:
        _, methods = await peer.read(2)
        await peer.read(methods)
        await peer.send(b"\x05\x00")
        _, _, _, kind = await peer.read(4)
        host = (
            (await peer.read((await peer.read(1))[0])).decode() if kind == 3 else socket.inet_ntoa(await peer.read(4))
        )
        port = int.from_bytes(await peer.read(2), "big")
        seen.append(f"{host}:{port}")
        reader, writer = await asyncio.open_connection(host, port)
        await peer.send(b"\x05\x00\x00\x01" + bytes(6))
        await _pipe(peer, reader, writer)

    return handle


def relay_to(port: int) -> Handler:
    """Pass bytes to and from another loopback port, whatever they mean."""

    async def handle(peer: Peer) -> None:
        await _pipe(peer, *await asyncio.open_connection("127.0.0.1", port))

    return handle


async def _pipe(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def forth() -> None:
        while piece := await peer.some():
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def back() -> None:
        while piece := await reader.read(65536):
            await peer.send(piece)
        peer.close()

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(forth())
            group.create_task(back())
    except* (OSError, RuntimeError):
        pass  # one side went away
    finally:
        writer.transport.abort()
