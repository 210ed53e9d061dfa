"""A reply's steps carried out on an ASGI connection, and the real clock.

Turns steps into ASGI messages and says how the reply ended and how many tokens went out. It never decides what to send.
A cut is made by returning with the response unfinished: uvicorn then closes the connection. It cannot close one before
the status line (uvicorn answers 500 itself) or in the middle of a byte; raw-socket servers in the tests do that.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

import anyio
import anyio.lowlevel
from starlette.types import Receive
from starlette.types import Send as AsgiSend

from proxy.core.ports import Clock
from proxy.simulator.behaviour import MAX_REPLY_S
from proxy.simulator.replies import Cut, HeaderList, Pause, Send, Start, Step


class RealClock:
    """The machine's time."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    async def sleep(self, delay_s: float) -> None:
        await anyio.sleep(delay_s)


class End(StrEnum):
    COMPLETE = "complete"
    CUT = "cut"
    CLIENT_GONE = "client_gone"


@dataclass(slots=True)
class Progress:
    """How far a reply has come. `status` is 0 until a status line is sent."""

    end: End = End.CLIENT_GONE
    status: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Connection:
    """One request's way to its client."""

    receive: Receive
    send: AsgiSend
    clock: Clock


async def perform(steps: Iterable[Step], connection: Connection, progress: Progress) -> None:
    """Carry out the steps until they end or the client leaves; `progress` tells which, even after a cancellation."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_cancel_when_gone, connection.receive, tasks.cancel_scope)
        progress.end = await _play(steps, connection, progress)
        tasks.cancel_scope.cancel()


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _play(steps: Iterable[Step], connection: Connection, progress: Progress) -> End:
    """Play step after step. Pauses count from the plan's own times, so that a slow send does not delay what follows."""
    clock, send = connection.clock, connection.send
    began_s = due_s = clock.now()
    for step in steps:
        match step:
            case Start():
                progress.status = step.status
                await send({"type": "http.response.start", "status": step.status, "headers": encoded(step.headers)})
            case Send():
                await anyio.lowlevel.checkpoint_if_cancelled()  # uvicorn swallows what is sent to nobody
                progress.tokens += step.tokens
                await send({"type": "http.response.body", "body": step.body, "more_body": True})
            case Pause():
                due_s += step.delay_s
                if due_s - began_s > MAX_REPLY_S:
                    return End.CUT
                if (left_s := due_s - clock.now()) > 0:
                    await clock.sleep(left_s)
            case Cut():
                return End.CUT
            case _:
                assert_never(step)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    return End.COMPLETE


def encoded(headers: HeaderList) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
