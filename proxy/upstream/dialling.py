"""Connects to a host, at whichever of its addresses answers first.

The event loops try a host's addresses one after the other, each for as long as the system does. One that is silent, as
IPv6 is where a network only pretends to have it, would use up the whole time to connect and the others never be tried.
It must never hand a socket of its own to the event loop: uvloop aborts the process where such a connection is given up
while it is being made.

Source: RFC 8305 sections 4 and 5, read 2026-11-21.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine, Sequence
from functools import lru_cache, partial
from ipaddress import ip_address
from itertools import zip_longest
from typing import Any, TypeAlias

import anyio

from proxy.upstream.connection import Connection

HEAD_START_S = 0.5  # of each address over the next, TLS included; one that fails sooner gives it up

# As `getaddrinfo` returns it: family, type, protocol, canonical name, and what to connect to.
Address: TypeAlias = tuple[int, int, int, str, tuple[Any, ...]]
LookUp: TypeAlias = Callable[[str, int], Coroutine[Any, Any, Sequence[Address]]]
Attempt: TypeAlias = Callable[[], Coroutine[Any, Any, Connection]]


async def _look_up(host: str, port: int) -> Sequence[Address]:
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Dialler:
    """Opens connections, and looks up each name once at a time.

    A lookup holds one of the few threads that there are for all names until the system gives up: many for one name that
    nobody answers for would keep every other name waiting.
    """

    def __init__(self, look_up: LookUp = _look_up) -> None:
        self._look_up = look_up
        self._looking: dict[tuple[str, int], asyncio.Task[Sequence[Address]]] = {}

    async def connect(
        self, make: Callable[[], Connection], host: str, port: int, tls: ssl.SSLContext | None
    ) -> Connection:
        """Return an open connection. How long that may take is for the caller to bound.

        Args:
            make: Makes one for each address that is tried.

        Raises:
            OSError: The name has no address, none of them can be connected to, or there is no agreement on TLS.
            UnicodeError: The host can be no name.
        """
        if _is_address(host):
            return await _opened(make, (host, port), host, tls)
        addresses = alternating(await self._addresses(host, port))
        return await first_opened([partial(_opened, make, address[4], host, tls) for address in addresses])

    def close(self) -> None:
        """Wait for no more lookups."""
        for task in self._looking.values():
            task.cancel()

    async def _addresses(self, host: str, port: int) -> Sequence[Address]:
        key = (host, port)
        task = self._looking.get(key)
        if task is None:
            task = self._looking[key] = asyncio.get_running_loop().create_task(self._look_up(host, port))
            task.add_done_callback(partial(self._looked_up, key))
        await asyncio.wait((task,))  # whoever leaves meanwhile ends it for nobody else
        if task.cancelled():
            raise OSError("closed")
        return task.result()

    def _looked_up(self, key: tuple[str, int], task: asyncio.Task[Sequence[Address]]) -> None:
        del self._looking[key]
        if not task.cancelled():
            task.exception()  # asyncio tells the log of one that nobody asked for


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


def host_and_port(host: str, port: int, _flow: int = 0, scope: int = 0) -> tuple[str, int]:
    """Return where a socket address is; one of IPv6 that holds on one link alone tells which."""
    return (f"{host}%{scope}" if scope else host), port


async def first_opened(attempts: Sequence[Attempt]) -> Connection:
    """Begin one attempt after the other, each beside those before it, until one has a connection.

    Raises:
        OSError: None did; what the last of them met.
    """
    if len(attempts) == 1:
        return await attempts[0]()
    opened: list[Connection] = []
    error: Exception = OSError("no address")

    async def begin(attempt: Attempt, failed: anyio.Event) -> None:
        nonlocal error
        try:
            opened.append(await attempt())
        except (OSError, UnicodeError) as met:
            error = met
            failed.set()
        else:
            group.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as group:
            for attempt in attempts:
                failed = anyio.Event()
                group.start_soon(begin, attempt, failed)
                with anyio.move_on_after(HEAD_START_S):
                    await failed.wait()
    except BaseException:
        _abort(opened)
        raise
    _abort(opened[1:])  # two may answer in one round of the event loop
    if not opened:
        raise error
    return opened[0]


async def _opened(
    make: Callable[[], Connection], target: tuple[Any, ...], name: str, tls: ssl.SSLContext | None
) -> Connection:
    made = make()
    try:
        await asyncio.get_running_loop().create_connection(
            lambda: made, *host_and_port(*target), ssl=tls, server_hostname=name if tls else None
        )
    except BaseException:
        made.abort()
        raise
    return made


def _abort(connections: Sequence[Connection]) -> None:
    for each in connections:
        each.abort()
