"""Hosts with several addresses, and names that many want at once: who is connected to, and what is left behind."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

import pytest
import trustme

from proxy.core.failure import Failure, FailureKind, Scope
from proxy.upstream.connection import Connection
from proxy.upstream.dialling import HEAD_START_S, Address, Dialler, alternating, host_and_port
from proxy.upstream.native import NativeTransport
from proxy.wire.outbox import Outbox
from tests.fakes.rawserver import OK_BODY, Peer, RawServer, answer, server_tls
from tests.fakes.upstream_calls import CLOCK, FAKE, fetched, open_files, post, provider, send, settles

REFUSING: Address = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 1))


def at(port: int) -> Address:
    return (*REFUSING[:4], ("127.0.0.1", port))


@contextmanager
def silent() -> Iterator[Address]:
    """An address that answers nothing: its listener takes no more connections."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        try:
            yield at(listener.getsockname()[1])
        finally:
            for filler in fillers:
                filler.close()


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with RawServer(answer()) as running:
        before = open_files()
        yield running
        assert await settles(lambda: open_files() <= before), f"{open_files() - before} file descriptors leaked"


class LookUps:
    """A service of names that knows one host, and answers when it is told to."""

    def __init__(self, *addresses: Address) -> None:
        self.asked: list[str] = []
        self.answer: asyncio.Future[Sequence[Address]] = asyncio.get_running_loop().create_future()
        if addresses:
            self.answer.set_result(addresses)

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        await asyncio.wait((self.answer,))
        return self.answer.result()


def unconnected() -> Connection:
    return Connection((FAKE, "http://upstream.test"), CLOCK, lambda lost: None, Outbox())


async def dial(dialler: Dialler) -> bool:
    """Connect, and tell whether what came of it is open."""
    connection = await dialler.connect(unconnected, "upstream.test", 80, None)
    is_open = not connection.closed
    connection.abort()
    return is_open


async def test_silent_address_costs_no_more_than_its_head_start(server: RawServer) -> None:
    with silent() as nobody:
        async with asyncio.timeout(HEAD_START_S + 5):  # the system would wait for minutes
            assert await dial(Dialler(LookUps(nobody, at(server.port))))


async def test_address_that_refuses_gives_its_head_start_up(server: RawServer) -> None:
    began_s = time.monotonic()
    assert await dial(Dialler(LookUps(*[REFUSING] * 8, at(server.port))))
    assert time.monotonic() - began_s < 8 * HEAD_START_S


async def test_late_address_still_counts_while_others_are_tried(server: RawServer) -> None:
    with silent() as nobody:
        assert await dial(Dialler(LookUps(nobody, REFUSING, nobody, at(server.port), nobody)))


async def test_of_addresses_that_answer_at_once_one_connection_is_left(server: RawServer) -> None:
    for _ in range(10):
        assert await dial(Dialler(LookUps(*[at(server.port)] * 3)))


async def test_where_no_address_answers_the_last_error_is_told() -> None:
    with pytest.raises(ConnectionRefusedError):
        await dial(Dialler(LookUps(REFUSING, REFUSING)))


@pytest.mark.parametrize("after_s", [0.0, 0.01, HEAD_START_S + 0.05])
async def test_cancelled_attempts_leave_nothing(server: RawServer, after_s: float) -> None:
    with silent() as nobody:
        task = asyncio.create_task(dial(Dialler(LookUps(nobody, nobody, nobody))))
        await asyncio.sleep(after_s)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("addresses", [1, 2])
async def test_connection_given_up_at_any_moment_of_its_making_leaves_nothing(
    server: RawServer, addresses: int
) -> None:
    for rounds in range(40):
        task = asyncio.create_task(dial(Dialler(LookUps(*[at(server.port)] * addresses))))
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))


@pytest.mark.parametrize(
    ("address", "host"),
    [
        pytest.param(("127.0.0.1", 80), "127.0.0.1", id="v4"),
        pytest.param(("::1", 80, 0, 0), "::1", id="v6"),
        pytest.param(("fe80::1", 80, 0, 2), "fe80::1%2", id="of-one-link"),
    ],
)
def test_address_of_one_link_is_asked_for_on_that_link(address: tuple[str, int], host: str) -> None:
    assert host_and_port(*address) == (host, 80)


def test_families_take_turns() -> None:
    v6, v4 = [(socket.AF_INET6, *REFUSING[1:4], (f"::{n}", 1)) for n in (1, 2, 3)], [REFUSING]
    assert alternating([*v6, *v4]) == [v6[0], v4[0], v6[1], v6[2]]
    assert alternating([]) == []


async def test_name_is_looked_up_once_for_all_who_wait(server: RawServer) -> None:
    names = LookUps()
    dialler = Dialler(names)
    tasks = [asyncio.create_task(dial(dialler)) for _ in range(20)]
    assert await settles(lambda: bool(names.asked))
    for task in tasks[:5]:
        task.cancel()
    names.answer.set_result([at(server.port)])
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 5 + [bool] * 15
    assert names.asked == ["upstream.test"]
    await dial(dialler)
    assert len(names.asked) == 2


async def test_name_that_is_not_found_is_not_found_for_all_who_wait() -> None:
    names = LookUps()
    dialler = Dialler(names)
    tasks = [asyncio.create_task(dial(dialler)) for _ in range(3)]
    names.answer.set_exception(socket.gaierror(socket.EAI_AGAIN, "later"))
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(result) for result in results} == {socket.gaierror}
    assert len(names.asked) == 1


async def test_name_without_an_address_is_an_error_too() -> None:
    names = LookUps()
    names.answer.set_result([])
    with pytest.raises(OSError, match="no address"):
        await dial(Dialler(names))


async def test_lookup_that_nobody_waits_for_any_more_fails_silently(caplog: pytest.LogCaptureFixture) -> None:
    names = LookUps()
    task = asyncio.create_task(dial(Dialler(names)))
    assert await settles(lambda: bool(names.asked))
    task.cancel()
    await asyncio.wait((task,))
    names.answer.set_exception(socket.gaierror(socket.EAI_AGAIN, "later"))
    await asyncio.sleep(0.02)
    gc.collect()
    assert caplog.text == ""


async def test_closing_ends_the_lookups_under_way() -> None:
    names = LookUps()
    dialler = Dialler(names)
    task = asyncio.create_task(dial(dialler))
    assert await settles(lambda: bool(names.asked))
    dialler.close()
    with pytest.raises(OSError, match="closed"):
        await task


async def test_name_is_connected_to_in_plain_and_with_tls(
    native: NativeTransport, authority: trustme.CA, ca_file: str
) -> None:
    async with RawServer(answer()) as plain, RawServer(answer(), tls=server_tls(authority, "localhost")) as secret:
        for server, scheme in ((plain, "http"), (secret, "https")):
            request = post(f"{scheme}://localhost:{server.port}", by=provider(ca_file=ca_file))
            assert (await fetched(native, request)).body == OK_BODY


async def test_name_whose_server_is_silent_at_the_handshake_leaves_nothing(
    native: NativeTransport, server: RawServer
) -> None:
    async def handle(peer: Peer) -> None:
        await peer.gone()

    async with RawServer(handle) as mute:
        got = await send(native, post(f"https://localhost:{mute.port}"), connect_s=0.2)
    assert got == Failure(
        FailureKind.TIMEOUT_CONNECT, Scope.PROVIDER, request_sent=False, detail="no connection in time"
    )
