"""Providers that are processes, run by the real transports without a gateway around them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio

from proxy.core.failure import Failure, FailureKind
from proxy.core.localprocess import LocalProcess, Stage
from proxy.core.ports import UpstreamRequest, UpstreamRoute, Wait
from proxy.core.snapshot import Provider, Snapshot
from proxy.state.clock import SystemClock
from proxy.upstream.processes import Processes
from proxy.upstream.transports import Transports
from tests.fakes import localprovider

PROGRAM = str(Path(localprovider.__file__))
SURROUNDINGS = (("PATH", os.environ["PATH"]), ("HOME", "/"))
CLOCK = SystemClock()
SENT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def local(*tricks: str, **more: object) -> Provider:
    process = LocalProcess(sys.executable, (PROGRAM, "{port}", *tricks), SURROUNDINGS)
    return Provider("local", "openai_compatible", "http://127.0.0.1/v1", process=replace(process, **more))  # type: ignore[arg-type] # its own fields


@asynccontextmanager
async def running(provider: Provider) -> AsyncIterator[Transports]:
    transports = Transports(CLOCK, on_stale_retry=lambda name: None, on_process_ready=lambda name: None)
    async with anyio.create_task_group() as group:
        group.start_soon(transports.processes.run)
        await anyio.sleep(0)
        transports.retire(Snapshot(providers={"local": provider}))
        try:
            yield transports
        finally:
            await transports.aclose()
            group.cancel_scope.cancel()


async def ask(
    transports: Transports, provider: Provider, content: str = "hello", wait_s: float = 10.0
) -> str | Failure:
    """What the process answers."""
    body = json.dumps({**SENT, "messages": [{"role": "user", "content": content}]}).encode()
    headers = ((b"host", b"127.0.0.1"), (b"content-type", b"application/json"))
    route = UpstreamRoute(provider, "POST", "http://127.0.0.1", "/v1/chat/completions", headers)
    wait = Wait(CLOCK.now() + wait_s, FailureKind.TIMEOUT_CONNECT)
    answer = await transports.send(UpstreamRequest(route, (), body), wait, wait)
    if isinstance(answer, Failure):
        return answer
    try:
        whole = b""
        while chunk := await answer.read(wait):
            assert isinstance(chunk, bytes)
            whole += chunk
    finally:
        await answer.aclose()
    said: str = json.loads(whole)["choices"][0]["message"]["content"]
    return said


async def until(is_so: Callable[[], bool], within_s: float = 10.0) -> None:
    give_up_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < give_up_s, "it never came to be"
        await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def stage(processes: Processes) -> Stage:
    return processes.reports()["local"].stage
