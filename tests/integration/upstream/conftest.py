"""Every test here runs on the stock event loop and on uvloop, which is what production uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import trustme
import uvloop

from proxy.core.ports import Transport
from proxy.upstream.httpx_transport import HttpxTransport
from proxy.upstream.native import NativeTransport
from tests.fakes.rawserver import RawServer, answer
from tests.fakes.upstream_calls import CLOCK, open_files, settles

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
TRANSPORTS = {"native": NativeTransport, "httpx": HttpxTransport}


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return LOOPS


@pytest.fixture(params=TRANSPORTS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def transport(kind: str) -> AsyncIterator[Transport]:
    """One of the transports; at the end it must have left no file descriptor behind."""
    async with RawServer(answer()):
        pass  # a loop's first server makes uvloop open one descriptor for good
    before = open_files()
    made = TRANSPORTS[kind](CLOCK)
    yield made
    await made.aclose()
    assert await settles(lambda: open_files() <= before), f"{open_files() - before} file descriptors leaked"


@pytest.fixture
async def native() -> AsyncIterator[NativeTransport]:
    made = NativeTransport(CLOCK)
    yield made
    await made.aclose()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
async def httpx_transport() -> AsyncIterator[HttpxTransport]:
    made = HttpxTransport(CLOCK)
    yield made
    await made.aclose()
