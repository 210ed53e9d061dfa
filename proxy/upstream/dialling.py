"""Connects to a host, at whichever of its addresses answers first.

The event loops try a host's addresses one after the other, each for as long as the system does. One that is silent, as
IPv6 is where a network only pretends to have it, would use up the whole time to connect and the others never be tried.

Source: RFC 8305 sections 4 and 5, read 2026-11-21.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from itertools import zip_longest
from typing import Any, TypeAlias

import anyio

HEAD_START_S = 0.25  # of each address over the next; one that fails sooner gives it up

# As `getaddrinfo` returns it: family, type, protocol, canonical name, and what to connect to.
Address: TypeAlias = tuple[int, int, int, str, tuple[Any, ...]]


async def connect(made: asyncio.Protocol, host: str, port: int, tls: ssl.SSLContext | None) -> None:
    """Connect a protocol. How long that may take is for the caller to bound.

    Raises:
        OSError: The name has no address, none of them can be connected to, or there is no agreement on TLS.
        UnicodeError: The host can be no name.
    """
    loop, name = asyncio.get_running_loop(), host if tls else None
    if _is_address(host):
        await loop.create_connection(lambda: made, host, port, ssl=tls, server_hostname=name)
        return
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    opened = await first_connected(alternating(found))
    await loop.create_connection(lambda: made, sock=opened, ssl=tls, server_hostname=name)


@lru_cache(maxsize=1024)
def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def alternating(addresses: Sequence[Address]) -> list[Address]:
    """Put addresses of the family that comes first and of the other one in turns."""
    of_first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    return [address for pair in zip_longest(of_first, others) for address in pair if address is not None]


async def first_connected(addresses: Sequence[Address]) -> socket.socket:
    """Connect to one address after the other, each beside those before it, until one answers.

    Raises:
        OSError: None did; what the last of them met.
    """
    loop = asyncio.get_running_loop()
    if len(addresses) == 1:
        return await _connected(loop, addresses[0])
    connected: list[socket.socket] = []
    error = OSError("no address")

    async def attempt(address: Address, failed: anyio.Event) -> None:
        nonlocal error
        try:
            connected.append(await _connected(loop, address))
        except OSError as met:
            error = met
            failed.set()
        else:
            group.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as group:
            for address in addresses:
                failed = anyio.Event()
                group.start_soon(attempt, address, failed)
                with anyio.move_on_after(HEAD_START_S):
                    await failed.wait()
    except BaseException:
        _close(connected)
        raise
    _close(connected[1:])  # two may answer in one round of the event loop
    if not connected:
        raise error
    return connected[0]


async def _connected(loop: asyncio.AbstractEventLoop, address: Address) -> socket.socket:
    family, kind, protocol, _, target = address
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setblocking(False)
        await loop.sock_connect(opened, target)
    except BaseException:
        opened.close()
        raise
    return opened


def _close(sockets: Sequence[socket.socket]) -> None:
    for each in sockets:
        each.close()
